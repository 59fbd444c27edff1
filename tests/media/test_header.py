"""The size that an image's header promises, read without a codec: what a codec finds, and cheap for any bytes."""

from __future__ import annotations

import io
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from firstline.errors import ImageError
from firstline.media.header import read_header
from firstline.settings_sections import Limits

LIMITS = Limits()
KINDS = ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")


def file(kind: str, size: tuple[int, int], **options: object) -> bytes:
    out = io.BytesIO()
    Pillow.new(str(options.pop("mode", "RGB")), size).save(out, kind, **options)
    return out.getvalue()


@pytest.mark.parametrize("kind", KINDS)
@given(st.integers(1, 700), st.integers(1, 700))
def test_the_size_is_what_the_codec_finds(kind: str, width: int, height: int) -> None:
    header = read_header(file(kind, (width, height)), LIMITS)
    assert (header.kind, header.width, header.height) == (kind.lower(), width, height)


@pytest.mark.parametrize(
    ("kind", "options"),
    [
        ("JPEG", {"progressive": True}),
        ("JPEG", {"exif": b"Exif\0\0" + b"\xff\xc0\x00\x0b" * 9_000, "icc_profile": b"\xff" * 60_000}),
        ("JPEG", {"comment": b"\xff" * 500}),
        ("WEBP", {"lossless": True}),
        ("WEBP", {"mode": "RGBA"}),
        ("WEBP", {"exif": b"Exif\0\0x"}),
        ("PNG", {"mode": "RGBA"}),
        ("TIFF", {"big_tiff": True}),
        ("TIFF", {"compression": "tiff_lzw"}),
    ],
)
def test_the_size_stands_where_the_format_says_in_each_of_its_forms(kind: str, options: dict[str, object]) -> None:
    header = read_header(file(kind, (123, 45), **options), LIMITS)
    assert (header.width, header.height) == (123, 45)


def test_a_picture_from_the_top_down_has_a_height() -> None:
    data = bytearray(file("BMP", (5, 7)))
    data[22:26] = (-7).to_bytes(4, "little", signed=True)
    assert read_header(bytes(data), LIMITS).height == 7


@given(st.sampled_from(KINDS), st.lists(st.tuples(st.integers(8, 90), st.integers(0, 255)), max_size=8), st.integers(0))
def test_damage_is_an_image_error_or_another_size(kind: str, damage: list[tuple[int, int]], end: int) -> None:
    data = bytearray(file(kind, (40, 30)))
    for place, value in damage:
        data[place % len(data)] = value
    try:
        header = read_header(bytes(data[: 1 + end % len(data)]), LIMITS)
    except ImageError as error:
        told = error.hint
    else:
        told = "a size" if header.width > 0 and header.height > 0 else ""
    assert told


def test_a_place_beyond_all_memory_is_damage() -> None:
    for data in (b"II+\0\x08\0\0\0" + b"\xff" * 8 + b"\0" * 64, b"II*\0" + b"\xff" * 4 + b"\0" * 64):
        with pytest.raises(ImageError, match="damaged"):
            read_header(data, LIMITS)


def test_what_is_made_to_be_slow_is_not() -> None:
    cases = {
        "fill bytes": b"\xff\xd8\xff" + b"\xff" * 15_000_000,
        "segments": b"\xff\xd8" + b"\xff\xe1\x00\x02" * 4_000_000,
        "entries": b"II*\0\x08\0\0\0" + b"\xff\xff" + b"\1" * 15_000_000,
        "no marker": b"\xff\xd8\xff\xe0\x00\x02" + b"\0" * 15_000_000,
    }
    for name, data in cases.items():
        began = time.process_time()
        with pytest.raises(ImageError):
            read_header(data, LIMITS)
        assert (name, time.process_time() - began < 0.5) == (name, True)
