"""The engine on a random model of a few kilobytes (all of the wire and the arithmetic) and on a real one."""

from __future__ import annotations

import io
import math
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import pytest_asyncio
from PIL import Image as Picture

from firstline.engines.llama_cpp import LlamaCpp
from firstline.errors import ContextLengthError, EngineRefusedError, UnsupportedError
from firstline.types import Completion, Image, Json, Message, ModelRequest, Sampling, Text, message
from support.tiny_gguf import IMAGE_TOKENS, write_pair

pytestmark = pytest.mark.asyncio(loop_scope="module")


def engine(gguf: Path, mmproj: Path | None = None, *, log_dir: Path | None = None) -> LlamaCpp:
    return LlamaCpp(
        gguf, mmproj, context=1024, parallel=2, threads=1, gpu_layers=0, start_s=120, call_s=120, log_dir=log_dir
    )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def tiny(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LlamaCpp]:
    """The random model with its projector."""
    folder = tmp_path_factory.mktemp("tiny")
    runs = engine(*write_pair(folder), log_dir=folder / "logs")
    yield runs
    await runs.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def smol(smollm2: Path) -> AsyncIterator[LlamaCpp]:
    """The real model."""
    runs = engine(smollm2)
    yield runs
    await runs.close()


def asks(text: str) -> tuple[Message, ...]:
    return (message("system", "Name the topic of the message."), message("user", text))


def red() -> Image:
    file = io.BytesIO()
    Picture.new("RGB", (40, 30), (255, 0, 0)).save(file, "PNG")
    return Image(data=file.getvalue(), media_type="image/png", width=40, height=30)


class _Top(msgspec.Struct):
    id: int
    logprob: float


class _Place(msgspec.Struct):
    top_logprobs: list[_Top]


class _Answer(msgspec.Struct):
    completion_probabilities: list[_Place]


async def brute_force(runs: LlamaCpp, request: ModelRequest, closer: str) -> list[float]:
    """The definition, from the whole distribution over the vocabulary at every token of every choice."""
    link = await runs._link()
    rendered = await link.render([{"role": turn.role, "content": turn.text} for turn in request.messages])
    sequences = [
        tuple(await link.tokenise(rendered + request.prefill + choice + closer))
        + (() if closer else (await link.end_token(),))
        for choice in request.choices
    ]
    shared = min(len(sequence) for sequence in sequences)
    while len({sequence[:shared] for sequence in sequences}) > 1:
        shared -= 1
    chances = []
    for sequence in sequences:
        chance = 1.0
        for depth in range(shared, len(sequence)):
            legal = {other[depth] for other in sequences if other[:depth] == sequence[:depth]}
            if len(legal) == 1:
                continue
            # All the weight on a plain letter: no probabilities come with half a character.
            body: dict[str, Json] = {"prompt": sequence[:depth], "n_predict": 1, "n_probs": 60_000, "id_slot": 0}
            body["logit_bias"] = [["e", 500.0]]
            answer = await link.ask("/completion", body, _Answer)
            whole = {top.id: math.exp(top.logprob) for top in answer.completion_probabilities[0].top_logprobs}
            chance *= whole[sequence[depth]] / sum(whole[token] for token in legal)
        chances.append(chance)
    return chances


LABELS = ("card", "card_lost", "cash", "balance", "transfer money", "")


@pytest.mark.parametrize(("prefill", "closer"), [('{"topic": "', '"'), ("topic: (", ")"), ("topic: ", ""), ("", "")])
async def test_choices_are_weighed_as_constrained_decoding_would(tiny: LlamaCpp, prefill: str, closer: str) -> None:
    request = ModelRequest(messages=asks("My card is gone"), choices=LABELS, prefill=prefill)
    answer = await tiny.complete(request)
    assert answer.choice_probs is not None
    expected = await brute_force(tiny, request, closer)
    assert sum(answer.choice_probs) == pytest.approx(1.0)
    # what weighs less than half a percent is not looked into
    assert answer.choice_probs == pytest.approx(expected, abs=0.006)
    assert answer.text == LABELS[max(range(len(LABELS)), key=expected.__getitem__)]


