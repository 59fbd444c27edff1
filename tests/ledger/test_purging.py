"""Contents of runs are taken out: nothing of them is left anywhere, and every figure is as it was."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from firstline.errors import ReviewClosedError
from firstline.ledger.certificates import CertificateRow
from firstline.ledger.check import examine
from firstline.ledger.claims import Answer
from firstline.ledger.database import Database
from firstline.ledger.inputs import Keeping, KeptInput, KeptText
from firstline.ledger.purging import Left, Step
from firstline.ledger.responses import StoredResponse
from firstline.ledger.store import Ledger
from firstline.ledger.stored import StoredCompletion
from firstline.money import NanoUSD
from firstline.types import Attempt, FieldOutcome, Finding, KeyTerms, ReviewMark, Run, Usage
from support import audit_world, review_world
from support.books import check_books
from support.ledgers import opened

SECRET = "Sigrid"
"""Stands in all that is a run's content, and in nothing else."""
DAY = 86_400.0
PURGED_AT = 1_000 * DAY
SHA = "5ec4e7" * 10 + "abcd"
INPUT = Keeping(given=KeptInput(sha256=SHA, parts=(KeptText(text=f"{SECRET} paid"),)))


class Clock:
    def __init__(self) -> None:
        self.now = 10.0

    def __call__(self) -> float:
        return self.now


def a_run(run_id: str, *, created: float = 10.0, review: bool = False) -> Run:
    """Make a run whose every word is of its user."""
    attempt = Attempt(
        model="up/m",
        passed=True,
        answer={"name": SECRET},
        findings=(Finding(check="grounded", field="name", reason=f"{SECRET} is not there"),),
        confidence=0.5,
        confidences={"name": 0.5},
        signals={"name": {"odds": 1.0}},
        fields=("name",),
        usage=Usage(prompt_tokens=7, completion_tokens=3),
        cost_nano_usd=NanoUSD(5),
        ms=9,
        notes=(f"about {SECRET}",),
    )
    failed = Attempt(model="up/n", passed=False, error=f"bad request: {SECRET}", ms=1)
    skipped = Attempt(model="up/o", passed=False, skipped=f"no room for {SECRET}")
    return Run(
        id=run_id,
        task="receipt",
        version="receipt@1",
        verdict="review" if review else "accepted",
        answer={"name": SECRET},
        attempts=(skipped, failed, attempt),
        fields={"name": FieldOutcome(status="accepted", model="up/m", reasons=(f"for {SECRET}",))},
        reason=f"because of {SECRET}",
        notes=(f"note of {SECRET}",),
        cost_nano_usd=NanoUSD(5),
        saved_nano_usd=NanoUSD(-3),
        ms=10,
        created=created,
        parameters={"of": SECRET},
        review=ReviewMark(id=f"rev_{run_id}", at=created) if review else None,
    )


async def made(ledger: Ledger, run: Run, key_id: str | None = None) -> None:
    """Write a run with a call that was paid, one that failed, and its input."""
    await ledger.begin_run(run.id, run.task, run.version, SHA, run.created, key_id=key_id)
    for attempt in run.attempts[1:]:
        hold = await ledger.hold(run.id, 0, attempt.model, NanoUSD(8), key_id=key_id)
        ledger.settle(hold.entry, attempt, attempt.cost_nano_usd)
    await ledger.finish_run(run, INPUT)
    await ledger.flush()


async def purged(ledger: Ledger, *ids: str, before: float = PURGED_AT) -> Step:
    return await ledger.purging.take(ids, before)


def lines(folder: Path) -> list[str]:
    """Read all that is in the ledger, with nothing but SQLite."""
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        return list(connection.iterdump())


def count(folder: Path, text: str) -> int:
    """Say in how many places a text lies in the files of the ledger."""
    return sum(path.read_bytes().count(text.encode()) for path in folder.glob("ledger.db*") if path.is_file())


