"""One rung's try at a transformation: a new text from the input, or lists written about it.

A task without an output of its own gives `{"text": …}`. One with fields (tags, keywords) has them written as one JSON
object, held to its schema. What a run's parameters say about a list becomes part of that schema: `max_NAME` is the
most elements that the list NAME may have, `allowed` the only ones there may be.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from firstline import patterns
from firstline.answering import extract, prompt
from firstline.answering.answer import Draft
from firstline.answering.asker import Asker
from firstline.checks.languages import told_of
from firstline.errors import EngineOutputError
from firstline.gateway.estimate import LEAST_OUTPUT
from firstline.reading.extent import estimate_within
from firstline.schema.field import Field
from firstline.tasks.task import Task
from firstline.types import Image, Json, ModelRequest, Sampling

ALLOWED = "allowed"
_LANGUAGES = ("to", "language")
"""Parameters that name a language: a model is told `German`, not `de`."""

_LONGER = 4
"""Tokens of the answer for one of the input: what English becomes in scripts that tokenizers know badly."""
_LEAST_TOKENS = 128
_PLACE = patterns.compile(r"\{(\w+)\}")
_FENCED = patterns.compile(r"\A```[\w-]*[ \t]*\n(.*?)\n?```\Z", patterns.DOTALL)
_PREAMBLE = patterns.compile(
    r"\A(?:(?:sure|certainly|of course|okay)\b[^\n:]{0,80}[:!.,]\s*)?"
    r"(?:here(?:'s| is| are)\b[^\n:]{0,80}:|(?:the )?(?:\w+ )?(?:translation|summary|rewritten (?:text|version)|output|"
    r"result)(?: (?:in|into|to) \w+)?:)\s*",
    patterns.IGNORECASE,
)
_QUOTES = {'"': '"', "“": "”", "„": "“", "«": "»", "`": "`"}


async def transform(
    account: Asker, task: Task, text: str, parameters: Mapping[str, Json], pictures: Sequence[Image] = ()
) -> Draft:
    """Have the model make the new text, or the task's own fields.

    Raises EngineError; an answer cut at its longest allowed length, or an empty one, is an EngineOutputError.
    """
    shown = _told(parameters)
    told = msgspec.structs.replace(task, instruction=filled(task.instruction, shown))
    rest = {name: value for name, value in shown.items() if f"{{{name}}}" not in task.instruction}
    if task.fields:
        fields = [bounded(field, parameters) for field in task.fields]
        draft = await extract.write(account, told, fields, text, rest, pictures)
        return msgspec.structs.replace(draft, values={key: _once_each(value) for key, value in draft.values.items()})
    question = "\n".join([*prompt.parameter_lines(rest), told.instruction, "Answer with the resulting text alone."])
    completion = await account.ask(
        ModelRequest(
            messages=prompt.with_question(prompt.about(told, text, pictures=pictures), question),
            sampling=Sampling(temperature=0.0, max_tokens=_longest(task, text, pictures)),
            least_tokens=LEAST_OUTPUT,
        )
    )
    if completion.finish_reason == "length":
        raise EngineOutputError("the answer was cut at its longest allowed length")
    answer = unwrapped(completion.text, text)
    if not answer:
        raise EngineOutputError("the answer is empty")
    return Draft(values={"text": answer})


def filled(instruction: str, parameters: Mapping[str, Json]) -> str:
    """Put the values of parameters in the places that an instruction names as `{parameter}`; others stay."""

    def value_of(match: patterns.Match) -> str:
        value = parameters.get(match.group(1))
        if value is None:
            return match.group()
        return value if isinstance(value, str) else msgspec.json.encode(value).decode()

    return _PLACE.sub(value_of, instruction)


def bounded(field: Field, parameters: Mapping[str, Json]) -> Field:
    """Return a list the bounds that a run's parameters set (`max_NAME`, `allowed`); other fields stay as they are."""
    schema: dict[str, Any] = field.json_schema()
    if field.type != "array" and schema.get("type") != "array":
        return field
    most = _whole(parameters.get(f"max_{field.name}"))
    allowed = allowed_elements(parameters.get(ALLOWED))
    if most is not None:
        schema = {**schema, "maxItems": most, "minItems": min(int(schema.get("minItems", 0)), most)}
    if allowed:
        schema = {**schema, "items": {"type": "string", "enum": list(allowed)}}
    return msgspec.structs.replace(field, schema=schema)


def allowed_elements(given: Json) -> tuple[str, ...]:
    """Read a list of allowed elements, given as a list or as text with commas; empty: everything is allowed."""
    parts = given.split(",") if isinstance(given, str) else given if isinstance(given, list) else []
    return tuple(dict.fromkeys(part.strip() for part in parts if isinstance(part, str) and part.strip()))


def unwrapped(answer: str, source: str) -> str:
    """Take off what small models put around a text: a code fence, `Here is the translation:`, quotation marks.

    Quotation marks and fences that the source has as well belong to the text and stay.
    """
    text = answer.strip()
    given = source.strip()
    for _ in range(3):
        before = text
        if (fence := _FENCED.match(text)) and not given.startswith("```"):
            text = fence.group(1).strip()
        if (lead := _PREAMBLE.match(text)) and not _PREAMBLE.match(given) and text[lead.end() :].strip():
            text = text[lead.end() :].strip()
        if text.startswith('"""') and text.endswith('"""') and len(text) > 6:
            text = text[3:-3].strip()
        text = _without_quotes(text, given)
        if text == before:
            break
    return text


def _without_quotes(text: str, given: str) -> str:
    closer = _QUOTES.get(text[:1])
    if closer is None or len(text) < 3 or not text.endswith(closer) or given[:1] in _QUOTES:
        return text
    inner = text[1:-1]
    return text if closer in inner or text[0] in inner else inner.strip()


def _told(parameters: Mapping[str, Json]) -> dict[str, Json]:
    """The parameters as a model is told them: languages by their names."""
    out = dict(parameters)
    for name in _LANGUAGES:
        value = out.get(name)
        if isinstance(value, str):
            out[name] = told_of(value)
    return out


def _longest(task: Task, text: str, pictures: Sequence[Image]) -> int:
    if pictures:
        return task.max_output_tokens
    most = task.max_output_tokens
    return min(most, _LONGER * estimate_within(text, most) + _LEAST_TOKENS)


def _whole(value: Json) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, str) and value.strip().isdigit():
        value = int(value)
    return value if isinstance(value, int) and value > 0 else None


def _once_each(value: Json) -> Json:
    """Drop the elements of a list of texts that stand there already, case aside."""
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        return value
    seen: dict[str, str] = {}
    for item in value:
        if item.strip():
            seen.setdefault(item.strip().casefold(), item.strip())
    return list(seen.values())
