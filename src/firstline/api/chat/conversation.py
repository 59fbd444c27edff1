"""Turns a chat completion's request into the conversation that it asks for, and its tools into the product's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from firstline.api.wire.parts import (
    ChatBody,
    CustomTool,
    JsonSchema,
    Named,
    ObjectFormat,
    SchemaFormat,
    WireFunction,
    WireMessage,
    WireToolCall,
    WireToolChoice,
)
from firstline.chat.conversation import Conversation, Turn
from firstline.reading.source import InputPart
from firstline.schema.strict import check_strict_schema
from firstline.types import Caller, Json, Role, Sampling, Text, Tool, ToolCall, ToolChoice


def conversation(body: ChatBody, caller: Caller | None) -> Conversation:
    """Make the conversation, as yet without its turns: what they hold is read once the rest has been checked.

    Raises StrictSchemaError and FunctionSchemaError for a strict schema that is none.
    """
    wanted = body.response_format
    schema = wanted.json_schema if isinstance(wanted, SchemaFormat) else None
    extra = body.firstline
    return Conversation(
        model=body.model,
        turns=(),
        sampling=_sampling(body),
        tools=_tools(body),
        tool_choice=_tool_choice(body),
        parallel_calls=body.parallel_tool_calls is not False and not body.functions,
        schema=_schema(schema) if schema else None,
        schema_name=schema.name if schema else "answer",
        json_object=isinstance(wanted, ObjectFormat),
        logprobs=(body.top_logprobs or 0) if body.logprobs else None,
        choices=body.n or 1,
        reasoning_effort=body.reasoning_effort,
        parameters=None if extra is msgspec.UNSET else extra.parameters,
        on_review=None if extra is msgspec.UNSET else extra.on_review,
        caller=caller,
    )


def turns(body: ChatBody, parts: Sequence[tuple[InputPart, ...]]) -> tuple[Turn, ...]:
    """Make the turns; `parts` are those read from each message."""
    return tuple(_turn(message, read) for message, read in zip(body.messages, parts, strict=True))


def custom_names(body: ChatBody) -> frozenset[str]:
    """Return the names of custom tools, whose calls are written another way."""
    return frozenset(tool.custom.name for tool in body.tools or () if isinstance(tool, CustomTool))


def _schema(wanted: JsonSchema) -> Mapping[str, Json]:
    if not wanted.strict:
        return wanted.schema
    return check_strict_schema(wanted.schema, of="response_format", name=wanted.name, param="response_format")


def _sampling(body: ChatBody) -> Sampling:
    return Sampling(
        temperature=body.temperature,
        top_p=body.top_p,
        max_tokens=body.max_completion_tokens or body.max_tokens,
        stop=(body.stop,) if isinstance(body.stop, str) else tuple(body.stop or ()),
        seed=body.seed,
        frequency_penalty=body.frequency_penalty,
        presence_penalty=body.presence_penalty,
        logit_bias=body.logit_bias or None,
    )


def _tools(body: ChatBody) -> tuple[Tool, ...]:
    if body.functions:
        return tuple(_function(one, f"functions[{place}].parameters") for place, one in enumerate(body.functions))
    return tuple(
        _custom(tool)
        if isinstance(tool, CustomTool)
        else _function(tool.function, f"tools[{place}].function.parameters")
        for place, tool in enumerate(body.tools or ())
    )


def _function(function: WireFunction, param: str) -> Tool:
    parameters: Mapping[str, Json] | None = function.parameters
    if function.strict and parameters is not None:
        parameters = check_strict_schema(parameters, of="function", name=function.name, param=param)
    return Tool(
        name=function.name,
        description=function.description or "",
        parameters=parameters,
        strict=bool(function.strict),
    )


def _custom(tool: CustomTool) -> Tool:
    wanted = tool.custom.format
    grammar = wanted.grammar if wanted else None
    return Tool(
        name=tool.custom.name,
        description=tool.custom.description or "",
        custom=True,
        pattern=f"^(?:{grammar.definition})$" if grammar else "",
    )


def _tool_choice(body: ChatBody) -> ToolChoice:
    if body.functions:
        wished = body.function_call
        if isinstance(wished, Named):
            return ToolChoice(mode="required", names=(wished.name,))
        return ToolChoice(mode=wished or "auto")
    match body.tool_choice:
        case None:
            return ToolChoice()
        case WireToolChoice() as named:
            return _named_choice(named)
        case mode:
            return ToolChoice(mode=mode)


def _named_choice(named: WireToolChoice) -> ToolChoice:
    allowed = named.allowed_tools
    return ToolChoice(mode=allowed.mode if allowed else "required", names=named.called)


def _turn(message: WireMessage, parts: tuple[InputPart, ...]) -> Turn:
    calls = tuple(map(_call, message.tool_calls or ()))
    if message.function_call is not None:
        called = message.function_call
        calls = (ToolCall(id=f"call_{called.name}", name=called.name, arguments=called.arguments),)
    answered = message.tool_call_id
    if message.role == "function":
        answered = f"call_{message.name or ''}"
    empty = parts == (Text(text=""),) and bool(calls)
    return Turn(
        role=_role(message),
        parts=() if empty else parts,
        name=message.name,
        tool_calls=calls,
        tool_call_id=answered,
    )


def _call(call: WireToolCall) -> ToolCall:
    if call.custom is not None:
        arguments = msgspec.json.encode({"input": call.custom.input}).decode()
        return ToolCall(id=call.id, name=call.custom.name, arguments=arguments)
    function = call.function
    return ToolCall(
        id=call.id, name=function.name if function else "", arguments=function.arguments if function else "{}"
    )


def _role(message: WireMessage) -> Role:
    match message.role:
        case "developer" | "system":
            return "system"
        case "function" | "tool":
            return "tool"
        case role:
            return role
