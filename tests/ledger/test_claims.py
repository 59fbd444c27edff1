"""Claims under every interleaving of servers, callers, deaths and answers: one works, and nobody does it twice."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstline.ledger.claims import Answer, Claim
from firstline.ledger.contents import Placing
from firstline.ledger.files import StoredFile
from firstline.ledger.fine_tuning import JobEvent, JobRow
from firstline.ledger.store import Ledger
from firstline.money import NanoUSD
from firstline.types import Attempt, Usage

DAY = 86_400.0
REQUEST = "POST /v1/chat/completions"
HELLO = Answer(status=200, headers=[("content-type", "text/plain")], body=b"hello", sha256="a" * 64)
STEPS = st.lists(
    st.tuples(st.sampled_from(["take", "finish", "fail", "pay", "die"]), st.integers(0, 1), st.integers(0, 1)),
    max_size=25,
)


class Clock:
    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def opened(folder: Path, clock: Clock) -> Ledger:
    return await Ledger.open(f"sqlite:///{folder / 'ledger.db'}", clock=clock)


async def taken(ledger: Ledger, name: str = "n", key_id: str | None = None) -> Claim:
    return await ledger.claims.take(name, REQUEST, key_id=key_id, keep_s=DAY)


async def paid(ledger: Ledger, claim: Claim, number: int) -> None:
    """Pay a call for a claim."""
    with ledger.claiming(claim.id):
        await ledger.begin_run(f"run_{number}", "chat", "v", "0" * 64, 1.0)
    entry = await ledger.hold(f"run_{number}", 0, "up/m", NanoUSD(5))
    attempt = Attempt(model="up/m", passed=True, usage=Usage(prompt_tokens=1, completion_tokens=1), ms=1)
    ledger.settle(entry.entry, attempt, NanoUSD(5))
    await ledger.flush()


def die(ledger: Ledger) -> None:
    """Let go of the session's lock as the end of a process does, and of nothing else."""
    ledger._session._connection.close()


async def test_one_claims_and_the_other_finds_the_answer(tmp_path: Path) -> None:
    clock = Clock()
    first, second = await opened(tmp_path, clock), await opened(tmp_path, clock)
    mine = await taken(first)
    theirs = await taken(second)
    assert (mine.mine, theirs.mine, theirs.answer, theirs.lost) == (True, False, None, False)
    await first.claims.finish(mine.id, HELLO, keep=True, most=1_000)
    assert (await taken(second)).answer == HELLO
    assert (await taken(second, key_id="key_1")).mine
    clock.now += DAY + 1
    assert (await taken(second)).mine
    await first.close()
    await second.close()


async def test_of_many_at_once_one_works(tmp_path: Path) -> None:
    clock = Clock()
    ledgers = [await opened(tmp_path, clock) for _ in range(3)]
    claims = await asyncio.gather(*(taken(ledger) for ledger in ledgers for _ in range(20)))
    assert sum(claim.mine for claim in claims) == 1
    assert len({claim.id for claim in claims}) == 1
    for ledger in ledgers:
        await ledger.close()


async def test_what_a_dead_process_left_is_free_unless_it_was_paid(tmp_path: Path) -> None:
    clock = Clock()
    first, second = await opened(tmp_path, clock), await opened(tmp_path, clock)
    unpaid, costly = await taken(first, "unpaid"), await taken(first, "costly")
    await paid(first, costly, 1)
    die(first)
    again = await taken(second, "unpaid")
    assert again.mine
    assert again.id != unpaid.id
    for _ in range(2):
        lost = await taken(second, "costly")
        assert (lost.lost, lost.mine) == (True, False)
    await second.close()


async def make(ledger: Ledger, what: str, name: str) -> None:
    """Keep a file or a job of fine-tuning."""
    if what == "file":
        file = StoredFile(
            id=name, key_id=None, sha256="0" * 64, bytes=1, filename="a", purpose="user_data", created=1_000.0
        )
        await ledger.files.add(file, Placing(place=lambda: None, there=lambda: True))
    else:
        job = JobRow(id=name, key_id=None, state="queued", request={}, created=1_000.0)
        await ledger.fine_tuning.add(job, JobEvent(message="made"))


