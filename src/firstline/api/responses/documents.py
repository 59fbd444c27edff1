"""The shapes of what responses answer with: whole, as events, and kept (OpenAI's API description of 2026-08).

They describe what `render`, `stream` and `stored` make; the tests hold every answer to
them.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from firstline.api.chat.documents import TokenLogprob
from firstline.api.decisions.documents import InputDetails, OutputDetails
from firstline.api.wire.documents import FirstlineObject, Page
from firstline.types import Value

ItemStatus = Literal["in_progress", "completed", "incomplete"]


class OutputTextPart(Value, frozen=True, kw_only=True, tag="output_text"):
    """What was said."""

    text: str
    annotations: list[Any]
    logprobs: list[TokenLogprob]


class OutputRefusal(Value, frozen=True, kw_only=True, tag="refusal"):
    """Why nothing was said: nothing passed."""

    refusal: str


class OutputMessage(Value, frozen=True, kw_only=True, tag="message"):
    """A message of the model."""

    id: str
    status: ItemStatus
    role: Literal["assistant"]
    content: list[OutputTextPart | OutputRefusal]


class OutputFunctionCall(Value, frozen=True, kw_only=True, tag="function_call"):
    """A call of a function; its arguments are JSON text."""

    id: str
    status: ItemStatus
    call_id: str
    name: str
    arguments: str


class OutputCustomCall(Value, frozen=True, kw_only=True, tag="custom_tool_call"):
    """A call of a custom tool, with its text."""

    id: str
    status: ItemStatus
    call_id: str
    name: str
    input: str


ResponseItem = OutputMessage | OutputFunctionCall | OutputCustomCall


class ResponseUsage(Value, frozen=True, kw_only=True):
    """Tokens of a request, over all attempts."""

    input_tokens: int
    input_tokens_details: InputDetails
    output_tokens: int
    output_tokens_details: OutputDetails
    total_tokens: int


class ResponseFault(Value, frozen=True, kw_only=True):
    """Why a stream broke off."""

    code: Literal["server_error", "rate_limit_exceeded", "invalid_prompt", "invalid_image"]
    message: str


class IncompleteDetails(Value, frozen=True, kw_only=True):
    """Why an answer is not whole."""

    reason: Literal["max_output_tokens", "content_filter"]


class ReasoningObject(Value, frozen=True, kw_only=True):
    """How much was to be reasoned; a summary is never given."""

    effort: str | None
    summary: str | None


class ResponseObject(Value, frozen=True, kw_only=True):
    """A response; `firstline` stands beside OpenAI's own keys once the run has ended."""

    id: str
    object: Literal["response"]
    created_at: int
    completed_at: int | None
    status: Literal["in_progress", "completed", "incomplete", "failed"]
    background: bool
    error: ResponseFault | None
    incomplete_details: IncompleteDetails | None
    instructions: str | None
    max_output_tokens: int | None
    max_tool_calls: int | None
    model: str
    output: list[ResponseItem]
    parallel_tool_calls: bool
    previous_response_id: str | None
    prompt_cache_key: str | None
    reasoning: ReasoningObject
    safety_identifier: str | None
    service_tier: str
    store: bool
    temperature: float
    text: dict[str, Any]
    tool_choice: str | dict[str, Any]
    tools: list[dict[str, Any]]
    top_logprobs: int
    top_p: float
    truncation: Literal["auto", "disabled"]
    usage: ResponseUsage | None
    user: str | None
    metadata: dict[str, str]
    firstline: FirstlineObject | UnsetType = UNSET


class InputTokens(Value, frozen=True, kw_only=True):
    """How long a prompt is."""

    object: Literal["response.input_tokens"]
    input_tokens: int


class ItemList(Page, frozen=True, kw_only=True):
    """A page of input items, as they were sent, each with its id and status."""

    data: list[dict[str, Any]]


class NumberedEvent(Value, frozen=True, kw_only=True):
    """Events are numbered from 0."""

    sequence_number: int


