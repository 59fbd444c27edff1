"""Long text: no character is lost, every part fits, and answers of parts become one by the rules of their kind."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.answering.answer import Draft
from firstline.answering.long import merge_fields, merge_texts, worked_in_parts
from firstline.errors import ContextLengthError, EngineOutputError
from firstline.reading.extent import estimate_tokens, split
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_text
from firstline.types import Json

TEXTS = st.text(alphabet=st.sampled_from("ab Z9.!?\n\t。日é😀-_\"'"), max_size=300) | st.text(max_size=120)
JOIN = 'kind = "transform"\ninstruction = "Translate."\nmax_output_tokens = 200\n'
AGAIN = 'kind = "transform"\ninstruction = "Sum up."\nmerge = "again"\n'
TAGS = 'kind = "transform"\ninstruction = "Tag."\n[output.tags]\ntype = "array"\n'


async def words(text: str) -> int:
    """Stand in for a model's tokenizer: every word a token."""
    return len(text.split())


def task(text: str) -> Task:
    """Read a task."""
    return task_from_text("t", text)


def draft(confidences: dict[str, float] | None = None, **values: Json) -> Draft:
    """Make what a part gave."""
    return Draft(values=values, confidences=confidences or {})


@given(text=TEXTS, limit=st.integers(min_value=2, max_value=60))
def test_parts_joined_are_the_text_and_each_fits(text: str, limit: int) -> None:
    parts = split(text, limit_tokens=limit)
    assert "".join(parts) == text
    assert all(estimate_tokens(part) <= limit for part in parts)
    assert all(parts)


@given(text=TEXTS, limit=st.integers(min_value=1, max_value=20))
def test_any_additive_count_is_kept(text: str, limit: int) -> None:
    parts = split(text, limit_tokens=limit, count=len)
    assert "".join(parts) == text
    assert all(len(part) <= limit for part in parts)


def test_a_part_ends_where_the_best_boundary_is() -> None:
    text = "One two three. Four five.\n\nSix seven. Eight nine ten."
    assert split(text, limit_tokens=10) == ["One two three. Four five.\n\n", "Six seven. Eight nine ten."]
    assert split("Aa bb. Cc dd. Ee ff.", limit_tokens=4) == ["Aa bb. ", "Cc dd. ", "Ee ff."]
    assert split("alpha beta gamma", limit_tokens=12, count=len) == ["alpha beta ", "gamma"]


def test_a_limit_without_room_is_refused() -> None:
    with pytest.raises(ValueError, match="room"):
        split("text", limit_tokens=0)


def test_the_estimate_grows_with_the_text_in_every_script() -> None:
    assert estimate_tokens("") == 0
    assert estimate_tokens("The quick brown fox jumps over the lazy dog.") >= 10
    assert estimate_tokens("吾輩は猫である") >= 7
    assert estimate_tokens("1234567") == 7


def test_a_translation_is_joined_with_the_blanks_of_the_source() -> None:
    text = "\n\n".join(f"paragraph {n} " + "word " * 40 + "end." for n in range(8)) + "\n"

    async def work(part: str) -> Draft:
        assert await words(part) <= 120
        return draft(text=part.upper())

    made = asyncio.run(worked_in_parts(text, window=1_000, reserve=300, count_tokens=words, work=work, task=task(JOIN)))
    assert made.values == {"text": text.upper()}
    assert made.notes[0].startswith("the text was worked on in ")


def test_a_blank_part_is_kept_without_being_worked_on() -> None:
    made = merge_texts(["\n\n", " one \n", "two"], [draft(text="eins"), draft(text="zwei")])
    assert made.values == {"text": "\n\n eins \nzwei"}


def test_summaries_are_summed_up_again_until_one_remains() -> None:
    asked: list[str] = []

    async def work(part: str) -> Draft:
        asked.append(part)
        return draft(text=" ".join(part.split()[:30]))

    text = " ".join(f"w{n}." for n in range(1_000))
    made = asyncio.run(worked_in_parts(text, window=200, reserve=100, count_tokens=words, work=work, task=task(AGAIN)))
    assert made.values == {"text": " ".join(f"w{n}." for n in range(30))}
    counted = int(made.notes[0].split()[-2])
    assert made.notes == (f"the text was worked on in {counted} parts",)
    assert len(asked) > counted >= 10


def test_summaries_that_do_not_get_shorter_are_an_error_not_a_loop() -> None:
    async def work(part: str) -> Draft:
        return draft(text=part)

    text = "word " * 500
    with pytest.raises(EngineOutputError, match="shorter"):
        asyncio.run(worked_in_parts(text, window=200, reserve=100, count_tokens=words, work=work, task=task(AGAIN)))


def test_tags_of_parts_are_ranked_by_how_many_parts_name_them() -> None:
    made = merge_fields(
        [draft(tags=["rain", "wind"]), draft(tags=["Sun", "WIND"]), draft(tags=["sun", "wind"])],
        lists_by_frequency=True,
    )
    assert made.values == {"tags": ["wind", "Sun"]}


def test_lines_of_a_table_are_put_one_after_the_other() -> None:
    line = {"name": "tea", "price": 2}
    assert merge_fields([draft(items=[line]), draft(items=[line])], lists_by_frequency=False).values == {
        "items": [line, line]
    }


def test_of_values_that_differ_the_most_probable_is_kept_and_said() -> None:
    made = merge_fields(
        [draft({"total": 0.4}, total=1), draft({"total": 0.9}, total=2), draft({"total": 0.99}, total=None)],
        lists_by_frequency=False,
    )
    assert made.values == {"total": 2}
    assert made.confidences == {"total": 0.9}
    assert made.notes == ("total: parts of the text differ; the most probable value was kept",)


def test_a_field_that_no_part_has_is_null() -> None:
    made = merge_fields([draft({"a": 0.8}, a=None), draft({"a": 0.7}, a=None)], lists_by_frequency=False)
    assert made.values == {"a": None}
    assert made.confidences == {"a": 0.7}
    assert made.notes == ()


def test_a_class_needs_the_whole_text() -> None:
    classes = task('kind = "classify"\ninstruction = "Sort."\n[labels.a]\n[labels.b]\n')

    async def work(part: str) -> Draft:
        raise AssertionError(part)

    with pytest.raises(ContextLengthError):
        asyncio.run(worked_in_parts("x " * 999, window=200, reserve=9, count_tokens=words, work=work, task=classes))


def test_a_window_without_room_for_a_part_is_refused() -> None:
    async def work(part: str) -> Draft:
        raise AssertionError(part)

    with pytest.raises(ContextLengthError, match="no room"):
        asyncio.run(
            worked_in_parts("x " * 999, window=200, reserve=190, count_tokens=words, work=work, task=task(TAGS))
        )
