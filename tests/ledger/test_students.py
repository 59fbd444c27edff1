"""At most one student of a task is in charge, and what was in charge before comes back when it is rolled back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest

from firstline.errors import NotFoundError
from firstline.ledger.store import Ledger
from firstline.ledger.students import StudentRow


@asynccontextmanager
async def opened(folder: Path) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(f"sqlite:///{folder / 'ledger.db'}", clock=lambda: 100.0)
    try:
        yield ledger
    finally:
        await ledger.close()


def student(letter: str, *, task: str = "sort") -> StudentRow:
    return StudentRow(
        sha256=letter * 64,
        task=task,
        version="sort@1",
        kind="classify",
        provenance={"rows": 3},
        measured={},
        created=float(ord(letter)),
    )


async def states(ledger: Ledger) -> dict[str, str]:
    return {row.sha256[0]: row.state for row in await ledger.students.latest()}


async def test_one_at_a_time_is_in_charge(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        for letter in "abc":
            await ledger.students.add(student(letter))
        await ledger.students.add(student("d", task="other"))
        await ledger.students.promote("d" * 64)
        await ledger.students.promote("a" * 64)
        await ledger.students.promote("b" * 64, certificate="c_1")
        found = await states(ledger)
        in_charge = await ledger.students.in_charge()
    assert found == {"a": "retired", "b": "promoted", "c": "candidate", "d": "promoted"}
    assert [(row.task, row.sha256[0], row.certificate) for row in in_charge] == [
        ("other", "d", None),
        ("sort", "b", "c_1"),
    ]
    assert in_charge[1].previous == "a" * 64


async def test_rolling_back_walks_to_the_one_before_and_then_to_none(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        for letter in "abc":
            await ledger.students.add(student(letter))
            await ledger.students.promote(letter * 64)
        first = await ledger.students.roll_back("sort", "audits contradict it", sha256="c" * 64)
        again = await ledger.students.roll_back("sort", "the same news from another process", sha256="c" * 64)
        found = await states(ledger)
        await ledger.students.roll_back("sort", "by hand")
        await ledger.students.roll_back("sort", "by hand")
        none = await ledger.students.roll_back("sort", "by hand")
        last = await states(ledger)
    assert first is not None
    assert (first.sha256[0], again, none) == ("c", None, None)
    assert found == {"a": "retired", "b": "promoted", "c": "rolled_back"}
    assert last == {"a": "rolled_back", "b": "rolled_back", "c": "rolled_back"}


async def test_what_is_made_again_is_kept_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await ledger.students.add(student("a"))
        await ledger.students.promote("a" * 64)
        await ledger.students.add(msgspec.structs.replace(student("a"), measured={"coverage": 0.5}))
        [row] = await ledger.students.latest(task="sort")
    assert (row.state, row.measured) == ("promoted", {"coverage": 0.5})


async def test_a_student_is_found_by_the_beginning_of_its_name(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await ledger.students.add(student("a"))
        found = await ledger.students.get("sha256:aaaaaa")
        for name in ("aaaaa", "b" * 64, "%"):
            with pytest.raises(NotFoundError):
                await ledger.students.get(name)
    assert found.sha256 == "a" * 64
