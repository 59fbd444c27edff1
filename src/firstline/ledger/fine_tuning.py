"""Jobs of fine-tuning: what was asked for, their states and events, and which process works on which.

A job goes from `validating_files` to `queued` to `running` to one of the ends. Every change of state names the states
it may come from, so that a job that was cancelled stays cancelled whatever its process was about to write.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, Literal, cast

import msgspec
from sqlalchemy import ColumnElement, Connection, RowMapping, insert, select, update

from firstline.errors import NotFoundError
from firstline.ledger.actor import Actor, Note
from firstline.ledger.keys import Transaction
from firstline.ledger.paging import by_time, following
from firstline.ledger.tables import fine_tuning_events as events
from firstline.ledger.tables import fine_tuning_jobs as jobs
from firstline.types import Json, Value

JobState = Literal["validating_files", "queued", "running", "succeeded", "failed", "cancelled"]
Level = Literal["info", "warn", "error"]
UNDONE: tuple[JobState, ...] = ("validating_files", "queued", "running")


class JobRow(Value, frozen=True, kw_only=True):
    """A job. `request`, `error`, `form` and `made` are JSON, for `students` to read. Times are seconds since 1970.

    `model` is the name of what it made, null until then.
    """

    id: str
    key_id: str | None
    state: JobState
    request: Mapping[str, Json]
    created: float
    session: str | None = None
    error: Mapping[str, Json] | None = None
    model: str | None = None
    form: Json = None
    made: Mapping[str, Json] | None = None
    trained_tokens: int | None = None
    finished: float | None = None


class JobEvent(Value, frozen=True, kw_only=True):
    """Something that is told of a job; `metrics` has numbers as its data. The `id` counts up."""

    message: str
    level: Level = "info"
    type: Literal["message", "metrics"] = "message"
    data: Mapping[str, Json] | None = None
    id: int = 0
    created: float = 0.0


_LOGGED: Mapping[JobState, str] = MappingProxyType({"succeeded": "succeed", "cancelled": "cancel"})


class FineTuningRows:
    """The jobs of one ledger (`Ledger.fine_tuning`). With a `key_id` only that key's exist.

    `session` is this process, `alive` says of another whether it still lives; `claim` says which repeatable request is
    worked on.
    """

    def __init__(
        self,
        write: Transaction,
        read: Transaction,
        clock: Callable[[], float],
        *,
        session: str,
        alive: Callable[[str], bool],
        note: Note,
        claim: Callable[[], str | None],
    ) -> None:
        self._claim = claim
        self._write = write
        self._read = read
        self._clock = clock
        self._session = session
        self._alive = alive
        self._note = note

    async def add(self, job: JobRow, event: JobEvent, *, by: Actor | None = None) -> None:
        """Write a new job and its first event."""
        row = {
            "id": job.id,
            "key_id": job.key_id,
            "state": job.state,
            "request": msgspec.json.encode(job.request).decode(),
            "created": job.created,
            "claim": self._claim(),
        }

        def work(connection: Connection) -> None:
            connection.execute(insert(jobs).values(row))
            self._tell(connection, job.id, event)
            self._note(connection, "fine_tuning.create", job.id, by=by)

        await self._write(work)

    async def get(self, job_id: str, *, key_id: str | None = None) -> JobRow:
        """Return a job. Raises NotFoundError."""
        query = select(jobs).where(jobs.c.id == job_id, *_visible(key_id))
        row = await self._read(lambda connection: connection.execute(query).mappings().one_or_none())
        if row is None:
            raise NotFoundError(f"there is no fine-tuning job {job_id[:64]!r}", param="id")
        return _job(row)

    async def list(self, limit: int, *, key_id: str | None = None, after: str | None = None) -> tuple[JobRow, ...]:
        """Return jobs, newest first; `after` is the last of the page before. Raises NotFoundError for it."""
        query = select(jobs).where(*_visible(key_id)).order_by(*by_time(jobs)).limit(limit)
        if after is not None:
            query = query.where(following(jobs, await self.get(after, key_id=key_id)))
        found = await self._read(lambda connection: connection.execute(query).mappings().all())
        return tuple(map(_job, found))

    async def made(self, *, key_id: str | None = None, model: str | None = None) -> tuple[JobRow, ...]:
        """Return the jobs that made a model, newest first; with `model` the one that made it."""
        query = select(jobs).where(jobs.c.model.is_not(None), jobs.c.state == "succeeded", *_visible(key_id))
        if model is not None:
            query = query.where(jobs.c.model == model)
        query = query.order_by(*by_time(jobs))
        found = await self._read(lambda connection: connection.execute(query).mappings().all())
        return tuple(map(_job, found))

    async def waiting(self, state: JobState) -> tuple[JobRow, ...]:
        """Return the jobs in a state, oldest first."""
        query = select(jobs).where(jobs.c.state == state).order_by(*by_time(jobs, "asc"))
        found = await self._read(lambda connection: connection.execute(query).mappings().all())
        return tuple(map(_job, found))

    async def claim(self) -> JobRow | None:
        """Take the next job for this process, and say that it runs; None where there is none, or one runs elsewhere.

        What a process left running when it died comes first.
        """

        def work(connection: Connection) -> RowMapping | None:
            order = (jobs.c.created, jobs.c.id)
            running = connection.execute(select(jobs).where(jobs.c.state == "running").order_by(*order)).mappings()
            left = [row for row in running if row["session"] != self._session]
            if any(self._alive(row["session"]) for row in left):
                return None
            queued = select(jobs).where(jobs.c.state == "queued").order_by(*order).limit(1)
            found = left[0] if left else connection.execute(queued).mappings().first()
            if found is None:
                return None
            change = update(jobs).where(jobs.c.id == found["id"])
            connection.execute(change.values(state="running", session=self._session))
            again = "again, from the beginning: its process has ended" if left else ""
            self._tell(connection, found["id"], JobEvent(message=f"Fine-tuning job started {again}".strip()))
            return found

        found = await self._write(work)
        return None if found is None else msgspec.structs.replace(_job(found), state="running", session=self._session)

    async def move(
        self,
        job_id: str,
        state: JobState,
        event: JobEvent,
        *,
        before: Sequence[JobState] = UNDONE,
        by: Actor | None = None,
        **values: Json,
    ) -> bool:
        """Change a job's state and what is known of it, if it is in one of the states `before`; gives whether it was.

        An end gets its time.
        """
        told = {
            name: value if value is None or name in ("model", "trained_tokens") else msgspec.json.encode(value).decode()
            for name, value in values.items()
        }
        ended = {} if state in UNDONE else {"finished": self._clock(), "session": None}

        def work(connection: Connection) -> bool:
            change = update(jobs).where(jobs.c.id == job_id, jobs.c.state.in_(before))
            done = connection.execute(change.values(state=state, **ended, **told)).rowcount == 1
            if done:
                self._tell(connection, job_id, event)
            if done and state in _LOGGED:
                self._note(connection, f"fine_tuning.{_LOGGED[state]}", job_id, by=by, model=values.get("model"))
            return done

        return await self._write(work)

    async def unname(self, job_id: str, event: JobEvent, *, by: Actor | None = None) -> None:
        """Let a job's model go: nobody finds it by its name any longer."""

        def work(connection: Connection) -> None:
            connection.execute(update(jobs).where(jobs.c.id == job_id).values(model=None))
            self._tell(connection, job_id, event)
            self._note(connection, "model.delete", job_id, by=by)

        await self._write(work)

    async def tell(self, job_id: str, event: JobEvent) -> None:
        """Write an event."""
        await self._write(lambda connection: self._tell(connection, job_id, event))

    async def events(self, job_id: str, limit: int, *, after: int | None = None) -> tuple[JobEvent, ...]:
        """Return the events of a job, newest first; `after` is the id of the last of the page before."""
        query = select(events).where(events.c.job_id == job_id).order_by(events.c.id.desc()).limit(limit)
        if after is not None:
            query = query.where(events.c.id < after)
        found = await self._read(lambda connection: connection.execute(query).mappings().all())
        return tuple(_event(row) for row in found)

    def _tell(self, connection: Connection, job_id: str, event: JobEvent) -> None:
        data = None if event.data is None else msgspec.json.encode(event.data).decode()
        values = {"level": event.level, "type": event.type, "message": event.message, "data": data}
        connection.execute(insert(events).values(job_id=job_id, created=self._clock(), **values))


def _visible(key_id: str | None) -> tuple[ColumnElement[bool], ...]:
    return () if key_id is None else (jobs.c.key_id == key_id,)


def _job(row: RowMapping) -> JobRow:
    values: dict[str, Any] = {name: row[name] for name in JobRow.__struct_fields__}
    for name in ("request", "error", "form", "made"):
        values[name] = None if row[name] is None else msgspec.json.decode(row[name])
    return JobRow(**{**values, "state": cast("JobState", values["state"])})


def _event(row: RowMapping) -> JobEvent:
    data = None if row["data"] is None else msgspec.json.decode(row["data"])
    return JobEvent(**{**{name: row[name] for name in JobEvent.__struct_fields__}, "data": data})
