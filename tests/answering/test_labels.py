"""Sorting a text into labels: the question, the second reader's view, and what the two readers come to."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np
import pytest

from firstline.answering.labels import (
    FAR,
    LISTED,
    MANY,
    SHORTLIST,
    LabelReader,
    Vectors,
    View,
    label_question,
    named,
    pooled,
    shortlist,
    spoken,
    view_of,
)
from firstline.tasks.task import Label

REFUND = Label(name="refund_request", description="wants money back", examples=("give me my money back",))
TRACK = Label(name="track_order", examples=("where is my parcel",))
NONE = Label(name="out_of_scope", examples=("what is the weather",))


async def words(texts: Sequence[str]) -> Vectors:
    """Embed by the words that two texts share."""
    vectors = np.zeros((len(texts), 997), dtype=np.float32)
    for vector, text in zip(vectors, texts, strict=True):
        for word in re.findall(r"\w+", text.lower()):
            vector[sum(ord(letter) * 31**at for at, letter in enumerate(word)) % 997] += 1
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    vectors /= lengths
    return vectors


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("card_lost", "PlayMusic", "top-up__failed"), ("card lost", "play music", "top up failed")),
        (("card_lost", "card-lost"), ("card_lost", "card-lost")),
        (("_", "yes"), ("_", "yes")),
    ],
)
def test_labels_are_spoken_as_long_as_they_stay_different(names: tuple[str, ...], said: tuple[str, ...]) -> None:
    assert spoken(names) == said


def test_the_question_lists_all_labels_and_ends_with_the_text() -> None:
    labels = (Label(name="refund_request", description="wants money back"), Label(name="track_order"))
    question = label_question(labels, "where is it?", instruction="Sort this.", lines=["language: English"])
    (asked,) = question.request.messages
    assert asked.text == (
        "Sort this.\nlanguage: English\nPossible labels:\n- refund request: wants money back\n- track order\n\n"
        "Message: where is it?\nAnswer with the label alone."
    )
    assert question.request.choices == ("refund request", "track order")
    assert question.labels == ("refund_request", "track_order")


def test_one_example_of_each_label_is_shown_as_a_turn_and_the_text_stands_alone() -> None:
    messages = label_question((REFUND, TRACK, NONE), "hello", instruction="Sort this.").request.messages
    assert [message.role for message in messages] == ["system", *["user", "assistant"] * 3, "user"]
    turns = {user.text: said.text for user, said in zip(messages[1:-1:2], messages[2:-1:2], strict=True)}
    assert turns == {
        "give me my money back": "Label: refund request",
        "where is my parcel": "Label: track order",
        "what is the weather": "Label: out of scope",
    }
    assert messages[-1].text == "hello"
    assert label_question((REFUND, TRACK, NONE), "", instruction="Sort this.").request.prefill == "Label: "


def test_what_stands_before_the_text_is_the_same_whatever_may_be_answered() -> None:
    labels = [Label(name=f"label_{number}") for number in range(MANY + 6)]
    whole = label_question(labels, "x", instruction="Sort.").request
    few = label_question(labels, "x", instruction="Sort.", among=labels[3:5]).request
    assert few.messages == whole.messages
    assert few.choices == ("label 3", "label 4")


def test_a_list_too_long_for_the_prompt_is_left_to_the_nearest() -> None:
    labels = [Label(name=f"label_{number}") for number in range(LISTED + 1)]
    request = label_question(labels, "x", instruction="Sort.", among=labels[3:5]).request
    assert request.messages[0].text.count("- label") == 2


def test_few_labels_are_all_asked_about_and_of_many_the_nearest_first() -> None:
    labels = [*(Label(name=f"l{number}") for number in range(MANY + 1)), NONE]
    near = {label.name: float(number) / 100 for number, label in enumerate(labels[:-1])}
    view = view_of(near, out_of_scope="out_of_scope")
    kept = shortlist(labels, view, out_of_scope="out_of_scope")
    assert [label.name for label in kept] == [*(f"l{MANY - at}" for at in range(SHORTLIST)), "out_of_scope"]
    assert shortlist(labels, None) == tuple(labels)
    assert shortlist(labels[:MANY], view) == tuple(labels[:MANY])


def test_a_view_names_the_nearest_and_how_much_nearer_it_is() -> None:
    view = view_of({"a": 0.5, "b": 0.3})
    assert (view.label, view.odds) == ("a", None)
    assert view.margin == pytest.approx(0.2)
    scoped = view_of({"a": 0.5, "b": 0.1}, out_of_scope="none")
    assert scoped.label == "a"
    assert scoped.margin == pytest.approx(0.5 - FAR)
    assert scoped.odds is not None
    assert scoped.odds < 0


def test_a_text_near_to_nothing_is_out_of_scope_only_where_there_is_such_a_label() -> None:
    far = {"a": FAR - 0.1, "b": 0.0}
    view = view_of(far, out_of_scope="none")
    assert view.label == "none"
    assert view.margin == pytest.approx(0.1)
    assert view_of(far).label == "a"


async def test_the_view_is_of_name_description_and_examples_and_of_foreign_examples() -> None:
    reader = LabelReader([REFUND, TRACK, NONE], out_of_scope="out_of_scope", embed=words)
    money = await reader.view("I want my money back")
    foreign = await reader.view("what is the weather in Paris")
    assert money is not None
    assert foreign is not None
    assert money.label == "refund_request"
    assert set(money.similarities) == {"refund_request", "track_order"}
    assert foreign.label == "out_of_scope"
    assert (await reader.view("zzz") or money).label == "out_of_scope"


async def test_labels_are_read_once_for_many_texts() -> None:
    read: list[str] = []

    async def noting(texts: Sequence[str]) -> Vectors:
        read.extend(texts)
        return await words(texts)

    reader = LabelReader([REFUND, TRACK], embed=noting)
    await reader.view("one")
    await reader.view("two")
    assert read.count("refund request") == 1
    assert read[-1] == "two"


async def test_without_an_encoder_the_model_decides_alone() -> None:
    reader = LabelReader([REFUND, TRACK])
    view = await reader.view("where is my parcel")
    assert view is None
    question = reader.question("where is my parcel", view, instruction="Sort.")
    reading = reader.decide(question, [0.3, 0.7], view)
    assert (reading.label, reading.probability, reading.second_label, reading.agreed) == (
        "track_order",
        0.7,
        None,
        None,
    )


async def test_the_reader_pools_what_it_asked_about() -> None:
    reader = LabelReader([REFUND, TRACK, NONE], out_of_scope="out_of_scope", embed=words)
    text = "where is my parcel"
    view = await reader.view(text)
    question = reader.question(text, view, instruction="Sort.")
    reading = reader.decide(question, [0.05, 0.9, 0.05], view)
    assert reading.label == reading.second_label == "track_order"
    assert reading.agreed is True
    assert reading.probability is not None
    assert reading.probability > 0.95


def seen(a: float, b: float) -> View:
    return view_of({"a": a, "b": b})


def test_readers_that_agree_are_surer_than_the_model_alone() -> None:
    reading = pooled({"a": 0.6, "b": 0.4}, seen(0.6, 0.5))
    assert reading.label == "a"
    assert reading.probability is not None
    assert reading.probability > 0.9
    assert reading.agreed is True


def test_a_clear_second_reader_outweighs_an_unsure_model_and_not_a_sure_one() -> None:
    assert pooled({"a": 0.45, "b": 0.55}, seen(0.6, 0.4)).label == "a"
    sure = pooled({"a": 0.01, "b": 0.99}, seen(0.5, 0.45))
    assert (sure.label, sure.model_label, sure.second_label, sure.agreed) == ("b", "b", "a", False)


def test_a_label_the_model_rules_out_can_still_win() -> None:
    assert pooled({"a": 0.0, "b": 1.0}, seen(0.9, 0.1)).label == "a"


def test_shares_of_zero_leave_the_second_reader() -> None:
    assert pooled({"a": 0.0, "b": 0.0}, seen(0.2, 0.6)).label == "b"


def test_out_of_scope_is_for_the_encoder_as_long_as_the_model_was_shown_nothing() -> None:
    view = view_of({"a": 0.1, "b": 0.05}, out_of_scope="none")
    shares = {"a": 0.97, "b": 0.0, "none": 0.03}
    assert pooled(shares, view, out_of_scope="none").label == "none"
    shown = pooled(shares, view, out_of_scope="none", far_weight=1.0)
    assert shown.probability is not None
    assert shown.probability < 0.6


def test_a_model_sure_of_out_of_scope_is_heard() -> None:
    view = view_of({"a": 0.31, "b": 0.1}, out_of_scope="none")
    assert view.label == "a"
    assert pooled({"a": 0.02, "b": 0.0, "none": 0.98}, view, out_of_scope="none").label == "none"


def test_an_answer_without_probabilities_stands_as_it_is() -> None:
    reading = named("b", seen(0.6, 0.4))
    assert (reading.label, reading.probability, reading.second_label, reading.agreed) == ("b", None, "a", False)
    assert named("b", None).agreed is None
