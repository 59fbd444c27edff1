"""What a model's answer in a conversation is held against: a schema, being a JSON object, or the tools' own schemas.

Pure. Text without any of these cannot be verified, and nothing is claimed of it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import NoReturn

import msgspec

from firstline.engines.openai_wire import input_schema
from firstline.errors import FirstlineError
from firstline.schema import Validator, compile_schema
from firstline.types import Completion, Finding, Json, Tool, ToolCall, ToolChoice


class Tools:
    """The tools of a conversation, their schemas compiled. Raises SchemaError, `param` naming the tool's schema."""

    def __init__(self, tools: Sequence[Tool], choice: ToolChoice) -> None:
        self._choice = choice
        self._schemas: dict[str, Validator] = {}
        for place, tool in enumerate(tools):
            try:
                self._schemas[tool.name] = compile_schema(input_schema(tool))
            except FirstlineError as error:
                error.param = f"tools[{place}].function.parameters"
                raise

    def quick(self, characters: int) -> bool:
        """Say whether arguments of so many characters are checked at once, whichever tool they are of."""
        return all(schema.quick(characters) for schema in self._schemas.values())

    def findings(self, calls: Sequence[ToolCall]) -> tuple[Finding, ...]:
        """Say what is wrong with the calls of an answer."""
        if not calls and self._choice.mode == "required":
            return (Finding(check="tools", reason="a tool had to be called, and none was"),)
        return tuple(finding for call in calls for finding in self._of(call))

    def _of(self, call: ToolCall) -> tuple[Finding, ...]:
        allowed = self._choice.names or tuple(self._schemas)
        if call.name not in self._schemas or call.name not in allowed:
            return (Finding(check="tools", field=call.name, reason=f"there is no tool {call.name!r} to call"),)
        try:
            arguments = msgspec.json.decode(call.arguments or "{}")
        except (msgspec.DecodeError, RecursionError):
            return (Finding(check="tools", field=call.name, reason=f"the arguments of {call.name} are not JSON"),)
        return tuple(
            Finding(check="tools", field=call.name, reason=f"{call.name}: {mismatch.reason}")
            for mismatch in self._schemas[call.name].mismatches(arguments)
        )


def document_of(completion: Completion) -> tuple[Json, tuple[Finding, ...]]:
    """Read an answer as a JSON document; the findings say why it is none."""
    if completion.refusal:
        return None, (Finding(check="schema", reason=f"the model refused: {completion.refusal}"),)
    if completion.finish_reason == "length":
        return None, (Finding(check="schema", reason="the answer was cut at its longest allowed length"),)
    text = completion.text.strip()
    if text.startswith("```"):
        text = text.strip("`").removeprefix("json").strip()
    try:
        return json.loads(text, parse_constant=_no_json), ()
    except (ValueError, RecursionError):
        return None, (Finding(check="schema", reason="the answer is not JSON"),)


def told(standing: Mapping[str, Json]) -> str:
    """Tell a model what stands already and need not be answered again."""
    shown = msgspec.json.encode(standing).decode()
    return f"These values are settled: {shown}\nAnswer with a JSON object of the other keys alone."


def _no_json(name: str) -> NoReturn:
    """Python's reader takes NaN and Infinity, which are no JSON."""
    raise ValueError(name)
