"""What one rung is given: a part with its own candidates, and a user's words beside the pictures that a model sees."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from firstline.answering.answer import Draft
from firstline.answering.rung import Rungwork
from firstline.catalog.model import FREE, Model
from firstline.engines.fake import Fake, Rule, Script
from firstline.engines.pdf import PdfReader
from firstline.engines.pool import Pool
from firstline.gateway.budget import Budget
from firstline.gateway.gateway import MeteredModel, ModelGateway
from firstline.ledger.store import Ledger
from firstline.reading.source import Document, InputPart, TaskInput, read_source, text_input
from firstline.settings import Settings
from firstline.settings_sections import Limits, Llama
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_text
from firstline.types import Image, Page, Segment, Text
from support.small_pdf import pdf, shown

PLAIN = Model(id="own/reads", provider="own", engine="llama_cpp", context=1024, price=FREE)
SEES = Model(id="own/sees", provider="own", engine="llama_cpp", modalities=("text", "image"), price=FREE)
BILL = task_from_text(
    "bill",
    """
kind = "extract"
instruction = "Read the bill."
max_output_tokens = 64
[output.date]
type = "date"
labels = ["date"]
[output.total]
type = "number"
labels = ["total"]
""",
)


class Eyes:
    """A reader of pictures that finds one line in each."""

    async def read(self, image: bytes, *, party: str | None = None) -> Page:
        """Return the line."""
        return Page(width=100, height=20, segments=(Segment(text="TOTAL 9.99", x0=0, y0=0, x1=90, y1=20),))

    async def close(self) -> None:
        """Nothing to end."""


@asynccontextmanager
async def account(model: Model, engine: Fake, folder: Path) -> AsyncIterator[MeteredModel]:
    """Open an account whose calls go to the engine."""
    ledger = await Ledger.open(f"sqlite:///{folder}/ledger.db")
    pool = Pool(lambda name: engine, max_local=1)
    try:
        await ledger.begin_run("run", "t", "t@1", "0", 0.0)
        yield ModelGateway(pool, ledger).account("run", 0, model, Budget(limit=None, attempts=9, seconds=60))
    finally:
        await pool.close()
        await ledger.close()


async def worked(folder: Path, model: Model, engine: Fake, given: TaskInput, task: Task = BILL) -> Draft:
    """Let one rung draft every field."""
    settings = Settings(llama=Llama(context=1024))
    pdfs = PdfReader()
    try:
        work = Rungwork(task, await read_source(given, Eyes(), pdfs, Limits()), {}, settings=settings)
        async with account(model, engine, folder) as opened:
            return await work.draft(opened, task.keys)
    finally:
        await pdfs.close()


async def test_each_part_of_a_long_text_is_offered_the_candidates_of_its_own_lines(tmp_path: Path) -> None:
    prose = "Nothing of note was said about the matter on this page.\n" * 60
    text = f"Date: 13/02/2026\n{prose}\nDate: 05/03/2026\nTotal: 41.50\n{prose}"
    engine = Fake(Script(rules=(Rule(choice=0),)), keep=True)
    draft = await worked(tmp_path, PLAIN, engine, text_input(text))
    assert len(engine.requests) > 2
    for request in engine.requests:
        assert request.choices is not None
        offered = [choice for choice in request.choices if choice != "none"]
        assert offered
        assert all(choice in request.messages[-1].text for choice in offered)
        # It may stand in another part, so that none of a part has to be chosen.
        assert "none" in request.choices
    assert draft.values == {"date": "2026-02-13", "total": 41.5}
    assert not any("nothing on the page" in note for note in draft.notes)


async def test_a_part_reads_days_as_the_whole_text_writes_them(tmp_path: Path) -> None:
    prose = "Nothing of note was said about the matter on this page.\n" * 60
    text = f"Printed 02/27/2026\n{prose}\nDate: 03/05/2026\nTotal: 41.50\n"
    engine = Fake(Script(rules=(Rule(choice=0),)), keep=True)
    draft = await worked(tmp_path, PLAIN, engine, text_input(text))
    assert draft.values["date"] == "2026-03-05"


@pytest.mark.parametrize("kind", ["picture", "pdf with text", "pdf without text"])
async def test_a_model_that_sees_gets_the_words_of_the_user_beside_the_pictures(tmp_path: Path, kind: str) -> None:
    told = "The total is the amount in the green box."
    seen: InputPart = Image(data=b"png", media_type="image/png", width=9, height=9)
    if kind != "picture":
        seen = Document(
            data=pdf(shown([(72, 700, "Invoice 4711 of the ACME GmbH")]) if "with " in kind else "72 700 400 1 re f")
        )
    engine = Fake(Script(rules=(Rule(answer={"date": None, "total": 9.99}),)), keep=True)
    await worked(tmp_path, SEES, engine, TaskInput(parts=(Text(text=told), seen)))
    (request,) = engine.requests
    assert told in request.messages[-1].text
    assert [part.media_type for part in request.messages[-1].parts if isinstance(part, Image)] == ["image/png"]
    for read in ("9.99", "ACME"):  # what was read of what it sees for itself
        assert read not in request.messages[-1].text
