"""A review is answered exactly once: by one of two reviewers, through retries, leases that end, and a crash."""

from __future__ import annotations

import asyncio
import shutil
import sys
from pathlib import Path
from typing import Any, Literal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstline.errors import ConflictError, NotFoundError, ReviewClosedError, ReviewTakenError
from firstline.ledger.reviews import Review
from firstline.ledger.sight import Sight
from firstline.types import FieldOutcome, ReviewMark
from support.ledgers import opened
from support.review_world import SHA, facts, leave, said

Word = Literal["take", "release", "answer", "reject", "wait"]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_a_run_that_is_left_to_a_person_comes_into_the_queue_with_its_input(tmp_path: Path) -> None:
    async with opened(tmp_path, Clock()) as ledger:
        name = await leave(ledger, "r1", 1000.0, key_id="key_1")
        found = await ledger.reviews.get(name)
        assert (found.run_id, found.task, found.state, found.kind) == ("r1", "receipt", "open", "review")
        assert (found.key_id, found.input_sha256, found.certificate_id) == ("key_1", SHA, None)
        assert await ledger.reviews.get("r1") == found
        assert (await ledger.get_run("r1")).review == ReviewMark(id=name, at=1000.0)
        assert await ledger.inputs.get(SHA) is not None
        with pytest.raises(NotFoundError):
            await ledger.reviews.get(name, sight=Sight(reviews=("key_2",)))


