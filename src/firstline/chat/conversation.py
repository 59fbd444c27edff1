"""A conversation as every surface of the wire asks for it, and what comes back: one shape, whatever was spoken.

Chat completions, responses and messages are three ways of writing the same thing. Each is parsed into a
`Conversation`, answered as a `Reply` or as a stream of `Piece`s, and written back by its surface.
"""

from __future__ import annotations

from collections.abc import Mapping

from firstline.reading.source import InputPart
from firstline.types import (
    Caller,
    FinishReason,
    Json,
    OnReview,
    Role,
    Run,
    Sampling,
    TokenProb,
    Tool,
    ToolCall,
    ToolChoice,
    Usage,
    Value,
)


class Turn(Value, frozen=True, kw_only=True):
    """One turn: a message whose parts may still be PDFs."""

    role: Role
    parts: tuple[InputPart, ...] = ()
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None


class Conversation(Value, frozen=True, kw_only=True):
    """What is asked. `model` is a model of the catalog or `task/NAME`.

    `schema` asks for a verified JSON answer (`strict`: held to OpenAI's subset), `json_object` for any JSON object.
    `logprobs` is how many alternatives of each token are wanted; None: no probabilities. `choices` is how many
    answers are wanted, each made and verified by itself. `parameters` are those of a task. `on_review` is what an
    answer says that is left to a person (None: what the key, the task or the settings say).
    `prompt_tokens` are those of the prompt in o200k_base, images too, where it was counted.
    """

    model: str
    turns: tuple[Turn, ...]
    sampling: Sampling = Sampling()
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    parallel_calls: bool = True
    schema: Mapping[str, Json] | None = None
    schema_name: str = "answer"
    json_object: bool = False
    logprobs: int | None = None
    choices: int = 1
    reasoning_effort: str | None = None
    parameters: Mapping[str, Json] | None = None
    on_review: OnReview | None = None
    prompt_tokens: int | None = None
    caller: Caller | None = None

    def says_best(self, *others: OnReview | None) -> bool:
        """Say whether an answer that is left to a person is the best attempt: by the request, its key, or the first of
        the others that says so."""
        wishes = (self.on_review, self.caller.on_review if self.caller else None, *others)
        return next((wish for wish in wishes if wish is not None), "refuse") == "best"

    @property
    def verifiable(self) -> bool:
        """Say whether there is something to hold the answer against, beside text."""
        return self.schema is not None or self.json_object


class Choice(Value, frozen=True, kw_only=True):
    """One answer. Without a `text` there are tool calls, or a `refusal` in its stead: nothing passed the checks.

    `stopped_by` is the stop sequence that ended it, where the engine says so.
    """

    text: str | None
    refusal: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    finish_reason: FinishReason = "stop"
    stopped_by: str | None = None
    logprobs: tuple[TokenProb, ...] | None = None


class Reply(Value, frozen=True, kw_only=True):
    """The answers, in order, and the run that led to them; `notes` say what of the request had no effect."""

    choices: tuple[Choice, ...]
    usage: Usage
    run: Run
    notes: tuple[str, ...] = ()


class Piece(Value, frozen=True, kw_only=True):
    """A piece of a streamed reply, of the answer number `index`. `finish_reason` (and `stopped_by`) end that answer.

    The last piece of a stream carries `usage` and `run` and belongs to no answer.
    """

    index: int = 0
    text: str = ""
    refusal: str = ""
    calls: tuple[tuple[int, ToolCall], ...] = ()
    logprobs: tuple[TokenProb, ...] = ()
    finish_reason: FinishReason | None = None
    stopped_by: str | None = None
    usage: Usage | None = None
    run: Run | None = None
    notes: tuple[str, ...] = ()
