"""What pictures are taken in, and what bad ones get."""

from __future__ import annotations

import base64
import io
import struct
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pillow

from firstline.errors import ImageError
from firstline.media.data_uri import data_uri
from firstline.media.images import read_image
from firstline.settings_sections import Limits

LIMITS = Limits()


def _file(picture: Pillow.Image, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    picture.save(out, kind, **options)
    return out.getvalue()


def _gradient(mode: str = "RGB", size: tuple[int, int] = (64, 40)) -> Pillow.Image:
    return Pillow.linear_gradient("L").resize(size).convert(mode)


def _png_header(width: int, height: int) -> bytes:
    """A PNG that promises a size and holds next to nothing."""
    body = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", body) + chunk(b"IDAT", zlib.compress(b"\0" * 9999)) + chunk(b"IEND", b"")
    )


def _pixel(data: bytes, at: tuple[int, int] = (0, 0)) -> tuple[int, ...]:
    with Pillow.open(io.BytesIO(data)) as picture:
        assert picture.mode == "RGB"
        value = picture.getpixel(at)
    assert isinstance(value, tuple)
    return value


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_a_plain_picture_is_kept_byte_for_byte(kind: str) -> None:
    data = _file(_gradient(), kind)
    image = read_image(data, LIMITS)
    assert (image.data, image.media_type) == (data, f"image/{kind.lower()}")
    assert (image.width, image.height) == (64, 40)


@pytest.mark.parametrize("kind", ["WEBP", "GIF", "BMP", "TIFF"])
def test_other_formats_become_png(kind: str) -> None:
    image = read_image(_file(_gradient(), kind), LIMITS)
    assert image.media_type == "image/png"
    assert image.data.startswith(b"\x89PNG")
    assert (image.width, image.height) == (64, 40)


def test_the_orientation_of_a_photo_is_applied() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    photo = Pillow.new("RGB", (60, 40), "white")
    photo.paste("black", (0, 0, 60, 10))
    image = read_image(_file(photo, "JPEG", exif=exif, quality=95), LIMITS)
    assert (image.width, image.height, image.media_type) == (40, 60, "image/jpeg")
    assert max(_pixel(image.data, (38, 30))) < 40  # the upper edge has become the right one
    assert min(_pixel(image.data, (2, 30))) > 215


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_transparent_parts_become_white(kind: str) -> None:
    data = _file(Pillow.new("RGBA", (8, 8), (255, 0, 0, 0)), kind, **({"lossless": True} if kind == "WEBP" else {}))
    assert _pixel(read_image(data, LIMITS).data) == (255, 255, 255)


def test_a_transparent_palette_becomes_white() -> None:
    picture = Pillow.new("P", (8, 8), 0)
    picture.putpalette([0, 0, 0, 255, 0, 0])
    assert _pixel(read_image(_file(picture, "PNG", transparency=0), LIMITS).data) == (255, 255, 255)


def test_sixteen_bits_keep_their_shades() -> None:
    picture = Pillow.new("I;16", (8, 8), 0x8080)
    assert _pixel(read_image(_file(picture, "PNG"), LIMITS).data) == (128, 128, 128)


def test_floating_point_grey_is_stretched() -> None:
    picture = Pillow.new("F", (8, 8), 2.0)
    picture.putpixel((0, 0), 6.0)
    data = read_image(_file(picture, "TIFF"), LIMITS).data
    assert (_pixel(data), _pixel(data, (1, 1))) == ((255, 255, 255), (0, 0, 0))


def test_cmyk_becomes_rgb() -> None:
    red = _pixel(read_image(_file(Pillow.new("CMYK", (16, 16), (0, 255, 255, 0)), "JPEG"), LIMITS).data)
    assert red[0] > 200
    assert max(red[1:]) < 60


