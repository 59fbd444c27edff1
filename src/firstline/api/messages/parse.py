"""What `POST /v1/messages` takes: the request checked field by field, and the conversation that it asks for. Pure.

As on the other surfaces, a field that changes nothing about the answer is accepted and left alone, and one that asks
for what cannot be done is refused by name: what a caller asked for is never dropped silently.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, TypeVar

import msgspec

from firstline.api.messages.shapes import (
    Block,
    CountBody,
    DocumentBlock,
    ImageBlock,
    MessagesBody,
    SearchResultBlock,
    ToolResultBlock,
    ToolUseBlock,
    WireTool,
    WireTurn,
)
from firstline.api.wire.fields import read_fields
from firstline.chat.conversation import Conversation
from firstline.errors import ThreadError, UnsupportedError, UsageError
from firstline.schema.strict import strict_fault
from firstline.types import Caller, Json, Sampling, Tool, ToolChoice

HARMLESS: Final = (
    "betas",
    "billing_policy",
    "cache_control",
    "diagnostics",
    "fallback_credit_token",
    "inference_geo",
    "metadata",
    "service_tier",
    "speed",
    "user_profile_id",
    "workspace_id",
)
"""Accepted and left alone: they steer billing, caching, place or speed at the maker, not what is answered."""

UNSUPPORTED: Final = ("compaction", "container", "context_management", "fallbacks", "mcp_servers", "thread")
_NOTHING: Final[tuple[Json, ...]] = (None, [], {})

Body = TypeVar("Body", bound=CountBody)


def parse(raw: dict[str, Json], shape: type[Body]) -> Body:
    """Check a request. Raises UsageError or UnsupportedError, with `param` naming the field."""
    if raw.get("thread") is not None:
        raise ThreadError("threads are not kept here", hint="send the whole conversation", param="thread")
    for name in UNSUPPORTED:
        if raw.get(name) not in _NOTHING:
            raise UnsupportedError(f"{name}: not supported", param=name)
    body = read_fields(raw, shape, ignored=(*HARMLESS, *UNSUPPORTED))
    _check_tools(body)
    for number, turn in enumerate(body.messages):
        _check_turn(turn, f"messages[{number}]")
    _check_results(body.messages)
    if body.messages[-1].role == "assistant":
        raise UnsupportedError(
            "This model does not support assistant message prefill. The conversation must end with a user message.",
            param="messages",
        )
    stops = body.stop_sequences if isinstance(body, MessagesBody) else None
    for number, stop in enumerate(stops or ()):
        if not stop.strip():
            raise UsageError("each stop sequence must contain non-whitespace", param=f"stop_sequences[{number}]")
    return body


def conversation(body: CountBody, model: str, caller: Caller | None) -> Conversation:
    """Make the conversation, its turns still to be read. `model` is what answers for the name in the body."""
    asked = body.output_format or (body.output_config and body.output_config.format) or None
    chosen = body.tool_choice
    made = Conversation(
        model=model,
        turns=(),
        tools=tuple(map(_tool, body.tools or ())),
        tool_choice=_tool_choice(body),
        parallel_calls=not (chosen and chosen.disable_parallel_tool_use),
        schema=asked.schema if asked else None,
        reasoning_effort=_effort(body),
        caller=caller,
    )
    if not isinstance(body, MessagesBody):
        return made
    sampling = Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        top_k=body.top_k,
        max_tokens=body.max_tokens,
        stop=tuple(body.stop_sequences or ()),
    )
    if body.firstline is msgspec.UNSET:
        return msgspec.structs.replace(made, sampling=sampling)
    extra = body.firstline
    return msgspec.structs.replace(made, sampling=sampling, parameters=extra.parameters, on_review=extra.on_review)


def _effort(body: CountBody) -> str | None:
    """Say how hard to think: as asked for in words, else by the tokens that thinking may take."""
    if body.output_config is not None and body.output_config.effort is not None:
        return body.output_config.effort
    thinking = body.thinking
    if thinking is None or thinking.type != "enabled":
        return None
    tokens = thinking.budget_tokens or 0
    return "low" if tokens < 4096 else "medium" if tokens < 16_384 else "high"


def _tool(tool: WireTool) -> Tool:
    # Anthropic's `strict` takes more than OpenAI's subset, which a remote model may hold us to; both are verified here.
    strict = bool(tool.strict) and strict_fault(tool.input_schema) is None
    return Tool(name=tool.name, description=tool.description or "", parameters=tool.input_schema, strict=strict)


def _tool_choice(body: CountBody) -> ToolChoice:
    chosen = body.tool_choice
    if chosen is None or not body.tools:
        return ToolChoice()
    match chosen.type:
        case "any":
            return ToolChoice(mode="required")
        case "tool":
            return ToolChoice(mode="required", names=(chosen.name or "",))
        case mode:
            return ToolChoice(mode=mode)


def _check_tools(body: CountBody) -> None:
    names = [tool.name for tool in body.tools or ()]
    for number, tool in enumerate(body.tools or ()):
        if tool.type not in (None, "custom"):
            raise UnsupportedError(
                f"tools[{number}]: {tool.type} runs at Anthropic and is not here",
                hint="describe a tool of your own: name, description, input_schema",
                param=f"tools[{number}].type",
            )
        if tool.input_schema is None:
            raise UsageError(f"tools[{number}].input_schema: Field required", param=f"tools[{number}].input_schema")
        if tool.input_schema.get("type") != "object":
            raise UsageError(
                f"tools[{number}].input_schema.type: must be 'object'", param=f"tools[{number}].input_schema.type"
            )
        if tool.name in names[:number]:
            raise UsageError("tools: Tool names must be unique.", param=f"tools[{number}].name")
    chosen = body.tool_choice
    if chosen is not None and chosen.type in ("any", "tool") and not names:
        raise UsageError("tool_choice may only be specified while providing tools", param="tool_choice")
    if chosen is not None and chosen.type == "tool" and chosen.name not in names:
        raise UsageError(f"Tool {chosen.name!r} not found in provided tools", param="tool_choice.name")


_PLACES: Final = {
    "user": (ImageBlock, DocumentBlock, SearchResultBlock, ToolResultBlock),
    "assistant": (ToolUseBlock,),
    "system": (),
}
"""Which blocks beside text (and dropped thoughts) a message of each role may hold."""
_BOUND: Final = (ImageBlock, DocumentBlock, SearchResultBlock, ToolResultBlock, ToolUseBlock)


def _check_turn(turn: WireTurn, where: str) -> None:
    if not turn.content or (isinstance(turn.content, str) and not turn.content.strip()):
        raise UsageError(f"{where}: all messages must have non-empty content", param=f"{where}.content")
    for number, block in enumerate(blocks_of(turn)):
        place = f"{where}.content[{number}]"
        if isinstance(block, _BOUND) and not isinstance(block, _PLACES[turn.role]):
            kind = type(block).__struct_config__.tag
            raise UsageError(f"{place}: `{kind}` blocks are not for the role {turn.role}", param=place)
        cites = isinstance(block, DocumentBlock | SearchResultBlock) and block.citations
        if cites and cites.enabled:
            raise UnsupportedError(f"{place}.citations: answers do not cite", param=f"{place}.citations")


def blocks_of(turn: WireTurn) -> Sequence[Block]:
    """Return the blocks of a message; plain text has none."""
    return turn.content if isinstance(turn.content, list) else ()


def _check_results(turns: Sequence[WireTurn]) -> None:
    """A result answers a call of the message before it, and every call has its result in the next."""
    owed: dict[str, str] = {}
    for number, turn in enumerate(turns):
        for at, block in enumerate(blocks_of(turn)):
            if isinstance(block, ToolResultBlock) and owed.pop(block.tool_use_id, None) is None:
                raise UsageError(
                    f"messages[{number}].content[{at}]: unexpected `tool_use_id` found in `tool_result` blocks: "
                    f"{block.tool_use_id}. Each `tool_result` block must have a corresponding `tool_use` block in the "
                    "previous message.",
                    param=f"messages[{number}].content[{at}].tool_use_id",
                )
        _check_owed(owed)
        owed = {block.id: f"messages[{number}]" for block in blocks_of(turn) if isinstance(block, ToolUseBlock)}
    _check_owed(owed)


def _check_owed(owed: dict[str, str]) -> None:
    if owed:
        where = next(iter(owed.values()))
        raise UsageError(
            f"{where}: `tool_use` ids were found without `tool_result` blocks immediately after: {', '.join(owed)}. "
            "Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
            param=where,
        )
