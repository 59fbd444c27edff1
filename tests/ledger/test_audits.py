"""An audit is drawn with the end of its run and settled once, with what it does to the certificate."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from firstline.errors import LedgerError, ReviewClosedError, ReviewTakenError
from firstline.ledger.audits import EXPIRED_BY, Audit
from firstline.ledger.store import Ledger
from firstline.money import NanoUSD
from firstline.types import Attempt, ReviewMark
from support.audit_world import SERVED, facts, issue, one_is_enough, said, serve
from support.review_world import said as answered
from support.review_world import url


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def opened(folder: Path, clock: Clock | None = None) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(url(folder), clock=clock or Clock())
    try:
        yield ledger
    finally:
        await ledger.close()


async def states(ledger: Ledger) -> dict[str, str]:
    return {audit.run_id: audit.state for audit in await ledger.audits.of("c_1")}


async def test_an_answer_confirmed_is_right_and_teaches(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await issue(ledger)
        name = await serve(ledger, "r1")
        before = await ledger.get_run("r1")
        assert before.review == ReviewMark(id=name, kind="audit", at=1000.0)
        review, withdrawn = await ledger.audits.answer(name, "anna", said(72.5), one_is_enough)
        assert (review.state, review.kind, review.certificate_id, withdrawn) == ("answered", "audit", "c_1", None)
        (audit,) = await ledger.audits.of("c_1")
        assert (audit.state, audit.wrong, audit.settled_by, audit.answer) == ("right", (), "anna", SERVED)
        (example,) = await ledger.reviews.examples("receipt")
        assert (example.expected, example.origin) == (SERVED, "audit")
        after = await ledger.get_run("r1")
        assert (after.verdict, after.answer, after.fields) == (before.verdict, before.answer, before.fields)


async def test_a_wrong_answer_withdraws_with_its_reason_and_leaves_the_run_alone(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await issue(ledger)
        name = await serve(ledger, "r1")
        _, withdrawn = await ledger.audits.answer(name, "anna", said(12.5), one_is_enough)
        assert withdrawn == "1 of 1 wrong"
        row = await ledger.certificates.get("c_1")
        assert (row.state, row.reason, row.ended) == ("withdrawn", "1 of 1 wrong", 1000.0)
        assert (await ledger.get_run("r1")).answer == SERVED
        assert await ledger.audits.answer(name, "anna", said(12.5), one_is_enough) == (
            await ledger.reviews.get(name),
            None,
        )
        with pytest.raises(ReviewClosedError):
            await ledger.audits.answer(name, "ben", said(72.5), one_is_enough)
        # What comes in later is kept, and withdraws nothing again.
        other = await serve(ledger, "r2")
        assert (await ledger.audits.answer(other, "ben", said(1.0), one_is_enough))[1] is None
        assert (await ledger.certificates.get("c_1")).reason == "1 of 1 wrong"


async def test_an_audit_cannot_be_taken_for_a_review_that_completes_its_run(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await issue(ledger)
        name = await serve(ledger, "r1")
        for call in (
            ledger.reviews.answer(name, "anna", answered(1.0)),
            ledger.reviews.reject(name, "anna", "no", error_code="invalid_input"),
        ):
            with pytest.raises(LedgerError, match="is an audit"):
                await call
        assert (await ledger.get_run("r1")).answer == SERVED
        assert facts(tmp_path, "r1") == ("pending", "open", 0, "active")


async def test_of_many_at_once_one_settles_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as first, opened(tmp_path) as second:
        await issue(first)
        name = await serve(first, "r1")
        ledgers = [first, second] * 10
        calls = [
            ledger.audits.answer(name, f"r{number}", said(float(number)), one_is_enough)
            for number, ledger in enumerate(ledgers)
        ]
        results = await asyncio.gather(*calls, return_exceptions=True)
        (won,) = [one for one in results if isinstance(one, tuple)]
        assert won[1] == "1 of 1 wrong"
        assert sum(isinstance(one, ReviewClosedError) for one in results) == len(ledgers) - 1
        (example,) = await second.reviews.examples("receipt")
        assert example.expected == won[0].answer


async def test_what_cannot_be_decided_is_skipped_and_counted(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await issue(ledger)
        name = await serve(ledger, "r1")
        await ledger.reviews.take(name, "anna", 60.0)
        with pytest.raises(ReviewTakenError):
            await ledger.audits.skip(name, "ben", "half a page")
        done = await ledger.audits.skip(name, "anna", "half a page")
        assert await ledger.audits.skip(name, "anna", "half a page") == done
        (audit,) = await ledger.audits.of("c_1")
        assert (done.state, audit.state, audit.note) == ("rejected", "skipped", "half a page")
        assert (await ledger.get_run("r1")).verdict == "accepted"
        assert await ledger.reviews.examples("receipt") == []


async def test_what_nobody_settles_expires_unless_somebody_holds_it(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger:
        await issue(ledger)
        for run_id, asks in (("held", "review"), ("left", "review"), ("unasked", "top")):
            await serve(ledger, run_id, asks=asks)  # type: ignore[arg-type]
        await serve(ledger, "young", 1090.0)
        clock.now = 1100.0
        await ledger.reviews.take("held", "anna", 60.0)
        await ledger.inputs.sweep(50.0, lambda sha256: None)
        assert await states(ledger) == {
            "held": "pending",
            "left": "expired",
            "unasked": "expired",
            "young": "pending",
        }
        closed = await ledger.reviews.get("left")
        assert (closed.state, closed.reviewer) == ("rejected", EXPIRED_BY)
        with pytest.raises(ReviewClosedError):
            await ledger.audits.answer("left", "anna", said(72.5), one_is_enough)
        assert (await ledger.get_run("left")).answer == SERVED


async def test_audits_count_in_the_order_in_which_their_runs_began(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await issue(ledger)
        for run_id, at in (("late", 30.0), ("early", 10.0), ("between", 20.0)):
            await serve(ledger, run_id, at)
        assert list(await states(ledger)) == ["early", "between", "late"]


async def test_the_top_rung_is_asked_by_one_process_at_a_time(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger, opened(tmp_path, clock) as other:
        await issue(ledger)
        await serve(ledger, "second", 20.0, asks="top")
        await serve(ledger, "first", 10.0, asks="top")
        await serve(ledger, "person", 5.0)
        claims = await asyncio.gather(*(one.audits.claim(60.0) for one in (ledger, other, ledger)))
        assert sorted(one.run_id for one in claims if one) == ["first", "second"]
        clock.now += 61.0  # whoever held them is gone
        again = await other.audits.claim(60.0)
        assert again is not None
        assert again.run_id == "first"
        await other.audits.agree("first", "fake/large")
        mark = ReviewMark(id="rev_second", kind="audit", at=clock.now)
        await other.audits.hand_over("second", mark, "suspect", "it says 12.5", "fake/large")
        assert await states(ledger) == {"person": "pending", "first": "right", "second": "suspect"}
        assert await ledger.audits.claim(60.0) is None
        await ledger.audits.answer("second", "anna", said(12.5), one_is_enough)
        assert (await states(ledger))["second"] == "wrong"


async def test_only_what_audits_cost_counts_as_such(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger:
        for run_id, audit_of in (("plain", None), ("asked", "r1")):
            await ledger.begin_run(run_id, "receipt", "receipt@1", "0" * 64, clock.now, audit_of=audit_of)
            entry, _ = await ledger.hold(run_id, 0, "fake/large", NanoUSD(90))
            ledger.settle(entry, Attempt(model="fake/large", passed=True), NanoUSD(70))
        await ledger.hold("asked", 1, "fake/large", NanoUSD(5))
        assert await ledger.audits.spent(0.0) == 75
        assert await ledger.audits.spent(clock.now + 1) == 0


DIES = """
import asyncio, os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from firstline.ledger.store import Ledger
from support.audit_world import issue, one_is_enough, said, serve
from support.review_world import url

