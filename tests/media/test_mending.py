"""Images whose pixels are whole are read, whatever else is odd about the file; others are refused as before."""

from __future__ import annotations

import io
import struct
import warnings
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageChops

from firstline.errors import ImageError
from firstline.media.images import read_image
from firstline.media.mending import mended
from firstline.settings_sections import Limits

LIMITS = Limits()
NOISE = Pillow.effect_noise((122, 90), 90).convert("RGB")
METADATA = b"Comment\0" + b"word " * 600_000
"""Three megabytes that pack to three kilobytes."""


def _file(kind: str, picture: Pillow.Image = NOISE, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _chunk(name: bytes, body: bytes, checksum: bytes | None = None) -> bytes:
    right = struct.pack(">I", zlib.crc32(name + body))
    return struct.pack(">I", len(body)) + name + body + (right if checksum is None else checksum)


def _beside(chunk: bytes, *, at_end: bool = False) -> bytes:
    """A PNG with one more chunk: behind its header, or before its end."""
    data = _file("PNG")
    place = len(data) - 12 if at_end else 33
    return data[:place] + chunk + data[place:]


def _riff(data: bytes, size: int) -> bytes:
    return data[:4] + struct.pack("<I", size) + data[8:]


def _exif(orientation: int = 1) -> Pillow.Exif:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    return exif


def _next_page_nowhere() -> bytes:
    data = _file("TIFF")
    (first,) = struct.unpack_from("<I", data, 4)
    (count,) = struct.unpack_from("<H", data, first)
    link = first + 2 + 12 * count
    return data[:link] + struct.pack("<I", len(data) + 999) + data[link + 4 :]


_PNG_DATA = _file("PNG").index(b"IDAT")
_JPEG = _file("JPEG", quality=95)
ODD: dict[str, tuple[str, Callable[[], bytes]]] = {
    "zTXt": ("PNG", lambda: _beside(_chunk(b"zTXt", b"Comment\0\0" + zlib.compress(METADATA)))),
    "iTXt": ("PNG", lambda: _beside(_chunk(b"iTXt", b"Comment\0\1\0\0\0" + zlib.compress(METADATA)))),
    "tEXt": ("PNG", lambda: _beside(_chunk(b"tEXt", METADATA), at_end=True)),
    "iCCP": ("PNG", lambda: _beside(_chunk(b"iCCP", b"Profile\0\0" + zlib.compress(METADATA)))),
    "iCCP that does not unpack": ("PNG", lambda: _beside(_chunk(b"iCCP", b"Profile\0\0" + b"\x78\x9c" + b"x" * 40))),
    "iCCP of no method": ("PNG", lambda: _beside(_chunk(b"iCCP", b"Profile\0\7xxx"))),
    "checksum of tEXt": ("PNG", lambda: _beside(_chunk(b"tEXt", b"a\0b", b"\0\0\0\0"))),
    "checksum of tIME": ("PNG", lambda: _beside(_chunk(b"tIME", bytes(7), b"\0\0\0\0"), at_end=True)),
    "checksum of a private chunk": ("PNG", lambda: _beside(_chunk(b"prVt", b"xyz", b"\0\0\0\0"))),
    "checksum of the end": ("PNG", lambda: _file("PNG")[:-1] + b"\0"),
    "short pHYs": ("PNG", lambda: _beside(_chunk(b"pHYs", b"\0"))),
    "short gAMA": ("PNG", lambda: _beside(_chunk(b"gAMA", b"\0"))),
    "short cHRM": ("PNG", lambda: _beside(_chunk(b"cHRM", b"\0"))),
    "short sRGB": ("PNG", lambda: _beside(_chunk(b"sRGB", b""))),
    "PNG without end": ("PNG", lambda: _file("PNG")[:-12]),
    "PNG cut in its last checksum": ("PNG", lambda: _file("PNG")[:-14]),
    "PNG with more behind": ("PNG", lambda: _file("PNG") + b"behind" * 99),
    "EXIF of a PNG": ("PNG", lambda: _file("PNG", exif=b"Exif\0\0II*\0\xff\xff\xff\xff")),
    "JPEG without end": ("JPEG", lambda: _JPEG[:-2]),
    "JPEG with half an end": ("JPEG", lambda: _JPEG[:-1]),
    "JPEG with zeros for an end": ("JPEG", lambda: _JPEG[:-2] + bytes(700)),
    "JPEG with more behind": ("JPEG", lambda: _JPEG + b"behind" * 99),
    "JPEG with another behind": ("JPEG", lambda: _JPEG + _file("JPEG", Pillow.new("RGB", (8, 8)))),
    "progressive JPEG without end": ("JPEG", lambda: _file("JPEG", quality=95, progressive=True)[:-2]),
    "JPEG of intervals without end": ("JPEG", lambda: _file("JPEG", quality=95, restart_marker_blocks=3)[:-2]),
    "grey JPEG without end": ("L", lambda: _file("JPEG", NOISE.convert("L"), quality=95)[:-2]),
    "four inks without end": ("CMYK", lambda: _file("JPEG", NOISE.convert("CMYK"), quality=95)[:-2]),
    "EXIF of a JPEG": ("JPEG", lambda: _file("JPEG", quality=95, exif=b"Exif\0\0\xff\xfejunk" * 9)),
    "GIF without end": ("GIF", lambda: _file("GIF")[:-1]),
    "GIF with more behind": ("GIF", lambda: _file("GIF") + b"behind"),
    "WEBP that claims more": ("WEBP", lambda: _riff(_file("WEBP", lossless=True), 9_999_999)),
    "WEBP that claims less": ("WEBP", lambda: _riff(_file("WEBP", lossless=True), 40)),
    "WEBP with more behind": ("WEBP", lambda: _file("WEBP", lossless=True) + b"behind"),
    "WEBP cut in its metadata": ("WEBP", lambda: _file("WEBP", lossless=True, exif=_exif())[:-6]),
    "EXIF of a WEBP": ("WEBP", lambda: _file("WEBP", lossless=True, exif=b"Exif\0\0\xff\xfejunk")),
    "TIFF with its next page nowhere": ("TIFF", _next_page_nowhere),
    "BMP cut in its padding": ("BMP", lambda: _file("BMP")[:-1]),
    "BMP of another size": ("BMP", lambda: _file("BMP")[:2] + b"\x01\x02\x03\0" + _file("BMP")[6:]),
}


@pytest.mark.parametrize("name", ODD)
def test_an_odd_file_whose_pixels_are_whole_is_read(name: str) -> None:
    kind, make = ODD[name]
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        image = read_image(make(), LIMITS)
    assert said == []
    assert (image.width, image.height) == NOISE.size
    with Pillow.open(io.BytesIO(image.data)) as read:  # strict, as other decoders are
        difference = ImageChops.difference(read.convert("L"), _expected(kind).convert("L"))
    if kind in ("PNG", "BMP", "TIFF", "WEBP", "GIF"):
        assert difference.getbbox() is None
    else:
        assert max(difference.reduce(8).tobytes()) <= 14, "a block of pixels is missing"


def _expected(kind: str) -> Pillow.Image:
    with Pillow.open(io.BytesIO(_file("GIF"))) as gif:
        return gif.convert("RGB") if kind == "GIF" else NOISE


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "progressive", "WEBP"])
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_missing_pixels_are_never_made_up(kind: str, data: st.DataObject) -> None:
    whole = {
        "PNG": _file("PNG"),
        "JPEG": _JPEG,
        "progressive": _file("JPEG", quality=95, progressive=True),
        "WEBP": _file("WEBP", lossless=True),
    }[kind]
    missing = data.draw(st.integers(40, len(whole) - 40))
    with pytest.raises(ImageError):
        read_image(whole[:-missing], LIMITS)


