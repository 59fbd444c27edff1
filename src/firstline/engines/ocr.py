"""Reads pictures with rapidocr (PP-OCRv6 on onnxruntime) in child processes of its own.

The models lie in rapidocr's wheel: no network, no download. This process loads neither onnxruntime nor OpenCV; a
picture that makes a child crash or hang is an error of that picture, and the next one gets a new child (`piped`).
"""

from __future__ import annotations

from typing import Literal

import msgspec

from firstline.engines.piped import PipedChildren, Reader
from firstline.errors import EngineCrashedError, EngineTimeoutError, ImageError
from firstline.types import Page, Segment, Value

_HINT = "open it in a viewer and save it again as PNG or JPEG"


class Options(Value, frozen=True, kw_only=True):
    """How a picture is read; the defaults are the best measured by `benchmarks/ocr.py`.

    Sides are in pixels. `max_side` and `min_side` scale the picture itself; `det_side` is what its shorter
    (`det_limit` min) or longer (max) side is brought to for finding lines of text; `rec_width` is what a shorter line
    is padded to for reading it, at a height of 48.
    """

    threads: int = 2
    max_side: int = 2400
    min_side: int = 600
    det_side: int = 1280
    det_limit: Literal["min", "max"] = "max"
    box_threshold: float = 0.4
    unclip: float = 1.6
    batch: int = 1
    rec_width: int = 160
    min_confidence: float = 0.5


class _Answer(msgspec.Struct):
    """What a child writes."""

    width: float = 0.0
    height: float = 0.0
    turned: float = 0.0
    segments: list[tuple[str, float, float, float, float, float]] = []
    error: str | None = None


class Ocr:
    """A `PageReader`: `workers` children with `threads` each, started on first use."""

    def __init__(
        self, workers: int = 1, threads: int = 2, *, timeout_s: float = 60.0, options: Options | None = None
    ) -> None:
        chosen = msgspec.structs.replace(options or Options(), threads=threads)
        self._timeout_s = timeout_s
        reader = Reader(
            module="firstline.engines.ocr_worker",
            what="the reader of pictures",
            arguments=(msgspec.json.encode(chosen).decode(),),
            memory=3 * 2**30,  # 100 megapixels take 0.9 GB
            keep_mb=1_200,
        )
        self._children = PipedChildren(reader, workers=workers)
        self._decoder = msgspec.json.Decoder(_Answer)

    async def read(self, image: bytes, *, party: str | None = None) -> Page:
        """Read one picture (PNG, JPEG or WEBP bytes); the page is turned upright and level. `party` is the id of the
        key that asks.

        Raises ImageError for bytes that are no picture or that make the child crash twice, EngineTimeoutError,
        RateLimitError where too many pictures of the key wait and, where the child cannot be started,
        EngineUnavailableError. Cancelling ends the child's work.
        """
        try:
            answer = await self._children.ask(image, self._decoder.decode, timeout_s=self._timeout_s, party=party)
        except TimeoutError:
            raise EngineTimeoutError(
                f"reading the picture took longer than {self._timeout_s:g} s",
                hint="send a smaller picture, or raise limits.ocr_s",
            ) from None
        except EngineCrashedError as error:
            raise ImageError(f"the picture cannot be read: {error.message}", hint=_HINT) from None
        if answer.error is not None:
            raise ImageError(f"the picture cannot be decoded: {answer.error}", hint="send a PNG, JPEG or WEBP file")
        return Page(
            width=answer.width,
            height=answer.height,
            turned=answer.turned,
            segments=tuple(
                Segment(text=text, x0=x0, y0=y0, x1=x1, y1=y1, confidence=confidence)
                for text, x0, y0, x1, y1, confidence in answer.segments
            ),
        )

    async def close(self) -> None:
        """End the children; a later `read` starts them anew."""
        await self._children.close()