folder, what, after = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
left = None

@event.listens_for(Engine, "after_cursor_execute")
def count(connection, cursor, statement, *rest):
    global left
    if left is not None and not statement.startswith(("SELECT", "BEGIN")):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

async def work():
    global left
    ledger = await Ledger.open(url(folder))
    await issue(ledger)
    if what == "serve":
        left = after
        await serve(ledger, "r1")
    elif what == "answer":
        await serve(ledger, "r1")
        left = after
        await ledger.audits.answer("r1", "anna", said(12.5), one_is_enough)
    else:
        await serve(ledger, "r1", asks="top")
        assert await ledger.audits.claim(1e9) is not None
        await ledger.begin_run("asks", "receipt", "receipt@1", "0" * 64, 1.0, audit_of="r1")
        await ledger.list_runs(1)
        os.kill(os.getpid(), signal.SIGKILL)
    print("done", flush=True)
    await ledger.close()

asyncio.run(work())
"""


async def dying(folder: Path, what: str, after: int) -> bool:
    """Do it in a process that kills itself in the transaction after so many statements; says whether it got through."""
    command = (sys.executable, "-c", DIES, str(folder), what, str(after))
    environment = {"PYTHONPATH": str(Path(__file__).parents[1]), "PATH": ""}
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
    out, _ = await process.communicate()
    assert process.returncode == (0 if out == b"done\n" else -9)
    return out == b"done\n"


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5])
async def test_death_at_the_end_of_a_run_loses_no_audit_of_what_was_served(tmp_path: Path, after: int) -> None:
    through = await dying(tmp_path, "serve", after)
    assert through == (after == 5)  # the input is looked for and written, the review, the audit
    async with opened(tmp_path) as ledger:
        run = await ledger.get_run("r1")
    assert (run.verdict == "accepted") == through
    assert facts(tmp_path, "r1") == (("pending", "open", 0, "active") if through else (None, None, 0, "active"))


@pytest.mark.parametrize("after", [1, 2, 3, 4, 5, 6, 7])
async def test_death_in_the_middle_of_an_answer_leaves_nothing_of_it_and_it_can_be_given_again(
    tmp_path: Path, after: int
) -> None:
    through = await dying(tmp_path, "answer", after)
    assert through == (after == 7)  # the example, the review, the audit, the certificate, two lines of the log
    whole = ("wrong", "answered", 1, "withdrawn")
    assert facts(tmp_path, "r1") == (whole if through else ("pending", "open", 0, "active"))
    async with opened(tmp_path) as ledger:
        await ledger.audits.answer("r1", "anna", said(12.5), one_is_enough)
    assert facts(tmp_path, "r1") == whole


async def test_what_a_process_was_asking_when_it_died_is_asked_by_the_next(tmp_path: Path) -> None:
    assert not await dying(tmp_path, "claim", 0)
    async with opened(tmp_path) as ledger:
        again = await ledger.audits.claim(60.0)
        assert isinstance(again, Audit)
        assert again.run_id == "r1"
