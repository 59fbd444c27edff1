"""One door for every surface of the wire: a conversation goes to a model or to a task, under the limits of its name.

A task (`task/NAME`) works on what the user's turns hold, and so does a fine-tuned model (`ft:…`), which writes its
answers as it was taught. `gpt-4o-mini` keeps the limits of the model it stands in for,
128,000 tokens of context and 16,384 of answer, counted as OpenAI counts them, and says its usage in the same tokens.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing

import msgspec

from firstline.catalog.catalog import FINE_TUNED_PREFIX, Catalog
from firstline.catalog.model import Model
from firstline.chat.chat import Chat
from firstline.chat.conversation import Choice, Conversation, Piece, Reply, Turn
from firstline.chat.task_reply import Answering, check_task, task_pieces, task_reply
from firstline.chat.window import newest
from firstline.errors import ContextLengthError, InvalidValueError
from firstline.errors import UnsupportedError as Unsupported
from firstline.media.image_tokens import image_tokens, rule
from firstline.runs.run import Runner
from firstline.students.fine_tuning.jobs import FineTuned
from firstline.tasks.registry import Tasks
from firstline.tasks.task import Task
from firstline.tokens import PRIMER, O200k
from firstline.types import Caller, Image, Message, OnReview, Text, Usage

TASK_PREFIX = "task/"

FindFineTuned = Callable[[str, Caller | None], Awaitable[FineTuned]]
"""Finds a fine-tuned model by its name, for who may ask it. Raises ModelNotFoundError."""


class ConversationService:
    """Answers conversations. One for the process."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        tasks: Tasks,
        runner: Runner,
        chat: Chat,
        tokens: O200k,
        fine_tuned: FindFineTuned,
        on_review: OnReview = "refuse",
    ) -> None:
        self._catalog = catalog
        self._tasks = tasks
        self._runner = runner
        self._chat = chat
        self._tokens = tokens
        self._fine_tuned = fine_tuned
        self._on_review = on_review

    async def check(self, asked: Conversation) -> Task | None:
        """Refuse what the name in `model` cannot do, before anything is fetched or read for it.

        Gives the task that it names; None for a model. Raises ModelNotFoundError, NotFoundError for a task,
        UnsupportedError and InvalidValueError.
        """
        answering = await self._answering(asked)
        return None if answering is None else answering.task

    async def _answering(self, asked: Conversation) -> Answering | None:
        """Find the task that a name means; None for a model. Raises as `check`."""
        if asked.model.startswith(TASK_PREFIX):
            task = await self._tasks.listed(asked.model.removeprefix(TASK_PREFIX))
            check_task(asked)
            return Answering(task=task)
        if asked.model.startswith(FINE_TUNED_PREFIX):
            found = await self._fine_tuned(asked.model, asked.caller)
            check_task(asked)
            return Answering(task=found.task, form=found.form)
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
        return None

    async def count(self, asked: Conversation) -> int:
        """Count a prompt in o200k_base, its pictures by the rule of the model. Raises what `check` raises."""
        await self.check(asked)
        return await self._text_tokens(asked) + _picture_tokens(asked)

    async def fit(self, asked: Conversation) -> Conversation:
        """Leave out the oldest turns of a conversation that is longer than its model's window (`truncation: auto`).

        Counted in o200k_base, which for another model is an estimate. Raises what `check` raises.
        """
        task = await self.check(asked)
        window = None if task is not None else self._catalog.get(asked.model).context
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
        answering = await self._answering(asked)
        if answering is not None:
            best = asked.says_best(answering.task.on_review, self._on_review)
            return await task_reply(self._runner, answering, asked, best=best)
        prompt = await self._prompt_tokens(asked)
        asked = msgspec.structs.replace(asked, prompt_tokens=prompt)
        reply = await self._chat.reply(await self._by_text(asked))
        if prompt is None:
            return reply
        written = "".join(map(_written, reply.choices))
        return msgspec.structs.replace(reply, usage=await self._usage(asked, prompt, written, reply.usage))

    async def stream(self, asked: Conversation) -> AsyncGenerator[Piece]:
        """Answer a conversation piece by piece; what is verified comes once it has passed. Raises as `reply` does."""
        answering = await self._answering(asked)
        if answering is not None:
            best = asked.says_best(answering.task.on_review, self._on_review)
            pieces = task_pieces(self._runner, answering, asked, best=best)
            prompt = None
        else:
            prompt = await self._prompt_tokens(asked)
            asked = msgspec.structs.replace(asked, prompt_tokens=prompt)
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
        if not self._catalog.is_stand_in(asked.model):
            return None
        tokens = await self._text_tokens(asked)
        _check_window(self._catalog.get(asked.model), tokens, asked.sampling.max_tokens)
        return tokens + _picture_tokens(asked)

    async def _by_text(self, asked: Conversation) -> Conversation:
        """Name the tokens of a bias by their texts, for models that stand in: their own ids mean something else."""
        bias = asked.sampling.logit_bias
        if not bias or not self._catalog.is_stand_in(asked.model):
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
