"""The child process of `engines.images`: runs `media.images` on one image after the other.

A message is an `ImageJob`, the answer an `ImageAnswer`, both as MessagePack.
"""

from __future__ import annotations

import msgspec

from firstline.engines.images import ImageAnswer, ImageJob
from firstline.engines.piped_worker import serve
from firstline.errors import ImageError
from firstline.media.images import read_image

_CPU_S = 60


def main() -> None:
    """Answer jobs until the input ends."""
    serve(lambda message: msgspec.msgpack.encode(_answer(msgspec.msgpack.decode(message, type=ImageJob))), cpu_s=_CPU_S)


def _answer(job: ImageJob) -> ImageAnswer:
    try:
        image = read_image(job.data, job.limits)
    except ImageError as error:
        return ImageAnswer(error=error.message, hint=error.hint)
    except MemoryError:
        return ImageAnswer(
            error="decoding the picture takes more memory than a picture may", hint="send a smaller picture"
        )
    return ImageAnswer(
        data=None if image.data is job.data else image.data,
        media_type="image/png" if image.media_type == "image/png" else "image/jpeg",
        width=image.width,
        height=image.height,
    )
