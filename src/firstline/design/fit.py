"""Whether a draft can be a task, and whether it fits the examples. Pure: no model is asked here.

A mistake keeps a draft from being written: it is no valid task, an example's label, field or type is not in it, or it
quotes an example where a model is told what to do. A doubt does not: a check that refuses right answers would only send
them to a person.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from firstline import patterns
from firstline.checks.base import Subject
from firstline.design.draft import ClassifyDraft, Draft, declaration
from firstline.design.material import MOST_SHOWN_OF_LABEL, Material
from firstline.errors import FirstlineError
from firstline.evaluation.examples import Row, examine
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_text, with_named_fields
from firstline.tasks.task_toml import task_toml
from firstline.types import Text, Value
from firstline.values.texts import fold

QUOTED_WORDS = 8
"""So many words of an example in a row, where a task says what to do, are a quotation."""
_LONGEST_MESSAGE = 400
_OF_EVIDENCE = ("agreement", "confidence", "schema")
"""Checks that need a model's own answer, or were held against the expected values already."""
_MOST_REFUSED = 0.2
_MANY = r"(?:[+*]|\{\d*,\})"
_WORD = patterns.compile(r"\w+")
_REPEATED_REPETITION = patterns.compile(rf"\((?:[^()\\]|\\.)*{_MANY}(?:[^()\\]|\\.)*\){_MANY}")


class Made(Value, frozen=True, kw_only=True):
    """What a draft became: the text of its file (empty: none could be made) and the task, with what is against it.

    `notes` say what of the draft was left out.
    """

    text: str = ""
    task: Task | None = None
    mistakes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def made(
    draft: Draft, found: Material, texts: Mapping[int, str], *, name: str, request: str, notes: Sequence[str]
) -> Made:
    """Make a task file of a draft and look for what is wrong with it.

    `texts` holds what was read of examples, by line; `notes` become the comments above the file.
    """
    try:
        completed, left_out = with_messages(draft, found)
        text = task_toml(declaration(completed, inputs=found.inputs), notes=notes)
    except FirstlineError as error:
        return Made(mistakes=(_told(error),))
    try:
        task = task_from_text(name, text, origin=f"{name}.toml")
    except FirstlineError as error:
        return Made(text=text, mistakes=(_told(error),), notes=left_out)
    mistakes = [*_quotations(draft, found, texts, request), *_slow_patterns(task), *_misfits(task, found)]
    doubts = [] if mistakes else [*refused(task, found.rows, texts), *unprinted(task, texts)]
    return Made(text=text, task=task, mistakes=tuple(mistakes), doubts=tuple(doubts), notes=left_out)


def with_messages(draft: Draft, found: Material) -> tuple[Draft, tuple[str, ...]]:
    """Put the shown examples of each label before the messages that the designer wrote for it.

    Of these, what an example puts under another label is left out; the second value says so.
    """
    if not isinstance(draft, ClassifyDraft):
        return draft, ()
    said = {message: str(row.expected["label"]) for row in found.rows if row.expected and (message := _message(row))}
    shown: dict[str, list[str]] = {}
    for row in found.shown:
        if row.expected and (message := _message(row)) and len(message) <= _LONGEST_MESSAGE:
            shown.setdefault(str(row.expected["label"]), []).append(message)
    labels, notes = [], []
    for label in draft.labels:
        drafted = [" ".join(message.split()) for message in label.examples]
        own = [message for message in drafted if message and said.get(message, label.name) == label.name]
        if len(own) < sum(map(bool, drafted)):
            notes.append(f"{label.name}: drafted messages that the examples put under another label were left out")
        first = shown.get(label.name, [])
        together = list(dict.fromkeys([*first, *own]))[: max(MOST_SHOWN_OF_LABEL, len(first))]
        labels.append(msgspec.structs.replace(label, examples=together))
    return msgspec.structs.replace(draft, labels=labels), tuple(notes)


def _message(row: Row) -> str:
    """The text of an example, spacing folded; empty where it is not one text."""
    only = row.given.parts[0] if len(row.given.parts) == 1 else None
    return " ".join(only.text.split()) if isinstance(only, Text) else ""