def test_a_png_called_jpeg_is_taken_for_what_it_is() -> None:
    assert read_image(_file(_gradient(), "PNG"), LIMITS, declared="image/jpeg").media_type == "image/png"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"%PDF-1.7\n1 0 obj", "a PDF"),
        (b"<!DOCTYPE html><html><body>404</body></html>", "an HTML page"),
        (b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><script>1</script></svg>', "an SVG"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00", "HEIC"),
        (b"just words", "text"),
        (b"PK\x03\x04\x14\x00\x06\x00\xff\xfe\x00\x00", "a zip archive"),
        (b"\x00\x01\x02\x03", "no kind"),
    ],
)
def test_what_is_no_picture_is_named(content: bytes, said: str) -> None:
    with pytest.raises(ImageError, match=f"declared as image/png, .*{said}") as caught:
        read_image(content, LIMITS, declared="image/png")
    assert caught.value.hint
    assert caught.value.code == "invalid_image"


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF"])
@pytest.mark.parametrize("share", [0.1, 0.6, 0.95])
def test_a_picture_cut_short_is_refused(kind: str, share: float) -> None:
    noise = Pillow.effect_noise((120, 90), 90).convert("RGB")
    data = _file(noise, kind)
    with pytest.raises(ImageError, match="damaged or cut short") as caught:
        read_image(data[: int(len(data) * share)], LIMITS)
    assert caught.value.hint


def test_an_empty_file_is_refused() -> None:
    with pytest.raises(ImageError, match="0 bytes"):
        read_image(b"", LIMITS)


@pytest.mark.parametrize(
    ("width", "height", "said"), [(20_000, 20, "20,000 × 20 px"), (16_000, 16_000, "256 megapixels")]
)
def test_the_size_is_judged_before_a_pixel_is_decoded(width: int, height: int, said: str) -> None:
    # The content would fail to decode: that the size is named shows that it was not tried.
    with pytest.raises(ImageError, match=said) as caught:
        read_image(_png_header(width, height), LIMITS)
    assert "limits.image" in str(caught.value.hint)


def test_a_whole_wide_picture_is_refused() -> None:
    with pytest.raises(ImageError, match="20,000 × 3 px"):
        read_image(_file(Pillow.new("1", (20_000, 3)), "PNG"), LIMITS)


def test_a_bomb_within_raised_limits_is_still_not_a_crash() -> None:
    raised = Limits(image_side_px=60_000, image_megapixels=4_000)
    with pytest.raises(ImageError, match="damaged or cut short"):
        read_image(_png_header(50_000, 1_000), raised)


