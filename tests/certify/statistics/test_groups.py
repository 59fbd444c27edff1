"""Near-duplicates are one group: what is told apart and what is not, and that no pair is overlooked."""

from __future__ import annotations

import time

import numpy as np
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

from firstline.certify.statistics.groups import group
from firstline.evaluation.folding import fold

WORDS = [
    f"{a}{b}{c}" for a in ("ka", "lo", "mi", "ne") for b in ("ru", "sa", "to") for c in ("bel", "dan", "fix", "gum")
]


def words(n: int, *, seed: int, among: int = len(WORDS)) -> list[str]:
    return [str(word) for word in np.random.default_rng(seed).choice(WORDS[:among], size=n)]


def test_case_spacing_punctuation_and_digits_do_not_make_another_message() -> None:
    texts = ["Where is my card?", "where is  my CARD", "Order 4711 is late!", "order 9999 is late", "Close my account."]
    assert group(texts).tolist() == [0, 0, 1, 1, 2]


def test_a_typo_in_a_long_text_is_a_near_duplicate_and_another_text_is_not() -> None:
    one, other = words(80, seed=0), words(80, seed=1)
    text = " ".join(one)
    assert group([text, text.replace(one[40], "xxxx", 1), " ".join(other)]).tolist() == [0, 0, 1]


def test_what_is_alike_to_the_same_is_one_group() -> None:
    row = words(60, seed=2)
    chain = [" ".join(row[at : at + 50]) for at in range(0, 10, 2)]
    assert set(group(chain).tolist()) == {0}


def test_equal_keys_join_what_the_texts_do_not_show() -> None:
    assert group(["one thing", "another", "third"], keys=["a", None, "a"]).tolist() == [0, 1, 0]
    assert group([]).tolist() == []
    assert group(["", "!?", "text"]).tolist() == [0, 0, 1]


def test_no_pair_is_overlooked() -> None:
    texts = [" ".join(words(3 + seed % 4, seed=seed, among=14)) for seed in range(250)]
    folded = sorted({fold(text) for text in texts})
    counted = HashingVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), n_features=2**20, alternate_sign=False, norm=None
    ).transform(folded)
    vectors = TfidfTransformer(sublinear_tf=True).fit_transform(counted)
    alike = (vectors @ vectors.T).toarray() >= 0.9
    while not np.array_equal(alike, alike @ alike):
        alike = alike @ alike
    found = group(folded)
    assert np.array_equal(alike, found[:, None] == found[None, :])
    assert alike.sum() > len(folded)


def test_ten_thousand_messages_are_grouped_in_seconds() -> None:
    # Words as people use them: the tenth is named a tenth as often as the first.
    random = np.random.default_rng(4)
    words_of = ["".join(random.choice(list("abcdefghijklmnoprstuvwz"), size=2 + at % 7)) for at in range(2_000)]
    weight = 1 / np.arange(1, 2_001)
    drawn = random.choice(words_of, size=(10_000, 9), p=weight / weight.sum())
    texts = [" ".join(row) for row in drawn.tolist()]
    begun = time.perf_counter()
    found = group(texts)
    assert time.perf_counter() - begun < 60
    assert len(set(found.tolist())) > 9_000