def refused(task: Task, rows: Sequence[Row], texts: Mapping[int, str]) -> Iterator[str]:
    """Say which checks refuse many of the answers that the examples call right."""
    judged, against = 0, dict[tuple[str, str], list[str]]()
    for row in rows:
        if not row.expected or row.line not in texts:
            continue
        judged += 1
        arguments = task.arguments(row.parameters)
        answer = {**dict.fromkeys(with_named_fields(task, arguments).keys), **row.expected}
        subject = Subject(answer=answer, source=texts[row.line], fields=tuple(row.expected), parameters=arguments)
        seen: dict[tuple[str, str], str] = {}
        for check in task.checks:
            if check.name not in _OF_EVIDENCE:
                seen |= {(check.name, one.field or ", ".join(one.fields)): one.reason for one in check(subject)}
        for place, reason in seen.items():
            against.setdefault(place, []).append(f"line {row.line}: {reason}")
    for (named, field), reasons in against.items():
        if len(reasons) > _MOST_REFUSED * judged:
            where = f"{field}: " if field else ""
            yield f"{where}the check `{named}` refuses {len(reasons)} of {judged} right answers ({reasons[0]})"


def unprinted(task: Task, texts: Mapping[int, str]) -> Iterator[str]:
    """Say of which fields no word that should be printed beside the value stands in any example."""
    if task.kind != "extract" or not texts:
        return
    seen = [fold(text) for text in texts.values()]
    for field in task.fields:
        if field.labels and not any(fold(label) in text for label in field.labels for text in seen):
            yield (
                f"output.{field.name}.labels: none of {', '.join(field.labels[:5])} stands in an example; a value "
                "without words beside it has a span and no labels"
            )


def unasked(task: Task, found: Material) -> Iterator[str]:
    """Say what the task declares and no example expects."""
    if found.labels:
        names, what = [label.name for label in task.labels if label.name not in found.labels], "label"
    elif found.fields:
        expected = {seen.name for seen in found.fields}
        names, what = [field.name for field in task.fields if field.name not in expected], "field"
    else:
        return
    if names:
        yield f"no example expects the {what}{'s' if len(names) > 1 else ''} {', '.join(names)}"


def _misfits(task: Task, found: Material) -> Iterator[str]:
    """Say where an example's label, field, type or parameter is not the task's."""
    # What the lines keep an example for concerns a certificate, not the task.
    rows = [msgspec.structs.replace(row, split=None) for row in found.rows if row.expected]
    try:
        if rows:
            examine(task, rows, name=found.name, designing=True)
        for row in found.rows:
            task.arguments(row.parameters)
    except FirstlineError as error:
        yield _told(error)


def _quotations(draft: Draft, found: Material, texts: Mapping[int, str], request: str) -> Iterator[str]:
    """Say where a model would be told what to do in the words of an example: data is no instruction."""
    asked = _runs(request)
    lines = {row.line: _runs(texts[row.line]) - asked for row in found.shown if row.line in texts}
    for where, told in _instructions(draft):
        words = _runs(told)
        line = next((line for line, runs in lines.items() if runs & words), None)
        if line is not None:
            yield f"{where}: quotes the example of line {line}; say it in words of your own"


def _instructions(draft: Draft) -> Iterator[tuple[str, str]]:
    yield "instruction", draft.instruction
    yield "description", draft.description
    if isinstance(draft, ClassifyDraft):
        yield from ((f"labels.{label.name}.description", label.description) for label in draft.labels)
        return
    yield from ((f"output.{field.name}.description", field.description) for field in draft.fields)


def _slow_patterns(task: Task) -> Iterator[str]:
    for field in task.fields:
        if _REPEATED_REPETITION.search(field.pattern):
            yield f"output.{field.name}.pattern: repeats a repetition, which can take for ever; bound it otherwise"


def _runs(text: str) -> set[tuple[str, ...]]:
    words = _WORD.findall(text.casefold())
    return {tuple(words[place : place + QUOTED_WORDS]) for place in range(len(words) - QUOTED_WORDS + 1)}


def _told(error: FirstlineError) -> str:
    return f"{error.message} ({error.hint})" if error.hint else error.message
