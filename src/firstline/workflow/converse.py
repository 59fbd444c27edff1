"""One door for every surface of the wire: a conversation goes to a model or to a task, under the limits of its name.

A task (`task/NAME`) works on what the user's turns hold. `gpt-4o-mini` keeps the limits of the model it stands in for,
128,000 tokens of context and 16,384 of answer, counted as OpenAI counts them, and says its usage in the same tokens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

import msgspec

from firstline.catalog.catalog import Catalog
from firstline.catalog.model import Model
from firstline.errors import ContextLengthError, DocumentError, ImageError, InputError, InvalidValueError
from firstline.errors import UnsupportedError as Unsupported
from firstline.media.image_tokens import image_tokens, rule
from firstline.tokens import PRIMER, O200k
from firstline.types import Image, Json, Message, Run, Text, Usage
from firstline.workflow.chat import Chat
from firstline.workflow.conversation import Choice, Conversation, Piece, Reply, Turn
from firstline.workflow.events import Event
from firstline.workflow.gate import member_text
from firstline.workflow.ladder import STAND_IN
from firstline.workflow.run import Runner
from firstline.workflow.source import TaskInput
from firstline.workflow.task import Task
from firstline.workflow.tasks import Tasks
from firstline.workflow.window import newest

TASK_PREFIX = "task/"


class Rejected(Exception):
    """A task's run rejected its input: the error that says why, and the run that the ledger keeps."""

    def __init__(self, error: InputError, run: Run) -> None:
        super().__init__(error.message)
        self.error = error
        self.run = run


