"""Tools for a model that runs here, as words: what may be called, what was called, and what came of it.

Small models write tool calls of any shape, or none, where their template leaves them free. Here the form is fixed: an
answer begins with `Action: "NAME"`, a name is chosen among those there are, and arguments are held by their schema.
Every chat template can carry it, as it needs no roles beside system, user and assistant.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from firstline.engines.openai_wire import input_schema
from firstline.types import Message, ModelRequest, Part, Text, Tool, ToolCall

REPLY = "reply"
"""The action that is no tool: the answer is text. A tool of this name is called `reply_tool` towards the model."""
DONE = "wait"
ACTION = 'Action: "'

_HOW = """You can use tools. Answer in one of these forms.
To use a tool that does or knows what is asked for:
Action: "NAME"
Arguments: {{…}}
When every tool that is needed has been used:
Action: "{done}"
When no tool helps, or the results already say what was asked:
Action: "{reply}"
TEXT FOR THE USER
Tools:"""


def names(tools: Iterable[Tool]) -> dict[str, str]:
    """Return what each tool is called towards the model, by its name."""
    return {tool.name: f"{tool.name}_tool" if tool.name in (REPLY, DONE) else tool.name for tool in tools}


def allowed(request: ModelRequest) -> tuple[Tool, ...]:
    """Return the tools that may be called."""
    chosen = request.tool_choice
    if chosen.mode == "none":
        return ()
    return tuple(tool for tool in request.tools if not chosen.names or tool.name in chosen.names)


def messages(request: ModelRequest) -> tuple[Message, ...]:
    """Write a conversation with its tools, calls and results as one that knows only system, user and assistant."""
    called = names(request.tools)
    lines = [_HOW.format(reply=REPLY, done=DONE), *(_line(tool, called[tool.name]) for tool in request.tools)]
    out = [Message(role="system", parts=(Text(text="\n".join(lines)),))]
    of_id = {call.id: call.name for one in request.messages for call in one.tool_calls}
    for one in request.messages:
        match one.role:
            case "system" if len(out) == 1 and out[0].role == "system":
                out[0] = Message(role="system", parts=(Text(text=f"{one.text}\n\n{out[0].text}"),))
            case "assistant":
                out.append(Message(role="assistant", parts=(Text(text=_said(one, called)),)))
            case "tool":
                name = called.get(of_id.get(one.tool_call_id or "", ""), "the tool")
                _add_user(out, (Text(text=f"Result of {name}: {one.text}"),))
            case "user":
                _add_user(out, one.parts)
            case _:
                out.append(one)
    return tuple(out)


def written(call: ToolCall, name: str) -> str:
    """Write a call as the model does."""
    return f'{ACTION}{name}"\nArguments: {call.arguments}'


def _said(one: Message, called: dict[str, str]) -> str:
    if not one.tool_calls:
        return f'{ACTION}{REPLY}"\n{one.text}'
    calls = (written(call, called.get(call.name, call.name)) for call in one.tool_calls)
    return "\n".join([*calls, f'{ACTION}{DONE}"'])


def _add_user(out: list[Message], parts: Sequence[Part]) -> None:
    """Add to the user's turn: some templates refuse two of them in a row."""
    if out[-1].role == "user":
        out[-1] = Message(role="user", parts=(*out[-1].parts, *parts))
    else:
        out.append(Message(role="user", parts=tuple(parts)))


def _line(tool: Tool, name: str) -> str:
    schema = msgspec.json.encode(input_schema(tool)).decode()
    about = f": {tool.description}" if tool.description else ""
    return f'- "{name}"{about}\n  Arguments: {schema}'
