"""Mutated images, PDFs and uploads, through the real children and a real server.

Each kind is tried for a share of `FUZZ_SECONDS` (36 in all) from seeds that count up, so that any failure is had again
from the seed that it names. Whatever the bytes are, the outcome is the file's: decoded, or refused with a hint; within
the time and memory that it has, and with nothing on standard error.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import sys
import time
import zlib
from collections.abc import Awaitable, Callable
from pathlib import Path

import httpx2
import pytest
from PIL import Image as Pillow
from PIL.PngImagePlugin import PngInfo

from firstline.engines.images import ImageReader
from firstline.engines.pdf import PdfReader
from firstline.errors import DocumentError, ImageError
from firstline.settings_sections import Limits
from support.mutations import mutated
from support.processes import children
from support.served import served
from support.small_pdf import pdf, shown

pytestmark = pytest.mark.slow

SECONDS = float(os.environ.get("FUZZ_SECONDS", "36")) / 3
FIRST = int(os.environ.get("FUZZ_SEED", "0"))
LIMITS = Limits(image_megapixels=20, image_s=15, pdf_s=15, pdf_pages=20)
SMALL = Limits(image_megapixels=0.25, pdf_s=15, pdf_pages=20)
"""So that pages are drawn quickly."""
AT_ONCE = 3
_LATE_S = 20.0
"""Seconds above a file's own limit, twice that where its child died of it: starting a child on a busy machine."""


def file(kind: str, mode: str = "RGB", size: tuple[int, int] = (48, 32), **options: object) -> bytes:
    out = io.BytesIO()
    Pillow.linear_gradient("L").resize(size).convert(mode).save(out, kind, **options)
    return out.getvalue()


def images() -> list[bytes]:
    """Small files of every kind and of many forms."""
    exif = Pillow.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "maker" * 40
    words = PngInfo()
    words.add_text("comment", "words " * 50, zip=True)
    words.add_itxt("title", "words", lang="en")
    frames = [Pillow.new("RGB", (20, 20), colour) for colour in ("red", "green", "blue")]
    several = {"save_all": True, "append_images": frames[1:]}
    return [
        *(file("PNG", mode) for mode in ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")),
        file("PNG", pnginfo=words, icc_profile=b"profile" * 100, exif=exif),
        file("PNG", size=(700, 500)),
        *(file("JPEG", mode) for mode in ("L", "RGB", "CMYK")),
        file("JPEG", progressive=True, exif=exif, icc_profile=b"profile" * 100),
        file("JPEG", size=(700, 500), subsampling=2, restart_marker_rows=1),
        *(file("WEBP", mode) for mode in ("RGB", "RGBA")),
        file("WEBP", "RGBA", lossless=True, exif=exif),
        *(file("GIF", mode) for mode in ("L", "P")),
        *(file("BMP", mode) for mode in ("1", "L", "P", "RGB", "RGBA")),
        *(
            file("TIFF", "RGB", compression=how)
            for how in ("raw", "tiff_lzw", "tiff_adobe_deflate", "jpeg", "packbits")
        ),
        *(file("TIFF", mode) for mode in ("1", "F", "I;16", "CMYK")),
        file("TIFF", "1", compression="group4"),
        file("TIFF", big_tiff=True),
        *(_several(frames[0], kind, several) for kind in ("GIF", "PNG", "WEBP", "TIFF")),
    ]


def _several(first: Pillow.Image, kind: str, options: dict[str, object]) -> bytes:
    out = io.BytesIO()
    first.save(out, kind, **options)
    return out.getvalue()


def documents() -> list[bytes]:
    """Small PDFs: text, an image, a form, a rotated and a large page, a compressed stream, many pages."""
    text = shown([(72, 720, "Invoice 4711"), (72, 700, "Two widgets, large"), (480, 700, "24.00")])
    packed = zlib.compress(text.encode()).decode("latin-1")
    pixels = "q 200 0 0 100 0 0 cm BI /W 2 /H 2 /CS /RGB /BPC 8 ID abcdefghijkl EI Q"
    drawn = "1 0 0 rg 10 10 300 300 re f 0 0 m 100 200 300 400 500 600 c S"
    field = "<< /Type /Annot /Subtype /Widget /FT /Tx /T (total) /V (9.99) /Rect [72 600 200 620] /DA (/F1 11 Tf) >>"
    return [
        pdf(text),
        pdf(text, drawn, pixels, ""),
        pdf(text, page="/Rotate 90 /CropBox [10 10 400 700]"),
        pdf(drawn, page="/MediaBox [0 0 14400 14400]"),
        pdf(drawn, page="/MediaBox [0 0 1 14400] /UserUnit 75000"),
        pdf(*[text] * 8),
        pdf(text, page="/Annots [6 0 R]", extra=(field,)),
        pdf(text, extra=(f"<< /Length {len(packed)} /Filter /FlateDecode >>\nstream\n{packed}\nendstream",)),
        pdf(text, trailer="/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <00> /U <00> >> /ID [<00><00>]"),
    ]


def uploads() -> list[bytes]:
    """Bodies of `POST /v1/files` with the boundary `x`."""
    head = b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n'
    part = b'--x\r\nContent-Disposition: form-data; name="file"; filename="%s"\r\nContent-Type: text/plain\r\n\r\n'
    return [
        head + b"user_data\r\n" + part % b"a.txt" + b"words\r\n--x--\r\n",
        part % b"a.jsonl" + b'{"a": 1}\n' * 300 + b"\r\n" + head + b"batch\r\n--x--\r\n",
        head + b"user_data\r\n" + part % b"\xff\xfe\0.pdf" + pdf("BT ET") + b"\r\n--x--\r\n",
        head * 20 + part % b"" + b"\r\n--x--",
        head + b"user_data\r\n" + part % (b"long" * 2_000) + b"\r\n--xx\r\n" * 50 + b"\r\n--x--\r\n",
    ]


async def fuzz(corpus: list[bytes], attempt: Callable[[bytes, int], Awaitable[str]]) -> dict[str, int]:
    """Try mutations until the time is over; counts the outcomes."""
    outcomes: dict[str, int] = {}
    ends = time.monotonic() + SECONDS
    seeds = iter(range(FIRST, sys.maxsize))

    async def worker() -> None:
        while time.monotonic() < ends:
            seed = next(seeds)
            began = time.monotonic()
            outcome = await attempt(mutated(corpus, seed), seed)
            assert time.monotonic() - began < LIMITS.pdf_s + _LATE_S, f"seed {seed} takes too long"
            outcomes[outcome] = outcomes.get(outcome, 0) + 1

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(worker())
    assert len(outcomes) == 2, outcomes
    return outcomes


def held_mb(pid: int) -> int:
    """The megabytes that a process has held at most."""
    found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) // 1_000 if found else 0


