"""Does the jobs of fine-tuning, one after the other: looks at their files, trains, and says what came of it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import msgspec

from firstline import patterns
from firstline.catalog.catalog import FINE_TUNED_PREFIX
from firstline.errors import FirstlineError, LedgerError, UsageError
from firstline.files.files import Files
from firstline.ledger.fine_tuning import UNDONE, FineTuningRows, JobEvent, JobRow
from firstline.runs.background import beside
from firstline.students.fine_tuning.chat_lessons import ChatLesson, Narrow, find_narrow, lessons_for
from firstline.students.fine_tuning.chat_lines import LARGEST, read_chat
from firstline.students.fine_tuning.content_form import to_json
from firstline.students.fine_tuning.tune import Order, Tuned, Tuner
from firstline.types import Caller, Json, Value

_NO_NAME = patterns.compile(r"[^a-z0-9_-]+")

BASE = "gpt-4o-mini-2024-07-18"
"""The model whose name a fine-tuned one carries: what it stands in for. None of its weights are here."""
OWNER = "firstline"
JOB = "ftjob-"

LOOK_S = 10.0
"""How long a process waits at most before it looks for jobs that another has left."""
WATCH_S = 1.0
"""How often a running job is asked whether it was cancelled, and its progress told."""
_TOLD = 0.1
"""Least progress, as a share, that is worth an event."""

_LOG = logging.getLogger("firstline.fine_tuning")


class Asked(Value, frozen=True, kw_only=True):
    """What a job is asked for. Hyperparameters are kept as they were said: a student is trained by its own rules."""

    training_file: str
    validation_file: str | None = None
    suffix: str | None = None
    seed: int = 0
    hyperparameters: Mapping[str, Json] = {}
    method: Mapping[str, Json] | None = None
    metadata: Mapping[str, str] | None = None


class _Stopped(Exception):
    """Ends a training whose job was cancelled, in the thread that computes it."""


class _Progress:
    """How far a running job is. Written from the thread that trains."""

    def __init__(self) -> None:
        self.step = ""
        self.share = 0.0
        self.stopped = False

    def tell(self, step: str, share: float) -> None:
        """Take in how far it is. Raises _Stopped once it is to end."""
        if self.stopped:
            raise _Stopped
        self.step, self.share = step, share


class TuningLoop:
    """Does jobs in the background of one process. `came` is set when there is a new one."""

    def __init__(self, rows: FineTuningRows, *, files: Files, tuner: Tuner) -> None:
        self._rows = rows
        self._files = files
        self._tuner = tuner
        self.came = asyncio.Event()
        self._checked = asyncio.Event()
        self._ended: dict[str, asyncio.Event] = {}
        self._running: tuple[str, asyncio.Task[None], _Progress] | None = None
        self._unsaid: tuple[JobRow, BaseException] | None = None

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Do jobs in the background until the block ends."""
        async with beside(self._validating(), self._training()):
            yield

    async def ended(self, job_id: str) -> JobRow:
        """Wait until a job that this process works on has ended."""
        event = self._ended.setdefault(job_id, asyncio.Event())
        job = await self._rows.get(job_id)
        if job.state in UNDONE:
            await event.wait()
        self._ended.pop(job_id, None)
        return await self._rows.get(job_id)

    def stop(self, job_id: str) -> None:
        """End the work on a job that was cancelled."""
        if self._running is not None and self._running[0] == job_id:
            self._stop(self._running)
        self._tell_end(job_id)

    async def _validating(self) -> None:
        while True:
            self.came.clear()
            try:
                for job in await self._rows.waiting("validating_files"):
                    await self._validate(job)
            except LedgerError as error:
                _LOG.error("jobs of fine-tuning cannot be read: %s", error.message)
            await _wait(self.came)

    async def _training(self) -> None:
        while True:
            self._checked.clear()
            try:
                await self._say()
                while (job := await self._rows.claim()) is not None:
                    await self._work(job)
            except LedgerError as error:
                _LOG.error("jobs of fine-tuning cannot be done: %s", error.message)
            await _wait(self._checked)

    async def _validate(self, job: JobRow) -> None:
        """See whether the files can be trained on, before the job waits for its turn."""
        asked = _asked(job)
        files = f"training file: {asked.training_file}"
        files += f" and validation file: {asked.validation_file}" if asked.validation_file else ""
        await self._rows.tell(job.id, JobEvent(message=f"Validating {files}"))
        try:
            narrow, _ = await self._read(job)
        except Exception as error:  # noqa: BLE001 - a job loop: what one file raises must not end the others
            await self._fail(job, error)
            return
        for note in narrow.notes:
            await self._rows.tell(job.id, JobEvent(level="warn", message=note))
        message = f"Files validated, moving job to queued state: {_what(narrow)}"
        await self._rows.move(job.id, "queued", JobEvent(message=message), before=("validating_files",))
        self._checked.set()

    async def _work(self, job: JobRow) -> None:
        """Train one job to its end, watching whether it is cancelled."""
        progress = _Progress()
        work = asyncio.create_task(self._train(job, progress))
        self._running = (job.id, work, progress)
        told = 0.0
        try:
            while not (await asyncio.wait({work}, timeout=WATCH_S))[0]:
                if (await self._rows.get(job.id)).state == "cancelled":
                    self._stop(self._running)
                elif progress.share >= told + _TOLD:
                    told = progress.share
                    data = {"step": round(100 * told), "total_steps": 100}
                    await self._rows.tell(
                        job.id, JobEvent(message=f"Step {data['step']}/100: {progress.step}", data=data)
                    )
            await asyncio.gather(work, return_exceptions=True)
            error = None if work.cancelled() else work.exception()
            if error is not None:
                self._unsaid = (job, error)
                await self._say()
        finally:
            progress.stopped = True
            work.cancel()
            await asyncio.gather(work, return_exceptions=True)
            self._running = None
            self._tell_end(job.id)

    async def _say(self) -> None:
        """Write why a job failed; kept for later where the ledger does not take it, as with a full disk."""
        if self._unsaid is not None:
            await self._fail(*self._unsaid)
            self._unsaid = None

    async def _train(self, job: JobRow, progress: _Progress) -> None:
        narrow, held_out = await self._read(job)
        asked, name = _asked(job), job.id.removeprefix(JOB)
        files = {"training_file": asked.training_file, "validation_file": asked.validation_file}
        order = Order(
            name=f"ft-{name}",
            narrow=narrow,
            held_out=held_out,
            seed=asked.seed,
            origin={"job": job.id, **files},
        )
        tuned = await self._tuner.tune(order, progress.tell)
        await self._rows.tell(job.id, _metrics(tuned))
        model = f"{FINE_TUNED_PREFIX}{BASE}:{OWNER}:{_slug(asked.suffix)}:{name}"
        # From here on it is not cut off half-way; a job that was cancelled before its last word is taken back.
        finishing = asyncio.create_task(self._finish(job, narrow, tuned, model))
        try:
            await asyncio.shield(finishing)
        except asyncio.CancelledError:
            await finishing
            raise

    async def _finish(self, job: JobRow, narrow: Narrow, tuned: Tuned, model: str) -> None:
        if (await self._rows.get(job.id)).state != "running":
            return
        certificate = await self._tuner.put_in_charge(tuned)
        made = _made(tuned, certificate)
        done = await self._rows.move(
            job.id,
            "succeeded",
            JobEvent(message=f"New fine-tuned model created: {model}. The job has successfully completed"),
            before=("running",),
            model=model,
            form=to_json(narrow.form),
            made=made,
            trained_tokens=tuned.trained_tokens,
        )
        if not done:
            await self._tuner.take_back(tuned, "its job was cancelled")

    async def _read(self, job: JobRow) -> tuple[Narrow, tuple[ChatLesson, ...] | None]:
        """Read the files of a job off the event loop. Raises UsageError whose `param` names the file."""
        asked = _asked(job)
        owner = None if job.key_id is None else Caller(key_id=job.key_id, name="")
        narrow = await self._file("training_file", asked.training_file, owner, find_narrow_in)
        if asked.validation_file is None:
            return narrow, None
        held_out = await self._file(
            "validation_file", asked.validation_file, owner, lambda data: lessons_for(narrow, read_chat(data))
        )
        return narrow, held_out

    async def _file(self, param: str, file_id: str, owner: Caller | None, read: Callable[[bytes], Json]) -> Json:
        try:
            data = await self._files.read(file_id, owner, most=LARGEST)
            return await asyncio.to_thread(read, data)
        except UsageError as error:
            error.param = param
            raise

    async def _fail(self, job: JobRow, error: BaseException) -> None:
        """Write why a job failed; what is a fault of ours goes to the log as well."""
        if isinstance(error, _Stopped):
            return
        if isinstance(error, FirstlineError):
            told = {"code": error.code, "message": _said(error), "param": error.param}
        else:
            _LOG.error("the fine-tuning job %s failed: %s", job.id, type(error).__name__, exc_info=error)
            words = "the server made a mistake; its log says more"
            told = {"code": FirstlineError.code, "message": words, "param": None}
        event = JobEvent(level="error", message=f"The job failed: {told['message']}")
        await self._rows.move(job.id, "failed", event, error=told)
        self._tell_end(job.id)

    def _stop(self, running: tuple[str, asyncio.Task[None], _Progress]) -> None:
        _, work, progress = running
        progress.stopped = True
        work.cancel()

    def _tell_end(self, job_id: str) -> None:
        if job_id in self._ended:
            self._ended[job_id].set()


