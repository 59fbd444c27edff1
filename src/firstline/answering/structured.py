"""A JSON document that meets a schema, from one model: asked for, verified, and asked for again with what is wrong.

An engine holds an answer to a schema by a grammar, and a grammar does not hold all that a schema can say: some schemas
it refuses, and some keywords (see `engines.llama_cpp`) it lets through. So every answer is verified against the whole
schema. Where the engine refuses the schema, the model is told it in words and held to what is left of it when all but
its shape is taken out; where that too is refused, to a JSON object. A document with mismatches is asked for again, with
them in words, a bounded number of times. What still does not fit is for the next rung; it is never passed off as right.

An answer that was cut at its length is not asked for again, unless it ended in a loop: then tokens that it repeats are
made less likely.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import msgspec

from firstline import strict_json
from firstline.answering.answer import findings_of, read_answer, unfenced
from firstline.errors import BudgetError, ContextLengthError, EngineOutputError, EngineSchemaError, SchemaError
from firstline.schema.schema import Validator, compile_schema, unsatisfiable
from firstline.schema.words import Mismatch
from firstline.types import Completion, Finding, Json, Message, ModelRequest, Text, Value, message

RETRIES = 2
MAX_TOLD = 12_000
"""Characters of a schema that are told to a model in words; of a longer one only the shape is told, or nothing."""
LONGEST_LOOP = 120
"""Characters of a piece of text that counts as repeated."""
AGAINST_LOOPS = 0.8
"""The frequency penalty of the try after an answer that was cut in a loop."""

_SHORTEST_TAIL = 24
_SHAPE = ("type", "properties", "required", "additionalProperties", "items", "prefixItems", "anyOf", "oneOf", "allOf")
_KEPT = frozenset((*_SHAPE, "enum", "const", "$ref", "$defs", "definitions"))
_NAMED = frozenset(("properties", "$defs", "definitions"))
_AS_THEY_ARE = frozenset(("type", "required", "enum", "const", "$ref"))

Ask = Callable[[ModelRequest], Awaitable[Completion]]


class Verifier(Protocol):
    """What a document is held against."""

    def quick(self, characters: int) -> bool:
        """Say whether a document of so many characters is checked at once, so that an event loop may do it."""
        ...

    def mismatches(self, document: Json) -> list[Mismatch]:
        """List what is wrong with it, in words; empty when it matches."""
        ...


class Structured(Value, frozen=True, kw_only=True):
    """What came of it. `findings` are empty where the document meets the schema.

    `completion.text` is then the document and nothing beside it; its usage is that of all tries. `notes` say in words
    what was done besides asking once.
    """

    completion: Completion
    document: Json = None
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()


def compile_wanted(schema: Mapping[str, Json]) -> Validator:
    """Compile the schema of a request. Raises SchemaError where it is wrong, or where no document can meet it."""
    validator = compile_schema(schema)
    if (why := unsatisfiable(schema)) is not None:
        raise SchemaError(f"no document can meet the schema: {why}")
    return validator


async def ask_structured(ask: Ask, request: ModelRequest, validator: Verifier, *, retries: int = RETRIES) -> Structured:
    """Ask for a document that meets `request.schema`, which `validator` holds.

    At most three forms of the question and `retries` further tries are sent. Raises what `ask` raises of the first
    answer; a try that fails later leaves the best answer there was.
    """
    held, answer, notes = await _first(ask, request)
    best = await _judged(answer, validator)
    usage, seen = answer.usage, {answer.text}
    latest = best
    for _ in range(retries):
        cut = answer.finish_reason != "stop"
        if not latest.findings or (cut and not _loops(answer.text)):
            break
        notes.append(f"asked again: {latest.findings[0].reason}")
        try:
            answer = await ask(_unlooped(held) if cut else again(held, latest.completion.text, latest.findings))
        except (BudgetError, ContextLengthError, EngineOutputError) as error:
            notes.append(f"not asked again: {error.message}")
            break
        usage += answer.usage
        latest = await _judged(answer, validator)
        if _distance(latest) < _distance(best):
            best = latest
        if answer.text in seen:
            break
        seen.add(answer.text)
    completion = msgspec.structs.replace(best.completion, usage=usage)
    return msgspec.structs.replace(best, completion=completion, notes=tuple(notes))


async def _first(ask: Ask, request: ModelRequest) -> tuple[ModelRequest, Completion, list[str]]:
    """Ask in the strictest form that the engine takes; give that form with the answer."""
    notes: list[str] = []
    each = forms(request)  # made one by one: the first is nearly always the last
    form = next(each)
    while True:
        try:
            return form, await ask(form), notes
        except (EngineSchemaError, EngineOutputError) as error:  # also a grammar that lets through what is no JSON
            if (looser := next(each, None)) is None:
                raise
            notes.append(f"not held by a grammar: {error.message}")
            form = looser


def forms(request: ModelRequest) -> Iterator[ModelRequest]:
    """Return forms in which a document can be asked for, strictest first; each is for where the one before failed."""
    yield request
    schema = request.schema or {}
    told = msgspec.structs.replace(request, messages=_told(request.messages, schema))
    relaxed = relax(schema)
    if relaxed != schema:
        yield msgspec.structs.replace(told, schema=relaxed)
    is_object = schema.get("type") == "object" or "properties" in schema
    yield msgspec.structs.replace(told, schema=None, json_object=is_object)


def relax(schema: Mapping[str, Json]) -> dict[str, Json]:
    """Keep of a schema what gives its documents their shape: types, names, items, branches and closed sets."""
    out: dict[str, Json] = _relaxed(schema)
    return out


def _relaxed(node: Json) -> Any:
    if isinstance(node, list):
        return [_relaxed(child) for child in node]
    if not isinstance(node, Mapping):
        return node
    out: dict[str, Json] = {}
    for key, value in node.items():
        if key in _NAMED and isinstance(value, Mapping):
            out[key] = {name: _relaxed(child) for name, child in value.items()}
        elif key in _KEPT:
            out[key] = value if key in _AS_THEY_ARE else _relaxed(value)
    return out


def _told(messages: tuple[Message, ...], schema: Mapping[str, Json]) -> tuple[Message, ...]:
    """Put the schema into the system's words, where it is short enough to be read."""
    text = next((text for text in (_written(schema), _written(relax(schema))) if len(text) <= MAX_TOLD), "")
    words = f"Answer with one JSON document that meets this JSON Schema, and with nothing else:\n{text}"
    if not text:
        words = "Answer with one JSON document, and with nothing else."
    if messages and messages[0].role == "system":
        first = msgspec.structs.replace(messages[0], parts=(*messages[0].parts, Text(text=words)))
        return (first, *messages[1:])
    return (message("system", words), *messages)


