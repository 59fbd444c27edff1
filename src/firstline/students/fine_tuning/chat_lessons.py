"""What a chat file teaches: a narrow task with its lessons, or why it is none. Pure.

A classification, where the assistant's contents are few and each comes several times; an extraction, where they are
JSON objects (or single values) whose values stand in the user's text; else neither, and the reason is said with counts
and a line. How the contents are written is kept, so that answers are written the same way (`content_form.py`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import msgspec

from firstline.errors import NotNarrowError, UsageError
from firstline.evaluation.examples import Row
from firstline.reading.source import TaskInput
from firstline.students.fine_tuning.chat_fields import Taught, find_fields
from firstline.students.fine_tuning.chat_lines import ChatLine
from firstline.students.fine_tuning.content_form import Form, LabelForm, ObjectForm, TextForm, parse_object
from firstline.students.fine_tuning.spelling import Answer, answers, meaning, spelt_in_several_ways
from firstline.students.fine_tuning.task_text import classify_text, extract_text
from firstline.types import Json, Text, Value
from firstline.values.texts import fold

LEAST_LINES = 10
"""As at OpenAI."""

_LONGEST_LABEL = 200
_LEAST_OF_LABEL = 2
_LEAST_EACH = 3
"""Lines of a label, on the average, that make contents labels."""
_COVERED = 0.95
_MOST_LEFT_OUT = 0.05
"""Of the lines: those that may be left out because they do not fit the rest."""
_ONE_SYSTEM = 0.9
_CLOSED = 10
"""Labels up to which contents that also stand in the texts are taken for labels."""
_SCOPE = frozenset({"oos", "outofscope"})
_WHAT_IS = (
    "a narrow task is a classification (few different answers, each in several lines) or an extraction (answers whose "
    "values stand in the user's text)"
)


class Exchange(Value, frozen=True, kw_only=True):
    """A line with one instruction, one message of the user, and what is right."""

    number: int
    system: str
    texts: tuple[str, ...]
    content: str

    @property
    def text(self) -> str:
        """What the user says."""
        return "\n\n".join(self.texts)


class ChatLesson(Value, frozen=True, kw_only=True):
    """A line as an example of the task, and the content that it was taught with."""

    row: Row
    content: str


class Narrow(Value, frozen=True, kw_only=True):
    """A narrow task: its declaration as the text of a task file, how its answers are written, and its lessons.

    `labels` (of a classification) or `fields` say what it answers; `notes` what was left out and why.
    """

    kind: str
    instruction: str
    declaration: str
    form: Form
    labels: Mapping[str, str] = {}
    """Meaning of a content (`spelling.py`) to label."""
    fields: tuple[Taught, ...] = ()
    lessons: tuple[ChatLesson, ...] = ()
    notes: tuple[str, ...] = ()


def find_narrow(lines: Sequence[ChatLine]) -> Narrow:
    """Find what a training file teaches. Raises NotNarrowError, with counts and a line."""
    if len(lines) < LEAST_LINES:
        raise NotNarrowError(
            f"the file has {len(lines)} lines, and {LEAST_LINES} are the least",
            hint="a few hundred lines teach a student well",
        )
    said, notes = _exchanges(lines)
    instruction = _instruction(said)
    said, more = _without_contradictions(said)
    notes = [*notes, *more]
    classes = _classes(said)
    fields = find_fields([(one.number, one.text, one.content) for one in said])
    open_values = classes is not None and len(classes) > _CLOSED and isinstance(fields, tuple)
    if classes is not None and not open_values:
        found = _classification(instruction, said, classes)
    elif isinstance(fields, tuple):
        found = _extraction(instruction, said, fields)
    else:
        raise _neither(said, fields)
    return msgspec.structs.replace(found, notes=(*notes, *found.notes))


def lessons_for(narrow: Narrow, lines: Sequence[ChatLine]) -> tuple[ChatLesson, ...]:
    """Read another file of the same task, to measure on. Raises NotNarrowError for a line that is none of it."""
    said, _ = _exchanges(lines)
    lessons = [_lesson(narrow, one) for one in said]
    missing = [one for one, lesson in zip(said, lessons, strict=True) if lesson is None]
    if missing:
        raise NotNarrowError(
            f"{len(missing)} of {len(said)} lines have an answer that the training file does not teach "
            f"({_shown(missing[0])})",
            hint="the validation file holds the same task as the training file",
        )
    return tuple(lesson for lesson in lessons if lesson is not None)


def _exchanges(lines: Sequence[ChatLine]) -> tuple[list[Exchange], list[str]]:
    """Take the lines with one message of the user and one answer. Raises NotNarrowError where more are not such."""
    found: list[Exchange] = []
    odd: list[tuple[str, int]] = []
    for line in lines:
        wrong = _oddity(line)
        if wrong is not None:
            odd.append((wrong, line.number))
            continue
        system = "\n\n".join(turn.text for turn in line.turns if turn.role == "system")
        [user] = [turn for turn in line.turns if turn.role == "user"]
        found.append(Exchange(number=line.number, system=system, texts=user.texts, content=line.turns[-1].text))
    counted = Counter(wrong for wrong, _ in odd)
    told = [
        f"{count} of {len(lines)} lines {wrong} (line {next(number for one, number in odd if one == wrong)})"
        for wrong, count in counted.most_common()
    ]
    if len(odd) > _MOST_LEFT_OUT * len(lines):
        raise NotNarrowError(
            "; ".join(told), hint="a student answers one message of the user with one text: split or leave out the rest"
        )
    return found, [f"left out: {one}" for one in told]


def _oddity(line: ChatLine) -> str | None:
    """Say what about a line is no narrow exchange."""
    users = [turn for turn in line.turns if turn.role == "user"]
    answers = [turn for turn in line.turns if turn.role == "assistant"]
    if any(turn.calls for turn in answers) or any(turn.role == "tool" for turn in line.turns):
        return "call a tool"
    if line.tools:
        return "offer tools"
    if any(turn.pictures for turn in users):
        return "hold a picture"
    if len(users) > 1 or len(answers) > 1:
        return "have several turns"
    if not users[0].text.strip():
        return "have an empty message of the user"
    if answers[0].weight == 0:
        return "have an answer of weight 0"
    return None


def _instruction(said: Sequence[Exchange]) -> str:
    """Return the one system message. Raises NotNarrowError where there are several."""
    counted = Counter(" ".join(one.system.split()) for one in said)
    [(system, count)] = counted.most_common(1)
    if count < _ONE_SYSTEM * len(said):
        other = next(one for one in said if " ".join(one.system.split()) != system)
        raise NotNarrowError(
            f"the file has {len(counted)} different system messages; the commonest stands in {count} of {len(said)} "
            f"lines, and line {other.number} has {_cut(other.system)}",
            hint="a narrow task has one instruction: what changes from line to line belongs into the user's message",
        )
    return next(one.system.strip() for one in said if " ".join(one.system.split()) == system)


def _without_contradictions(said: Sequence[Exchange]) -> tuple[list[Exchange], list[str]]:
    """Leave out messages that are answered in two ways. Raises NotNarrowError where they are many."""
    given: dict[str, dict[str, int]] = {}
    for one in said:
        given.setdefault(" ".join(one.text.split()), {}).setdefault(meaning(one.content), one.number)
    torn = {text: numbers for text, numbers in given.items() if len(numbers) > 1}
    kept = [one for one in said if " ".join(one.text.split()) not in torn]
    if not torn:
        return kept, []
    first, second, *_ = next(iter(torn.values())).values()
    told = f"{len(said) - len(kept)} of {len(said)} lines answer the same message in different ways (lines {first} "
    told += f"and {second})"
    if len(said) - len(kept) > _MOST_LEFT_OUT * len(said):
        raise NotNarrowError(told, hint="one message has one right answer: mend or take out the others")
    return kept, [f"left out: {told}"]


def _classes(said: Sequence[Exchange]) -> list[Answer] | None:
    """Return the classes where the contents are labels; None where they are not."""
    kept = [
        one
        for one in answers(one.content for one in said)
        if one.lines >= _LEAST_OF_LABEL and len(one.content) <= _LONGEST_LABEL
    ]
    covered = sum(one.lines for one in kept)
    if len(kept) < 2 or covered < _COVERED * len(said) or covered < _LEAST_EACH * len(kept):
        return None
    return sorted(kept, key=lambda one: one.content)


def _named(contents: Sequence[str]) -> dict[str, str]:
    """Name the labels: by the one value of an object, else by the content itself."""
    parsed = [parse_object(content) for content in contents]
    keys = {tuple(one[0]) for one in parsed if one is not None}
    if all(one is not None for one in parsed) and len(keys) == 1 and len(next(iter(keys))) == 1:
        values = [next(iter(one[0].values())) for one in parsed if one is not None]
        names = [str(value) if isinstance(value, str) and value.strip() else "" for value in values]
        if all(names) and len(set(names)) == len(names):
            return dict(zip(contents, names, strict=True))
    names = [" ".join(content.split()) for content in contents]
    return dict(zip(contents, names if len(set(names)) == len(names) else contents, strict=True))


def _classification(instruction: str, said: Sequence[Exchange], classes: Sequence[Answer]) -> Narrow:
    named = _named([one.content for one in classes])
    labels = {one.meaning: named[one.content] for one in classes}
    rest = [one for one in said if meaning(one.content) not in labels]
    several = spelt_in_several_ways(classes)
    notes = [] if several is None else [several]
    if rest:
        names = ", ".join(dict.fromkeys(_cut(one.content) for one in rest[:5]))
        notes += [
            f"left out: {len(rest)} of {len(said)} lines, whose answer comes only once (line {rest[0].number}: {names})"
        ]
    scope = next((label for label in labels.values() if fold(label) in _SCOPE), None)
    narrow = Narrow(
        kind="classify",
        instruction=instruction or "Name the class of the text.",
        declaration="",
        form=LabelForm(contents={label: content for content, label in named.items()}),
        labels=labels,
        notes=tuple(notes),
    )
    narrow = msgspec.structs.replace(
        narrow, declaration=classify_text(narrow.instruction, sorted(labels.values()), out_of_scope=scope)
    )
    return _with_lessons(narrow, said)


def _extraction(instruction: str, said: Sequence[Exchange], fields: tuple[Taught, ...]) -> Narrow:
    style = fields[0].style
    form: Form = TextForm(field=fields[0].name, form=fields[0].form)
    if style is not None:
        form = ObjectForm(fields={field.name: field.form for field in fields}, style=style)
    instruction = instruction or "Find these values in the text."
    narrow = Narrow(
        kind="extract",
        instruction=instruction,
        declaration=extract_text(instruction, fields),
        form=form,
        fields=fields,
    )
    narrow = _with_lessons(narrow, said)
    foreign = len(said) - len(narrow.lessons)
    notes = (f"left out: {foreign} of {len(said)} lines, whose answer has another shape",) if foreign else ()
    return msgspec.structs.replace(narrow, notes=notes)


def _with_lessons(narrow: Narrow, said: Sequence[Exchange]) -> Narrow:
    lessons = (_lesson(narrow, one) for one in said)
    return msgspec.structs.replace(narrow, lessons=tuple(one for one in lessons if one is not None))


def _lesson(narrow: Narrow, one: Exchange) -> ChatLesson | None:
    """Make an example of a line; None where its answer is none of the task."""
    expected: dict[str, Json]
    if narrow.labels:
        label = narrow.labels.get(meaning(one.content))
        if label is None:
            return None
        expected = {"label": label}
    else:
        try:
            expected = {field.name: field.expected(one.content) for field in narrow.fields}
        except UsageError:
            return None
    given = TaskInput(parts=tuple(Text(text=text) for text in one.texts))
    return ChatLesson(row=Row(given=given, expected=expected, line=one.number), content=one.content)


def _neither(said: Sequence[Exchange], why: str) -> NotNarrowError:
    counted = Counter(one.content for one in said)
    if len(counted) == 1:
        return NotNarrowError(
            f"all {len(said)} lines have the same answer: {_cut(said[0].content)}",
            hint="a classification needs at least two classes",
        )
    once = [one for one in said if counted[one.content] < _LEAST_OF_LABEL]
    long = [one for one in said if len(one.content) > _LONGEST_LABEL]
    example = (once or long or list(said))[0]
    told = f"it has {len(counted)} different answers in {len(said)} lines, {len(once)} of which come only once"
    if long:
        told += f", {len(long)} longer than {_LONGEST_LABEL} characters"
    return NotNarrowError(
        f"the file teaches no narrow task. No classification: {told} ({_shown(example)}). No extraction: {why}.",
        hint=f"{_WHAT_IS}; writing freely (summaries, translations, replies) is not taught to a student",
    )


def _shown(one: Exchange) -> str:
    return f"line {one.number}: {_cut(one.content)}"


def _cut(text: str) -> str:
    shown = " ".join(text.split())
    return f"“{shown[:80]}…”" if len(shown) > 80 else f"“{shown}”"