async def test_choices_that_part_within_a_character_are_weighed(tiny: LlamaCpp) -> None:
    """In UTF-8 é and è share their first byte, ж shares none with them; this model's tokens are bytes."""
    request = ModelRequest(messages=asks("accent?"), choices=("é", "è", "жa", "жb"), prefill='"')
    answer = await tiny.complete(request)
    assert answer.choice_probs == pytest.approx(await brute_force(tiny, request, '"'), abs=0.006)


@pytest.mark.model
@pytest.mark.parametrize(("prefill", "closer"), [('{"topic": "', '"'), ("", "")])
async def test_a_real_model_weighs_choices_as_constrained_decoding_would(
    smol: LlamaCpp, prefill: str, closer: str
) -> None:
    request = ModelRequest(messages=asks("My card is gone"), choices=LABELS[:4], prefill=prefill)
    answer = await smol.complete(request)
    assert answer.choice_probs is not None
    # A token read in another batch differs in its last digits.
    assert answer.choice_probs == pytest.approx(await brute_force(smol, request, closer), abs=0.01)


@pytest.mark.model
async def test_many_labels_cost_few_tokens_beyond_the_prompt(smol: LlamaCpp) -> None:
    labels = tuple(
        f"{verb}_{noun}_{end}" for verb in ("lost", "new", "old") for noun in LABELS[:4] for end in "abcdefghijkl"
    )
    request = ModelRequest(messages=asks("I lost my card a"), choices=labels, prefill='{"topic": "')
    prompt = await smol.count_tokens(request.messages)
    answer = await smol.complete(request)
    assert len(labels) == 144
    assert answer.usage.completion_tokens <= 16
    assert answer.usage.prompt_tokens < prompt + 100
    again = await smol.complete(request)
    assert again.usage.cached_tokens >= prompt
    assert again.choice_probs == pytest.approx(answer.choice_probs, abs=0.01)


async def test_one_choice_is_certain_and_costs_nothing(tiny: LlamaCpp) -> None:
    answer = await tiny.complete(ModelRequest(messages=asks("x"), choices=("only",)))
    assert (answer.text, answer.choice_probs) == ("only", (1.0,))
    assert answer.usage.total_tokens == 0


async def test_the_same_choice_twice_is_refused(tiny: LlamaCpp) -> None:
    with pytest.raises(EngineRefusedError, match="the same"):
        await tiny.complete(ModelRequest(messages=asks("x"), choices=("a", "a")))


async def test_a_schema_holds_even_a_model_of_noise(tiny: LlamaCpp) -> None:
    schema = {
        "type": "object",
        "properties": {"total": {"enum": ["12.50", "13"]}, "paid": {"type": "boolean"}},
        "required": ["total", "paid"],
        "additionalProperties": False,
    }
    answer = await tiny.complete(ModelRequest(messages=asks("12.50"), schema=schema))
    document = msgspec.json.decode(answer.text)
    assert document["total"] in ("12.50", "13")
    assert isinstance(document["paid"], bool)
    assert answer.finish_reason == "stop"
    free = await tiny.complete(ModelRequest(messages=asks("12.50"), json_object=True, sampling=Sampling(max_tokens=20)))
    assert free.text.lstrip().startswith("{")


@pytest.mark.parametrize("schema", [{"$ref": "#/nowhere"}, {"type": "string", "minLength": 5000}])
async def test_a_schema_no_grammar_can_hold_is_refused_with_a_hint(tiny: LlamaCpp, schema: dict[str, Json]) -> None:
    with pytest.raises(EngineRefusedError, match="cannot be made a grammar") as caught:
        await tiny.complete(ModelRequest(messages=asks("x"), schema=schema))
    assert caught.value.hint
    assert caught.value.param == "schema"


async def test_tokens_come_with_their_probabilities(tiny: LlamaCpp) -> None:
    request = ModelRequest(
        messages=asks("x"), schema={"type": "boolean"}, sampling=Sampling(max_tokens=99), top_logprobs=3
    )
    answer = await tiny.complete(request)
    assert answer.logprobs is not None
    assert "".join(place.token for place in answer.logprobs).strip() == answer.text.strip() != ""
    for place in answer.logprobs:
        assert len(place.top) == 3
        assert place.logprob <= 0


