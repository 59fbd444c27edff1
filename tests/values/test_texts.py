"""Words: whole by Unicode's rules, compared with their marks; points that a writer may leave out excuse each other."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from firstline.values.same import same_text
from firstline.values.texts import fold, fold_words, same_words

DEVANAGARI = ("कखगचजटडतदनपबमरलवसह", "ािीुूेैोौ्ंः")
TAMIL = ("கசடதபறமனரல", "ாிீுூெேைொ")
THAI = ("กขคงจชดตทนบปพมรลวสห", "ิีึืุูั่้")
BENGALI = ("কখগচজটডতদনপবমরলবসহ", "ািীুূেো")
LETTERS_AND_MARKS = (DEVANAGARI, TAMIL, THAI, BENGALI)
HEBREW = ("אבגדהוזחטיכלמנסעפצקרשת", "\u05b0\u05b4\u05b5\u05b6\u05b7\u05b8\u05b9\u05bb")
ARABIC = ("بتثجحخدرزسشصضطظعغفقكلمنه", "\u064b\u064c\u064d\u064e\u064f\u0650")


@st.composite
def marked_words(draw: st.DrawFn, alphabets: tuple[tuple[str, str], ...]) -> tuple[list[str], str]:
    """A word as its syllables of a letter and a mark, with the marks of its script."""
    letters, marks = draw(st.sampled_from(alphabets))
    syllable = st.tuples(st.sampled_from(letters), st.sampled_from(marks)).map("".join)
    return draw(st.lists(syllable, min_size=1, max_size=6)), marks


@given(marked_words(LETTERS_AND_MARKS), st.data())
def test_another_vowel_is_another_word(word: tuple[list[str], str], data: st.DataObject) -> None:
    syllables, marks = word
    at = data.draw(st.integers(0, len(syllables) - 1))
    other = [*syllables]
    other[at] = other[at][0] + data.draw(st.sampled_from([*marks, ""]))
    assume(unicodedata.normalize("NFC", "".join(other)) != unicodedata.normalize("NFC", "".join(syllables)))
    assert not same_words("".join(syllables), "".join(other))
    assert fold("".join(syllables)) != fold("".join(other))


@given(st.lists(marked_words((DEVANAGARI, TAMIL, BENGALI)), min_size=1, max_size=5))
def test_words_between_blanks_stay_whole(words: list[tuple[list[str], str]]) -> None:
    whole = ["".join(syllables) for syllables, _ in words]
    assert fold_words(" ".join(whole)) == [fold(word) for word in whole]


@given(marked_words((HEBREW, ARABIC)), st.data())
def test_points_may_be_missing_and_not_be_others(word: tuple[list[str], str], data: st.DataObject) -> None:
    syllables, marks = word
    bare = "".join(syllable[0] for syllable in syllables)
    pointed = "".join(syllables)
    assert same_words(pointed, bare)
    assert same_words(bare, pointed)
    at = data.draw(st.integers(0, len(syllables) - 1))
    other = data.draw(st.sampled_from([mark for mark in marks if mark != syllables[at][1]]))
    assert not same_words(pointed, "".join([*syllables[:at], syllables[at][0] + other, *syllables[at + 1 :]]))


@given(st.text())
def test_the_words_of_any_text_joined_are_the_folded_text(text: str) -> None:
    words = fold_words(text)
    assert "".join(words) == fold(text)
    assert all(words)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Book TA .K(a.b) can't", ["book", "ta", "k", "a", "b", "can", "t"]),
        ("İstanbul Straße ＡＢＣ", ["istanbul", "strasse", "abc"]),
        ("Jos´e caf\u00e9 cafe\u0301", ["jos", "e", "café", "café"]),
        ("Donau\u00addampfer", ["donaudampfer"]),
        ("می\u200cخواهم كتـاب", ["میخواهم", "كتاب"]),
        ("トヨタ自動車へ", ["トヨタ", "自", "動", "車", "へ"]),
        ("葛\U000e0100飾 1\ufe0f\u20e3", ["葛", "飾", "1"]),
        ("กรุงเทพ", ["ก", "รุ", "ง", "เ", "ท", "พ"]),
        ("दिल्ली किताब", ["दिल्ली", "किताब"]),
        ("5kg, 12 x_y", ["5kg", "12", "x", "y"]),
        ("\ud800a", ["a"]),
        ("", []),
    ],
)
def test_a_text_is_split_into_words(text: str, words: list[str]) -> None:
    assert fold_words(text) == words


def test_case_width_and_punctuation_do_not_count() -> None:
    assert same_text("ＡＢＣ, gmbh", "abc GmbH")
    assert not same_text("दिल्ली", "दल्ला")
    assert same_text("שָׁלוֹם", "שלום")
