"""Jobs of fine-tuning: an uploaded chat file becomes a student that answers by the name of its model.

A job is checked as soon as it is made (`validating_files`), then waits (`queued`); one at a time is trained, whichever
process takes it. Where that process ends, the job begins again from its beginning in the next: training is
deterministic, and nothing is in charge before all of it is done. What goes wrong fails the job and nothing else.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec

from firstline.catalog.catalog import FINE_TUNED_PREFIX
from firstline.errors import ModelNotFoundError, NotFoundError, UsageError
from firstline.files.files import Files
from firstline.gateway.gateway import key_of
from firstline.ledger.actor import actor_of
from firstline.ledger.fine_tuning import FineTuningRows, JobEvent, JobRow
from firstline.students.fine_tuning.content_form import Form, from_json
from firstline.students.fine_tuning.loop import BASE, JOB, Asked, TuningLoop
from firstline.students.fine_tuning.tune import Tuner
from firstline.tasks.registry import Tasks
from firstline.tasks.task import Task
from firstline.types import Caller, Value

REFRESH_S = 1.0
"""How long what is known of a model is used: its key may be asked about often."""


class FineTuned(Value, frozen=True, kw_only=True):
    """A model that a job made: its task, and how it writes its answers."""

    job: JobRow
    task: Task
    form: Form


class FineTuning:
    """The jobs of the ledger, as one process sees and does them. `timer` is monotonic seconds."""

    def __init__(
        self,
        rows: FineTuningRows,
        *,
        files: Files,
        tasks: Tasks,
        tuner: Tuner,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        self.rows = rows
        self._files = files
        self._tasks = tasks
        self._clock = clock
        self._timer = timer
        self._new_id = new_id
        self._tuner = tuner
        self._loop = TuningLoop(rows, files=files, tuner=tuner)
        self._known: dict[str, tuple[float, JobRow]] = {}

    async def create(self, model: str, asked: Asked, caller: Caller | None) -> JobRow:
        """Make a job. Raises UsageError for a model or file that cannot be used."""
        _check_base(model)
        for param, file_id in (("training_file", asked.training_file), ("validation_file", asked.validation_file)):
            await self._check_file(param, file_id, caller)
        job = JobRow(
            id=JOB + self._new_id(),
            key_id=key_of(caller),
            state="validating_files",
            request=msgspec.to_builtins(asked),
            created=self._clock(),
        )
        await self.rows.add(job, JobEvent(message=f"Created fine-tuning job: {job.id}"), by=actor_of(caller))
        self._loop.came.set()
        return job

    async def get(self, job_id: str, caller: Caller | None) -> JobRow:
        """Return a job of this caller. Raises NotFoundError."""
        return await self.rows.get(job_id, key_id=key_of(caller))

    async def page(self, limit: int, caller: Caller | None, *, after: str | None) -> tuple[JobRow, ...]:
        """Return jobs of this caller, newest first. Raises NotFoundError for an `after` that does not exist."""
        return await self.rows.list(limit, key_id=key_of(caller), after=after)

    async def cancel(self, job_id: str, caller: Caller | None) -> JobRow:
        """Cancel a job that is not done. Raises NotFoundError, and UsageError where it is."""
        await self.get(job_id, caller)
        event = JobEvent(level="warn", message="The job was cancelled; nothing was promoted")
        if not await self.rows.move(job_id, "cancelled", event, by=actor_of(caller)):
            done = await self.get(job_id, caller)
            raise UsageError(f"the job {job_id} is done: it has {done.state}", param="id")
        self._loop.stop(job_id)
        return await self.get(job_id, caller)

    async def ended(self, job_id: str) -> JobRow:
        """Wait until a job that this process works on has ended."""
        return await self._loop.ended(job_id)

    async def model(self, name: str, caller: Caller | None) -> FineTuned:
        """Return the model of this name, if a job of this caller made it. Raises ModelNotFoundError."""
        until, job = self._known.get(name, (0.0, None))
        if job is None or self._timer() >= until:
            found = await self.rows.made(model=name)
            job = found[0] if found else None
            if job is not None:
                self._known[name] = (self._timer() + REFRESH_S, job)
        if job is None or (caller is not None and job.key_id != caller.key_id):
            hint = "`GET /v1/fine_tuning/jobs` lists the jobs of this key with the models that they made"
            raise ModelNotFoundError(f"there is no model `{name[:200]}`", hint=hint, param="model")
        return await self._model(job)

    async def models(self, caller: Caller | None) -> list[FineTuned]:
        """Return every model that jobs of this caller made, newest first."""
        return [await self._model(job) for job in await self.rows.made(key_id=key_of(caller))]

    async def delete(self, name: str, caller: Caller | None) -> None:
        """Delete a model of this caller: its student serves no longer. Raises ModelNotFoundError."""
        found = await self.model(name, caller)
        await self.rows.unname(
            found.job.id, JobEvent(level="warn", message=f"The model {name} was deleted"), by=actor_of(caller)
        )
        self._known.pop(name, None)
        await self._tuner.retire(found.task.name, "its model was deleted")

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Do jobs in the background until the block ends."""
        async with self._loop.working():
            yield

    async def _model(self, job: JobRow) -> FineTuned:
        task = await self._tasks.find((job.made or {})["task"])
        return FineTuned(job=job, task=task, form=from_json(job.form))

    async def _check_file(self, param: str, file_id: str | None, caller: Caller | None) -> None:
        if file_id is None:
            return
        try:
            file = await self._files.get(file_id, caller)
        except NotFoundError:
            raise UsageError(f"invalid {param}: there is no file {file_id[:64]!r}", param=param) from None
        if file.purpose != "fine-tune":
            raise UsageError(
                f"invalid {param}: the file {file.id} has the purpose {file.purpose}",
                hint="upload it with the purpose fine-tune",
                param=param,
            )


_BASES = frozenset({BASE, "gpt-4o-mini", f"openai/{BASE}", "openai/gpt-4o-mini"})
"""Names of the model that may be fine-tuned."""


def _check_base(model: str) -> None:
    if model in _BASES:
        return
    if model.startswith(FINE_TUNED_PREFIX):
        raise UsageError(
            f"`{model[:200]}` cannot be trained further: a student is made anew from all of its lines",
            hint=f"send the old and the new lines in one file, with the model {BASE}",
            param="model",
        )
    raise UsageError(
        f"`{model[:200]}` cannot be fine-tuned here; {BASE} can: a student takes its place for one narrow task",
        hint=f"use the model {BASE}",
        param="model",
    )
