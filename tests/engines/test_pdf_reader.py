"""The reader of PDFs: what it gives, and what happens when its process dies, hangs or loses its parent."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest

from firstline.engines.pdf import PdfReader
from firstline.errors import DocumentError
from firstline.layout import reading_order, render
from firstline.settings_sections import Limits
from support.processes import alive, children
from support.small_pdf import pdf, shown

LIMITS = Limits()
BILL = pdf(
    shown([(72, 720, "Invoice 4711"), (72, 700, "Two widgets, large"), (480, 700, "24.00")]), "72 700 400 1 re f"
)


@pytest.fixture
async def reader() -> AsyncIterator[PdfReader]:
    pdfs = PdfReader()
    yield pdfs
    await pdfs.close()


async def test_pages_are_read_and_drawn_by_one_process(reader: PdfReader) -> None:
    first, second = await reader.read(BILL, LIMITS)
    assert first.text is not None
    assert render(reading_order(first.text)).splitlines()[0] == "Invoice 4711"
    assert (second.number, second.text) == (1, None)
    assert second.image is not None
    drawn = await reader.draw(BILL, LIMITS)
    assert [(image.width, image.media_type) for image in drawn] == [(1653, "image/png")] * 2
    assert len(children(os.getpid(), "pdf_worker")) == 1


@pytest.mark.parametrize(
    ("data", "limits", "words"),
    [
        (b"", LIMITS, "empty"),
        (b"%PDF-1.7 broken", LIMITS, "damaged"),
        (BILL, Limits(pdf_pages=1), "2 pages, the limit is 1"),
    ],
)
async def test_an_unusable_document_is_explained_and_its_process_kept(
    reader: PdfReader, data: bytes, limits: Limits, words: str
) -> None:
    with pytest.raises(DocumentError, match=words) as caught:
        await reader.read(data, limits)
    assert caught.value.hint
    (before,) = children(os.getpid(), "pdf_worker")
    assert len(await reader.read(BILL, LIMITS)) == 2
    assert children(os.getpid(), "pdf_worker") == [before]


async def test_two_are_read_at_once(reader: PdfReader) -> None:
    both = await asyncio.gather(reader.read(BILL, LIMITS), reader.read(BILL, LIMITS), reader.read(BILL, LIMITS))
    assert both[0] == both[1] == both[2]
    assert len(children(os.getpid(), "pdf_worker")) == 2


async def test_a_process_that_somebody_ended_is_started_again_within_the_call(reader: PdfReader) -> None:
    reading = asyncio.ensure_future(reader.read(BILL, LIMITS))
    while not (first := children(os.getpid(), "pdf_worker")):  # noqa: ASYNC110 (waits for a process in /proc)
        await asyncio.sleep(0)
    os.kill(first[0], signal.SIGKILL)
    assert len(await reading) == 2


async def test_a_document_whose_reader_dies_again_is_unusable_and_the_next_is_read(reader: PdfReader) -> None:
    reading = asyncio.ensure_future(reader.read(BILL, LIMITS))
    while not reading.done():
        for pid in children(os.getpid(), "pdf_worker"):
            with suppress(ProcessLookupError):  # it ended by the last blow meanwhile
                os.kill(pid, signal.SIGKILL)
        await asyncio.sleep(0)
    with pytest.raises(DocumentError, match="the reader of PDFs ended") as caught:
        await reading
    assert caught.value.hint
    assert len(await reader.read(BILL, LIMITS)) == 2


async def test_a_document_that_takes_too_long_ends_the_process(reader: PdfReader) -> None:
    with pytest.raises(DocumentError, match=r"longer than 0\.001 s"):
        await reader.read(BILL, Limits(pdf_s=0.001))
    assert children(os.getpid(), "pdf_worker") == []
    assert len(await reader.read(BILL, LIMITS)) == 2


_PARENT = """
import asyncio, sys
from firstline.engines.pdf import PdfReader
from firstline.errors import DocumentError
from firstline.settings_sections import Limits
import firstline.app.build

async def main():
    pdfs = PdfReader()
    try:
        await pdfs.read(b"%PDF-anything", Limits())
    except DocumentError:
        print("ready", flush=True)
    assert not {"pypdfium2", "pypdfium2_raw"} & set(sys.modules)
    await asyncio.sleep(300)

asyncio.run(main())
"""


def test_no_process_outlives_a_parent_that_was_killed_and_that_never_loaded_pdfium(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(_PARENT)
    with subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        assert parent.stdout.readline() == b"ready\n"
        (child,) = children(parent.pid, "pdf_worker")
        parent.kill()
    deadline = time.monotonic() + 20
    while alive(child) and time.monotonic() < deadline:
        os.sched_yield()
    assert not alive(child)
