"""Turns the bytes of a picture into a checked `types.Image`: sniffed, limited, decoded once, upright, on white.

What leaves here is a PNG or JPEG without transparency that every engine can decode. The size is read from the header
and compared with the limits before a pixel is decoded. Nothing here touches the network (`media.fetch` does).
"""

from __future__ import annotations

import base64
import binascii
import io
import re
import struct
import zlib
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Literal

from PIL import Image as Pillow
from PIL import ImageOps
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from firstline.errors import ImageError
from firstline.media.sniff import Kind, sniff
from firstline.settings import Limits
from firstline.types import Image

_ACCEPTED = "send a PNG, JPEG, WEBP or non-animated GIF file"

# The classes are called directly because `PIL.Image.open` would judge the size by a limit of its own.
_OPEN: Final[Mapping[Kind, Callable[[io.BytesIO], ImageFile]]] = MappingProxyType(
    {
        "png": PngImageFile,
        "jpeg": JpegImageFile,
        "webp": WebPImageFile,
        "gif": GifImageFile,
        "bmp": BmpImageFile,
        "tiff": TiffImageFile,
    }
)

_WHAT: Final[Mapping[Kind, tuple[str, str]]] = MappingProxyType(
    {
        "pdf": ("a PDF", "send it as a file, or one page as a picture"),
        "svg": ("an SVG", "draw it to a PNG first: an SVG is a program, not a picture"),
        "html": ("an HTML page", "the address or file is a page about a picture, perhaps an error page"),
        "heic": ("a HEIC or AVIF picture", "convert it to JPEG first"),
        "text": ("text", _ACCEPTED),
        "unknown": ("of no kind that we know", _ACCEPTED),
    }
)

_DAMAGE = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    RuntimeError,
    IndexError,
    KeyError,
    TypeError,
    OverflowError,
    struct.error,
    zlib.error,
    Pillow.DecompressionBombError,
)
"""What Pillow's decoders raise for damaged files."""

_DATA_URI = re.compile(r"data:([\w.+-]+/[\w.+-]+)?((?:;[\w.+-]+=[^;,]*)*)(;base64)?,", re.IGNORECASE)


def read_image(data: bytes, limits: Limits, *, declared: str | None = None) -> Image:
    """Check and decode a picture. `declared` is the media type or file name that came with it, used in messages alone.

    Blocks for up to seconds on a large picture; callers on the event loop go through `asyncio.to_thread`.
    Raises ImageError, with a hint, for bytes that are no picture (whatever they are called), one that is damaged,
    animated or beyond the limits. A picture under the name of another format is taken for what it is.
    """
    if not data:
        raise ImageError("the picture is empty (0 bytes)", hint=_ACCEPTED)
    if len(data) > limits.image_mb * 1_000_000:
        raise ImageError(
            f"the picture has {len(data) / 1e6:.1f} MB, the limit is {limits.image_mb:g} MB",
            hint="send a smaller picture, or raise limits.image_mb",
        )
    kind = sniff(data)
    if kind not in _OPEN:
        what, hint = _WHAT[kind]
        raise ImageError(f"{f'declared as {declared}, but ' if declared else ''}the content is {what}", hint=hint)
    try:
        return _decode(data, kind, limits)
    except _DAMAGE as error:
        # Pillow's own words tell where the damage lies; those of what stumbled over it (struct, zlib) do not.
        # It hands on an exception of theirs in place of words.
        own = isinstance(error, OSError | SyntaxError) and not any(isinstance(one, Exception) for one in error.args)
        where = f": {error}" if own else ""
        raise ImageError(
            f"the {kind.upper()} picture is damaged or cut short{where}", hint="send the whole file again"
        ) from None