async def figures(ledger: Ledger, folder: Path) -> tuple[Any, ...]:
    """Read whatever counts."""
    usage = [
        await ledger.usage.rows(0, int(PURGED_AT), width=86_400, groups=groups)
        for groups in ((), ("model",), ("task", "api_key_id"))
    ]
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        queries = (
            "SELECT id, task, version, verdict, error_code, cost_nano_usd, saved_nano_usd, ms, created, key_id "
            "FROM runs",
            "SELECT run_id, position, model, passed, skipped IS NULL, error IS NULL, confidence, prompt_tokens, "
            "completion_tokens, cost_nano_usd, ms FROM attempts",
            "SELECT id, run_id, model, state, hold_nano_usd, cost_nano_usd, prompt_tokens, error IS NULL FROM entries",
            "SELECT id, state, reviewer, at FROM reviews",
            "SELECT * FROM examples",
            "SELECT * FROM api_keys",
            "SELECT * FROM key_days",
        )
        tables = [connection.execute(query).fetchall() for query in queries]
    return (*usage, await ledger.usage.totals(), await ledger.spent(0), *tables)


async def test_nothing_of_the_contents_is_left_and_every_figure_is_as_it_was(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger:
        key, _ = await ledger.keys.create(KeyTerms(name="shop"))
        await made(ledger, a_run("r_1"), key.id)
        await made(ledger, a_run("r_2", review=True))
        await ledger.reviews.reject("r_2", "anna", f"{SECRET} is cut off", error_code="unusable_input")
        assert count(tmp_path, SECRET) > 20
        before = await figures(ledger, tmp_path)
        clock.now = PURGED_AT
        step = await purged(ledger, "r_1", "r_2")
        assert (step.runs, step.inputs) == (2, 1)
        assert await figures(ledger, tmp_path) == before
        assert await ledger.purging.empty_log()
        assert (count(tmp_path, SECRET), count(tmp_path, SHA)) == (0, 0)
        run = await ledger.get_run("r_1")
        assert (run.purged, run.answer, run.reason, run.parameters, dict(run.fields)) == (PURGED_AT, None, "", {}, {})
        assert [(one.skipped, one.error) for one in run.attempts] == [("purged", None), (None, "purged"), (None, None)]
        assert [(one.signals, one.confidences, one.fields) for one in run.attempts] == [({}, {}, ())] * 3
        review = await ledger.reviews.get("r_2")
        assert (review.state, review.reviewer, review.reason, review.purged) == ("rejected", "anna", None, PURGED_AT)
        check_books(tmp_path / "ledger.db")
    assert examine(Database(f"sqlite:///{tmp_path / 'ledger.db'}")).findings == ()


async def test_a_second_purge_changes_nothing(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger:
        await made(ledger, a_run("r_1"))
        clock.now = PURGED_AT
        assert (await purged(ledger, "r_1")).runs == 1
        before = lines(tmp_path)
        clock.now += DAY
        assert await purged(ledger, "r_1") == Step(0, 0, set())
        assert lines(tmp_path) == before
        assert (await ledger.purging.find(clock.now, None, None)).ids == []


async def test_a_run_whose_review_is_open_stays_whole_until_it_is_closed(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger, opened(tmp_path, clock) as reviewer:
        await made(ledger, a_run("r_1", review=True))
        clock.now = PURGED_AT
        for step in (None, lambda: reviewer.reviews.take("r_1", "anna", 60.0)):
            if step is not None:
                await step()
            before = lines(tmp_path)
            assert (await purged(ledger, "r_1")).runs == 0
            assert await ledger.purging.take_inputs(PURGED_AT) == Step(0, 0, set())
            assert lines(tmp_path) == before
        assert (await ledger.purging.due(PURGED_AT)).left == Left(in_review=1)
        found = await ledger.purging.find(PURGED_AT, None, None)
        await reviewer.reviews.answer("r_1", "anna", review_world.said(12.5))
        assert (await purged(ledger, *found.ids)).runs == 1
        # What they answered teaches for as long as examples are kept, and its input with it.
        assert [one.expected for one in await ledger.reviews.examples("receipt")] == [{"total": 12.5}]
        assert await ledger.inputs.get(SHA) is not None
        with pytest.raises(ReviewClosedError):
            await reviewer.reviews.answer("r_1", "anna", review_world.said(12.5))
        gone = await ledger.inputs.purge(lambda _: None, tuple, review_ids=["rev_r_1"])
        assert (gone.inputs, gone.examples) == (1, 1)


@pytest.mark.parametrize("first", ["purge", "answer"])
async def test_of_a_purge_and_an_answer_at_the_same_time_none_is_half_done(tmp_path: Path, first: str) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger, opened(tmp_path, clock) as reviewer:
        await made(ledger, a_run("r_1", review=True))
        clock.now = PURGED_AT
        works = [purged(ledger, "r_1"), reviewer.reviews.answer("r_1", "anna", review_world.said(12.5))]
        await asyncio.gather(*(works if first == "purge" else reversed(works)))
        run, review = await ledger.get_run("r_1"), await ledger.reviews.get("r_1")
        whole = (None, {"total": 12.5}, {"total": 12.5})
        assert (run.purged, run.answer, review.answer) in (whole, (PURGED_AT, None, None))
        assert (review.state, len(await ledger.reviews.examples("receipt"))) == ("answered", 1)


async def test_runs_under_way_and_those_of_repeatable_requests_are_left_alone(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger:
        claim = await ledger.claims.take("n", "POST /v1/chat/completions", key_id=None, keep_s=2 * PURGED_AT)
        with ledger.claiming(claim.id):
            await made(ledger, a_run("r_repeated"))
        answer = Answer(status=200, headers=[], body=SECRET.encode(), sha256="a" * 64)
        await ledger.claims.finish(claim.id, answer, keep=True, most=1_000)
        await made(ledger, a_run("r_held"))
        hold = await ledger.hold("r_held", 1, "up/m", NanoUSD(5))
        await ledger.begin_run("r_running", "receipt", "receipt@1", SHA, 10.0)
        clock.now = PURGED_AT
        names = ("r_repeated", "r_held", "r_running")
        assert (await purged(ledger, *names)).runs == 0
        due = await ledger.purging.due(PURGED_AT)
        assert (due.runs, due.left) == (0, Left(under_way=2, repeatable=1))
        assert await ledger.purging.take_claims() == 0
        ledger.settle(hold.entry, Attempt(model="up/m", passed=True), NanoUSD(5))
        await ledger.drop_run("r_running", "the caller left")
        assert (await purged(ledger, *names)).runs == 2
        clock.now = 3 * PURGED_AT
        assert await ledger.purging.take_claims() == 1
        assert (await purged(ledger, *names)).runs == 1
        assert await ledger.purging.empty_log()
    assert count(tmp_path, SECRET) == 0


@pytest.mark.parametrize(("kind", "label"), [("class", "buy"), ("field", None)])
async def test_settled_audits_count_as_before_and_others_keep_their_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str, label: str | None
) -> None:
    clock = Clock()
    strata = [{"name": "buy", "kind": kind, "promised": True}]
    row = CertificateRow(
        id="c_1", task="receipt", version="receipt@1", document={"measured": {"strata": strata}}, created=1.0
    )
    async with opened(tmp_path, clock) as ledger:
        await ledger.certificates.issue(row)
        monkeypatch.setattr(audit_world, "SERVED", {"label": "buy"})
        for name in ("r_1", "r_2"):
            await audit_world.serve(ledger, name)
        await ledger.audits.skip("rev_r_1", "anna", f"{SECRET} cannot be read")
        before = await ledger.audits.of("c_1")
        clock.now = PURGED_AT
        assert (await purged(ledger, "r_1", "r_2")).runs == 1
        after = {one.run_id: one for one in await ledger.audits.of("c_1")}
        assert after["r_2"] == before[1]
        assert (after["r_1"].state, after["r_1"].note) == ("skipped", "")
        assert after["r_1"].answer == (None if label is None else {"label": label})
        assert (await ledger.purging.due(PURGED_AT)).left == Left(in_review=1)
        assert await ledger.inputs.get(audit_world.SHA) is not None


async def test_an_audit_that_the_top_rung_is_yet_to_settle_keeps_its_run_and_input(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger:
        await audit_world.issue(ledger)
        await audit_world.serve(ledger, "r_1", asks="top")
        clock.now = PURGED_AT
        assert (await purged(ledger, "r_1")).runs == 0
        assert (await ledger.purging.take_inputs(PURGED_AT)).inputs == 0
        assert (await ledger.purging.due(PURGED_AT)).left == Left(in_audit=1)
        await ledger.audits.agree("r_1", "up/m")
        step = await purged(ledger, "r_1")
        assert (step.runs, step.inputs) == (1, 1)


async def test_stored_answers_go_by_their_age_and_by_task(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger:
        key, _ = await ledger.keys.create(KeyTerms(name="shop"))
        for place, task in enumerate(("receipt", "invoice")):
            await ledger.begin_run(f"r_{task}", task, "v", SHA, 10.0, key_id=key.id)
            body: dict[str, Any] = {"id": task, "text": SECRET, "firstline": {"id": f"r_{task}"}}
            times = {"created": 10.0 + place, "expires": 2 * PURGED_AT}
            completion = StoredCompletion(
                id=f"c_{task}", key_id=key.id, model="m", request={}, response=body, metadata={"of": SECRET}, **times
            )
            await ledger.stored.add(completion)
            response = StoredResponse(id=f"a_{task}", key_id=key.id, previous_id=None, items=(), response=body, **times)
            await ledger.responses.add(response)
        assert await ledger.storage.kept(key.id) > 0
        assert (await ledger.purging.due(PURGED_AT, "receipt")).completions == 1
        assert await ledger.purging.take_completions(PURGED_AT, "receipt") == 1
        assert await ledger.purging.take_responses(PURGED_AT, "receipt") == 1
        assert [one.id for one in await ledger.stored.list(9)] == ["c_invoice"]
        assert await ledger.purging.take_completions(10.0, None) == 0
        assert await ledger.purging.take_completions(11.0, None) == 1
        assert await ledger.purging.take_responses(11.0, None) == 1
        assert await ledger.storage.kept(key.id) == 0
        assert await ledger.purging.empty_log()
    assert count(tmp_path, SECRET) == 0


async def test_an_input_stays_while_a_younger_run_has_it_kept(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger:
        await made(ledger, a_run("r_old"))
        clock.now = PURGED_AT
        await made(ledger, a_run("r_new", created=PURGED_AT))
        step = await purged(ledger, "r_old", before=PURGED_AT - DAY)
        assert (step.runs, step.inputs) == (1, 0)
        assert (await ledger.purging.take_inputs(PURGED_AT - DAY)).inputs == 0
        assert await ledger.inputs.get(SHA) is not None
        clock.now += 2 * DAY
        assert (await ledger.purging.take_inputs(PURGED_AT + DAY)).inputs == 1


async def test_the_log_is_said_to_be_in_use_while_somebody_reads(tmp_path: Path) -> None:
    async with opened(tmp_path, Clock()) as ledger:
        await made(ledger, a_run("r_1"))
        with closing(sqlite3.connect(tmp_path / "ledger.db", isolation_level=None)) as connection:
            connection.execute("BEGIN")
            connection.execute("SELECT count(*) FROM runs").fetchone()
            await made(ledger, a_run("r_2"))
            assert not await ledger.purging.empty_log()
        assert await ledger.purging.empty_log()
        assert (tmp_path / "ledger.db-wal").stat().st_size == 0
