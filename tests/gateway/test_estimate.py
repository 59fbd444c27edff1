"""What a call may use is bounded whatever is sent, and the longest answer is the one that was held."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from firstline.catalog.catalog import Catalog
from firstline.catalog.model import Model
from firstline.gateway.estimate import (
    LEAST_OUTPUT,
    UNKNOWN_OUTPUT,
    counted,
    demand,
    is_o200k,
    most,
    text_tokens,
    within,
    worth_counting,
)
from firstline.settings_sections import ModelSettings
from firstline.tokens import Cl100k, O200k
from firstline.types import Image, Message, ModelRequest, Sampling, Text, Tool, ToolCall, Usage, message

CATALOG = Catalog.load(
    {
        "up/priced": ModelSettings(base_url="http://x/v1", input_usd_per_mtok=1.0, output_usd_per_mtok=2.0),
        "up/small": ModelSettings(
            base_url="http://x/v1", input_usd_per_mtok=1.0, output_usd_per_mtok=2.0, context=8_000, max_output=6_000
        ),
        "up/free": ModelSettings(base_url="http://x/v1", input_usd_per_mtok=0.0, output_usd_per_mtok=0.0),
    }
)
PRICED, SMALL, FREE = (CATALOG.get(f"up/{name}") for name in ("priced", "small", "free"))
ENCODINGS = (O200k(), Cl100k())


def asks(text: str, **more: Any) -> ModelRequest:
    return ModelRequest(messages=(message("user", text),), **more)


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200) | st.text(alphabet="0123456789{}[]()!?#$%&*+/=<>\\\"' \n\t", max_size=200))
def test_no_tokenizer_makes_more_of_a_text_than_the_bound(text: str) -> None:
    assert all(encoding.count_text(text) <= text_tokens(text) for encoding in ENCODINGS)


@pytest.mark.parametrize(
    "text", ["0" * 999, "aGVsbG8gd29ybGQ=" * 40, "\U0001f469‍\U0001f467" * 30, "!?;" * 300, "日本語"]
)
def test_a_prompt_is_never_more_than_what_was_held_for_it(text: str) -> None:
    tool = Tool(name="find", description=text, parameters={"type": "object", "properties": {text[:20]: {}}})
    calls = (ToolCall(id="c", name="find", arguments=text),)
    turns = (message("system", text), Message(role="assistant", tool_calls=calls), message("user", text))
    request = ModelRequest(messages=turns, tools=(tool,))
    for model in (PRICED, CATALOG.get("openai/gpt-5.4")):
        tokens = ENCODINGS[0]
        assert isinstance(tokens, O200k)
        exact = counted(tokens, turns)
        for known in (None, exact):
            assert most(request, model, known).prompt_tokens >= tokens.count_messages(turns, (tool,))


def test_openais_own_models_are_counted_by_their_tokenizer_and_others_by_bytes() -> None:
    words = "The quick brown fox jumps over the lazy dog. " * 200
    own = CATALOG.get("openai/gpt-5.4-mini")
    assert is_o200k(own)
    assert not is_o200k(PRICED)
    assert worth_counting(asks(words), own)
    assert not worth_counting(asks(words), PRICED)
    assert not worth_counting(asks("hi"), own)
    exact = most(asks(words), own, 2_001).prompt_tokens
    assert 2_001 < exact < 2_400
    assert most(asks(words), PRICED, 2_001).prompt_tokens >= len(words)


def test_images_count_by_the_models_own_rule_or_by_the_dearest() -> None:
    image = Image(data=b"", media_type="image/png", width=1024, height=1024)
    asked = ModelRequest(messages=(Message(role="user", parts=(image, Text(text=""))),))
    by_rule = most(asked, CATALOG.get("gpt-4o-mini")).prompt_tokens
    assert 2_833 + 4 * 5_667 <= by_rule < 2_833 + 4 * 5_667 + 300
    assert most(asked, PRICED).prompt_tokens >= by_rule
    assert PRICED.remote is not None
    named = msgspec.structs.replace(PRICED, remote=msgspec.structs.replace(PRICED.remote, model="gpt-4o"))
    assert most(asked, named).prompt_tokens < 1_200


@pytest.mark.parametrize(
    ("model", "asked", "size", "limit"),
    [
        (PRICED, 7, 10, 7),
        (PRICED, None, 10, UNKNOWN_OUTPUT),
        (SMALL, None, 10, 6_000),
        (FREE, None, 10, None),
        (FREE, 9, 10, 9),
        (CATALOG.get("openai/gpt-5.4-mini"), None, 10, 128_000),
    ],
)
def test_the_longest_answer_is_the_callers_or_the_models(
    model: Model, asked: int | None, size: int, limit: int | None
) -> None:
    made = demand(asks("x" * size, sampling=Sampling(max_tokens=asked)), model)
    assert made.limit == limit
    if limit is not None:
        assert made.most.completion_tokens == limit
        assert made.least.completion_tokens == (limit if asked else min(limit, LEAST_OUTPUT))


def test_beside_a_long_prompt_an_answer_gets_what_the_window_has_left() -> None:
    text = "word " * 4_000  # 4,000 tokens, 20,000 bytes
    assert worth_counting(asks(text), SMALL)
    limit = demand(asks(text), SMALL, 4_000).limit
    assert limit is not None
    assert 2_000 < limit < 4_000
    assert demand(asks(text), SMALL, 8_000).limit == 1  # it does not fit: its model says so


COUNTS = st.integers(0, 2**70)


@given(*([COUNTS] * 6))
def test_what_is_claimed_counts_as_far_as_it_was_possible(a: int, b: int, c: int, d: int, e: int, f: int) -> None:
    claimed = Usage(prompt_tokens=a, cached_tokens=b, completion_tokens=c, reasoning_tokens=d)
    bound = Usage(prompt_tokens=e, completion_tokens=f)
    used = within(claimed, bound)
    assert used.cached_tokens <= used.prompt_tokens <= min(a, e)
    assert used.reasoning_tokens <= used.completion_tokens <= min(c, f)
    assert within(used, bound) == used


def test_a_limit_of_our_own_may_be_held_shorter_and_a_callers_may_not() -> None:
    own = asks("hi", sampling=Sampling(max_tokens=1_024), least_tokens=LEAST_OUTPUT)
    found = demand(own, PRICED)
    assert (found.limit, found.most.completion_tokens, found.least.completion_tokens) == (1_024, 1_024, LEAST_OUTPUT)
    short = demand(asks("hi", sampling=Sampling(max_tokens=64), least_tokens=LEAST_OUTPUT), PRICED)
    assert short.least.completion_tokens == 64
    callers = demand(asks("hi", sampling=Sampling(max_tokens=1_024)), PRICED)
    assert callers.least == callers.most
