"""How an answer is written: the content of the assistant's message, in exactly the form that was taught. Pure.

A label alone, the JSON that stood for it, one value alone, or a JSON object with its keys, spacing and way of saying
that a value is not there.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from firstline import patterns
from firstline.types import Json, Value

Case = Literal["lower", "upper", "title"]
_FENCED = patterns.compile(r"(\s*(?:```(?:json|JSON)?[ \t]*\n)?\s*)(\{.*\})(\s*(?:```)?\s*)", patterns.DOTALL)


class Written(float):
    """A JSON number with a fraction, and the digits that it was written with."""

    digits: str

    @classmethod
    def of(cls, digits: str) -> Written:
        """Read one."""
        made = cls(digits)
        made.digits = digits
        return made


class LabelForm(Value, frozen=True, kw_only=True, tag="labels"):
    """The content that stands for each label."""

    contents: Mapping[str, str]


class FieldForm(Value, frozen=True, kw_only=True):
    """How a value is written: a number `quoted`, and with so many `decimals`; a text in one `case`.

    `absent` is what stands for a value that is not there, `omitted` says that its key is left out then.
    """

    quoted: bool = False
    decimals: int | None = None
    case: Case | None = None
    absent: Json = None
    omitted: bool = False


class Style(Value, frozen=True, kw_only=True):
    """The writing of a JSON object: what stands around it, between its members, and by how much it is indented."""

    before: str = ""
    after: str = ""
    item: str = ", "
    colon: str = ": "
    indent: str | None = None
    ascii: bool = False


class ObjectForm(Value, frozen=True, kw_only=True, tag="object"):
    """A JSON object of these fields, in this order."""

    fields: Mapping[str, FieldForm]
    style: Style = Style()


class TextForm(Value, frozen=True, kw_only=True, tag="text"):
    """The value of one field alone."""

    field: str
    form: FieldForm = FieldForm()


Form = LabelForm | ObjectForm | TextForm


def write(form: Form, answer: Mapping[str, Json]) -> str:
    """Write an answer: values by field."""
    if isinstance(form, LabelForm):
        label = answer.get("label")
        return form.contents.get(label, label) if isinstance(label, str) else ""
    if isinstance(form, TextForm):
        value = answer.get(form.field)
        told = form.form.absent if value is None else _value(form.form, value)
        return str(told if told is not None else "")
    members = [
        (name, _encoded(one, answer.get(name), form.style))
        for name, one in form.fields.items()
        if not (one.omitted and answer.get(name) is None)
    ]
    return _object(form.style, members)


def parse_object(content: str) -> tuple[dict[str, Json], str, str] | None:
    """Read a content that is a JSON object, perhaps in a fence; gives it with what stands before and after it."""
    found = _FENCED.fullmatch(content)
    if found is None:
        return None
    try:
        tree = json.loads(found[2], parse_float=Written.of)
    except (json.JSONDecodeError, RecursionError, ValueError):
        return None
    return (tree, found[1], found[3]) if isinstance(tree, dict) else None


def style_of(contents: Sequence[str]) -> Style:
    """Find the style that writes most of these JSON objects as they were written."""
    parsed = [(content, found) for content in contents if (found := parse_object(content)) is not None]
    tried = [
        Style(before=before, after=after, item=item, colon=colon, indent=indent, ascii=ascii)
        for before, after in dict.fromkeys((before, after) for _, (_, before, after) in parsed)
        for item, colon, indent in (
            (", ", ": ", None),
            (",", ":", None),
            (", ", ":", None),
            (",", ": ", None),
            (",", ": ", "  "),
            (",", ": ", "    "),
            (",", ": ", " "),
            (",", ": ", "\t"),
        )
        for ascii in (False, True)
    ]

    def right(style: Style) -> int:
        return sum(_object(style, _members(tree, style)) == content for content, (tree, _, _) in parsed)

    return max(tried, key=right, default=Style())


def _members(tree: Mapping[str, Json], style: Style) -> list[tuple[str, str]]:
    return [(name, _plain(value, style)) for name, value in tree.items()]


def _object(style: Style, members: Sequence[tuple[str, str]]) -> str:
    told = [f"{json.dumps(name, ensure_ascii=style.ascii)}{style.colon}{text}" for name, text in members]
    if style.indent is None or not told:
        return f"{style.before}{{{style.item.join(told)}}}{style.after}"
    inner = f"{style.item}\n{style.indent}".join(told)
    return f"{style.before}{{\n{style.indent}{inner}\n}}{style.after}"


def _encoded(form: FieldForm, value: Json, style: Style) -> str:
    if value is None:
        return _plain(form.absent, style)
    told = _value(form, value)
    if isinstance(told, str) and not form.quoted and isinstance(value, int | float):
        return told  # a number with the decimals that it was taught with
    return _plain(told, style)


def _plain(value: Json, style: Style) -> str:
    if isinstance(value, Written):
        return value.digits
    return json.dumps(value, ensure_ascii=style.ascii)


def _value(form: FieldForm, value: Json) -> Json:
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        if form.decimals is not None:
            return f"{value:.{form.decimals}f}"
        whole = int(value) if isinstance(value, float) and value.is_integer() else value
        return str(whole) if form.quoted else whole
    if isinstance(value, str) and form.case is not None:
        return {"lower": str.lower, "upper": str.upper, "title": str.title}[form.case](value)
    return value


def to_json(form: Form) -> Json:
    """Return a form as JSON, for the ledger."""
    return msgspec.to_builtins(form)


def from_json(told: Json) -> Form:
    """Read a form again."""
    found: Form = msgspec.convert(told, Form)
    return found
