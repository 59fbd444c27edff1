"""Renders a reply as OpenAI's response. Pure.

The `firstline` object stands beside OpenAI's own keys. Of an answer that did not pass, the message holds a refusal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal

import msgspec

from firstline.api.chat.render import custom_input, token_list
from firstline.api.responses.conversation import custom_names
from firstline.api.responses.shapes import ResponseBody
from firstline.chat.conversation import Choice, Reply
from firstline.errors import FirstlineError, ImageError, InputError, RateLimitError
from firstline.types import FinishReason, Json, TokenProb, ToolCall, Usage, Value
from firstline.views.run import wire_object

Status = Literal["in_progress", "completed", "incomplete", "failed"]
_CUT: Mapping[FinishReason, str] = {"length": "max_output_tokens", "content_filter": "content_filter"}


class Head(Value, frozen=True, kw_only=True):
    """What all forms of a response say alike. `created` is seconds since 1970; `kept`: it can be asked for again.

    `new_id` makes the ids of items; `model` is what the answer names as its model (empty: what was asked for).
    """

    id: str
    created: int
    body: ResponseBody
    kept: bool
    new_id: Callable[[str], str]
    model: str = ""

    @property
    def top(self) -> int:
        """How many alternatives of each token are shown."""
        return self.body.top_logprobs or 0

    def is_custom(self, name: str) -> bool:
        """Say whether a tool takes text instead of an object."""
        return name in custom_names(self.body)


def whole(head: Head, reply: Reply, completed: int) -> dict[str, Json]:
    """Return the body of a response that is not streamed."""
    choice = reply.choices[0]
    return {
        **ended(head, choice.finish_reason, output_items(head, choice), reply.usage, completed),
        "firstline": wire_object(reply.run, reply.notes),
    }


def begun(head: Head) -> dict[str, Json]:
    """Return a response of which nothing is there yet."""
    return _response(head, "in_progress", [])


def ended(head: Head, reason: FinishReason, output: Sequence[Json], usage: Usage, completed: int) -> dict[str, Json]:
    """Return a response that is all there, or as far as it may go."""
    cut = _CUT.get(reason)
    return {
        **_response(head, "incomplete" if cut else "completed", output),
        "completed_at": None if cut else completed,
        "incomplete_details": {"reason": cut} if cut else None,
        "usage": usage_object(usage),
    }


def failed(head: Head, output: Sequence[Json], error: FirstlineError) -> dict[str, Json]:
    """Return a response that broke off; OpenAI's set of codes is closed, our own code is in the `error` event."""
    return {
        **_response(head, "failed", output),
        "error": {"code": _error_code(error), "message": error.message},
    }


def output_items(head: Head, choice: Choice) -> list[dict[str, Json]]:
    """Return the items of an answer: a message where it says something, then its calls."""
    items: list[dict[str, Json]] = []
    if choice.text or choice.refusal or not choice.tool_calls:
        part = (
            refusal_part(choice.refusal)
            if choice.refusal
            else text_part(choice.text or "", token_list(choice.logprobs or (), head.top))
        )
        items.append(message_item(head.new_id("msg"), [part], item_status(choice.finish_reason)))
    return items + [call_item(head, head.new_id("fc"), call) for call in choice.tool_calls]


def item_status(reason: FinishReason) -> Status:
    """Say whether an item is whole."""
    return "incomplete" if reason in _CUT else "completed"


def message_item(id: str, content: Sequence[Json], status: Status) -> dict[str, Json]:
    """Write a message."""
    return {"id": id, "type": "message", "status": status, "role": "assistant", "content": list(content)}


def text_part(text: str, logprobs: Sequence[Json]) -> dict[str, Json]:
    """Write a piece of content."""
    return {"type": "output_text", "text": text, "annotations": [], "logprobs": list(logprobs)}


def refusal_part(refusal: str) -> dict[str, Json]:
    """Write why there is no content."""
    return {"type": "refusal", "refusal": refusal}


def call_item(head: Head, id: str, call: ToolCall, status: Status = "completed") -> dict[str, Json]:
    """Write a call; of a custom tool with its text."""
    if head.is_custom(call.name):
        text = custom_input(call) if call.arguments else ""
        return {
            "id": id,
            "type": "custom_tool_call",
            "status": status,
            "call_id": call.id,
            "name": call.name,
            "input": text,
        }
    return {
        "id": id,
        "type": "function_call",
        "status": status,
        "call_id": call.id,
        "name": call.name,
        "arguments": call.arguments,
    }


def shown_logprobs(head: Head, tokens: Sequence[TokenProb]) -> list[dict[str, Json]]:
    """Return the probabilities of tokens as a delta carries them."""
    return token_list(tokens, head.top)


def usage_object(usage: Usage) -> dict[str, Json]:
    """Return OpenAI's `usage`."""
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }


def _response(head: Head, status: Status, output: Sequence[Json]) -> dict[str, Json]:
    body = head.body
    effort = body.reasoning.effort if body.reasoning else None
    return {
        "id": head.id,
        "object": "response",
        "created_at": head.created,
        "completed_at": None,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": body.instructions,
        "max_output_tokens": body.max_output_tokens,
        "max_tool_calls": None,
        "model": head.model or body.model,
        "output": list(output),
        "parallel_tool_calls": body.parallel_tool_calls is not False,
        "previous_response_id": body.previous_response_id,
        "prompt_cache_key": body.prompt_cache_key,
        "reasoning": {"effort": effort, "summary": None},
        "safety_identifier": body.safety_identifier,
        "service_tier": "default",
        "store": head.kept,
        "temperature": 1.0 if body.temperature is None else body.temperature,
        "text": _text(body),
        "tool_choice": msgspec.to_builtins(body.tool_choice or "auto"),
        "tools": [msgspec.to_builtins(tool) for tool in body.tools or ()],
        "top_logprobs": head.top,
        "top_p": 1.0 if body.top_p is None else body.top_p,
        "truncation": body.truncation or "disabled",
        "usage": None,
        "user": body.user,
        "metadata": body.metadata or {},
    }


def _text(body: ResponseBody) -> dict[str, Json]:
    text = body.text
    wanted = msgspec.to_builtins(text.format) if text and text.format else {"type": "text"}
    return {"format": wanted, "verbosity": (text.verbosity if text else None) or "medium"}


def _error_code(error: FirstlineError) -> str:
    match error:
        case RateLimitError():
            return "rate_limit_exceeded"
        case ImageError():
            return "invalid_image"
        case InputError():
            return "invalid_prompt"
        case _:
            return "server_error"