class LifecycleEvent(NumberedEvent, frozen=True, kw_only=True):
    """The response as it stands."""

    response: ResponseObject


class CreatedEvent(LifecycleEvent, frozen=True, kw_only=True, tag="response.created"):
    """The stream begins."""


class InProgressEvent(LifecycleEvent, frozen=True, kw_only=True, tag="response.in_progress"):
    """The answer is being made."""


class CompletedEvent(LifecycleEvent, frozen=True, kw_only=True, tag="response.completed"):
    """The answer is whole."""


class IncompleteEvent(LifecycleEvent, frozen=True, kw_only=True, tag="response.incomplete"):
    """The answer is cut."""


class FailedEvent(LifecycleEvent, frozen=True, kw_only=True, tag="response.failed"):
    """The answer broke off."""


class ItemEvent(NumberedEvent, frozen=True, kw_only=True):
    """An item of the output."""

    output_index: int
    item: ResponseItem


class ItemAddedEvent(ItemEvent, frozen=True, kw_only=True, tag="response.output_item.added"):
    """An item begins."""


class ItemDoneEvent(ItemEvent, frozen=True, kw_only=True, tag="response.output_item.done"):
    """An item is whole."""


class InItemEvent(NumberedEvent, frozen=True, kw_only=True):
    """Something inside of an item."""

    item_id: str
    output_index: int


class InPartEvent(InItemEvent, frozen=True, kw_only=True):
    """Something inside of a message's content."""

    content_index: int


class PartAddedEvent(InPartEvent, frozen=True, kw_only=True, tag="response.content_part.added"):
    """A part begins, in the place of the one before it at this index."""

    part: OutputTextPart | OutputRefusal


class PartDoneEvent(InPartEvent, frozen=True, kw_only=True, tag="response.content_part.done"):
    """A part is whole."""

    part: OutputTextPart | OutputRefusal


class TextDeltaEvent(InPartEvent, frozen=True, kw_only=True, tag="response.output_text.delta"):
    """The next characters of a text."""

    delta: str
    logprobs: list[TokenLogprob]


class TextDoneEvent(InPartEvent, frozen=True, kw_only=True, tag="response.output_text.done"):
    """A whole text."""

    text: str
    logprobs: list[TokenLogprob]


class RefusalDeltaEvent(InPartEvent, frozen=True, kw_only=True, tag="response.refusal.delta"):
    """The next characters of a refusal."""

    delta: str


class RefusalDoneEvent(InPartEvent, frozen=True, kw_only=True, tag="response.refusal.done"):
    """A whole refusal."""

    refusal: str


class ArgumentsDeltaEvent(InItemEvent, frozen=True, kw_only=True, tag="response.function_call_arguments.delta"):
    """The next characters of a call's arguments."""

    delta: str


class ArgumentsDoneEvent(InItemEvent, frozen=True, kw_only=True, tag="response.function_call_arguments.done"):
    """The whole arguments of a call."""

    name: str
    arguments: str


class CustomDeltaEvent(InItemEvent, frozen=True, kw_only=True, tag="response.custom_tool_call_input.delta"):
    """The next characters of a custom tool's text."""

    delta: str


class CustomDoneEvent(InItemEvent, frozen=True, kw_only=True, tag="response.custom_tool_call_input.done"):
    """The whole text of a custom tool."""

    input: str


class FaultEvent(NumberedEvent, frozen=True, kw_only=True, tag="error"):
    """What broke the stream off, by its own code."""

    code: str
    message: str
    param: str | None


ResponseEvent = (
    CreatedEvent
    | InProgressEvent
    | CompletedEvent
    | IncompleteEvent
    | FailedEvent
    | ItemAddedEvent
    | ItemDoneEvent
    | PartAddedEvent
    | PartDoneEvent
    | TextDeltaEvent
    | TextDoneEvent
    | RefusalDeltaEvent
    | RefusalDoneEvent
    | ArgumentsDeltaEvent
    | ArgumentsDoneEvent
    | CustomDeltaEvent
    | CustomDoneEvent
    | FaultEvent
)
