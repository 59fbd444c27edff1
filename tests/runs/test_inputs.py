"""Inputs that are kept for a person: which, with what bytes, for how long, and that they can be taken away."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from PIL import Image as Pillow

from firstline.errors import ContentsDamagedError, LedgerError, NotFoundError
from firstline.ledger.inputs import KeptFile, KeptText
from firstline.ledger.store import Ledger
from firstline.media.images import read_image
from firstline.reading.source import Document, TaskInput
from firstline.runs.inputs import Inputs
from firstline.settings_sections import Limits, ReviewSettings
from firstline.types import Image, ReviewMark, Run, Text, Verdict
from support.review_world import said

DAY = 86_400.0


class Clock:
    def __init__(self) -> None:
        self.now = 1_000_000_000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def kept_by(
    folder: Path, clock: Clock, settings: ReviewSettings | None = None
) -> AsyncIterator[tuple[Inputs, Ledger]]:
    ledger = await Ledger.open(f"sqlite:///{folder}/ledger.db", clock=clock)
    try:
        yield Inputs(ledger.inputs, folder / "inputs", settings or ReviewSettings(), clock=clock), ledger
    finally:
        await ledger.close()


def picture(colour: str) -> Image:
    data = io.BytesIO()
    Pillow.new("RGB", (8, 4), colour).save(data, "PNG")
    return read_image(data.getvalue(), Limits())


def on_disk(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "inputs").rglob("*") if path.is_file())


async def end(
    inputs: Inputs, ledger: Ledger, run_id: str, given: TaskInput, at: float, verdict: Verdict = "review"
) -> None:
    """Write a run on an input, as the runner does."""
    mark = ReviewMark(id=f"rev_{run_id}", at=at) if verdict == "review" else None
    run = Run(id=run_id, task="t", version="t@1", verdict=verdict, answer={"total": 1}, attempts=(), review=mark)
    await ledger.begin_run(run_id, "t", "t@1", given.sha256, at)
    await ledger.finish_run(run, await inputs.keeping(given, verdict))


GIVEN = TaskInput(parts=(Text(text="a receipt"), picture("red"), Document(data=b"%PDF-1.7 x"), picture("red")))


async def test_what_is_kept_comes_back_as_it_was(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_by(tmp_path, clock) as (inputs, ledger):
        await end(inputs, ledger, "r1", GIVEN, clock.now)
        kept = await inputs.find(GIVEN.sha256)
        assert kept is not None
        text, red, pdf, again = kept.parts
        assert text == KeptText(text="a receipt")
        assert isinstance(red, KeptFile)
        assert (red.kind, red.media_type, red.width, red.height) == ("image", "image/png", 8, 4)
        assert isinstance(pdf, KeptFile)
        assert (pdf.kind, pdf.media_type, pdf.bytes) == ("document", "application/pdf", 10)
        assert again == red
        assert on_disk(tmp_path) == sorted({red.sha256, pdf.sha256})
        assert await inputs.load(kept) == GIVEN
        (tmp_path / "inputs" / red.sha256[:2] / red.sha256).write_bytes(b"")
        with pytest.raises(ContentsDamagedError, match="kept input are damaged"):
            await inputs.load(kept)
        (tmp_path / "inputs" / red.sha256[:2] / red.sha256).unlink()
        with pytest.raises(NotFoundError, match="are gone"):
            await inputs.load(kept)


@pytest.mark.parametrize(
    ("keep", "verdicts"), [("review", {"review"}), ("all", {"accepted", "escalated", "review"}), ("none", set())]
)
async def test_the_setting_says_of_which_runs(tmp_path: Path, keep: str, verdicts: set[str]) -> None:
    async with kept_by(tmp_path, Clock(), ReviewSettings(keep=keep)) as (inputs, _):  # type: ignore[arg-type]
        every: tuple[Verdict | None, ...] = ("accepted", "escalated", "review", "rejected", None)
        found = {verdict for verdict in every if await inputs.keeping(GIVEN, verdict) is not None}
    assert found == verdicts


async def test_an_open_review_stays_and_what_was_answered_until_its_age(tmp_path: Path) -> None:
    clock = Clock()
    begun = clock.now
    async with kept_by(tmp_path, clock, ReviewSettings(days=10)) as (inputs, ledger):
        for name, colour in (("open", "red"), ("answered", "blue"), ("rejected", "green")):
            await end(inputs, ledger, name, TaskInput(parts=(picture(colour),)), begun)
        await ledger.reviews.reject("rejected", "anna", "no", error_code="invalid_input")
        clock.now = begun + 8 * DAY
        await ledger.reviews.answer("answered", "anna", said(1.0))
        clock.now = begun + 11 * DAY
        await inputs.sweep()
        assert len(on_disk(tmp_path)) == 2  # what was rejected is gone
        assert len(await ledger.reviews.examples("t")) == 1
        clock.now = begun + 19 * DAY
        await inputs.tidy()
        assert len(on_disk(tmp_path)) == 1
        assert await ledger.reviews.examples("t") == []
        assert await inputs.find(TaskInput(parts=(picture("red"),)).sha256) is not None


async def test_a_server_that_runs_for_long_sweeps_whatever_becomes_of_its_runs(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_by(tmp_path, clock, ReviewSettings(days=1, keep="all")) as (inputs, ledger):
        await end(inputs, ledger, "r1", GIVEN, clock.now, "accepted")
        assert len(on_disk(tmp_path)) == 2
        clock.now += 2 * DAY
        assert await inputs.keeping(GIVEN, "rejected") is None
        assert on_disk(tmp_path) == []


async def test_bytes_of_two_inputs_stay_until_both_are_gone(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_by(tmp_path, clock) as (inputs, ledger):
        for name in ("a", "b"):
            await end(inputs, ledger, name, TaskInput(parts=(Text(text=name), picture("red"))), clock.now)
        assert (await inputs.purge(review_ids=["rev_a"])).files == 0
        assert len(on_disk(tmp_path)) == 1
        assert (await inputs.purge(review_ids=["rev_b"])).files == 1
        assert on_disk(tmp_path) == []


async def test_purging_takes_what_is_old_and_of_a_task_and_leaves_what_is_open(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_by(tmp_path, clock) as (inputs, ledger):
        for name, colour in (("a", "red"), ("b", "blue")):
            await end(inputs, ledger, name, TaskInput(parts=(picture(colour),)), clock.now)
        await ledger.reviews.answer("a", "anna", said(1.0))
        # Bytes that belong to no input: their run never ended.
        await inputs.keeping(TaskInput(parts=(picture("green"),)), "review")
        assert len(on_disk(tmp_path)) == 3
        gone = await inputs.purge(days=1)
        assert (gone.inputs, gone.files, gone.examples) == (0, 1, 0)
        gone = await inputs.purge(task="another")
        assert (gone.inputs, gone.files, gone.examples) == (0, 0, 0)
        gone = await inputs.purge(task="t")
        assert (gone.inputs, gone.files, gone.examples) == (1, 1, 1)
        gone = await inputs.purge(unsettled=True)
        assert (gone.inputs, gone.files) == (1, 1)
        assert [one.state for one in await ledger.reviews.list(9)] == ["answered", "open"]
    assert b"a receipt" not in (tmp_path / "ledger.db").read_bytes()


async def test_a_purged_text_is_not_left_in_the_file(tmp_path: Path) -> None:
    clock = Clock()
    async with kept_by(tmp_path, clock) as (inputs, ledger):
        await end(inputs, ledger, "a", TaskInput(parts=(Text(text="a secret of somebody"),)), clock.now)
    assert b"a secret of somebody" in (tmp_path / "ledger.db").read_bytes()
    async with kept_by(tmp_path, clock) as (inputs, _):
        await inputs.purge(review_ids=["rev_a"])
    assert b"a secret of somebody" not in (tmp_path / "ledger.db").read_bytes()


async def test_a_disk_that_takes_nothing_is_an_error_of_the_ledger(tmp_path: Path) -> None:
    (tmp_path / "inputs").write_text("a file where the folder should be")
    async with kept_by(tmp_path, Clock()) as (inputs, _):
        with pytest.raises(LedgerError, match="an input cannot be kept"):
            await inputs.keeping(GIVEN, "review")
