"""What `POST /v1/chat/completions` takes: the request as it stands on the wire, checked field by field.

Standard: OpenAI's API description of 2026-08. A field that we act on is declared here; one that changes nothing about
the answer is accepted and left alone; one that asks for something we cannot do is refused by name, as is one that we
do not know: what a caller asked for is never dropped silently.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from typing import Final

import msgspec

from firstline.api.wire.fields import wrong_value
from firstline.api.wire.parts import (
    AudioPart,
    ChatBody,
    CustomTool,
    FilePart,
    ImagePart,
    Named,
    ObjectFormat,
    TextPart,
    WireMessage,
    WireToolChoice,
)
from firstline.errors import UnsupportedError, UsageError
from firstline.types import Json

HARMLESS: Final = frozenset(
    {
        "moderation",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_options",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "user",
        "verbosity",
    }
)
"""Accepted and left alone: they steer billing, caching, storage or speed at the maker, not what is answered."""

UNSUPPORTED: Final = ("audio", "web_search_options")


def parse(raw: dict[str, Json]) -> ChatBody:
    """Check a request. Raises UsageError or UnsupportedError, with `param` naming the field."""
    known = ChatBody.__struct_fields__
    for name, value in raw.items():
        if name in known or name in HARMLESS:
            continue
        if name in UNSUPPORTED:
            if value is None:
                continue
            raise UnsupportedError(f"'{name}' is not supported", param=name)
        raise _unknown(name, (*known, *HARMLESS))
    try:
        body = msgspec.convert(raw, ChatBody)
    except msgspec.ValidationError as error:
        raise wrong_value(error) from None
    _check_together(body)
    return body


def _check_together(body: ChatBody) -> None:
    if body.modalities not in (None, [], ["text"]):
        raise UnsupportedError("only text comes out", param="modalities")
    if body.top_logprobs is not None and not body.logprobs:
        raise UsageError("'top_logprobs' needs 'logprobs': true", param="top_logprobs")
    if body.stream_options is not None and not body.stream:
        raise UsageError("'stream_options' needs 'stream': true", param="stream_options")
    if body.max_tokens is not None and body.max_completion_tokens not in (None, body.max_tokens):
        raise UsageError("'max_tokens' and 'max_completion_tokens' contradict each other", param="max_tokens")
    _check_tools(body)
    for number, message in enumerate(body.messages):
        _check_message(message, f"messages[{number}]")
    _check_calls(body.messages)
    if isinstance(body.response_format, ObjectFormat) and not _says_json(body.messages):
        raise UsageError(
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
            param="messages",
        )


def _check_tools(body: ChatBody) -> None:
    if body.tools and body.functions:
        raise UsageError("'functions' is the old name of 'tools': send one of them", param="functions")
    if isinstance(body.function_call, Named):
        _check_named((body.function_call.name,), [one.name for one in body.functions or ()], "function_call")
    if not body.tools:
        if body.tool_choice not in (None, "none", "auto"):
            raise UsageError("'tool_choice' is only allowed when 'tools' are specified.", param="tool_choice")
        if body.parallel_tool_calls is not None:
            raise UsageError(
                "'parallel_tool_calls' is only allowed when 'tools' are specified.", param="parallel_tool_calls"
            )
        return
    names = [tool.custom.name if isinstance(tool, CustomTool) else tool.function.name for tool in body.tools]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise UsageError(f"two tools have the name {name!r}", param=f"tools[{number}]")
    _check_named(body.tool_choice.called if isinstance(body.tool_choice, WireToolChoice) else (), names, "tool_choice")
    for number, tool in enumerate(body.tools):
        grammar = tool.custom.format.grammar if isinstance(tool, CustomTool) and tool.custom.format else None
        if grammar is not None and grammar.syntax == "lark":
            raise UnsupportedError(
                "a grammar of the syntax lark is not supported",
                hint="describe the text by a regex, or take it free and check it",
                param=f"tools[{number}].custom.format.grammar.syntax",
            )


def _check_named(wanted: Sequence[str], names: Sequence[str], param: str) -> None:
    for name in wanted:
        if name not in names:
            kind = "tools" if param == "tool_choice" else "functions"
            raise UsageError(f"Tool choice '{name[:64]}' not found in '{kind}' parameter.", param=param)


def _check_message(message: WireMessage, param: str) -> None:
    if message.audio is not None:
        raise UnsupportedError("audio is not supported", param=f"{param}.audio")
    calls = bool(message.tool_calls or message.function_call)
    if calls and message.role != "assistant":
        raise UsageError("only a message of the role assistant has tool calls", param=f"{param}.tool_calls")
    for number, call in enumerate(message.tool_calls or ()):
        if call.function is None and call.custom is None:
            raise UsageError(f"a call needs its {call.type}", param=f"{param}.tool_calls[{number}].{call.type}")
    # The old function messages may say null for a function that gave nothing back.
    if message.content is None and message.refusal is None and not calls and message.role != "function":
        raise UsageError(f"a message of the role {message.role} needs content", param=f"{param}.content")
    parts = message.content if isinstance(message.content, list) else []
    for number, part in enumerate(parts):
        where = f"{param}.content[{number}]"
        if isinstance(part, AudioPart):
            raise UnsupportedError("audio is not supported", param=where)
        if isinstance(part, ImagePart | FilePart) and message.role != "user":
            raise UsageError(f"a message of the role {message.role} holds text only", param=where)
        if isinstance(part, FilePart) and (part.file.file_data is None) == (part.file.file_id is None):
            raise UsageError(
                "a file part has either file_data or file_id",
                hint="send a PDF in file_data, as a data: URI, or the id of an uploaded file",
                param=f"{where}.file",
            )


def _check_calls(messages: Sequence[WireMessage]) -> None:
    """A result answers a call of the turn before it, and every call has a result before the next turn."""
    owed: dict[str, int] = {}
    for number, message in enumerate(messages):
        if message.role == "tool":
            if message.tool_call_id is None:
                raise UsageError("a message of the role tool names its call", param=f"messages[{number}].tool_call_id")
            if owed.pop(message.tool_call_id, None) is None:
                raise UsageError(
                    "messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                    param=f"messages[{number}].role",
                )
            continue
        _check_owed(owed)
        owed = {call.id: number for call in message.tool_calls or ()}
    _check_owed(owed)


def _check_owed(owed: dict[str, int]) -> None:
    if owed:
        raise UsageError(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each "
            f"'tool_call_id'. The following tool_call_ids did not have response messages: {', '.join(owed)}",
            param=f"messages[{next(iter(owed.values()))}].tool_calls",
        )


def _says_json(messages: Sequence[WireMessage]) -> bool:
    return any("json" in text.lower() for message in messages for text in _texts(message))


def _texts(message: WireMessage) -> list[str]:
    if isinstance(message.content, str):
        return [message.content]
    return [part.text for part in message.content or () if isinstance(part, TextPart)]


def _unknown(name: str, known: tuple[str, ...]) -> UnsupportedError:
    shown = name[:64]
    close = difflib.get_close_matches(shown, known, n=1)
    return UnsupportedError(
        f"unrecognized request argument: {shown!r}", hint=f"did you mean '{close[0]}'?" if close else None, param=shown
    )
