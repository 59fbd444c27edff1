"""Turns a request for a response into the conversation that it asks for, and its tools into the product's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from firstline import patterns
from firstline.api.responses.parse import chosen
from firstline.api.responses.shapes import (
    Asked,
    GrammarFormat,
    NamedChoice,
    ResponseBody,
    ResponseCustomTool,
    ResponseFunctionTool,
    ResponseSchemaFormat,
)
from firstline.api.wire.parts import ObjectFormat
from firstline.chat.conversation import Conversation, Turn
from firstline.errors import FirstlineError
from firstline.schema.strict import check_strict_schema, strict_fault
from firstline.types import Caller, Json, Sampling, Text, Tool, ToolChoice

_FUNCTION = patterns.compile(r"^(tools\[\d+\])\.function\b")

_NAMES = {
    "messages": "input",
    "max_tokens": "max_output_tokens",
    "response_format": "text.format",
    "logprobs": "include",
    "reasoning_effort": "reasoning.effort",
}
"""What the chat service calls by chat completions' names, and how it is called here."""


def conversation(body: Asked, turns: Sequence[Turn], caller: Caller | None) -> Conversation:
    """Make the conversation; `turns` are those of the items, before which the instructions stand.

    Raises StrictSchemaError and FunctionSchemaError for a strict schema that is none.
    """
    wanted = body.text.format if body.text else None
    told = (Turn(role="system", parts=(Text(text=body.instructions),)),) if body.instructions else ()
    asked = Conversation(
        model=body.model,
        turns=(*told, *turns),
        tools=tuple(_tool(tool, number) for number, tool in enumerate(body.tools or ())),
        tool_choice=_tool_choice(body),
        parallel_calls=body.parallel_tool_calls is not False,
        schema=_schema(wanted) if isinstance(wanted, ResponseSchemaFormat) else None,
        schema_name=wanted.name if isinstance(wanted, ResponseSchemaFormat) else "answer",
        json_object=isinstance(wanted, ObjectFormat),
        reasoning_effort=body.reasoning.effort if body.reasoning else None,
        caller=caller,
    )
    if not isinstance(body, ResponseBody):
        return asked
    return msgspec.structs.replace(
        asked,
        sampling=Sampling(temperature=body.temperature, top_p=body.top_p, max_tokens=body.max_output_tokens),
        logprobs=(body.top_logprobs or 0) if wants_logprobs(body) else None,
        parameters=None if body.firstline is msgspec.UNSET else body.firstline.parameters,
        on_review=None if body.firstline is msgspec.UNSET else body.firstline.on_review,
    )


def wants_logprobs(body: ResponseBody) -> bool:
    """Say whether the probabilities of the tokens are to come with the text."""
    return "message.output_text.logprobs" in (body.include or ()) or bool(body.top_logprobs)


def custom_names(body: Asked) -> frozenset[str]:
    """Return the names of custom tools, whose calls are written another way."""
    return frozenset(tool.name for tool in body.tools or () if isinstance(tool, ResponseCustomTool))


def named(error: FirstlineError) -> FirstlineError:
    """Return an error the name that its field has on this surface."""
    if error.param is not None:
        param = _FUNCTION.sub(r"\1", error.param)
        head, dot, rest = param.partition(".")
        here = _NAMES.get(head, head) + dot + rest
        error.message = error.message.replace(f"'{error.param}'", f"'{here}'")
        error.param = here
    return error


def _schema(wanted: ResponseSchemaFormat) -> Mapping[str, Json]:
    if not wanted.strict:
        return wanted.schema
    return check_strict_schema(wanted.schema, of="response_format", name=wanted.name, param="text.format.schema")


def _tool(tool: ResponseFunctionTool | ResponseCustomTool, number: int) -> Tool:
    if isinstance(tool, ResponseCustomTool):
        pattern = f"^(?:{tool.format.definition})$" if isinstance(tool.format, GrammarFormat) else ""
        return Tool(name=tool.name, description=tool.description or "", custom=True, pattern=pattern)
    parameters: Mapping[str, Json] | None = tool.parameters
    # On this surface a function is strict unless it says otherwise, as far as its schema can be.
    strict = tool.strict if tool.strict is not None else parameters is not None and strict_fault(parameters) is None
    if strict and parameters is not None:
        parameters = check_strict_schema(parameters, of="function", name=tool.name, param=f"tools[{number}].parameters")
    return Tool(name=tool.name, description=tool.description or "", parameters=parameters, strict=strict)


def _tool_choice(body: Asked) -> ToolChoice:
    match body.tool_choice:
        case None:
            return ToolChoice()
        case NamedChoice() as one:
            return ToolChoice(mode=one.mode if one.type == "allowed_tools" else "required", names=chosen(one))
        case mode:
            return ToolChoice(mode=mode)
