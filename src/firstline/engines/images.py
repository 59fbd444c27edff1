"""Decodes images in child processes: codecs are C that parses what strangers send, and pixels take memory.

This process looks at an image's header alone (`media.header`) and loads no codec. Pixels under way are limited all
together; parties take turns. An image that makes a child crash, hang or run out of memory is unusable, which is said of
that image alone.
"""

from __future__ import annotations

import asyncio
from typing import Literal, Protocol

import msgspec

from firstline.engines.piped import PipedChildren, Reader
from firstline.errors import EngineCrashedError, ImageError
from firstline.media.header import read_header
from firstline.settings_sections import Limits
from firstline.types import Image, Value

_HINT = "open it in a viewer and save it again as PNG or JPEG"
_WORKERS = 2
_INTERPRETER = 256 * 2**20
"""Bytes of a child beside the pixels."""
_SLACK = 1.25


class ImageJob(Value, frozen=True, kw_only=True):
    """What a child is sent."""

    data: bytes
    limits: Limits


class ImageAnswer(Value, frozen=True, kw_only=True):
    """What a child answers: the image (`data` None: the bytes that it was sent), or why it is unusable."""

    data: bytes | None = None
    media_type: Literal["image/png", "image/jpeg"] = "image/png"
    width: int = 0
    height: int = 0
    error: str | None = None
    hint: str | None = None


class _Decode(Protocol):
    def __call__(self, data: bytes, declared: str | None = None) -> Image: ...


class ImageReader:
    """Decodes images in children, started on first use."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._decoder = msgspec.msgpack.Decoder(ImageAnswer)
        reader = Reader(
            module="firstline.engines.image_worker",
            what="the decoder of images",
            memory=_INTERPRETER + int(_SLACK * limits.image_memory_mb * 1_000_000),
            keep_mb=200,
        )
        self._children = PipedChildren(reader, workers=_WORKERS, weight=limits.pixels_under_way)

    async def read(self, data: bytes, *, declared: str | None = None, party: str | None = None) -> Image:
        """Check and decode an image, as `media.images.read_image` does; `party` is the id of the key that asks.

        Raises ImageError, with a hint; RateLimitError where too many images of the key wait; EngineUnavailableError
        where no child can be started.
        """
        header = read_header(data, self._limits, declared=declared)
        seconds = self._limits.image_s
        try:
            answer = await self._children.ask(
                msgspec.msgpack.encode(ImageJob(data=data, limits=self._limits)),
                self._decoder.decode,
                timeout_s=seconds,
                party=party,
                weight=header.megapixels,
            )
        except TimeoutError:
            raise ImageError(
                f"decoding the picture takes longer than {seconds:g} s",
                hint="send a smaller picture, or raise limits.image_s",
            ) from None
        except EngineCrashedError as error:
            raise ImageError(f"the picture cannot be decoded: {error.message}", hint=_HINT) from None
        if answer.error is not None:
            raise ImageError(answer.error, hint=answer.hint)
        return Image(
            data=data if answer.data is None else answer.data,
            media_type=answer.media_type,
            width=answer.width,
            height=answer.height,
        )

    def in_thread(self) -> _Decode:
        """Return `read` as a function for threads beside the running event loop."""
        loop = asyncio.get_running_loop()

        def decode(data: bytes, declared: str | None = None) -> Image:
            return asyncio.run_coroutine_threadsafe(self.read(data, declared=declared), loop).result()

        return decode

    async def close(self) -> None:
        """End the children; a later `read` starts them anew."""
        await self._children.close()