class Converser:
    """Answers conversations. One for the process."""

    def __init__(self, *, catalog: Catalog, tasks: Tasks, runner: Runner, chat: Chat, tokens: O200k) -> None:
        self._catalog = catalog
        self._tasks = tasks
        self._runner = runner
        self._chat = chat
        self._tokens = tokens

    def check(self, asked: Conversation) -> None:
        """Refuse what the name in `model` cannot do, before anything is fetched or read for it.

        Raises ModelNotFoundError, NotFoundError for a task, UnsupportedError and InvalidValueError.
        """
        if asked.model.startswith(TASK_PREFIX):
            self._tasks.get(asked.model.removeprefix(TASK_PREFIX))
            _check_task(asked)
            return
        # A path of this machine is no name on the wire.
        model = self._catalog.get(asked.model, own_files=False)
        if asked.parameters:
            raise Unsupported("parameters belong to tasks", hint="name one: task/NAME", param="firstline.parameters")
        if asked.reasoning_effort not in (None, "none") and not (model.remote and model.remote.reasoning_effort):
            raise Unsupported(
                "Unsupported parameter: 'reasoning_effort' is not supported with this model.", param="reasoning_effort"
            )
        most, wanted = model.max_output, asked.sampling.max_tokens
        if most is not None and wanted is not None and wanted > most:
            raise InvalidValueError(
                f"max_tokens is too large: {wanted}. This model supports at most {most} completion tokens, whereas you "
                f"provided {wanted}.",
                param="max_tokens",
            )

    async def count(self, asked: Conversation) -> int:
        """Count a prompt in o200k_base, its pictures by the rule of the model. Raises what `check` raises."""
        self.check(asked)
        return await self._text_tokens(asked) + _picture_tokens(asked)

    async def fit(self, asked: Conversation) -> Conversation:
        """Leave out the oldest turns of a conversation that is longer than its model's window (`truncation: auto`).

        Counted in o200k_base, which for another model is an estimate. Raises what `check` raises.
        """
        self.check(asked)
        window = None if asked.model.startswith(TASK_PREFIX) else self._catalog.get(asked.model).context
        if window is None or (whole := await self._text_tokens(asked)) <= (room := _room(window, asked)):
            return asked
        messages = [_countable(turn) for turn in asked.turns]
        characters = sum(len(message.text) for message in messages)
        sizes = await self._tokens.run(
            characters, lambda: [self._tokens.count_messages((message,)) - PRIMER for message in messages]
        )
        return msgspec.structs.replace(asked, turns=newest(asked.turns, sizes, room - (whole - sum(sizes))))

    async def reply(self, asked: Conversation) -> Reply:
        """Answer a conversation. Raises what `check` raises, ContextLengthError, Rejected, and the engines' errors."""
        self.check(asked)
        if asked.model.startswith(TASK_PREFIX):
            return await self._task(asked)
        prompt = await self._prompt_tokens(asked)
        reply = await self._chat.reply(await self._by_text(asked))
        if prompt is None:
            return reply
        written = "".join(map(_written, reply.choices))
        return msgspec.structs.replace(reply, usage=await self._usage(asked, prompt, written, reply.usage))

    async def stream(self, asked: Conversation) -> AsyncGenerator[Piece]:
        """Answer a conversation piece by piece; what is verified comes once it has passed. Raises as `reply` does."""
        self.check(asked)
        if asked.model.startswith(TASK_PREFIX):
            pieces = self._task_pieces(asked)
            prompt = None
        else:
            prompt = await self._prompt_tokens(asked)
            pieces = self._chat.stream(await self._by_text(asked))
        written: list[str] = []
        async with aclosing(pieces):
            async for piece in pieces:
                written += [piece.text, piece.refusal, *(call.name + call.arguments for _, call in piece.calls)]
                if prompt is not None and piece.usage is not None:
                    usage = await self._usage(asked, prompt, "".join(written), piece.usage)
                    yield msgspec.structs.replace(piece, usage=usage)
                else:
                    yield piece

    async def _prompt_tokens(self, asked: Conversation) -> int | None:
        """Count a prompt to `gpt-4o-mini` as OpenAI does, pictures by tiles; None for another model.

        Raises ContextLengthError for one beyond the window, which pictures do not count against.
        """
        if asked.model not in STAND_IN:
            return None
        tokens = await self._text_tokens(asked)
        _check_window(self._catalog.get(asked.model), tokens, asked.sampling.max_tokens)
        return tokens + _picture_tokens(asked)

    async def _by_text(self, asked: Conversation) -> Conversation:
        """Name the tokens of a bias by their texts, for models that stand in: their own ids mean something else."""
        bias = asked.sampling.logit_bias
        if not bias or asked.model not in STAND_IN:
            return asked
        biased = await asyncio.to_thread(lambda: tuple((self._token_text(token), by) for token, by in bias.items()))
        return msgspec.structs.replace(asked, sampling=msgspec.structs.replace(asked.sampling, biased=biased))

    def _token_text(self, token: str) -> str | None:
        try:
            return self._tokens.token_bytes(int(token)).decode()
        except UnicodeDecodeError:
            return None
        except (KeyError, ValueError):
            raise InvalidValueError(
                f"Invalid key in 'logit_bias': {token[:64]}. You should only be submitting valid token ids.",
                param="logit_bias",
            ) from None

    async def _text_tokens(self, asked: Conversation) -> int:
        messages = tuple(_countable(turn) for turn in asked.turns)
        characters = sum(len(message.text) for message in messages)
        return await self._tokens.run(characters, lambda: self._tokens.count_messages(messages, asked.tools))

    async def _usage(self, asked: Conversation, prompt: int, written: str, made: Usage) -> Usage:
        count = await self._tokens.run(len(written), lambda: self._tokens.count_text(written))
        most = asked.sampling.max_tokens
        # What was cut at max_tokens has that many: the model that cut it counts a little differently.
        count = count if most is None else min(count, most * asked.choices)
        return Usage(
            prompt_tokens=prompt,
            cached_tokens=min(made.cached_tokens, prompt),
            completion_tokens=count,
            reasoning_tokens=made.reasoning_tokens,
        )

    async def _task(self, asked: Conversation) -> Reply:
        task = self._tasks.get(asked.model.removeprefix(TASK_PREFIX))
        run = await self._runner.run(
            task, _task_input(asked.turns), parameters=asked.parameters or {}, caller=asked.caller
        )
        if run.verdict == "rejected":
            raise Rejected(rejection(run), run)
        content = _content(task, run.answer)
        refusal = None if content is not None else run.reason or "no model could answer"
        return Reply(
            choices=(Choice(text=content, refusal=refusal),),
            usage=_run_usage(run),
            run=run,
            notes=tuple(_without_effect(asked)),
        )

    async def _task_pieces(self, asked: Conversation) -> AsyncGenerator[Piece]:
        """Stream a task's answer: each field once it has passed every check, in the task's order."""
        task = self._tasks.get(asked.model.removeprefix(TASK_PREFIX))
        given = _task_input(asked.turns)
        settled: asyncio.Queue[Event | None] = asyncio.Queue()

        async def work() -> Run:
            try:
                return await self._runner.run(
                    task,
                    given,
                    parameters=asked.parameters or {},
                    on_event=settled.put_nowait,
                    caller=asked.caller,
                )
            finally:
                settled.put_nowait(None)

        writer = _FieldWriter(task)
        worker = asyncio.create_task(work())
        try:
            while (event := await settled.get()) is not None:
                if text := writer.add(event):
                    yield Piece(text=text)
            run = await worker
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
        if run.verdict == "rejected":
            raise Rejected(rejection(run), run)
        for piece in writer.end(run):
            yield piece
        yield Piece(usage=_run_usage(run), run=run, notes=tuple(_without_effect(asked)))


