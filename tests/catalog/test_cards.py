"""The cards that ship are whole: every fact has a source and a date, every name names one model."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date

import msgspec
import pytest

from firstline.catalog import cards
from firstline.catalog.model import FREE, Model

FACTS = ("context", "max_output", "released", "shutdown", "licence", "parameters", "weights", "remote")
CARDS = cards.read_all()
MINIMAL = 'provider = "x"\n[sources.s]\ntitle = "t"\ndate = 2026-01-01\n[[models]]\nid = "x/y"\nengine = "fake"\n'


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_every_fact_has_a_source_and_a_date(card: Model) -> None:
    stated = {fact for fact in FACTS if getattr(card, fact) not in (None, ())} | {"modalities"}
    if card.price is not None and card.price != FREE:
        stated.add("price")
    assert stated - set(card.evidence) == set()
    for source in card.evidence.values():
        assert len(source.title) > 3
        assert date(2026, 1, 1) <= source.date <= date(2027, 12, 31)


@pytest.mark.parametrize("card", CARDS, ids=lambda card: card.id)
def test_evidence_names_facts_that_the_card_states(card: Model) -> None:
    fields = set(msgspec.structs.asdict(card))
    assert set(card.evidence) <= fields
    assert [fact for fact in card.evidence if getattr(card, fact) in (None, ())] == []


def test_ids_and_aliases_are_unique() -> None:
    names = Counter(name for card in CARDS for name in card.names())
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("card", [card for card in CARDS if card.weights], ids=lambda card: card.id)
def test_weights_can_be_fetched_and_checked(card: Model) -> None:
    assert len({file.role for file in card.weights}) == len(card.weights)
    for file in card.weights:
        assert file.hub is not None
        assert file.sha256 is None or re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        if file.parts:
            assert file.sha256 is not None, "parts of a package index are checked against the card alone"
            assert sum(part.bytes or 0 for part in file.parts) == file.bytes
            assert all(re.fullmatch(r"[0-9a-f]{64}", part.sha256 or "") for part in file.parts)
    if card.engine == "llama_cpp" and card.vision:
        assert card.file("mmproj") is not None, "a GGUF sees only with its projector"


def test_the_models_that_the_product_stands_on_are_there() -> None:
    by_id = {card.id: card for card in CARDS}
    mini = by_id["gpt-4o-mini"]
    assert (mini.context, mini.max_output, mini.shutdown) == (128_000, 16_384, date(2027, 1, 14))
    assert mini.modalities == ("text", "image")
    local = {card.id: card.bytes for card in CARDS if card.provider == "local"}
    assert local == {
        "local/smollm2-135m": 98_362_432,
        "local/qwen2.5-coder-0.5b": 491_400_064,
        "local/qwen2.5-coder-1.5b": 1_117_320_768,
        "local/all-minilm-l6-v2": 90_868_376 + 466_247 + 612,
    }


def test_a_card_with_an_unknown_key_is_refused() -> None:
    with pytest.raises(ValueError, match=r"x\.toml: x/y: .*contxt"):
        list(cards.read(MINIMAL + "contxt = 1\n", "x.toml"))


def test_evidence_without_a_source_is_refused() -> None:
    with pytest.raises(ValueError, match="evidence names no source: nowhere"):
        list(cards.read(MINIMAL + 'evidence = { context = "nowhere" }\n', "x.toml"))