def test_damaged_pixels_with_a_damaged_checksum_are_refused() -> None:
    data = bytearray(_file("PNG"))
    data[_PNG_DATA + 4_000] ^= 0xFF
    assert mended(bytes(data), "png") is None


def test_an_orientation_survives_the_mending() -> None:
    whole = _file("WEBP", lossless=True, exif=_exif(6))
    image = read_image(_riff(whole, 9_999_999), LIMITS)
    assert (image.width, image.height) == (90, 122)


def test_a_palette_keeps_what_is_transparent() -> None:
    picture = Pillow.new("P", (8, 8), 0)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    data = _file("PNG", picture, transparency=0)
    odd = data[:33] + _chunk(b"tEXt", b"a\0b", b"\0\0\0\0") + data[33:]
    with Pillow.open(io.BytesIO(read_image(odd, LIMITS).data)) as read:
        assert read.getpixel((0, 0)) == (255, 255, 255)


@given(st.binary(max_size=300), st.sampled_from(["png", "jpeg", "webp", "tiff"]))
def test_mending_takes_any_bytes(tail: bytes, kind: str) -> None:
    head = {"png": b"\x89PNG\r\n\x1a\n", "jpeg": b"\xff\xd8\xff", "webp": b"RIFFxxxxWEBP", "tiff": b"II*\0"}[kind]
    found = mended(head + tail, kind)  # type: ignore[arg-type]
    assert found is None or found.data.startswith(head[:4])
