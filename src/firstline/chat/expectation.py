"""What a model's answer in a conversation is held against: a schema, being a JSON object, or the tools' own schemas.

Pure. Text without any of these cannot be verified, and nothing is claimed of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from firstline import strict_json
from firstline.answering.answer import findings_of, read_answer
from firstline.engines.openai_wire import input_schema
from firstline.errors import EngineOutputError, FirstlineError
from firstline.schema.schema import Validator, compile_schema
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
            arguments = strict_json.read(call.arguments or "{}")
        except strict_json.NotJSONError:
            return (Finding(check="tools", field=call.name, reason=f"the arguments of {call.name} are not JSON"),)
        wrong = [strict_json.worded(fault) for fault in arguments.faults]
        wrong += [mismatch.reason for mismatch in self._schemas[call.name].mismatches(arguments.value)]
        return tuple(Finding(check="tools", field=call.name, reason=f"{call.name}: {reason}") for reason in wrong)


def document_of(completion: Completion) -> tuple[Json, tuple[Finding, ...], bool]:
    """Read an answer as a JSON document. The findings say what is wrong with its text, the last value whether it is one
    all the same."""
    if completion.refusal:
        return None, (Finding(check="schema", reason=f"the model refused: {completion.refusal}"),), False
    try:
        reading = read_answer(completion)
    except EngineOutputError as error:
        return None, (Finding(check="schema", reason=error.message),), False
    return reading.value, findings_of(reading.faults), True


def told(standing: Mapping[str, Json]) -> str:
    """Tell a model what stands already and need not be answered again."""
    return (
        f"These values are settled: {strict_json.written(standing)}\nAnswer with a JSON object of the other keys alone."
    )
