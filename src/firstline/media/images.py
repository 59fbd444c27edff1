"""Turns the bytes of an image into a checked `types.Image`: sniffed, limited, decoded once, upright, on white.

What leaves here is a PNG or JPEG without transparency that every engine can decode, of no more bytes than an image may
have. The size is read from the header (`media.header`) and compared with the limits before a pixel is decoded.
"""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from types import MappingProxyType
from typing import Any, Final, Literal

from PIL import Image as Pillow
from PIL import ImageChops
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from firstline.errors import ImageError
from firstline.media.header import Header, damaged, read_header
from firstline.media.mending import mended
from firstline.media.sniff import Kind
from firstline.settings_sections import Limits
from firstline.types import Image

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

_TURNS: Final[Mapping[int, Pillow.Transpose]] = MappingProxyType(
    {
        2: Pillow.Transpose.FLIP_LEFT_RIGHT,
        3: Pillow.Transpose.ROTATE_180,
        4: Pillow.Transpose.FLIP_TOP_BOTTOM,
        5: Pillow.Transpose.TRANSPOSE,
        6: Pillow.Transpose.ROTATE_270,
        7: Pillow.Transpose.TRANSVERSE,
        8: Pillow.Transpose.ROTATE_90,
    }
)
"""How an image is turned upright, by EXIF's number."""

_SCALES = (2, 4, 8)
"""How much smaller a JPEG can be decoded."""
_BYTES: Final[Mapping[str, float]] = MappingProxyType({"1": 1.0, "L": 1.0, "P": 1.0, "I;16": 2.0, "I;16B": 2.0})
"""Of each pixel in memory, by mode; four otherwise."""
_MADE: Final[Mapping[str, float]] = MappingProxyType({"I;16": 10.0, "I;16B": 10.0, "I": 13.0, "F": 13.0})
"""The same beside what is made of it (`_flat`), measured."""
_QUALITIES = (95, 85, 70)
"""Of JPEG, tried one after the other where an image would take more bytes than it may."""
_STRIP = 256
"""Rows that are laid on white at a time."""


def read_image(data: bytes, limits: Limits, *, declared: str | None = None) -> Image:
    """Check and decode an image. `declared` is the media type or file name that came with it, used in messages alone.

    Blocks for up to seconds on a large image, and runs native code over what strangers sent: a server has it done by
    `engines.images`. Raises ImageError, with a hint, for bytes that are no image (whatever they are called), one that
    is damaged, animated or beyond the limits. An image under the name of another format is taken for what it is.
    """
    header = read_header(data, limits, declared=declared)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata, which nothing depends on
        try:
            return _decode(_ended(data, header.kind), header, limits)
        except _DAMAGE as error:
            image = _decode_mended(data, header, limits)
            if image is not None:
                return image
            # Pillow's own words tell where the damage lies; those of what stumbled over it (struct, zlib) do not.
            # It hands on an exception of theirs in place of words.
            own = isinstance(error, OSError | SyntaxError) and not any(isinstance(one, Exception) for one in error.args)
            raise damaged(header.kind, str(error) if own else "") from None


def _ended(data: bytes, kind: Kind) -> bytes:
    """End the list of a TIFF's pages, which is not looked at when its pixels are decoded."""
    found = mended(data, kind) if kind == "tiff" else None
    return data if found is None else found.data


def _decode_mended(data: bytes, header: Header, limits: Limits) -> Image | None:
    """Decode an image after its container was mended; None where that proves nothing."""
    found = mended(data, header.kind)
    if found is None:
        return None
    try:
        image = _decode(found.data, header, limits)
        if found.witness is not None and not _alike(found.data, found.witness, header.kind):
            return None
    except _DAMAGE:
        return None
    return image


def _alike(one: bytes, other: bytes, kind: Kind) -> bool:
    """Say whether two files hold the same pixels."""
    with _OPEN[kind](io.BytesIO(one)) as left, _OPEN[kind](io.BytesIO(other)) as right:
        return left.size == right.size and ImageChops.difference(left, right).getbbox(alpha_only=False) is None


