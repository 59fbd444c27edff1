"""Inputs that are kept so that a person can see what they decide on: texts in the row, files by their sha256.

Where the bytes of files lie is `runs.inputs`' to know. Each input is there once, however many runs had it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Literal

import msgspec
from sqlalchemy import ColumnElement, Connection, and_, delete, exists, insert, or_, select, update

from firstline.ledger.audits import any_stale, expire
from firstline.ledger.contents import NamedBytes, Placing, Remove
from firstline.ledger.keys import Transaction
from firstline.ledger.tables import examples, input_files, inputs, reviews, runs
from firstline.types import Detail, Value

_UNSETTLED = ("open", "taken")


class KeptText(Value, frozen=True, kw_only=True, tag="text"):
    """A text of an input."""

    text: str


class KeptFile(Value, frozen=True, kw_only=True, tag="file"):
    """A picture or PDF of an input; its size is in bytes, a picture's sides are in pixels."""

    kind: Literal["image", "document"]
    sha256: str
    bytes: int
    media_type: str
    width: int = 0
    height: int = 0
    detail: Detail = "auto"


KeptPart = KeptText | KeptFile


class KeptInput(Value, frozen=True, kw_only=True):
    """An input under the sha256 that runs have of it."""

    sha256: str
    parts: tuple[KeptPart, ...]

    @property
    def files(self) -> tuple[KeptFile, ...]:
        """The pictures and PDFs."""
        return tuple(part for part in self.parts if isinstance(part, KeptFile))


class Keeping(Value, frozen=True, kw_only=True):
    """An input to keep, and the bytes of its files (None: it has none), which were placed."""

    given: KeptInput
    placing: Placing | None = None


class Purged(Value, frozen=True, kw_only=True):
    """How many inputs, files and examples were taken away."""

    inputs: int
    files: int
    examples: int


def keep(connection: Connection, keeping: Keeping, now: float) -> None:
    """Write an input within a transaction that writes why it is kept; one that is there is kept from now on."""
    given = keeping.given
    seen = connection.execute(update(inputs).where(inputs.c.sha256 == given.sha256).values(kept=now))
    if not seen.rowcount:
        parts = msgspec.json.encode(given.parts).decode()
        connection.execute(insert(inputs).values(sha256=given.sha256, parts=parts, kept=now))
        named = [{"input_sha256": given.sha256, "sha256": sha256} for sha256 in {file.sha256 for file in given.files}]
        if named:
            connection.execute(insert(input_files), named)


class InputRows:
    """The kept inputs of one ledger (`Ledger.inputs`). `named` are the bytes that they name."""

    def __init__(self, write: Transaction, read: Transaction, alone: Transaction, clock: Callable[[], float]) -> None:
        self._write = write
        self._read = read
        self._clock = clock
        self.named = NamedBytes(read, alone, input_files.c.sha256)

    async def get(self, sha256: str) -> KeptInput | None:
        """Return an input; None where it is not kept, or not any more."""
        query = select(inputs.c.parts).where(inputs.c.sha256 == sha256)
        found = await self._read(lambda connection: connection.execute(query).scalar_one_or_none())
        if found is None:
            return None
        return KeptInput(sha256=sha256, parts=msgspec.json.decode(found, type=tuple[KeptPart, ...]))

    async def sweep(self, age_s: float, remove: Remove) -> None:
        """Take away inputs and examples that are older; not the input of an open review or of a younger example.

        Audits that are older and that nobody has settled expire.
        """
        now = self._clock()
        before = now - age_s
        old = examples.c.created < before
        due = and_(inputs.c.kept < before, ~wanted())
        anything = select(exists().where(old) | exists().where(due) | any_stale(before))
        if not await self._read(lambda connection: connection.execute(anything).scalar_one()):
            return

        def work(connection: Connection) -> set[str]:
            connection.execute(delete(examples).where(old))
            expire(connection, before, now)
            return forget(connection, due)[1]

        await self.named.let_go(await self._write(work), remove)

    async def purge(
        self,
        remove: Remove,
        there: Callable[[], Iterable[str]],
        *,
        review_ids: Iterable[str] = (),
        age_s: float = 0.0,
        task: str | None = None,
        unsettled: bool = False,
    ) -> Purged:
        """Take away inputs and the examples made of them: those of some reviews, whatever their state, or all that are
        as old as `age_s`, of one task where it is named; those of open reviews only where `unsettled` says so.

        `there` lists the bytes in the data folder: those that belong to no input go too.
        """
        named = list(review_ids)
        before = self._clock() - age_s
        ours: list[ColumnElement[bool]] = [inputs.c.kept <= before]
        taught: list[ColumnElement[bool]] = [examples.c.created <= before]
        if named:
            # A purged run and its review name their input no longer, its example does.
            of_these = (
                select(reviews.c.input_sha256)
                .where(reviews.c.id.in_(named))
                .union(
                    select(examples.c.input_sha256)
                    .join(reviews, reviews.c.run_id == examples.c.run_id)
                    .where(reviews.c.id.in_(named))
                )
            )
            ours, taught = [inputs.c.sha256.in_(of_these)], [examples.c.input_sha256.in_(of_these)]
        elif not unsettled:
            ours.append(~exists().where(reviews.c.input_sha256 == inputs.c.sha256, reviews.c.state.in_(_UNSETTLED)))
        if task is not None:
            of_runs = select(runs.c.input_sha256).where(runs.c.task == task)
            ours.append(
                inputs.c.sha256.in_(of_runs.union(select(examples.c.input_sha256).where(examples.c.task == task)))
            )
            taught.append(examples.c.task == task)

        def work(connection: Connection) -> tuple[int, int, set[str]]:
            found = forget(connection, and_(*ours))
            return connection.execute(delete(examples).where(*taught)).rowcount, *found

        gone, count, names = await self._write(work)
        orphans = set(await asyncio.to_thread(there)) - await self.named.all()
        return Purged(inputs=count, files=await self.named.let_go(names | orphans, remove), examples=gone)


def wanted() -> ColumnElement[bool]:
    """Say which inputs an open review or an example needs."""
    return or_(
        exists().where(reviews.c.input_sha256 == inputs.c.sha256, reviews.c.state.in_(_UNSETTLED)),
        exists().where(examples.c.input_sha256 == inputs.c.sha256),
    )


def forget(connection: Connection, which: ColumnElement[bool]) -> tuple[int, set[str]]:
    """Take away inputs; gives how many, and the bytes that they named."""
    chosen = select(inputs.c.sha256).where(which)
    named = select(input_files.c.sha256).where(input_files.c.input_sha256.in_(chosen))
    gone = set(connection.execute(named).scalars())
    return connection.execute(delete(inputs).where(which)).rowcount, gone
