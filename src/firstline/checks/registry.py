"""The checks that a task file may name, each declared once with parameters and help; the reference is made from it.

A task writes a check as its name (`"grounded"`), or as a table of its name and its value (`{ rule = "…" }`,
`{ length = { max_words = 60 } }`); further parameters may stand beside (`{ rule = "…", reason = "…" }`).
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from typing import Annotated, Any, get_args

import msgspec
from msgspec import Meta

from firstline.checks.agreement import agrees
from firstline.checks.base import Check
from firstline.checks.confidence import confident
from firstline.checks.faithful import faithful
from firstline.checks.grounding import grounded
from firstline.checks.language import in_language
from firstline.checks.length import length
from firstline.checks.preservation import USUAL, Kind, Mode, preserved
from firstline.checks.rule import fields_of, rule
from firstline.errors import TaskError
from firstline.schema.field import FieldType
from firstline.types import Value

Count = Annotated[int, Meta(ge=0)]
Share = Annotated[float, Meta(ge=0)]


class Parameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the parameters of a check as a task file writes them: a wrong key is an error."""


class Rule(Parameters, frozen=True, kw_only=True):
    """A CEL expression over `output`, `parameters` and `source` that must be true."""

    expression: Annotated[str, Meta(description="the CEL expression")]
    reason: Annotated[str | None, Meta(description="what a person is told when it is false")] = None


class Grounded(Parameters, frozen=True, kw_only=True):
    """The value stands in the source: dates by day, amounts by value, texts with case, spacing, punctuation folded."""


class Preserved(Parameters, frozen=True, kw_only=True):
    """Numbers, dates, addresses, placeholders and markup of the source are those of the text."""

    kinds: Annotated[tuple[Kind, ...], Meta(description="what is compared", min_length=1)] = USUAL
    mode: Annotated[Mode, Meta(description="`both`: nothing lost or invented; `no_new`: nothing invented")] = "both"


class Language(Parameters, frozen=True, kw_only=True):
    """The text is in a language."""

    target: Annotated[str, Meta(description="a tag (`de`, `zh-Hant`), a name (`German`) or `parameters.NAME`")]


class Length(Parameters, frozen=True, kw_only=True):
    """The text or list is neither too long nor too short."""

    max_words: Annotated[Count | None, Meta(description="most words")] = None
    min_words: Annotated[Count | None, Meta(description="fewest words")] = None
    max_chars: Annotated[Count | None, Meta(description="most characters")] = None
    min_chars: Annotated[Count | None, Meta(description="fewest characters")] = None
    max_share_of_source: Annotated[Share | None, Meta(description="most characters, as a share of the source")] = None
    min_share_of_source: Annotated[Share | None, Meta(description="fewest characters, as a share")] = None
    max_items: Annotated[Count | None, Meta(description="most items of a list")] = None
    min_items: Annotated[Count | None, Meta(description="fewest items of a list")] = None


class Confidence(Parameters, frozen=True, kw_only=True):
    """The measured probability of the value is high enough; without a field, of every value measured."""

    minimum: Annotated[float, Meta(description="least probability, 0 to 1", ge=0, le=1)]
    required: Annotated[bool, Meta(description="a value without a measured probability fails")] = False


class Agreement(Parameters, frozen=True, kw_only=True):
    """A second, different reader found the same value."""

    required: Annotated[bool, Meta(description="a value that the second reader did not find fails")] = False
    contained: Annotated[bool, Meta(description="a text agrees with a longer one that holds it")] = False
    models: Annotated[bool, Meta(description="an earlier model's equal value confirms too")] = True
    later: Annotated[bool, Meta(description="the model that answers first needs nobody to agree")] = False


class Faithful(Parameters, frozen=True, kw_only=True):
    """Each sentence is made of the source's words."""

    words: Annotated[float, Meta(description="least share of its telling words in the source", ge=0, le=1)] = 0.85
    pairs: Annotated[float, Meta(description="least share of their pairs in the source", ge=0, le=1)] = 0.0


class Place(Value, frozen=True, kw_only=True):
    """Where a check is declared: the field (None: beside the whole answer), its type, all fields (empty: unknown)."""

    field: str | None
    type: FieldType
    known: tuple[str, ...] = ()

    def the_field(self, check: str) -> str:
        """Return the field. Raises TaskError where there is none."""
        if self.field is None:
            raise TaskError(f"the check `{check}` belongs to a field", hint="write it under [output.NAME]")
        return self.field


class Entry(Value, frozen=True, kw_only=True):
    """One check of the table. `main` is the parameter that the check's value sets when it is no table."""

    parameters: type[Parameters]
    main: str | None
    make: Callable[[Any, Place], Check]

    @property
    def help(self) -> str:
        """One sentence on what the check wants."""
        return (self.parameters.__doc__ or "").strip()