@pytest.mark.parametrize("what", ["file", "job"])
@pytest.mark.parametrize("dies", [True, False])
async def test_what_was_made_for_a_claim_is_not_made_again_and_what_others_made_counts_for_nothing(
    tmp_path: Path, what: str, *, dies: bool
) -> None:
    clock = Clock()
    first, second = await opened(tmp_path, clock), await opened(tmp_path, clock)
    empty, full = await taken(first, "empty"), await taken(first, "full")
    await make(second, what, "of another request")
    with first.claiming(full.id):
        await make(first, what, "of the claim")
    if dies:
        die(first)
    else:
        await first.claims.free(empty.id)
        await first.claims.free(full.id)
    assert (await taken(second, "empty")).mine
    assert (await taken(second, "full")).lost
    await second.close()


async def test_an_answer_that_need_not_be_kept_is_kept_where_a_file_was(tmp_path: Path) -> None:
    ledger = await opened(tmp_path, Clock())
    for name in ("empty", "full"):
        claim = await taken(ledger, name)
        with ledger.claiming(claim.id):
            if name == "full":
                await make(ledger, "file", name)
        await ledger.claims.finish(claim.id, HELLO, keep=False, most=1_000)
    assert (await taken(ledger, "empty")).mine
    assert (await taken(ledger, "full")).answer == HELLO
    await ledger.close()


async def test_the_holds_of_a_dead_process_are_given_back_when_its_claim_is_taken(tmp_path: Path) -> None:
    clock = Clock()
    first, second = await opened(tmp_path, clock), await opened(tmp_path, clock)
    mine = await taken(first)
    with first.claiming(mine.id):
        await first.begin_run("run_1", "chat", "v", "0" * 64, 1.0)
    await first.hold("run_1", 0, "up/m", NanoUSD(5))
    die(first)
    assert (await taken(second)).mine
    assert (await second.get_run("run_1")).reason == "interrupted"
    await second.close()


async def test_bodies_over_the_bound_of_a_caller_go_oldest_first(tmp_path: Path) -> None:
    clock = Clock()
    ledger = await opened(tmp_path, clock)
    kept = []
    for number in range(200):
        clock.now += 1
        claim = await taken(ledger, f"n{number}")
        await ledger.claims.finish(claim.id, HELLO, keep=True, most=50)
        kept.append(f"n{number}")
    answers = [(await taken(ledger, name)).answer for name in kept]
    assert all(answer is not None for answer in answers)
    bodies = [answer is not None and answer.body is not None for answer in answers]
    assert bodies == sorted(bodies)
    assert not bodies[0]
    assert bodies[-1]
    await ledger.close()


@settings(max_examples=25)
@given(STEPS)
def test_nothing_is_paid_twice_whatever_happens_when(
    tmp_path_factory: object, steps: list[tuple[str, int, int]]
) -> None:
    asyncio.run(_interleaved(tmp_path_factory.mktemp("ledger"), steps))  # type: ignore[attr-defined]


async def _interleaved(folder: Path, steps: list[tuple[str, int, int]]) -> None:
    """Two servers and two keys. `owner` is who works on a key, `paid_for` how often each was paid."""
    clock = Clock()
    servers = [await opened(folder, clock), await opened(folder, clock)]
    working: dict[str, tuple[int, Claim]] = {}
    paid_for: dict[str, int] = {}
    answered: set[str] = set()
    for number, (step, which, key) in enumerate(steps):
        name, server = f"key{key}", servers[which]
        held = working.get(name)
        if step == "take":
            claim = await taken(server, name)
            if claim.mine:
                assert held is None, "two work on one request"
                assert paid_for.get(name, 0) == 0, "done again although it was paid"
                assert name not in answered
                working[name] = (which, claim)
            elif held is None:
                assert claim.answer == HELLO or claim.lost
                assert claim.lost == (name not in answered)
            else:
                assert (claim.answer, claim.lost) == (None, False)
        elif step == "die":
            die(server)
            servers[which] = await opened(folder, clock)
            working = {name: one for name, one in working.items() if one[0] != which}
        elif held is not None and held[0] == which:
            if step == "pay":
                await paid(server, held[1], number)
                paid_for[name] = paid_for.get(name, 0) + 1
                continue
            await server.claims.finish(held[1].id, HELLO, keep=step == "finish", most=10**6)
            if step == "finish" or paid_for.get(name):
                answered.add(name)
            del working[name]
    for server in servers:
        await server.close()