def within(picture: Pillow.Image, most: int, *, as_jpeg: bool = False) -> Image:
    """Write a decoded image as PNG (or JPEG) of at most so many bytes; what is larger is written as a smaller JPEG."""
    for quality in _QUALITIES if as_jpeg else (None, *_QUALITIES):
        with suppress(_FullError):
            return _encode(picture, _Bounded(most), quality)
    size = (max(1, picture.width // 2), max(1, picture.height // 2))
    return within(picture.resize(size, reducing_gap=2.0), most, as_jpeg=True)


def _encode(picture: Pillow.Image, out: io.BytesIO, quality: int | None) -> Image:
    """Write an image as PNG, or as JPEG of a quality."""
    kind: Literal["JPEG", "PNG"] = "PNG" if quality is None else "JPEG"
    if quality is None:
        picture.save(out, kind, compress_level=4)
    else:
        picture.save(out, kind, quality=quality)
    return Image(data=out.getvalue(), media_type=f"image/{kind.lower()}", width=picture.width, height=picture.height)


class _FullError(Exception):
    """More was written than there is room for."""


class _Bounded(io.BytesIO):
    """Bytes in memory, `most` of them: what turns out too large is not written to its end."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._most = most

    def write(self, data: Any, /) -> int:
        """Take some more. Raises _FullError."""
        written = super().write(data)
        if self.tell() > self._most:
            raise _FullError
        return written


def _decode(data: bytes, header: Header, limits: Limits) -> Image:
    kind = header.kind
    with _OPEN[kind](io.BytesIO(data)) as picture:
        if picture.width * picture.height > header.width * header.height:
            raise damaged(kind, "it holds more than its header says")
        # To count frames or pages is to walk through all of them; WEBP alone says their number at once.
        if getattr(picture, "is_animated", False) or (kind == "webp" and getattr(picture, "n_frames", 1) > 1):
            what = "pages" if kind == "tiff" else "frames"
            raise ImageError(
                f"the {kind.upper()} has several {what}; one is expected",
                hint="send the frame that matters as a PNG" if what == "frames" else "send each page, or a PDF",
            )
        width, height = picture.size
        orientation = _orientation(picture) if kind == "jpeg" else 1  # of others it may lie behind the pixels
        _fit(picture, kind, limits.image_memory_mb, turned=orientation != 1)
        picture.load()
        orientation = _orientation(picture)
        plain = not picture.has_transparency_data and picture.mode in ("RGB", "L", "P", "1")
        if kind in ("png", "jpeg") and plain and orientation == 1:
            return Image(data=data, media_type=f"image/{kind}", width=width, height=height)
        upright: Pillow.Image = picture
        if orientation != 1:
            upright = picture.transpose(_TURNS[orientation])
            picture.close()  # gives its pixels back
        return within(_flat(upright), int(limits.image_mb * 1_000_000), as_jpeg=kind == "jpeg")


def _fit(picture: ImageFile, kind: Kind, most_mb: float, *, turned: bool) -> None:
    """Have a JPEG decoded at the half, fourth or eighth of its size where its pixels would take too much memory.

    Raises ImageError for an image of another kind, which cannot be decoded but as a whole.
    """
    needed = _megabytes(picture, kind, turned=turned)
    if needed <= most_mb:
        return
    if kind == "jpeg":
        scale = next((one for one in _SCALES if needed / one**2 <= most_mb), None)
        if scale is not None:
            picture.draft(None, (picture.width // scale, picture.height // scale))
            return
    raise ImageError(
        f"decoding this {kind.upper()} of {picture.width:,} × {picture.height:,} px takes about {needed:,.0f} MB of "
        f"memory, an image may take {most_mb:g}",
        hint="send it smaller or as JPEG, which can be decoded at a smaller scale; or raise limits.image_memory_mb",
    )


def _megabytes(picture: ImageFile, kind: Kind, *, turned: bool) -> float:
    """Estimate what decoding takes at its peak: the pixels, those of the codec, and what they are made into."""
    own = _BYTES.get(picture.mode, 4.0)
    if kind == "webp":
        each = 17.0
    elif picture.has_transparency_data:
        each = own + 4.6
    elif picture.mode == "RGB" or (kind in ("png", "jpeg") and picture.mode in ("L", "P", "1")):
        each = own
    else:
        each = _MADE.get(picture.mode, own + 4.0)
    return max(each, 2 * own if turned else 0.0) * picture.width * picture.height / 1e6


def _orientation(picture: ImageFile) -> int:
    """Return how a camera was held, as EXIF says it; 1, upright, where that cannot be read."""
    try:
        told = picture.getexif().get(0x0112, 1)
    except _DAMAGE:
        return 1
    return told if told in _TURNS else 1


def _flat(picture: Pillow.Image) -> Pillow.Image:
    """Return an RGB picture of 8 bits, transparent parts white."""
    if picture.has_transparency_data:
        sheet = Pillow.new("RGB", picture.size, "white")
        for top in range(0, picture.height, _STRIP):  # in strips: a copy as a whole may not fit into memory
            strip = picture.crop((0, top, picture.width, min(top + _STRIP, picture.height))).convert("RGBA")
            sheet.paste(strip, (0, top), strip)
        return sheet
    if picture.mode == "RGB":
        return picture
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
