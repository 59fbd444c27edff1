"""The check `rule`: a CEL expression over the answer that must be true.

CEL (https://github.com/google/cel-spec) through a library; `abs`, `round` and `sum` are added. A rule sees the
variables `output` (the answer), `parameters` (the run's own) and `source` (the input as text). They are bound as
values: nothing that a user or a model wrote is ever part of the expression.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import cel

from firstline import patterns
from firstline.checks.base import Check, NamedCheck, Subject
from firstline.checks.cel_tokens import Token, comprehension_depth, fields_in, loop_variables, tokens
from firstline.errors import RuleError
from firstline.types import Finding, Json

MAX_EXPRESSION = 2_000
MAX_WORK = 1_000_000
"""How often the innermost part of a rule may be evaluated, with a long text in reach counting as its kilobytes."""

VARIABLES = ("output", "parameters", "source")
_DIGITS = 9
_COMPLAINT = patterns.compile(r"<input>:(\d+):(\d+): ([^\n]*)")
_EXPECTING = patterns.compile(r"expecting \{.*")
_OPERATORS = patterns.compile(r"\W|^_\S+_$")
_FUNCTIONS = frozenset(
    {"abs", "round", "sum", "size", "int", "uint", "double", "string", "bytes", "timestamp", "duration", "type", "dyn"}
    | {"matches", "contains", "startsWith", "endsWith", "getFullYear", "getMonth", "getDate", "getDayOfMonth"}
    | {"getDayOfWeek", "getDayOfYear", "getHours", "getMinutes", "getSeconds", "getMilliseconds"}
)
_FAILURES = (ArithmeticError, LookupError, RuntimeError, TypeError, ValueError)


def rule(expression: str, *, reason: str | None = None, field: str | None = None) -> Check:
    """Make the check that a CEL expression is true of the answer.

    A finding names `field`; without it the one field that the expression reads, and None when it reads several
    (`fields` and the reason then list them; `fields_of` gives them). A rule that cannot be evaluated because a field it
    reads is null, missing or holds a null does not apply. Whole numbers and decimals mix freely.

    Raises RuleError, with place and cause, for an expression that does not parse, is longer than `MAX_EXPRESSION`, or
    names a variable or function that there is not.
    """
    parts = _tokens(expression)
    exact, widened = _compile(expression), _compile(_with_doubles(parts))
    _known_names(exact, parts)
    fields = fields_in(parts)
    named = field or (fields[0] if len(fields) == 1 else None)
    variables = set(exact.variables()) & set(VARIABLES)
    depth = comprehension_depth(parts)

    def look(subject: Subject) -> tuple[Finding, ...]:
        if fields and not any(subject.under_test(name) for name in fields):
            return ()
        values = _values(subject, variables)
        if _work(values, depth) > MAX_WORK:
            return (_finding(f"the rule `{expression}` has too much to look through"),)
        outcome = _evaluate(exact, widened, values)
        if outcome is True or (isinstance(outcome, Exception) and _lacks_value(subject.answer, fields)):
            return ()
        return (_finding(_reason(outcome)),)

    def _finding(text: str) -> Finding:
        return Finding(check="rule", field=named, fields=fields if named is None else (), reason=text)

    def _reason(outcome: object) -> str:
        if isinstance(outcome, Exception):
            return f"the rule `{expression}` could not be evaluated: {_first_sentence(outcome)}"
        if outcome is not False:
            return f"the rule `{expression}` gave neither true nor false"
        about = f" ({', '.join(fields)})" if named is None and fields else ""
        return (reason or f"`{expression}` does not hold") + about

    return NamedCheck(name="rule", look=look)


def fields_of(expression: str) -> tuple[str, ...]:
    """Return the fields of the answer that an expression reads (`output.total`, `output["total"]`), in order.

    Raises RuleError for an expression that does not parse.
    """
    parts = _tokens(expression)
    _compile(expression)
    return fields_in(parts)


def _tokens(expression: str) -> tuple[Token, ...]:
    if not expression.strip():
        raise RuleError("the rule is empty", hint="a rule is a CEL expression such as `output.total >= 0`")
    if len(expression) > MAX_EXPRESSION:
        raise RuleError(f"the rule has {len(expression):,} characters; at most {MAX_EXPRESSION:,} are taken")
    return tokens(expression)


def _compile(expression: str) -> cel.Program:
    try:
        return cel.compile(expression)
    except ValueError as error:
        found = _COMPLAINT.search(str(error))
        if found is None:
            raise RuleError(f"the rule `{expression}` does not parse", hint="it may be nested too deep") from None
        line, column, cause = found.groups()
        cause = _EXPECTING.sub("here", cause).removeprefix("Syntax error: ")
        message = f"the rule `{expression}` does not parse at line {line}, column {column}: {cause}"
        raise RuleError(message, hint="rules are CEL: https://github.com/google/cel-spec") from None


def _known_names(program: cel.Program, parts: tuple[Token, ...]) -> None:
    for name in program.variables():
        if name not in VARIABLES and name not in loop_variables(parts):
            raise RuleError(f"the rule uses `{name}`, which is not there", hint=f"there are {', '.join(VARIABLES)}")
    for name in program.functions():
        if name not in _FUNCTIONS and not _OPERATORS.search(name):
            hint = f"there are {', '.join(sorted(_FUNCTIONS))}"
            raise RuleError(f"the rule calls `{name}`, which is not there", hint=hint)


def _with_doubles(parts: tuple[Token, ...]) -> str:
    """Write the expression with every whole number as a decimal one, except where it indexes a list."""
    out = []
    for i, part in enumerate(parts):
        indexes = i >= 2 and parts[i - 1].text == "[" and (parts[i - 2].kind == "name" or parts[i - 2].text in ")]")
        out.append(f"{part.text}.0" if part.kind == "whole" and not indexes else part.text)
    return " ".join(out)


def _values(subject: Subject, variables: set[str]) -> dict[str, Any]:
    everything = {"output": subject.answer, "parameters": dict(subject.parameters), "source": subject.source}
    return {name: everything[name] for name in variables}


def _evaluate(exact: cel.Program, widened: cel.Program, values: Mapping[str, Any]) -> object:
    """Evaluate as written; where CEL knows no operation for a whole number beside a decimal, with decimals alone."""
    try:
        return exact.execute(cel.Context(dict(values), _functions()))
    except TypeError:
        pass
    except _FAILURES as error:
        return error
    try:
        return widened.execute(cel.Context({name: _doubles(value) for name, value in values.items()}, _functions()))
    except _FAILURES as error:
        return error


def _functions() -> dict[str, Any]:
    return {"abs": _abs, "round": _round, "sum": _sum}


def _number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _abs(value: Any) -> Any:
    return round(abs(value), _DIGITS) if _number(value) else None


def _round(value: Any, digits: Any = 0) -> Any:
    """Round to `digits` decimals, half away from zero, as people round money."""
    if not _number(value) or not isinstance(digits, int | float) or abs(digits) > _DIGITS:
        return None
    shift = Decimal(1).scaleb(-int(digits))
    exact = Decimal(str(value))
    return float(exact.quantize(shift, rounding="ROUND_HALF_UP")) if exact.is_finite() else None


def _sum(values: Any) -> Any:
    """Add the numbers of a list; null when one of them is not a number. Decimals are cut at nine digits."""
    if not isinstance(values, list) or not all(_number(value) for value in values):
        return None
    total = sum(values)
    return round(total, _DIGITS) if isinstance(total, float) else total


def _doubles(value: Json) -> Json:
    if isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, dict):
        return {key: _doubles(item) for key, item in value.items()}
    return [_doubles(item) for item in value] if isinstance(value, list) else value


def _parts(value: Json) -> Iterator[Json]:
    pending = [value]
    while pending:
        node = pending.pop()
        yield node
        if isinstance(node, dict):
            pending.extend(node.values())
        elif isinstance(node, list):
            pending.extend(node)


def _work(values: Mapping[str, Json], depth: int) -> int:
    if depth == 0:
        return 0
    longest, text = 1, 1
    for node in _parts(dict(values)):
        if isinstance(node, str):
            text = max(text, len(node) // 1024)
        elif isinstance(node, dict | list):
            longest = max(longest, len(node))
    return int(longest**depth) * text


def _lacks_value(answer: Json, fields: tuple[str, ...]) -> bool:
    if not isinstance(answer, dict):
        return True
    return any(node is None for name in fields for node in _parts(answer.get(name)))


def _first_sentence(error: Exception) -> str:
    text = str(error).split(". ")[0].split(": the operation")[0].strip().strip("'")
    return f"`{text}` is not there" if isinstance(error, KeyError) else text
