"""The reader of pictures: what it reads, and what happens when its process dies, hangs or loses its parent."""

from __future__ import annotations

import asyncio
import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from PIL import Image as Pillow
from PIL import ImageDraw, ImageFont

from firstline.engines.ocr import Ocr
from firstline.errors import EngineTimeoutError, ImageError
from firstline.layout import reading_order, render
from support.processes import alive, children

ROWS = [("COFFEE BEANS", "12.50"), ("PAPER FILTERS", "3.20"), ("TOTAL", "15.70")]


def _receipt(turn: float = 0.0) -> bytes:
    """Draw a receipt, turned anticlockwise by so many degrees, as a PNG."""
    picture = Pillow.new("RGB", (640, 420), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(30)
    draw.text((200, 60), "CORNER SHOP", fill="black", font=font)
    for row, (name, price) in enumerate(ROWS):
        draw.text((80, 160 + 60 * row), name, fill="black", font=font)
        draw.text((470, 160 + 60 * row), price, fill="black", font=font)
    out = io.BytesIO()
    picture.rotate(turn, expand=True, fillcolor="white").save(out, "PNG")
    return out.getvalue()


def _blank() -> bytes:
    out = io.BytesIO()
    Pillow.new("RGB", (64, 64), "white").save(out, "PNG")
    return out.getvalue()


@pytest.fixture
async def reader() -> AsyncIterator[Ocr]:
    ocr = Ocr(threads=2)
    yield ocr
    await ocr.close()


async def test_a_receipt_is_read_upright_level_and_with_its_columns(
    reader: Ocr, capfd: pytest.CaptureFixture[str]
) -> None:
    for turn in (0, 90, 180, 270, 4, -4):
        page = await reader.read(_receipt(turn))
        lines = [[cell.text.upper() for cell in line.cells] for line in reading_order(page)]
        assert lines == [["CORNER SHOP"], *map(list, ROWS)], f"turned by {turn}"
    assert all(0.5 <= segment.confidence <= 1 for segment in page.segments)
    assert capfd.readouterr() == ("", "")


async def test_a_blank_picture_has_no_segments(reader: Ocr) -> None:
    out = io.BytesIO()
    Pillow.new("RGB", (300, 200), "white").save(out, "PNG")
    page = await reader.read(out.getvalue())
    assert (page.width, page.height, page.segments) == (300, 200, ())


async def test_bytes_that_are_no_picture_are_an_image_error_and_the_next_is_read(reader: Ocr) -> None:
    with pytest.raises(ImageError) as caught:
        await reader.read(b"no picture")
    assert caught.value.hint
    assert "TOTAL" in render(reading_order(await reader.read(_receipt())))


async def test_a_process_that_somebody_ended_is_started_again_within_the_call(reader: Ocr) -> None:
    await reader.read(_blank())
    first = children(os.getpid(), "ocr_worker")
    under_way = asyncio.ensure_future(reader.read(_receipt()))
    await asyncio.sleep(0)  # lets the call begin
    os.kill(first[0], signal.SIGKILL)
    assert "TOTAL" in render(reading_order(await under_way))
    assert children(os.getpid(), "ocr_worker") != first


async def test_a_picture_whose_reader_dies_again_is_unusable_and_the_next_is_read(reader: Ocr) -> None:
    reading = asyncio.ensure_future(reader.read(_receipt()))
    ended = set()
    while not reading.done():
        for pid in children(os.getpid(), "ocr_worker"):
            ended.add(pid)
            with suppress(ProcessLookupError):  # it ended by the last blow meanwhile
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0)
    with pytest.raises(ImageError, match="the reader of pictures ended") as caught:
        await reading
    assert caught.value.hint
    assert len(ended) == 2
    assert (await reader.read(_blank())).segments == ()


async def test_a_picture_that_takes_too_long_ends_the_process_and_the_next_is_read() -> None:
    ocr = Ocr(timeout_s=0.05)  # shorter than it takes to load the models
    try:
        with pytest.raises(EngineTimeoutError):
            await ocr.read(_receipt())
        assert children(os.getpid(), "ocr_worker") == []
    finally:
        await ocr.close()


async def test_cancelling_ends_the_process(reader: Ocr) -> None:
    reading = asyncio.ensure_future(reader.read(_receipt()))
    while not children(os.getpid(), "ocr_worker"):  # noqa: ASYNC110 (what is waited for is a process in /proc)
        await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert children(os.getpid(), "ocr_worker") == []


async def test_closing_leaves_no_process_and_can_be_repeated() -> None:
    ocr = Ocr()
    with pytest.raises(ImageError):
        await ocr.read(b"anything")
    assert len(children(os.getpid(), "ocr_worker")) == 1
    await ocr.close()
    await ocr.close()
    assert children(os.getpid(), "ocr_worker") == []


_PARENT = """
import asyncio, sys
from firstline.engines.ocr import Ocr
from firstline.errors import ImageError

async def main():
    ocr = Ocr()
    try:
        await ocr.read(b"anything")
    except ImageError:
        print("ready", flush=True)
    assert not {"cv2", "onnxruntime", "rapidocr"} & set(sys.modules)
    await asyncio.sleep(300)

asyncio.run(main())
"""


def test_no_process_outlives_a_parent_that_was_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        (child,) = children(parent.pid, "ocr_worker")
        parent.kill()
    deadline = time.monotonic() + 20
    while alive(child) and time.monotonic() < deadline:
        os.sched_yield()
    assert not alive(child)