async def test_a_stream_says_what_the_whole_answer_says(tiny: LlamaCpp) -> None:
    request = ModelRequest(messages=asks("y"), sampling=Sampling(max_tokens=6, temperature=0.0))
    whole = await tiny.complete(request)
    pieces = [delta async for delta in tiny.stream(request)]
    assert "".join(piece.text for piece in pieces) == whole.text
    assert pieces[-1].finish_reason == whole.finish_reason
    assert pieces[-1].usage is not None
    assert pieces[-1].usage.completion_tokens == 6
    with pytest.raises(UnsupportedError, match="streamed"):
        await anext(tiny.stream(ModelRequest(messages=asks("y"), choices=("a", "b"))))


async def test_a_prompt_that_begins_like_the_last_is_read_from_where_they_part(tiny: LlamaCpp) -> None:
    long = "A shop receipt follows. " * 12

    async def read(end: str) -> Completion:
        return await tiny.complete(ModelRequest(messages=asks(long + end), sampling=Sampling(max_tokens=1)))

    first = await read("one")
    second = await read("two")
    assert first.usage.prompt_tokens == second.usage.prompt_tokens
    assert second.usage.cached_tokens > 0.9 * second.usage.prompt_tokens


async def test_each_slot_has_the_whole_context(tiny: LlamaCpp) -> None:
    """`context` is not divided by `parallel`, and one past it is an error that says so."""
    fits = await tiny.complete(ModelRequest(messages=asks("a" * 850), sampling=Sampling(max_tokens=1)))
    assert fits.usage.prompt_tokens > 900
    for request in (
        ModelRequest(messages=asks("a" * 1100)),
        ModelRequest(messages=asks("a" * 1100), choices=("a", "b")),
    ):
        with pytest.raises(ContextLengthError, match="1024"):
            await tiny.complete(request)


async def test_tokens_are_counted_as_the_model_will_read_them(tiny: LlamaCpp) -> None:
    answer = await tiny.complete(ModelRequest(messages=asks("Zürich"), sampling=Sampling(max_tokens=1)))
    assert await tiny.count_tokens(asks("Zürich")) == answer.usage.prompt_tokens


async def test_a_model_with_its_projector_gets_the_picture(tiny: LlamaCpp) -> None:
    words = Message(role="user", parts=(Text(text="What is it?"),))
    seen = Message(role="user", parts=(Text(text="What is it?"), red()))
    short = Sampling(max_tokens=1)
    without = await tiny.complete(ModelRequest(messages=(words,), sampling=short))
    with_picture = await tiny.complete(ModelRequest(messages=(seen,), sampling=short))
    assert with_picture.usage.prompt_tokens >= without.usage.prompt_tokens + IMAGE_TOKENS
    assert await tiny.count_tokens((seen,)) >= with_picture.usage.prompt_tokens
    chosen = await tiny.complete(ModelRequest(messages=(seen,), choices=("red", "blue")))
    assert chosen.text in ("red", "blue")
    assert chosen.choice_probs is None


async def test_a_picture_that_is_none_is_refused(tiny: LlamaCpp) -> None:
    broken = Message(role="user", parts=(Image(data=b"none", media_type="image/png", width=1, height=1),))
    with pytest.raises(EngineRefusedError, match="load image"):
        await tiny.complete(ModelRequest(messages=(broken,)))


async def test_what_a_local_model_cannot_take_is_said_before_it_starts(tmp_path: Path) -> None:
    blind = engine(tmp_path / "never read.gguf")
    with pytest.raises(UnsupportedError, match="pictures"):
        await blind.complete(ModelRequest(messages=(Message(role="user", parts=(red(),)),)))
    assert blind.pid is None


async def test_a_bias_names_the_model_s_own_tokens_or_those_of_the_model_it_stands_in_for(smol: LlamaCpp) -> None:
    def ask(**bias: Any) -> ModelRequest:
        sampling = Sampling(max_tokens=1, temperature=0.0, **bias)
        return ModelRequest(messages=(message("user", "Say hello."),), sampling=sampling)

    lifted = await smol.complete(ask(logit_bias={"28742": 100.0}, biased=((" cat", 100.0),)))
    assert lifted.text.strip() == "cat"
    own = await smol.complete(ask(logit_bias={"2644": 100.0}))
    assert own.text != ""
    with pytest.raises(UnsupportedError, match="does not have as one"):
        await smol.complete(ask(logit_bias={"1": -100.0}, biased=((" supercalifragilistic", -100.0),)))
    with pytest.raises(UnsupportedError, match="by their numbers"):
        await smol.complete(ask(logit_bias={"cat": 1.0}))