async def test_images(capfd: pytest.CaptureFixture[str]) -> None:
    reader, largest = ImageReader(LIMITS), 0

    async def attempt(data: bytes, seed: int) -> str:
        nonlocal largest
        try:
            image = await reader.read(data, party=str(seed % AT_ONCE))
        except ImageError as error:
            return "refused" if error.hint else f"seed {seed} is refused without a hint"
        assert image.width * image.height <= LIMITS.image_megapixels * 1_000_000, f"seed {seed}"
        largest = max(largest, *map(held_mb, children(os.getpid(), "image_worker")), 0)
        return "decoded"

    before = held_mb(os.getpid())
    try:
        outcomes = await fuzz(images(), attempt)
    finally:
        await reader.close()
    assert min(outcomes["decoded"], outcomes["refused"]) > 50, outcomes
    assert largest < 256 + 1.25 * LIMITS.image_memory_mb
    assert held_mb(os.getpid()) - before < 100
    assert capfd.readouterr() == ("", "")


async def test_documents(capfd: pytest.CaptureFixture[str]) -> None:
    reader = PdfReader()

    async def attempt(data: bytes, seed: int) -> str:
        try:
            if seed % 2:
                await reader.read(data, SMALL, party=str(seed % AT_ONCE))
            else:
                await reader.draw(data, SMALL, party=str(seed % AT_ONCE))
        except DocumentError as error:
            return "refused" if error.hint else f"seed {seed} is refused without a hint"
        return "read"

    before = held_mb(os.getpid())
    try:
        outcomes = await fuzz(documents(), attempt)
    finally:
        await reader.close()
    assert min(outcomes["read"], outcomes["refused"]) > 5, outcomes
    assert held_mb(os.getpid()) - before < 300
    assert capfd.readouterr() == ("", "")


async def test_uploads(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    async with (
        served(tmp_path, toml="[files]\nmax_mb = 1.0") as server,
        httpx2.AsyncClient(base_url=server.url, timeout=60) as client,
    ):

        async def attempt(data: bytes, seed: int) -> str:
            kind = {"content-type": "multipart/form-data; boundary=x"}
            answer = await client.post("/files", content=data, headers=kind)
            assert answer.status_code in (200, 400, 413), f"seed {seed}: {answer.text}"
            assert answer.status_code == 200 or answer.json()["error"]["message"], f"seed {seed}"
            return "kept" if answer.status_code == 200 else "refused"

        outcomes = await fuzz(uploads(), attempt)
        assert (await client.get("/models")).status_code == 200
    assert min(outcomes["kept"], outcomes["refused"]) > 20, outcomes
    assert capfd.readouterr() == ("", "")
