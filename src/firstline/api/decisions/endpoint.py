"""POST /v1/decisions: predicates, choices and scores about one input, in OpenAI's shape.

A score is the mean of its levels' places, counted from 0 and weighed by their probabilities; a confidence is the
probability of the likeliest answer.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.requests import Request
from starlette.types import ASGIApp

from firstline.api.decisions.documents import Decisions
from firstline.api.wire.answering import json_response, while_here
from firstline.api.wire.auth import caller_for
from firstline.api.wire.body import read_object
from firstline.api.wire.content import read_messages, sources_of
from firstline.api.wire.fields import read_fields
from firstline.api.wire.operation import ASKS, CONVERSATION, Operation
from firstline.api.wire.parts import MAX_ITEMS, Extra, ImagePart, ImageUrl, TextPart, WireMessage, WirePart
from firstline.chat.conversation import Turn
from firstline.chat.decide import DecideCall, Decision, Option, Question
from firstline.errors import UnsupportedError, UsageError
from firstline.services import Services
from firstline.types import Json, Role, Usage
from firstline.views.run import wire_headers, wire_object

_IGNORED = ("prompt_cache_key", "prompt_cache_options", "safety_identifier")
_YES_NO: tuple[Option, ...] = (Option(text="yes"), Option(text="no"))


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """`input_text`, `input_image`, `input_json`, and what an assistant said: `output_text`, `refusal`."""

    type: Literal["input_text", "input_image", "input_json", "output_text", "refusal"]
    text: str | None = None
    refusal: str | None = None
    image_url: str | None = None
    detail: Literal["auto", "low", "high", "original"] | None = None
    data: Any = None


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A message, or a tool's call or output."""

    type: Literal["message", "function_call", "function_call_output", "custom_tool_call", "custom_tool_call_output"] = (
        "message"
    )
    role: Literal["user", "developer", "system", "assistant"] | None = None
    content: str | list[Part] | None = None
    name: str | None = None
    arguments: str | None = None
    input: str | None = None
    output: str | list[Part] | None = None


class WireChoice(msgspec.Struct, frozen=True, kw_only=True):
    """One of a choice's values."""

    value: str | bool
    description: str = ""


class Level(msgspec.Struct, frozen=True, kw_only=True):
    """One of a score's levels."""

    label: Annotated[str, Meta(min_length=1)]
    description: str = ""


class WireQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A predicate, a choice or a score."""

    type: Literal["predicate", "choice", "score"]
    instructions: str | list[Part]
    name: str | None = None
    choices: Annotated[list[WireChoice], Meta(min_length=2, max_length=255)] | None = None
    levels: Annotated[list[Level], Meta(min_length=2, max_length=255)] | None = None


class DecisionsBody(msgspec.Struct, frozen=True, kw_only=True):
    """The request. `firstline.on_review` is taken and changes nothing: no decision is left to a person."""

    model: Annotated[str, Meta(min_length=1, max_length=256)]
    input: str | Annotated[list[Item], Meta(min_length=1, max_length=MAX_ITEMS)]
    questions: Annotated[list[WireQuestion], Meta(min_length=1, max_length=400)]
    firstline: Extra | UnsetType = UNSET


@Operation(
    rights=ASKS,
    body=DecisionsBody,
    limits=CONVERSATION,
    left_alone=_IGNORED,
    answer=Decisions,
    example={
        "model": "gpt-4o-mini",
        "input": "Where is my parcel?",
        "questions": [{"type": "predicate", "instructions": "The customer asks about a delivery."}],
    },
    names_model=True,
    asks_models=True,
)
async def decisions(request: Request) -> ASGIApp:
    """Answer predicates, choices and scores about one input."""
    services: Services = request.app.state.services
    raw = await read_object(request)
    return await while_here(request, _answer(request, services, read_fields(raw, DecisionsBody, ignored=_IGNORED)))


async def _answer(request: Request, services: Services, body: DecisionsBody) -> ASGIApp:
    caller = caller_for(request, body.model)
    if body.firstline is not UNSET and body.firstline.parameters:
        raise UnsupportedError("parameters belong to tasks", param="firstline.parameters")
    questions = tuple(_question(one, f"questions[{number}]") for number, one in enumerate(body.questions))
    items = [Item(role="user", content=body.input)] if isinstance(body.input, str) else body.input
    messages = [_message(item, f"input[{number}]") for number, item in enumerate(items)]
    parts = await read_messages(messages, services.settings.limits, sources_of(request, caller), of="input")
    turns = tuple(Turn(role=_role(message), parts=read) for message, read in zip(messages, parts, strict=True))
    decision = await services.decider.decide(
        DecideCall(model=body.model, turns=turns, questions=questions, caller=caller)
    )
    return json_response(_object(body, decision), wire_headers(decision.run))


def _question(asked: WireQuestion, where: str) -> Question:
    text = asked.instructions if isinstance(asked.instructions, str) else _plain(asked.instructions, where)
    if not text.strip():
        raise UsageError("a question needs instructions", param=f"{where}.instructions")
    match asked.type:
        case "predicate":
            options = _YES_NO
        case "choice":
            options = _options(_told(asked.choices or []))
        case _:
            options = _options([(one.label, one.description) for one in asked.levels or ()])
    if len(options) < 2:
        what = "choices" if asked.type == "choice" else "levels"
        raise UsageError(f"a {asked.type} needs at least two {what}", param=f"{where}.{what}")
    if len({option.text for option in options}) < len(options) or not all(option.text.strip() for option in options):
        raise UsageError("the answers of a question differ from each other and are not empty", param=where)
    return Question(kind=asked.type, instructions=text, options=options)


def _options(given: list[tuple[str, str]]) -> tuple[Option, ...]:
    return tuple(Option(text=text, description=description) for text, description in given)


def _told(choices: list[WireChoice]) -> list[tuple[str, str]]:
    """Write values as text; `true` and the word "true" are two answers."""
    words = {choice.value for choice in choices if isinstance(choice.value, str)}
    told = []
    for choice in choices:
        value = choice.value
        if not isinstance(value, str):
            value = "true" if value else "false"
            value = f"{value} (boolean)" if value in words else value
        told.append((value, choice.description))
    return told


def _plain(parts: list[Part], where: str) -> str:
    if any(part.type == "input_image" for part in parts):
        raise UnsupportedError("a question is text", hint="put pictures into `input`", param=f"{where}.instructions")
    return "\n".join(_text(part) for part in parts)


def _text(part: Part) -> str:
    if part.type == "input_json":
        return msgspec.json.encode(part.data).decode()
    return part.text or part.refusal or ""


def _message(item: Item, where: str) -> WireMessage:
    if item.type == "message":
        if item.role is None or item.content is None:
            raise UsageError("a message needs role and content", param=where)
        return WireMessage(role=item.role, content=_content(item.content, where))
    if item.type.endswith("_call"):
        said = f"[Called {item.name or 'a tool'} with {item.arguments or item.input or ''}]"
        return WireMessage(role="assistant", content=said)
    return WireMessage(role="user", content=_content(item.output or "", where, before="[Output of the tool]"))


def _content(given: str | list[Part], where: str, *, before: str = "") -> str | list[WirePart]:
    if isinstance(given, str):
        return f"{before}\n{given}".strip() if before else given
    parts: list[WirePart] = [TextPart(text=before)] if before else []
    for number, part in enumerate(given):
        if part.type != "input_image":
            parts.append(TextPart(text=_text(part)))
        elif part.image_url is None:
            raise UsageError("a picture needs image_url", param=f"{where}.content[{number}]")
        else:
            parts.append(ImagePart(image_url=ImageUrl(url=part.image_url, detail=part.detail)))
    return parts


def _role(message: WireMessage) -> Role:
    match message.role:
        case "developer" | "system":
            return "system"
        case "assistant":
            return "assistant"
        case _:
            return "user"


def _object(body: DecisionsBody, decision: Decision) -> dict[str, Json]:
    return {
        "model": body.model,
        "answers": [_shown(one, shares) for one, shares in zip(body.questions, decision.shares, strict=True)],
        "usage": _usage(decision.usage),
        "firstline": wire_object(decision.run),
    }


def _shown(asked: WireQuestion, shares: tuple[float, ...] | None) -> dict[str, Json]:
    if shares is None:
        return {"type": "refusal", "name": asked.name}
    best = max(range(len(shares)), key=lambda at: shares[at])
    shown: dict[str, Json] = {"type": asked.type, "name": asked.name}
    if asked.type == "predicate":
        return {**shown, "probability": shares[0]}
    if asked.type == "choice":
        values = [one.value for one in asked.choices or ()]
        return {
            **shown,
            "choice": values[best],
            "confidence": shares[best],
            "probabilities": [
                {"value": value, "probability": share} for value, share in zip(values, shares, strict=True)
            ],
        }
    levels = asked.levels or ()
    return {
        **shown,
        "score": sum(place * share for place, share in enumerate(shares)),
        "confidence": shares[best],
        "probabilities": [
            {"label": level.label, "value": place, "probability": share}
            for place, (level, share) in enumerate(zip(levels, shares, strict=True))
        ],
    }


def _usage(usage: Usage) -> dict[str, Json]:
    return {
        "input_tokens": usage.prompt_tokens,
        "input_tokens_details": {"cached_tokens": usage.cached_tokens, "cache_write_tokens": 0},
        "output_tokens": usage.completion_tokens,
        "output_tokens_details": {"reasoning_tokens": usage.reasoning_tokens},
        "total_tokens": usage.total_tokens,
    }