def checks() -> Mapping[str, Entry]:
    """Return the table of checks by the name that task files use."""
    return {
        "rule": Entry(parameters=Rule, main="expression", make=_rule),
        "grounded": Entry(
            parameters=Grounded, main=None, make=lambda _, place: grounded(place.the_field("grounded"), place.type)
        ),
        "preserved": Entry(
            parameters=Preserved,
            main="kinds",
            make=lambda p, place: preserved(place.the_field("preserved"), p.kinds, mode=p.mode),
        ),
        "language": Entry(
            parameters=Language, main="target", make=lambda p, place: in_language(p.target, place.the_field("language"))
        ),
        "length": Entry(
            parameters=Length,
            main=None,
            make=lambda p, place: length(place.the_field("length"), **msgspec.structs.asdict(p)),
        ),
        "confidence": Entry(
            parameters=Confidence,
            main="minimum",
            make=lambda p, place: confident(p.minimum, place.field and [place.field], required=p.required),
        ),
        "agreement": Entry(
            parameters=Agreement,
            main=None,
            make=lambda p, place: agrees(
                place.the_field("agreement"),
                place.type,
                required=p.required,
                contained=p.contained,
                models=p.models,
                later=p.later,
            ),
        ),
        "faithful": Entry(
            parameters=Faithful,
            main="words",
            make=lambda p, place: faithful(place.the_field("faithful"), words=p.words, pairs=p.pairs),
        ),
    }


def build(
    spec: str | Mapping[str, Any], *, field: str | None, field_type: str, known_fields: tuple[str, ...] = ()
) -> Check:
    """Make the check that a task file declares beside `field` (None: beside the whole answer).

    `known_fields` are the task's; when given, a rule that reads another is refused. Raises TaskError for an unknown
    name, a wrong parameter or a check that needs a field, RuleError for a rule that does not parse.
    """
    name, given = _named(spec)
    entry = checks()[name]
    try:
        parameters = msgspec.convert(given, entry.parameters)
    except msgspec.ValidationError as error:
        raise _wrong_parameter(name, entry, str(error)) from None
    if field_type not in get_args(FieldType):
        raise TaskError(f"`{field_type}` is no type of a field", hint=f"there are {', '.join(get_args(FieldType))}")
    place = Place(field=field, type=msgspec.convert(field_type, FieldType), known=known_fields)
    return entry.make(parameters, place)


def _named(spec: str | Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    table = checks()
    if isinstance(spec, str):
        name, value, rest = spec, None, {}
    else:
        names = [key for key in spec if key in table]
        if len(names) != 1:
            wrong = next((key for key in spec if key not in table), None)
            if names or wrong is None:
                raise TaskError("a check is one name, or a table with the one name of a check", hint=_names())
            raise _unknown(wrong)
        name, value = names[0], spec[names[0]]
        rest = {key: item for key, item in spec.items() if key != name}
    if name not in table:
        raise _unknown(name)
    main = table[name].main
    if isinstance(value, Mapping):
        return name, {**value, **rest}
    if value is None or (value is True and main is None):
        return name, rest
    if main is None:
        raise TaskError(f"the check `{name}` takes a table of parameters, not {value!r}", hint=_parameters(table[name]))
    return name, {main: value, **rest}


def _rule(parameters: Rule, place: Place) -> Check:
    for name in fields_of(parameters.expression):
        if place.known and name not in place.known:
            raise TaskError(
                f"the rule `{parameters.expression}` reads `output.{name}`, which is no field of the task",
                hint=_close(name, place.known) or f"there are {', '.join(place.known)}",
            )
    return rule(parameters.expression, reason=parameters.reason, field=place.field)


def _unknown(name: str) -> TaskError:
    return TaskError(f"there is no check `{name}`", hint=_close(name, tuple(checks())) or _names())


def _names() -> str:
    return f"there are {', '.join(sorted(checks()))}"


def _parameters(entry: Entry) -> str:
    names = entry.parameters.__struct_fields__
    return f"its parameters are {', '.join(names)}" if names else "it has no parameters"


def _close(name: str, known: tuple[str, ...]) -> str | None:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean `{close[0]}`?" if close else None


def _wrong_parameter(name: str, entry: Entry, error: str) -> TaskError:
    words = error.replace("Object", "the table").replace(" - at `$.", " at `").removesuffix("`")
    words = f"{words}`" if " at `" in words else words
    unknown = error.split("unknown field `")[-1].split("`")[0] if "unknown field" in error else ""
    hint = _close(unknown, entry.parameters.__struct_fields__) if unknown else None
    return TaskError(f"the check `{name}`: {words[0].lower()}{words[1:]}", hint=hint or _parameters(entry))