def data_uri(text: str, limits: Limits) -> tuple[bytes, str]:
    """Give the bytes and the declared media type of a base64 `data:` URI (RFC 2397).

    Raises ImageError for another scheme, wrong base64 or more bytes than a picture may have.
    """
    found = _DATA_URI.match(text)
    if found is None or not found[3]:
        raise ImageError("not a data: URI with base64 content", hint="data:image/png;base64,…")
    if len(text) - found.end() > limits.image_mb * 1_000_000 * 4 / 3 + 4:
        raise ImageError(
            f"the data: URI is larger than the limit of {limits.image_mb:g} MB",
            hint="send a smaller picture, or raise limits.image_mb",
        )
    try:
        return base64.b64decode(text[found.end() :], validate=True), (found[1] or "text/plain").lower()
    except (binascii.Error, ValueError) as error:
        raise ImageError(f"the data: URI is not base64: {error}", hint="data:image/png;base64,…") from None


def check_size(width: int, height: int, limits: Limits) -> None:
    """Compare a picture's size in pixels with the limits. Raises ImageError."""
    if max(width, height) > limits.image_side_px:
        raise ImageError(
            f"the picture is {width:,} × {height:,} px, the longest side may have {limits.image_side_px:,}",
            hint="send a smaller picture, or raise limits.image_side_px",
        )
    if width * height > limits.image_megapixels * 1_000_000:
        raise ImageError(
            f"the picture has {width * height / 1e6:.0f} megapixels, the limit is {limits.image_megapixels:g}",
            hint="send a smaller picture, or raise limits.image_megapixels",
        )


def encode(picture: Pillow.Image, *, as_jpeg: bool = False) -> Image:
    """Write a decoded picture as PNG, or as JPEG of quality 95."""
    kind: Literal["JPEG", "PNG"] = "JPEG" if as_jpeg else "PNG"
    out = io.BytesIO()
    if as_jpeg:
        picture.save(out, kind, quality=95)
    else:
        picture.save(out, kind, compress_level=4)
    return Image(data=out.getvalue(), media_type=f"image/{kind.lower()}", width=picture.width, height=picture.height)


def _decode(data: bytes, kind: Kind, limits: Limits) -> Image:
    with _OPEN[kind](io.BytesIO(data)) as picture:
        check_size(*picture.size, limits)
        if getattr(picture, "n_frames", 1) > 1:
            what = "pages" if kind == "tiff" else "frames"
            raise ImageError(
                f"the {kind.upper()} has {getattr(picture, 'n_frames', 2)} {what}; one is expected",
                hint="send the frame that matters as a PNG" if what == "frames" else "send each page, or a PDF",
            )
        picture.load()
        orientation = picture.getexif().get(0x0112, 1)
        plain = not picture.has_transparency_data and picture.mode in ("RGB", "L", "P", "1")
        if kind in ("png", "jpeg") and plain and orientation == 1:
            return Image(data=data, media_type=f"image/{kind}", width=picture.width, height=picture.height)
        return encode(_flat(ImageOps.exif_transpose(picture)), as_jpeg=kind == "jpeg")


def _flat(picture: Pillow.Image) -> Pillow.Image:
    """Give an RGB picture of 8 bits, transparent parts white."""
    if picture.has_transparency_data:
        sheet = Pillow.new("RGBA", picture.size, "white")
        sheet.alpha_composite(picture.convert("RGBA"))
        return sheet.convert("RGB")
    if picture.mode.startswith("I;16"):
        return picture.convert("I").point(lambda value: value * (1 / 257)).convert("L").convert("RGB")
    if picture.mode in ("I", "F"):
        return _stretched(picture).convert("RGB")
    return picture.convert("RGB")


def _stretched(picture: Pillow.Image) -> Pillow.Image:
    """Bring 32-bit grey values, whose scale nobody states, to 0 … 255."""
    grey = picture.convert("F")
    low, high = (float(edge) for edge in grey.getextrema() if isinstance(edge, int | float))
    scale = 255.0 / (high - low) if high > low else 0.0
    return grey.point(lambda value: value * scale - low * scale).convert("L")
