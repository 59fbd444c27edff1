"""What a chat file teaches: classifications, extractions, and why a file is neither."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.errors import NotNarrowError
from firstline.students.fine_tuning.chat_lessons import Narrow, find_narrow, lessons_for
from firstline.students.fine_tuning.chat_lines import read_chat
from firstline.students.fine_tuning.content_form import (
    FieldForm,
    ObjectForm,
    Style,
    TextForm,
    from_json,
    style_of,
    to_json,
    write,
)
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_text
from firstline.types import Json
from support.fine_tuning_world import chat_file, chat_line, reading, sorting


def found(lines: list[Any]) -> tuple[Narrow, Task]:
    narrow = find_narrow(read_chat(chat_file(lines)))
    return narrow, task_from_text("ft-1", narrow.declaration)


def refused(lines: list[Any]) -> str:
    with pytest.raises(NotNarrowError) as caught:
        find_narrow(read_chat(chat_file(lines)))
    return f"{caught.value.message} ({caught.value.hint})"


def exact(narrow: Narrow) -> float:
    """Return the share of lines whose content is written again to the letter."""
    right = [write(from_json(to_json(narrow.form)), one.row.expected) == one.content for one in narrow.lessons]
    return sum(right) / len(right)


def texts(n: int, make: Callable[[int], tuple[str, Json]], **style: Any) -> list[Any]:
    made = (make(number) for number in range(n))
    return [
        chat_line(text, json.dumps(answer, **style) if not isinstance(answer, str) else answer) for text, answer in made
    ]


def test_labels_alone() -> None:
    narrow, task = found(sorting(60))
    assert (task.kind, [label.name for label in task.labels]) == ("classify", ["order", "other", "refund"])
    assert task.instruction == "Sort the customer's message."
    assert (len(narrow.lessons), exact(narrow), narrow.notes) == (60, 1.0, ())


@pytest.mark.parametrize(
    ("form", "label"),
    [
        ('{{"label": "{0}"}}', "refund"),
        ('{{\n  "intent": "{0}"\n}}', "refund"),
        ('```json\n{{"label": "{0}"}}\n```', "refund"),
        ("  {0}.\n", "refund."),
        ('{{"label": "{0}", "sure": true}}', '{"label": "refund", "sure": true}'),
        ('say "{0}" \\ \x7f é', 'say "refund" \\ \x7f é'),
    ],
)
def test_the_form_of_a_label_is_kept(form: str, label: str) -> None:
    narrow, task = found(sorting(60, write=form.format))
    assert label in [one.name for one in task.labels]
    assert exact(narrow) == 1.0
    assert write(narrow.form, {"label": label}) == form.format("refund")


def test_a_label_that_comes_once_is_left_out_and_said() -> None:
    narrow, task = found([*sorting(60), chat_line("what now", "refnud")])
    assert "refnud" not in [label.name for label in task.labels]
    assert narrow.notes == ("left out: 1 of 61 lines, whose answer comes only once (line 61: “refnud”)",)


def test_a_label_for_what_is_out_of_scope_is_known_as_such() -> None:
    _, task = found(texts(40, lambda n: (f"text {n}", ["book", "cancel", "oos"][n % 3])))
    assert task.out_of_scope == "oos"


def test_values_that_stand_in_the_text_are_an_extraction() -> None:
    narrow, task = found(reading(60))
    assert [(field.name, field.type, field.optional) for field in task.fields] == [
        ("name", "string", False),
        ("order", "string", True),
    ]
    assert exact(narrow) == 1.0


@pytest.mark.parametrize(
    ("make", "kinds", "style"),
    [
        (
            lambda n: (f"Total due {1000 + n:,}.50 on 3 March 20{n:02d}", {"t": 1000.5 + n, "d": f"20{n:02d}-03-03"}),
            ["number", "date"],
            {"indent": 2},
        ),
        (lambda n: (f"pay $1,{n:03d}.00 now", {"t": f"1{n:03d}.00"}), ["number"], {}),
        (lambda n: (f"order {n + 7000} of {n} boxes", {"id": str(n + 7000), "n": n}), ["string", "integer"], {}),
        (lambda n: (f"from Müller{n}", {"who": f"Müller{n}"}), ["string"], {"ensure_ascii": True}),
        (lambda n: (f"from Müller{n}", {"who": f"Müller{n}"}), ["string"], {"ensure_ascii": False}),
        (lambda n: (f"from JOHN DOE{n}", {"who": f"John Doe{n}"}), ["string"], {}),
        (lambda n: (f"mail me at a{n}@b.example", f"a{n}@b.example"), ["string"], {}),
    ],
)
def test_the_form_of_values_is_kept(
    make: Callable[[int], tuple[str, Json]], kinds: list[str], style: dict[str, Any]
) -> None:
    narrow, task = found(texts(40, make, **style))
    assert [field.type for field in task.fields] == kinds
    assert exact(narrow) == 1.0


@pytest.mark.parametrize("absent", ["N/A", "", None, "left out"])
def test_how_a_value_is_said_to_be_absent_is_kept(absent: str | None) -> None:
    def make(number: int) -> tuple[str, Json]:
        answer: dict[str, Json] = {"who": f"ann{number}"}
        if number % 3:
            return f"I am ann{number}, order X{number}", {**answer, "order": f"X{number}"}
        return f"I am ann{number}", answer if absent == "left out" else {**answer, "order": absent}

    narrow, task = found(texts(40, make))
    assert task.fields[1].optional
    assert narrow.lessons[0].row.expected == {"who": "ann0", "order": None}
    assert exact(narrow) == 1.0


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        (sorting(5), "the file has 5 lines, and 10 are the least"),
        ([chat_line(f"text {n}", "yes") for n in range(20)], "all 20 lines have the same answer: “yes”"),
        (texts(40, lambda n: (f"text {n}", f"A reply, number {n}")), "40 different answers in 40 lines"),
        (texts(40, lambda n: (f"text {n}", "x" * 300 + str(n % 2))), "40 longer than 200 characters"),
        (
            texts(40, lambda n: (f"I am ann{n}", {"who": f"ann{n}", "urgent": True})),
            "`urgent` is true or false (line 1)",
        ),
        (texts(40, lambda n: (f"I am ann{n}", {"who": [f"ann{n}"]})), "`who` is a list (line 1)"),
        (texts(40, lambda n: (f"I am ann{n}", {"who": {"name": f"ann{n}"}})), "`who` is an object (line 1)"),
        (
            texts(40, lambda n: (f"I am ann{n}", {"who": f"ann{n}", "mood": f"mood {n}"})),
            "`mood` stands in the user's text in 0 of 40 lines (line 1: 'mood 0')",
        ),
        (texts(40, lambda n: (f"I am ann{n}", {"_id": f"ann{n}"})), "the key '_id' can name no field"),
        ([chat_line(f"I {n}", "a" if n % 2 else "b", system=f"rule {n % 4}") for n in range(40)], "4 different system"),
        (
            [chat_line("the same", "a" if n % 2 else "b") for n in range(40)],
            "answer the same message in different ways",
        ),
        ([chat_line(f"I {n}", "a" if n % 2 else "b", tools=[{"type": "function"}]) for n in range(40)], "offer tools"),
        (
            [
                chat_line([{"type": "image_url", "image_url": {"url": "data:"}}, {"type": "text", "text": f"{n}"}], "a")
                for n in range(40)
            ],
            "40 of 40 lines hold a picture (line 1)",
        ),
        (
            [{"messages": [*chat_line("a", "b")["messages"], *chat_line(f"{n}", "b")["messages"]]} for n in range(20)],
            "20 of 20 lines have several turns (line 1)",
        ),
        (
            [
                {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]}
                for _ in range(20)
            ],
            "have an answer of weight 0",
        ),
        (
            [
                {"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "tool_calls": [{"id": "x"}]}]}
                for _ in range(20)
            ],
            "call a tool",
        ),
    ],
)
def test_what_is_no_narrow_task_is_said_with_counts_and_a_line(lines: list[Any], words: str) -> None:
    assert words in refused(lines)


def test_a_few_odd_lines_are_left_out_and_said() -> None:
    odd = {"messages": [*chat_line("a", "refund")["messages"], *chat_line("b", "refund")["messages"]]}
    torn = [chat_line("torn", "refund"), chat_line("torn ", "order")]
    narrow, _ = found([*sorting(97), odd, *torn])
    assert narrow.notes == (
        "left out: 1 of 100 lines have several turns (line 98)",
        "left out: 2 of 99 lines answer the same message in different ways (lines 99 and 100)",
    )
    assert len(narrow.lessons) == 97


def test_another_file_of_the_task_is_read_by_its_first() -> None:
    narrow, _ = found(sorting(60))
    lessons = lessons_for(narrow, read_chat(chat_file(sorting(20, seed=3))))
    assert {one.row.expected["label"] for one in lessons} == {"order", "other", "refund"}
    with pytest.raises(NotNarrowError, match="1 of 21 lines have an answer that the training file does not teach"):
        lessons_for(narrow, read_chat(chat_file([*sorting(20), chat_line("a", "b")])))


NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=8)
SCALARS = st.none() | st.integers(-(10**9), 10**9) | st.text(st.characters(codec="utf-8"), max_size=8)
STYLES = [
    {},
    {"separators": (",", ":")},
    {"indent": 2},
    {"indent": 4},
    {"ensure_ascii": False},
    {"ensure_ascii": False, "indent": "\t"},
]


@given(st.dictionaries(NAMES, SCALARS, min_size=2, max_size=4), st.sampled_from(STYLES))
def test_an_object_is_written_in_the_style_that_was_found(tree: dict[str, Json], style: dict[str, Any]) -> None:
    content = json.dumps(tree, **style)
    form = ObjectForm(fields=dict.fromkeys(tree, FieldForm()), style=style_of([content]))
    assert write(from_json(to_json(form)), tree) == content


@given(st.floats(-1e6, 1e6), st.integers(0, 4))
def test_a_number_keeps_its_decimals(value: float, decimals: int) -> None:
    form = ObjectForm(fields={"n": FieldForm(decimals=decimals)}, style=Style())
    assert write(form, {"n": value}) == f'{{"n": {value:.{decimals}f}}}'
    quoted = ObjectForm(fields={"n": FieldForm(decimals=decimals, quoted=True)}, style=Style())
    assert write(quoted, {"n": value}) == f'{{"n": "{value:.{decimals}f}"}}'
    assert write(TextForm(field="n", form=FieldForm(decimals=decimals)), {"n": value}) == f"{value:.{decimals}f}"