def _written(schema: Mapping[str, Json]) -> str:
    return msgspec.json.encode(schema).decode()


def again(held: ModelRequest, answer: str, findings: Sequence[Finding]) -> ModelRequest:
    """Ask once more, with the answer that was given and what is wrong with it in words."""
    wrong = "\n".join(f"- {finding.reason}" for finding in findings)
    words = f"This does not meet the schema:\n{wrong}\nGive the whole JSON document again with this put right."
    turns = (message("assistant", answer), message("user", words))
    return msgspec.structs.replace(held, messages=(*held.messages, *turns))


def _loops(text: str) -> bool:
    """Say whether a text ends in the same piece three times over: a small model that writes greedily may never stop."""
    tail = text[-3 * LONGEST_LOOP :]
    return any(
        all(tail[-place] == tail[-place - period] for place in range(1, max(2 * period, _SHORTEST_TAIL) + 1))
        for period in range(1, LONGEST_LOOP + 1)
        if max(3 * period, period + _SHORTEST_TAIL) <= len(tail)
    )


def _distance(one: Structured) -> tuple[bool, bool, int]:
    """How far an answer is from right: a whole one before a cut one, a document before none, then fewer faults."""
    return one.completion.finish_reason != "stop", one.document is None and bool(one.findings), len(one.findings)


def _unlooped(held: ModelRequest) -> ModelRequest:
    sampling = msgspec.structs.replace(held.sampling, frequency_penalty=AGAINST_LOOPS)
    return msgspec.structs.replace(held, sampling=sampling)


async def _judged(answer: Completion, validator: Verifier) -> Structured:
    if validator.quick(len(answer.text)):
        return _judge(answer, validator)
    return await asyncio.to_thread(_judge, answer, validator)


def _judge(answer: Completion, validator: Verifier) -> Structured:
    try:
        reading = read_answer(answer)
    except EngineOutputError as error:
        return _unread(answer, error.message)
    found = (*findings_of(reading.faults), *(_finding(item) for item in validator.mismatches(reading.value)))
    whole = msgspec.structs.replace(answer, text=unfenced(answer.text))
    return Structured(completion=whole, document=strict_json.plain(reading.value), findings=found)


def _unread(answer: Completion, reason: str) -> Structured:
    return Structured(completion=answer, findings=(Finding(check="schema", reason=reason),))


def _finding(item: Mismatch) -> Finding:
    return Finding(check="schema", field=item.field, reason=item.reason)
