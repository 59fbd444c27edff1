"""A conversation with a task: what the user's turns hold is its input, and its answer comes field by field."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

from firstline.chat.conversation import Choice, Conversation, Piece, Reply, Turn
from firstline.chat.verification import member_text
from firstline.errors import ContextLengthError, DocumentError, ImageError, InputError, NotApplicableError
from firstline.errors import UnsupportedError as Unsupported
from firstline.evaluation.evaluate import SERVED
from firstline.reading.source import TaskInput
from firstline.runs.events import Event
from firstline.runs.run import Runner
from firstline.strict_json import written
from firstline.students.fine_tuning.content_form import Form, write
from firstline.tasks.task import Task
from firstline.types import Json, Run, Text, Usage, Value


class Answering(Value, frozen=True, kw_only=True):
    """The task that a name means, and the form in which its answer is written (None: the task's own, JSON)."""

    task: Task
    form: Form | None = None


class Rejected(Exception):
    """A task's run rejected its input: the error that says why, and the run that the ledger keeps."""

    def __init__(self, error: InputError, run: Run) -> None:
        super().__init__(error.message)
        self.error = error
        self.run = run


def check_task(asked: Conversation) -> None:
    """Refuse what no task does. Raises UnsupportedError."""
    if asked.logprobs is not None:
        raise Unsupported("a task gives confidences by field, not logprobs", param="logprobs")
    if asked.tools:
        raise Unsupported("a task calls no tools", param="tools")
    if asked.choices > 1:
        raise Unsupported("a task gives one answer", param="n")


async def task_reply(runner: Runner, answering: Answering, asked: Conversation, *, best: bool) -> Reply:
    """Run a task on a conversation. With `best` an answer that is left to a person is the best attempt, else a refusal.

    Raises Rejected for an input that cannot be used.
    """
    task = answering.task
    run = await runner.run(task, _task_input(asked.turns), parameters=asked.parameters or {}, caller=asked.caller)
    if run.verdict == "rejected":
        raise Rejected(rejection(run), run)
    content = _content(answering, run.answer) if best or run.verdict in SERVED else None
    refusal = None if content is not None else _refusal(run)
    return Reply(
        choices=(Choice(text=content, refusal=refusal),),
        usage=_run_usage(run),
        run=run,
        notes=tuple(_without_effect(answering, asked)),
    )


async def task_pieces(
    runner: Runner, answering: Answering, asked: Conversation, *, best: bool
) -> AsyncGenerator[Piece]:
    """Stream a task's answer, to the same text as `task_reply` gives.

    With `best` each field comes once it has passed every check, in the task's order, and what is left to a person at
    the end. Without, nothing comes before the verdict: what had come could not be taken back by a refusal. An answer
    with a form of its own comes at the end too.
    """
    task = answering.task
    given = _task_input(asked.turns)
    settled: asyncio.Queue[Event | None] = asyncio.Queue()

    async def work() -> Run:
        try:
            return await runner.run(
                task,
                given,
                parameters=asked.parameters or {},
                on_event=settled.put_nowait,
                caller=asked.caller,
            )
        finally:
            settled.put_nowait(None)

    writer = _FieldWriter(answering)
    worker = asyncio.create_task(work())
    try:
        while (event := await settled.get()) is not None:
            if best and (text := writer.add(event)):
                yield Piece(text=text)
        run = await worker
    finally:
        worker.cancel()
        await asyncio.gather(worker, return_exceptions=True)
    if run.verdict == "rejected":
        raise Rejected(rejection(run), run)
    for piece in writer.end(run, best=best):
        yield piece
    yield Piece(usage=_run_usage(run), run=run, notes=tuple(_without_effect(answering, asked)))


class _FieldWriter:
    """Writes a task's answer as its fields settle; fields come in the task's order, whatever order they settle in."""

    def __init__(self, answering: Answering) -> None:
        self._task = task = answering.task
        self._answering = answering
        self._text = task.kind == "transform" and not task.fields
        self._keys = task.keys
        self._values: dict[str, Json] = {}
        self._sent = 0
        self._out: list[str] = []

    def add(self, event: Event) -> str:
        """Take an event; gives the text that may go out now."""
        if event.kind != "settled" or self._answering.form is not None:
            return ""
        if event.keys:
            self._keys = event.keys  # a task whose fields the caller names has them only now
        self._values.update(event.values)
        out = ""
        while self._sent < len(self._keys) and (key := self._keys[self._sent]) in self._values:
            value = self._values[key]
            out += str(value) if self._text else member_text(key, value, first=self._sent == 0)
            self._sent += 1
        self._out.append(out)
        return out

    def end(self, run: Run, *, best: bool) -> Sequence[Piece]:
        """Return the pieces that end the answer: the rest of it, or why there is none."""
        content = _content(self._answering, run.answer) if best or run.verdict in SERVED else None
        if content is None:
            return (Piece(refusal=_refusal(run)), Piece(finish_reason="stop"))
        rest = content.removeprefix("".join(self._out))
        return (*((Piece(text=rest),) if rest else ()), Piece(finish_reason="stop"))


def _refusal(run: Run) -> str:
    """Say why a run has no answer that anybody vouches for."""
    reason = (run.reason or "no model could answer").rstrip(".")
    return f"{reason}. The run {run.id} is left to review."


def rejection(run: Run) -> InputError:
    """Return the error that rejected a run, with its own code; the hint is the run's note."""
    kinds = {kind.code: kind for kind in (ImageError, DocumentError, NotApplicableError, ContextLengthError)}
    hint = run.notes[0] if run.notes else None
    kind = kinds.get(run.error_code or "", InputError)
    return kind(run.reason or "the input is unusable", hint=hint, param="messages")


def _task_input(turns: Sequence[Turn]) -> TaskInput:
    parts = tuple(part for turn in turns if turn.role == "user" for part in turn.parts)
    if not any(not isinstance(part, Text) or part.text.strip() for part in parts):
        raise InputError("the input is empty", hint="a task works on the messages of the role user", param="messages")
    return TaskInput(parts=parts)


def _content(answering: Answering, answer: Json) -> str | None:
    task = answering.task
    if answer is None:
        return None
    if answering.form is not None:
        return write(answering.form, answer if isinstance(answer, dict) else {})
    if task.kind == "transform" and isinstance(answer, dict) and isinstance(answer.get("text"), str):
        return str(answer["text"])
    return answer if isinstance(answer, str) else written(answer)


def _without_effect(answering: Answering, asked: Conversation) -> list[str]:
    """Say what the request asked for that a task decides by itself."""
    notes = []
    others = [turn for turn in asked.turns if turn.role != "user"]
    if answering.form is not None:
        # What was taught with an instruction is asked with it; only another one is worth a word.
        others = [turn for turn in others if turn.role != "system" or not _says(turn, answering.task.instruction)]
    if others:
        notes.append("only the user's messages were read: a task has its own instruction")
    sampling = asked.sampling
    given = [name for name in ("temperature", "top_p", "max_tokens", "seed") if getattr(sampling, name) is not None]
    given += ["stop"] if sampling.stop else []
    given += ["response_format"] if asked.verifiable else []
    if given:
        notes.append(f"without effect on a task: {', '.join(given)}")
    return notes


def _says(turn: Turn, instruction: str) -> bool:
    said = " ".join(part.text for part in turn.parts if isinstance(part, Text))
    return said.split() == instruction.split()


def _run_usage(run: Run) -> Usage:
    return sum((attempt.usage for attempt in run.attempts), Usage())
