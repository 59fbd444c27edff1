"""What the first bytes of an image say: its kind and its size in pixels. No pixel is decoded, and no library is asked.

Cheap whatever the bytes are: what a decoder will find behind the header is not looked at. `media.images` decodes, in a
child process.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from firstline.errors import ImageError
from firstline.media.foreign import foreign
from firstline.media.sniff import Kind, sniff
from firstline.settings_sections import Limits
from firstline.types import Value

ACCEPTED: Final = "send a PNG, JPEG, WEBP or non-animated GIF file"

_SEGMENTS: Final = 2_000
"""Segments of a JPEG before its frame, or entries of a TIFF's directory: a camera writes some dozens."""
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""JPEG markers of frames; the three left out are tables."""
_FILL: Final = 64
"""Fill bytes before a marker that are taken; writers set none or a few."""
_WHAT: Final[Mapping[Kind, tuple[str, str]]] = MappingProxyType(
    {
        "pdf": ("a PDF", "send it as a file, or one page as a picture"),
        "svg": ("an SVG", "draw it to a PNG first: an SVG is a program, not a picture"),
        "html": ("an HTML page", "the address or file is a page about a picture, perhaps an error page"),
        "heic": ("a HEIC or AVIF picture", "convert it to JPEG first"),
        "text": ("text", ACCEPTED),
        "unknown": ("of no kind that we know", ACCEPTED),
    }
)


class Header(Value, frozen=True, kw_only=True):
    """The kind of an image and the size that its header promises, in pixels."""

    kind: Kind
    width: int
    height: int

    @property
    def megapixels(self) -> float:
        """Its millions of pixels."""
        return self.width * self.height / 1_000_000


def read_header(data: bytes, limits: Limits, *, declared: str | None = None) -> Header:
    """Sniff an image and compare bytes and size with the limits. `declared` is the media type or file name that came
    with it, used in messages alone.

    Raises ImageError, with a hint, for bytes that are no image (whatever they are called) or one beyond the limits.
    """
    if not data:
        raise ImageError("the picture is empty (0 bytes)", hint=ACCEPTED)
    if len(data) > limits.image_mb * 1_000_000:
        raise ImageError(
            f"the picture has {len(data) / 1e6:.1f} MB, the limit is {limits.image_mb:g} MB",
            hint="send a smaller picture, or raise limits.image_mb",
        )
    kind = sniff(data)
    if kind not in _SIZES:
        what, hint = foreign(data) or _WHAT[kind]
        raise ImageError(f"{f'declared as {declared}, but ' if declared else ''}the content is {what}", hint=hint)
    try:
        width, height = _SIZES[kind](data)
    except (struct.error, IndexError, OverflowError):  # too short, or a place that no memory has
        width = height = 0
    if width < 1 or height < 1:
        raise damaged(kind)
    check_size(width, height, limits)
    return Header(kind=kind, width=width, height=height)


def damaged(kind: Kind, why: str = "") -> ImageError:
    """Make the error of an image that cannot be decoded."""
    where = f": {why}" if why else ""
    return ImageError(f"the {kind.upper()} picture is damaged or cut short{where}", hint="send the whole file again")


def check_size(width: int, height: int, limits: Limits) -> None:
    """Compare an image's size in pixels with the limits. Raises ImageError."""
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


def _png(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">II", data, 16)
    return (width, height) if data[12:16] == b"IHDR" else (0, 0)


def _gif(data: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from("<HH", data, 6)
    return width, height


def _bmp(data: bytes) -> tuple[int, int]:
    if struct.unpack_from("<I", data, 14)[0] == 12:  # the header of OS/2
        width, height = struct.unpack_from("<HH", data, 18)
        return width, height
    width, height = struct.unpack_from("<ii", data, 18)
    return width, abs(height)  # below zero: from the top down


def _webp(data: bytes) -> tuple[int, int]:
    match data[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            (bits,) = struct.unpack_from("<I", data, 21)
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            return int.from_bytes(data[24:27], "little") + 1, int.from_bytes(data[27:30], "little") + 1
    return 0, 0


def _jpeg(data: bytes) -> tuple[int, int]:
    at = 2
    for _ in range(_SEGMENTS):
        at = data.find(b"\xff", at)
        marker = data[at : at + _FILL].lstrip(b"\xff")[:1]  # fill bytes (FF) may stand before it
        if at < 0 or not marker:
            break
        at = data.index(marker, at) + 1
        if marker[0] in _FRAMES:
            height, width = struct.unpack_from(">HH", data, at + 3)
            return width, height
        if marker[0] > 0x01 and not 0xD0 <= marker[0] <= 0xD8:  # those are followed by nothing
            at += struct.unpack_from(">H", data, at)[0]
    return 0, 0


def _tiff(data: bytes) -> tuple[int, int]:
    order = "<" if data[:2] == b"II" else ">"
    if 43 in data[2:4]:  # BigTIFF
        (at,) = struct.unpack_from(f"{order}Q", data, 8)
        (count,) = struct.unpack_from(f"{order}Q", data, at)
        at, step, value = at + 8, 20, 12
    else:
        (at,) = struct.unpack_from(f"{order}I", data, 4)
        (count,) = struct.unpack_from(f"{order}H", data, at)
        at, step, value = at + 2, 12, 8
    found = {}
    for number in range(min(count, _SEGMENTS)):
        tag, kind = struct.unpack_from(f"{order}HH", data, at + step * number)
        if tag in (256, 257):
            found[tag] = struct.unpack_from(order + {3: "H", 16: "Q"}.get(kind, "I"), data, at + step * number + value)[
                0
            ]
    return found.get(256, 0), found.get(257, 0)


_SIZES: Final[Mapping[Kind, Callable[[bytes], tuple[int, int]]]] = MappingProxyType(
    {"png": _png, "jpeg": _jpeg, "webp": _webp, "gif": _gif, "bmp": _bmp, "tiff": _tiff}
)
