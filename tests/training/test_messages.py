"""Made messages: many, different, of all classes of the built-in task, and the same for the same seed."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path
from random import Random

import pytest

from firstline.evaluation.examples import examine, read_rows
from firstline.tasks.registry import Tasks
from firstline.values.texts import fold
from messages import OUT_OF_SCOPE, Messages, main, make_messages, read_phrases, typed
from support.decoding import decode


def test_thousands_of_messages_differ_and_cover_every_class(tmp_path: Path) -> None:
    task = Tasks(tmp_path).get("support-intent")
    rows = make_messages(4000, seed=1, tree=read_phrases())
    assert len({fold(row.text) for row in rows}) == 4000
    counted = Counter(row.label for row in rows)
    assert set(counted) == {label.name for label in task.labels}
    assert task.out_of_scope == OUT_OF_SCOPE
    assert min(counted.values()) >= 190
    assert counted[OUT_OF_SCOPE] >= 3 * min(counted.values())


def test_the_same_seed_makes_the_same_messages_and_a_longer_list_begins_alike() -> None:
    tree = read_phrases()
    first, again, other = (make_messages(300, seed=seed, tree=tree) for seed in (1, 1, 2))
    assert first == again
    assert {row.text for row in first} != {row.text for row in other}
    assert {row.text for row in first} <= {row.text for row in make_messages(400, seed=1, tree=tree)}


def test_every_phrase_can_be_filled_whatever_is_chosen() -> None:
    maker = Messages(read_phrases())
    for label, phrases in maker.labels.items():
        assert len(phrases) >= 15, label
        assert len(set(phrases)) == len(phrases)
        for phrase in phrases:
            for number in range(20):
                text = maker.filled(phrase, Random(number))
                assert not re.search(r"[\[\]{}|]|  | [,.?!]", text), (phrase, text)
                assert text.strip(), phrase


def test_no_message_stands_in_two_classes() -> None:
    maker = Messages(read_phrases())
    owners: dict[str, set[str]] = {}
    for label, phrases in maker.labels.items():
        for phrase in phrases:
            for number in range(60):
                owners.setdefault(fold(maker.filled(phrase, Random(number))), set()).add(label)
    assert {text: labels for text, labels in owners.items() if len(labels) > 1} == {}


def test_slips_leave_a_text_readable() -> None:
    text = "I would like to return these shoes please"
    ways = {typed(text, Random(number)) for number in range(200)}
    assert len(ways) > 40
    assert all(abs(len(way) - len(text)) <= 12 for way in ways)


def test_too_few_phrases_are_told() -> None:
    tree = {
        "words": {"name": ["Al"]},
        "frame": {"open": ["hi"], "close": ["thx"], "before": ["So,"]},
        "labels": {"one": ["x"]},
        "out_of_scope": {"phrases": ["y"]},
    }
    with pytest.raises(ValueError, match="different messages"):
        make_messages(4000, seed=1, tree=tree)


def test_the_file_is_examples_for_the_task(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "messages.jsonl"
    monkeypatch.setattr("sys.argv", ["messages.py", "--n", "400", "--out", str(out)])
    main()
    rows = read_rows(out, decode)
    assert examine(Tasks(tmp_path).get("support-intent"), rows, name=out.name).n == 400
