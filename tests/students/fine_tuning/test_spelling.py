"""One label spelt in several ways is one class, answered in its commonest spelling; other labels stay others."""

from __future__ import annotations

import json
import random
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.students.fine_tuning.chat_lessons import find_narrow, lessons_for
from firstline.students.fine_tuning.chat_lines import read_chat
from firstline.students.fine_tuning.content_form import write
from firstline.students.fine_tuning.spelling import answers, fold, meaning, ways
from firstline.types import Json
from support.fine_tuning_world import chat_file, chat_line, sorting

Respell = Callable[[str, random.Random], str]
NAMES = {"refund": "Rückgabe der Ware", "order": "Änderung", "other": "l’été — 20 %"}


def as_object(label: str, drawn: random.Random) -> str:
    pairs = [("topic", label), ("lang", "de"), ("level", 1)]
    drawn.shuffle(pairs)
    pairs = [(key, 1.0 if key == "level" and drawn.random() < 0.5 else value) for key, value in pairs]
    return json.dumps(
        dict(pairs),
        ensure_ascii=drawn.random() < 0.5,
        separators=drawn.choice([(",", ":"), (", ", ": ")]),
        indent=drawn.choice([None, 2]),
    )


RESPELLINGS: dict[str, Respell] = {
    "blanks": lambda label, drawn: drawn.choice(["", " ", "\n"]) + label.replace(" ", drawn.choice([" ", "\u00a0 "])),
    "line ends": lambda label, drawn: label + drawn.choice(["", "\r\n", " \n\n"]),
    "composed or not": lambda label, drawn: unicodedata.normalize(drawn.choice(["NFC", "NFD"]), label),
    "case": lambda label, drawn: drawn.choice([label, label.upper(), label.lower()]),
    "unseen": lambda label, drawn: drawn.choice(["", "\u200b", "\ufeff"]) + label.replace("a", "a\u00ad"),
    "signs": lambda label, drawn: drawn.choice([label, label.replace("’", "'").replace("—", "-")]),
    "objects": as_object,
    "fences": lambda label, drawn: drawn.choice(["{}", "```json\n{}\n```"]).replace("{}", as_object(label, drawn)),
    "quotes": lambda label, drawn: drawn.choice([label, json.dumps(label), json.dumps(label, ensure_ascii=False)]),
    "lists": lambda label, drawn: json.dumps([label, "de"], ensure_ascii=drawn.random() < 0.5),
}


@pytest.mark.parametrize("how", RESPELLINGS)
def test_a_file_with_labels_spelt_in_several_ways_teaches_as_many_classes_as_it_means(how: str) -> None:
    drawn = random.Random(7)  # noqa: S311 - no secret
    lines = sorting(210, write=lambda label: RESPELLINGS[how](NAMES[label], drawn))
    narrow = find_narrow(read_chat(chat_file(lines)))
    contents = [one.content for one in narrow.lessons]
    assert len(narrow.lessons) == 210
    assert len(set(narrow.labels.values())) == len(narrow.labels) == 3
    # Each lesson is answered in one spelling: the commonest of those that mean the same.
    said = {one.row.expected["label"]: write(narrow.form, one.row.expected) for one in narrow.lessons}
    assert len(said) == 3
    for one in narrow.lessons:
        answer = said[one.row.expected["label"]]
        assert meaning(answer) == meaning(one.content)
        assert contents.count(answer) >= contents.count(one.content)
    [note] = narrow.notes
    assert "of 3 classes are spelt in several ways" in note
    note.encode()
    # The same is read of a file to measure on, in spellings of its own.
    measured = lessons_for(narrow, read_chat(chat_file(lines[:60])))
    assert [one.row.expected for one in measured] == [one.row.expected for one in narrow.lessons[:60]]


def test_a_file_with_one_spelling_of_each_has_nothing_to_say() -> None:
    assert find_narrow(read_chat(chat_file(sorting(60)))).notes == ()


def test_the_event_names_the_pair_so_that_it_can_be_seen() -> None:
    lines = [chat_line(f"{number} lamps", "Größe" if number % 3 else "Gro\u0308ße") for number in range(30)]
    lines += [chat_line(f"{number} rugs", "Preis") for number in range(30)]
    [note] = find_narrow(read_chat(chat_file(lines))).notes
    assert note.startswith("1 of 2 classes are spelt in several ways (composed and decomposed characters)")
    assert '"Größe" (20 lines), also "Gro\\u0308\\u00dfe" (10)' in note


def test_one_message_answered_in_two_spellings_is_no_contradiction() -> None:
    lines = sorting(60) + [
        chat_line(line["messages"][-2]["content"], line["messages"][-1]["content"] + "\n") for line in sorting(60)
    ]
    narrow = find_narrow(read_chat(chat_file(lines)))
    assert (len(narrow.lessons), len(narrow.labels)) == (120, 3)


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-1000, 1000) | st.floats(-1e6, 1e6) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3),
    max_leaves=6,
)


@given(VALUES, st.randoms(use_true_random=False))
def test_an_object_means_the_same_however_it_is_written(value: Json, drawn: random.Random) -> None:
    def shuffled(tree: Json) -> Json:
        if isinstance(tree, dict):
            keys = list(tree)
            drawn.shuffle(keys)
            return {key: shuffled(tree[key]) for key in keys}
        return [shuffled(one) for one in tree] if isinstance(tree, list) else tree

    tree = {"value": value, "more": 1}
    written = json.dumps(shuffled(tree), ensure_ascii=drawn.random() < 0.5, indent=drawn.choice([None, 1]))
    assert meaning(written) == meaning(json.dumps(tree))


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=20))
def test_folding_twice_changes_nothing_and_every_normal_form_folds_alike(text: str) -> None:
    assert fold(fold(text)) == fold(text)
    assert fold(unicodedata.normalize("NFC", text)) == fold(unicodedata.normalize("NFD", text))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("refund", "refunds"),
        ("new order", "neworder"),
        ("A+", "A-"),
        (":)", ":("),
        ("C", "C++"),
        ("-1", "1"),
        ("1", "10"),
        ("true", "false"),
        ('{"topic": "a", "sub": "b"}', '{"topic": "b", "sub": "a"}'),
        ('{"topic": "a"}', '{"topic": "a", "sub": null}'),
        ('["a", "b"]', '["b", "a"]'),
        ('{"n": 1}', '{"n": true}'),
        ('{"n": 1}', '{"n": "1"}'),
        ("schon", "schön"),
        ("是", "不是"),
    ],
)
def test_what_means_something_else_stays_another_class(one: str, other: str) -> None:
    assert meaning(one) != meaning(other)


@pytest.mark.parametrize(
    ("one", "other", "how"),
    [
        ("refund", " refund\n", "blanks"),
        ("café", "cafe\u0301", "composed and decomposed characters"),
        ('{"a": "é"}', '{"a":"\\u00e9"}', "spacing, escapes and order of keys in JSON"),
        ("Refund", "refund", "upper and lower case"),
        ("don’t", "don't", "characters that look or mean the same"),
    ],
)
def test_it_is_said_how_spellings_differ(one: str, other: str, how: str) -> None:
    assert [found.lines for found in answers([one, other, one])] == [3]
    assert list(ways(one, other)) == [how]