class _FieldWriter:
    """Writes a task's answer as its fields settle; fields come in the task's order, whatever order they settle in."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._text = task.kind == "transform" and not task.fields
        self._keys = task.keys
        self._values: dict[str, Json] = {}
        self._sent = 0

    def add(self, event: Event) -> str:
        """Take an event; gives the text that may go out now."""
        if event.kind != "settled":
            return ""
        if event.keys:
            self._keys = event.keys  # a task whose fields the caller names has them only now
        self._values.update(event.values)
        out = ""
        while self._sent < len(self._keys) and (key := self._keys[self._sent]) in self._values:
            value = self._values[key]
            out += str(value) if self._text else member_text(key, value, first=self._sent == 0)
            self._sent += 1
        return out

    def end(self, run: Run) -> Sequence[Piece]:
        """Give the pieces that end the answer: its end, or why there is none."""
        if run.verdict in ("accepted", "escalated"):
            closing = () if self._text else (Piece(text="}" if self._sent else "{}"),)
            return (*closing, Piece(finish_reason="stop"))
        refusal = f"{run.reason or 'no model could answer'}. The run {run.id} is left to review."
        return (Piece(refusal=refusal), Piece(finish_reason="stop"))


def rejection(run: Run) -> InputError:
    """Give the error that rejected a run, with its own code; the hint is the run's note."""
    kinds = {kind.code: kind for kind in (ImageError, DocumentError, ContextLengthError)}
    hint = run.notes[0] if run.notes else None
    kind = kinds.get(run.error_code or "", InputError)
    return kind(run.reason or "the input is unusable", hint=hint, param="messages")


def _check_task(asked: Conversation) -> None:
    if asked.logprobs is not None:
        raise Unsupported("a task gives confidences by field, not logprobs", param="logprobs")
    if asked.tools:
        raise Unsupported("a task calls no tools", param="tools")
    if asked.choices > 1:
        raise Unsupported("a task gives one answer", param="n")


def _check_window(model: Model, prompt: int, completion: int | None) -> None:
    window = model.context
    if window is None or prompt + (completion or 0) <= window:
        return
    asked = (
        f"your messages resulted in {prompt} tokens"
        if prompt > window
        else f"you requested {prompt + (completion or 0)} tokens ({prompt} in the messages, {completion} in the "
        "completion)"
    )
    raise ContextLengthError(
        f"This model's maximum context length is {window} tokens. However, {asked}. Please reduce the length of the "
        "messages" + ("." if prompt > window else " or completion."),
        param="messages",
    )


def _room(window: int, asked: Conversation) -> int:
    return window - (asked.sampling.max_tokens or 0)


def _task_input(turns: Sequence[Turn]) -> TaskInput:
    parts = tuple(part for turn in turns if turn.role == "user" for part in turn.parts)
    if not any(not isinstance(part, Text) or part.text.strip() for part in parts):
        raise InputError("the input is empty", hint="a task works on the messages of the role user", param="messages")
    return TaskInput(parts=parts)


def _content(task: Task, answer: Json) -> str | None:
    if answer is None:
        return None
    if task.kind == "transform" and isinstance(answer, dict) and isinstance(answer.get("text"), str):
        return str(answer["text"])
    return answer if isinstance(answer, str) else msgspec.json.encode(answer).decode()


def _without_effect(asked: Conversation) -> list[str]:
    """Say what the request asked for that a task decides by itself."""
    notes = []
    if any(turn.role != "user" for turn in asked.turns):
        notes.append("only the user's messages were read: a task has its own instruction")
    sampling = asked.sampling
    given = [name for name in ("temperature", "top_p", "max_tokens", "seed") if getattr(sampling, name) is not None]
    given += ["stop"] if sampling.stop else []
    given += ["response_format"] if asked.verifiable else []
    if given:
        notes.append(f"without effect on a task: {', '.join(given)}")
    return notes


def _countable(turn: Turn) -> Message:
    texts = tuple(part for part in turn.parts if isinstance(part, Text))
    return Message(role=turn.role, parts=texts, name=turn.name, tool_calls=turn.tool_calls)


def _picture_tokens(asked: Conversation) -> int:
    by = rule(asked.model)
    pictures = [part for turn in asked.turns for part in turn.parts if isinstance(part, Image)]
    return 0 if by is None else sum(image_tokens(by, one.width, one.height, one.detail) for one in pictures)


def _written(choice: Choice) -> str:
    calls = "".join(call.name + call.arguments for call in choice.tool_calls)
    return (choice.text or "") + (choice.refusal or "") + calls


def _run_usage(run: Run) -> Usage:
    return sum((attempt.usage for attempt in run.attempts), Usage())
