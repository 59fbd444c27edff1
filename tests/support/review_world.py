"""Runs that are left to a person, in a ledger: what the tests of reviews begin with."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from firstline.ledger.inputs import Keeping, KeptInput, KeptText
from firstline.ledger.reviews import Settlement
from firstline.ledger.store import Ledger
from firstline.types import FieldOutcome, ReviewMark, Run

SHA = "a" * 64
TEXT = "12.50 or 72.50"


def url(folder: Path) -> str:
    """Return the address of the ledger in a folder."""
    return f"sqlite:///{folder / 'ledger.db'}"


def left(run_id: str, at: float, task: str = "receipt") -> Run:
    """Make a run that no model settled."""
    return Run(
        id=run_id,
        task=task,
        version=f"{task}@1",
        verdict="review",
        answer={"total": 72.5},
        attempts=(),
        fields={"total": FieldOutcome(status="review", reasons=("it is not there",))},
        review=ReviewMark(id=f"rev_{run_id}", at=at),
    )


async def leave(ledger: Ledger, run_id: str, at: float, task: str = "receipt", key_id: str | None = None) -> str:
    """Write a run that is left to a person, with its input; gives the review's id."""
    run = left(run_id, at, task)
    await ledger.begin_run(run_id, task, run.version, SHA, at, key_id=key_id)
    await ledger.list_runs(1)  # the beginning is committed by now, as it is when a model has answered
    given = KeptInput(sha256=SHA, parts=(KeptText(text=TEXT),))
    await ledger.finish_run(run, Keeping(given=given))
    return f"rev_{run_id}"


def said(total: float, by: str = "anna") -> Settlement:
    """Make what an answer writes."""
    return Settlement(answer={"total": total}, fields={"total": FieldOutcome(status="answered", by=by)})


def facts(folder: Path, run_id: str) -> tuple[str, str, int]:
    """Read with nothing but SQLite: the review's state, the run's answer, and how many examples came of it."""
    with closing(sqlite3.connect(folder / "ledger.db")) as connection:
        state = connection.execute("SELECT state FROM reviews WHERE run_id = ?", [run_id]).fetchone()
        answer = connection.execute("SELECT answer FROM runs WHERE id = ?", [run_id]).fetchone()
        count = connection.execute("SELECT count(*) FROM examples WHERE run_id = ?", [run_id]).fetchone()
    return state[0], answer[0], count[0]
