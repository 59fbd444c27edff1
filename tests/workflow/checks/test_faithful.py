"""Faithful: sentences of the source's words pass, sentences of others do not."""

from __future__ import annotations

import pytest

from firstline.errors import TaskError
from firstline.workflow.checks.base import Subject
from firstline.workflow.checks.faithful import faithful

SOURCE = "Police arrested three men in Glasgow on Monday. The van was found near Stow College, and nobody was injured."


def test_a_sentence_of_the_sources_words_passes_in_other_forms() -> None:
    subject = Subject(answer={"text": "Three men were arrested by the police in Glasgow."}, source=SOURCE)
    assert faithful("text")(subject) == ()


def test_a_sentence_of_other_words_is_shown() -> None:
    subject = Subject(answer={"text": "Police arrested three men. Two guards died in Edinburgh."}, source=SOURCE)
    (finding,) = faithful("text")(subject)
    assert (finding.check, finding.field) == ("faithful", "text")
    assert finding.reason.endswith("of its words are in the source: Two guards died in Edinburgh.")


def test_pairs_ask_for_phrases_of_the_source() -> None:
    subject = Subject(answer={"text": "Glasgow college men injured police."}, source=SOURCE)
    assert faithful("text")(subject) == ()
    (finding,) = faithful("text", pairs=0.9)(subject)
    assert "phrases" in finding.reason


def test_what_says_too_little_is_left_alone() -> None:
    assert faithful("text")(Subject(answer={"text": "Yes. Good news!"}, source=SOURCE)) == ()
    assert faithful("text")(Subject(answer={"text": None}, source=SOURCE)) == ()
    assert faithful("text")(Subject(answer={"text": "Entirely other words here"}, source=SOURCE, fields=("x",))) == ()


@pytest.mark.parametrize("shares", [{"words": 1.5}, {"pairs": -0.1}])
def test_shares_outside_their_range_are_refused(shares: dict[str, float]) -> None:
    with pytest.raises(TaskError):
        faithful("text", **shares)