async def test_a_lease_is_held_renewed_ended_and_released(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger:
        name = await leave(ledger, "r1", 1000.0)
        taken = await ledger.reviews.take(name, "anna", 60.0)
        assert (taken.state, taken.reviewer, taken.at, taken.lease_ends) == ("taken", "anna", 1000.0, 1060.0)
        for call in (
            ledger.reviews.take(name, "ben", 60.0),
            ledger.reviews.release(name, "ben"),
            ledger.reviews.answer(name, "ben", said(12.5)),
            ledger.reviews.reject(name, "ben", "no", error_code="invalid_input"),
        ):
            with pytest.raises(ReviewTakenError, match=r"taken by anna until 1970-01-01 00:17:40 UTC"):
                await call
        clock.now = 1050.0
        assert (await ledger.reviews.take(name, "anna", 60.0)).lease_ends == 1110.0
        clock.now = 1110.0
        assert [one.id for one in await ledger.reviews.list(9, state="open")] == [name]
        assert (await ledger.get_run("r1")).review == ReviewMark(id=name, state="open", at=1110.0)
        assert (await ledger.reviews.take(name, "ben", 60.0)).reviewer == "ben"
        assert (await ledger.reviews.release(name, "ben")).state == "open"
        assert (await ledger.reviews.release(name, "anna")).state == "open"


async def test_an_answer_completes_the_run_and_becomes_an_example(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger:
        name = await leave(ledger, "r1", 1000.0)
        clock.now = 1500.0
        done = await ledger.reviews.answer(name, "anna", said(12.5))
        assert (done.state, done.reviewer, done.at, done.answer) == ("answered", "anna", 1500.0, {"total": 12.5})
        run = await ledger.get_run("r1")
        assert (run.verdict, run.answer) == ("review", {"total": 12.5})
        assert run.fields == {"total": FieldOutcome(status="answered", by="anna")}
        assert run.review == ReviewMark(id=name, state="answered", by="anna", at=1500.0)
        (example,) = await ledger.reviews.examples("receipt")
        assert (example.input_sha256, example.expected, example.origin) == (SHA, {"total": 12.5}, "review")
        clock.now = 2000.0
        assert await ledger.reviews.answer(name, "anna", said(12.5)) == done
        for call in (
            ledger.reviews.answer(name, "anna", said(13.0)),
            ledger.reviews.answer(name, "ben", said(12.5)),
            ledger.reviews.take(name, "anna", 1.0),
            ledger.reviews.release(name, "anna"),
            ledger.reviews.reject(name, "anna", "no", error_code="invalid_input"),
        ):
            with pytest.raises(ReviewClosedError, match="was answered by anna"):
                await call
        assert len(await ledger.reviews.examples("receipt")) == 1


async def test_a_rejected_input_rejects_its_run_and_teaches_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, Clock()) as ledger:
        name = await leave(ledger, "r1", 1000.0)
        done = await ledger.reviews.reject(name, "anna", "half a page", error_code="invalid_input")
        run = await ledger.get_run("r1")
        assert (run.verdict, run.reason, run.error_code) == ("rejected", "half a page", "invalid_input")
        assert (run.answer, run.fields) == (None, {})
        assert await ledger.reviews.examples("receipt") == []
        assert await ledger.reviews.reject(name, "anna", "half a page", error_code="invalid_input") == done
        with pytest.raises(ReviewClosedError, match="was rejected by anna"):
            await ledger.reviews.answer(name, "anna", said(1.0))


async def test_the_queue_is_listed_oldest_first_in_pages_and_by_what_it_holds(tmp_path: Path) -> None:
    async with opened(tmp_path, Clock()) as ledger:
        for run_id, at, task, key in (("a", 1.0, "receipt", None), ("c", 2.0, "tag", "k"), ("b", 2.0, "receipt", "k")):
            await leave(ledger, run_id, at, task, key)
        await ledger.reviews.take("rev_a", "anna", 60.0)

        async def ids(limit: int = 9, **words: Any) -> list[str]:
            return [one.run_id for one in await ledger.reviews.list(limit, **words)]

        assert await ids() == ["a", "b", "c"]
        assert await ids(2) == ["a", "b"]
        assert await ids(after="rev_b") == ["c"]
        assert await ids(task="receipt", state="open") == ["b"]
        assert await ids(state="taken") == ["a"]
        assert await ids(kind="audit") == []
        assert await ids(sight=Sight(reviews=("k",))) == ["b", "c"]
        assert await ids(sight=Sight(reviews=("k",), tasks=("task/rec*",))) == ["b"]
        assert await ids(sight=Sight(tasks=("task/t?g", "gpt-4o-mini"))) == ["c"]
        assert await ids(sight=Sight(reviews=())) == []
        assert await ids(sight=Sight(audits=())) == ["a", "b", "c"]
        with pytest.raises(NotFoundError):
            await ids(after="rev_nothing")


async def test_of_many_reviewers_at_once_one_is_first(tmp_path: Path) -> None:
    async with opened(tmp_path, Clock()) as first, opened(tmp_path, Clock()) as second:
        name = await leave(first, "r1", 1000.0)
        ledgers = [first, second] * 10
        calls = [
            ledger.reviews.answer(name, f"r{number}", said(number, f"r{number}"))
            for number, ledger in enumerate(ledgers)
        ]
        results = await asyncio.gather(*calls, return_exceptions=True)
        (won,) = [one for one in results if isinstance(one, Review)]
        assert sum(isinstance(one, ReviewClosedError) for one in results) == len(ledgers) - 1
        assert (await second.get_run("r1")).answer == won.answer
        assert len(await second.reviews.examples("receipt")) == 1


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger with one open review; each case takes a copy, because making one takes a while."""
    folder = tmp_path_factory.mktemp("empty")

    async def make() -> None:
        async with opened(folder, Clock()) as ledger:
            await leave(ledger, "r1", 1000.0)

    asyncio.run(make())
    return folder / "ledger.db"


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["take", "take", "release", "answer", "answer", "reject", "wait"]),
        st.sampled_from(["anna", "ben"]),
        st.sampled_from([1.0, 2.0]),
    ),
    min_size=1,
    max_size=12,
)


@settings(max_examples=60)
@given(steps=STEPS)
def test_whatever_two_reviewers_do_in_turns_the_first_answer_stands(
    empty: Path, tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[Word, str, float]]
) -> None:
    folder = tmp_path_factory.mktemp("turns")
    shutil.copy(empty, folder / "ledger.db")
    asyncio.run(play(folder, steps))


async def play(folder: Path, steps: list[tuple[Word, str, float]]) -> None:
    """Play the steps beside a model of what must come of them."""
    clock = Clock()
    holder: str | None = None
    ends = 0.0
    closed: tuple[str, str, float] | None = None
    async with opened(folder, clock) as ledger:
        queue = ledger.reviews
        for word, who, value in steps:
            free = holder in (None, who) or clock.now >= ends
            match word:
                case "wait":
                    clock.now += 30.0 * value
                    continue
                case "take":
                    call, allowed = queue.take("rev_r1", who, 50.0), closed is None and free
                case "release":
                    call, allowed = queue.release("rev_r1", who), closed is None and free
                case "answer":
                    call = queue.answer("rev_r1", who, said(value, who))
                    allowed = (closed is None and free) or closed == ("answered", who, value)
                case "reject":
                    call = queue.reject("rev_r1", who, f"no {value}", error_code="invalid_input")
                    allowed = (closed is None and free) or closed == ("rejected", who, value)
            try:
                await call
            except ConflictError:
                assert not allowed, (word, who, value)
                continue
            assert allowed, (word, who, value)
            if word == "take":
                holder, ends = who, clock.now + 50.0
            elif word == "release":
                holder = None
            else:
                closed = closed or ("answered" if word == "answer" else "rejected", who, value)
        run = await ledger.get_run("r1")
        examples = await queue.examples("receipt")
    if closed is None:
        assert (run.answer, examples) == ({"total": 72.5}, [])
    elif closed[0] == "answered":
        assert (run.answer, [one.expected for one in examples]) == ({"total": closed[2]}, [{"total": closed[2]}])
    else:
        assert (run.verdict, run.reason, examples) == ("rejected", f"no {closed[2]}", [])


DIES = """
import asyncio, os, signal, sys
from pathlib import Path
from sqlalchemy import Engine, event
from firstline.ledger.store import Ledger
from support.review_world import leave, said, url

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
    if what == "leave":
        left = after
        await leave(ledger, "r1", 1000.0)
    else:
        await leave(ledger, "r1", 1000.0)
        left = after
        await ledger.reviews.answer("r1", "anna", said(12.5))
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
async def test_death_in_the_middle_of_an_answer_leaves_nothing_of_it_and_it_can_be_given_again(
    tmp_path: Path, after: int
) -> None:
    through = await dying(tmp_path, "answer", after)
    assert through == (after == 5)  # the run, the line of the log, the example, the review
    whole = ("answered", '{"total":12.5}', 1)
    assert facts(tmp_path, "r1") == (whole if through else ("open", '{"total":72.5}', 0))
    async with opened(tmp_path, Clock()) as ledger:
        await ledger.reviews.answer("r1", "anna", said(12.5))
    assert facts(tmp_path, "r1") == whole


@pytest.mark.parametrize("after", [1, 2, 3, 4])
async def test_death_at_the_end_of_a_run_leaves_no_review_without_its_source(tmp_path: Path, after: int) -> None:
    through = await dying(tmp_path, "leave", after)
    assert through == (after == 4)  # the input is looked for and written, and the review
    async with opened(tmp_path, Clock()) as ledger:
        run = await ledger.get_run("r1")
        kept = await ledger.inputs.get(SHA)
        queue = await ledger.reviews.list(9)
    assert (kept is not None) == bool(queue) == (run.review is not None) == through
    assert run.reason == ("" if through else "interrupted")