def find_narrow_in(data: bytes) -> Narrow:
    """Find what a training file teaches. Raises UsageError."""
    return find_narrow(read_chat(data))


async def _wait(event: asyncio.Event) -> None:
    try:
        async with asyncio.timeout(LOOK_S):
            await event.wait()
    except TimeoutError:
        return


def _asked(job: JobRow) -> Asked:
    return msgspec.convert(job.request, Asked)


def _slug(suffix: str | None) -> str:
    """Make a suffix a part of a name, as OpenAI does: lower case, the rest as hyphens."""
    return _NO_NAME.sub("-", (suffix or "").lower()).strip("-")


def _said(error: FirstlineError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message


def _what(narrow: Narrow) -> str:
    lines = f"{len(narrow.lessons)} lines"
    if narrow.labels:
        return f"a classification into {len(narrow.labels)} classes, {lines}"
    names = ", ".join(field.name for field in narrow.fields)
    return f"an extraction of {names}, {lines}"


def _metrics(tuned: Tuned) -> JobEvent:
    whole, fields = tuned.report.whole, tuned.report.fields
    data: dict[str, Json] = {
        "step": tuned.measured_taught,
        "held_out": tuned.held_out,
        "held_out_accuracy": round(whole.right, 4),
        "held_out_exact": round(tuned.exact, 4),
        "served": round(whole.accepted, 4),
        "right_of_served": None if whole.right_of_accepted is None else round(whole.right_of_accepted, 4),
        "fields": {name: round(share.right, 4) for name, share in fields.items()},
    }
    message = f"Of {tuned.held_out} held-out lines {whole.right:.1%} are answered right; by itself the student serves "
    message += f"{whole.accepted:.1%}"
    if tuned.measured_taught != tuned.taught:
        message += f" (one taught on {tuned.measured_taught} lines; then all {tuned.taught} were taught)"
    return JobEvent(type="metrics", message=message, data=data)


def _made(tuned: Tuned, certificate: str | None) -> dict[str, Json]:
    return {
        "task": tuned.task.name,
        "kind": tuned.task.kind,
        "version": tuned.task.version,
        "student": tuned.student,
        "certificate": certificate,
        "reason": tuned.why,
        "taught": tuned.taught,
        "metrics": _metrics(tuned).data,
    }