def test_too_many_bytes_are_refused() -> None:
    with pytest.raises(ImageError, match=r"limits?.* 0\.001 MB"):
        read_image(_file(Pillow.effect_noise((100, 100), 90), "PNG"), Limits(image_mb=0.001))


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_more_than_one_frame_is_refused(kind: str) -> None:
    frames = [Pillow.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    data = _file(frames[0], kind, save_all=True, append_images=frames[1:])
    with pytest.raises(ImageError, match=r"several (frames|pages)") as caught:
        read_image(data, LIMITS)
    assert caught.value.hint


_SEEDS = {kind: _file(_gradient(size=(24, 16)), kind) for kind in ("PNG", "JPEG", "WEBP", "GIF", "BMP", "TIFF")}


@pytest.mark.filterwarnings("ignore::UserWarning")  # Pillow warns of odd metadata and goes on
@given(
    st.sampled_from(sorted(_SEEDS)), st.lists(st.tuples(st.integers(8), st.integers(0, 255)), min_size=1, max_size=6)
)
def test_damage_of_any_kind_is_an_image_error_or_harmless(kind: str, damage: list[tuple[int, int]]) -> None:
    broken = bytearray(_SEEDS[kind])
    for place, value in damage:
        broken[8 + place % (len(broken) - 8)] = value
    try:
        image = read_image(bytes(broken), LIMITS)
    except ImageError as error:
        hint = error.hint
    else:
        hint = f"{image.width} × {image.height}"
    assert hint


def test_a_data_uri_is_decoded() -> None:
    data = _file(_gradient(), "PNG")
    text = "data:image/PNG;base64," + base64.b64encode(data).decode()
    assert data_uri(text, LIMITS) == (data, "image/png")
    assert data_uri("data:;base64,QUJD", LIMITS) == (b"ABC", "text/plain")
    assert data_uri("data:image/png;name=a.png;base64,QUJD", LIMITS) == (b"ABC", "image/png")


@pytest.mark.parametrize(
    "text",
    ["https://example.com/a.png", "data:image/png,abc", "data:image/png;base64,ab*c", "data:image/png;base64,abc", ""],
)
def test_other_uris_are_refused(text: str) -> None:
    with pytest.raises(ImageError) as caught:
        data_uri(text, LIMITS)
    assert caught.value.hint


def test_a_data_uri_past_the_limit_is_refused_before_it_is_decoded() -> None:
    with pytest.raises(ImageError, match="larger than the limit"):
        data_uri("data:image/png;base64," + "*" * 2_000, Limits(image_mb=0.001))


def test_what_stumbled_over_the_damage_is_not_quoted() -> None:
    with pytest.raises(ImageError) as caught:
        read_image(b"\x89PNG\r\n\x1a\n", Limits())
    assert caught.value.message == "the PNG picture is damaged or cut short"


LITTLE = Limits(image_memory_mb=1.0)
_PEAK = """
import re, sys
from pathlib import Path
from firstline.media.images import read_image
from firstline.settings_sections import Limits

def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1000

data = Path(sys.argv[1]).read_bytes()
before = peak()
read_image(data, Limits())
print(peak() - before)
"""


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "BMP"])
def test_what_would_take_too_much_memory_is_refused_before_it_is_decoded(kind: str) -> None:
    data = _file(Pillow.new("RGB", (900, 600), "red"), kind)
    with pytest.raises(ImageError, match=r"900 × 600 px takes about \d+ MB of memory, an image may take 1") as refused:
        read_image(data, LITTLE)
    assert "limits.image_memory_mb" in (refused.value.hint or "")


def test_a_jpeg_that_would_take_too_much_memory_is_decoded_smaller() -> None:
    picture = Pillow.new("RGB", (901, 603), "red")
    plain = _file(picture, "JPEG")
    assert read_image(plain, LITTLE) == read_image(plain, Limits())
    turned = _file(picture, "JPEG", exif=held(6))
    small = read_image(turned, LITTLE)
    assert (small.width, small.height) == (-(-603 // 4), -(-901 // 4))
    with pytest.raises(ImageError, match="MB of memory"):
        read_image(plain, Limits(image_memory_mb=0.01))
    with pytest.raises(ImageError, match="cut short"):
        read_image(plain[: len(plain) // 2], LITTLE)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc says what a process has held")
@pytest.mark.parametrize(
    ("kind", "mode", "orientation"),
    [
        ("PNG", "RGB", 1),
        ("PNG", "RGBA", 1),
        ("PNG", "I;16", 1),
        ("JPEG", "CMYK", 6),
        ("WEBP", "RGBA", 1),
        ("GIF", "P", 1),
    ],
)
def test_decoding_takes_no_more_memory_than_is_estimated(
    tmp_path: Path, kind: str, mode: str, orientation: int
) -> None:
    # As large as the limit lets through.
    each = {"RGB": 4.0, "RGBA": 17.0 if kind == "WEBP" else 8.6, "I;16": 10.0}.get(mode, 8.0)
    side = int((0.98 * Limits().image_memory_mb * 1e6 / each) ** 0.5)
    path = tmp_path / "picture"
    path.write_bytes(_file(Pillow.new(mode, (side, side)), kind, exif=held(orientation)))
    done = subprocess.run(
        [sys.executable, "-c", _PEAK, str(path)], check=True, capture_output=True, text=True, timeout=120
    )
    assert 0 < float(done.stdout) < 1.1 * Limits().image_memory_mb


def held(orientation: int) -> Pillow.Exif:
    """EXIF data that says how a camera was held."""
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    return exif
