"""Language: what is surely another language is a finding; what is short or unsure is not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from firstline.errors import TaskError
from firstline.workflow.checks.base import Subject
from firstline.workflow.checks.language import another_language, in_language
from firstline.workflow.checks.languages import code_of, scripts

TEXTS = {
    "en": "The council will meet again next week to decide on the new library.",
    "de": "Der Rat tritt nächste Woche wieder zusammen, um über die neue Bibliothek zu entscheiden.",
    "fr": "Le conseil se réunira de nouveau la semaine prochaine pour décider de la nouvelle bibliothèque.",
    "es": "El consejo se reunirá de nuevo la próxima semana para decidir sobre la nueva biblioteca.",
    "pl": "Rada zbierze się ponownie w przyszłym tygodniu, aby zdecydować o nowej bibliotece.",
    "ru": "Совет соберётся снова на следующей неделе, чтобы принять решение о новой библиотеке.",
    "ja": "評議会は来週再び集まり、新しい図書館について決定します。",
    "zh": "市议会将于下周再次开会,决定新图书馆的事宜。",
    "ko": "의회는 다음 주에 다시 모여 새 도서관에 대해 결정할 것입니다.",
    "ar": "سيجتمع المجلس مرة أخرى الأسبوع المقبل لاتخاذ قرار بشأن المكتبة الجديدة.",
    "el": "Το συμβούλιο θα συνεδριάσει ξανά την επόμενη εβδομάδα για τη νέα βιβλιοθήκη.",
}


@pytest.mark.parametrize("wanted", TEXTS)
def test_a_text_passes_as_its_own_language_and_as_no_other(wanted: str) -> None:
    assert {code for code, text in TEXTS.items() if another_language(text, wanted) is None} == {wanted}


def test_the_finding_names_both_languages() -> None:
    check = in_language("German", "text")
    assert check(Subject(answer={"text": TEXTS["de"]})) == ()
    (finding,) = check(Subject(answer={"text": TEXTS["en"]}))
    assert (finding.check, finding.field) == ("language", "text")
    assert finding.reason == "the text is in English, not in German"


def test_a_text_left_half_untranslated_is_seen() -> None:
    text = f"{TEXTS['de']} {TEXTS['de']} {TEXTS['de']} {TEXTS['en']}"
    assert another_language(text, "de") == "a sentence is in English, not in German"


@pytest.mark.parametrize(
    "text", ["", "OK", "Hotel Taxi", "12345", "https://example.com/the/whole/page", "John Smith Jr."]
)
def test_short_texts_say_nothing(text: str) -> None:
    assert another_language(text, "de") is None
    assert another_language(text, "fr") is None


@pytest.mark.parametrize(
    ("value", "found"), [("de", 1), ("Deutsch", 1), ("de-AT", 1), ("en", 0), ("Klingon", 0), (None, 0), (7, 0)]
)
def test_the_language_may_come_from_the_run(value: Any, found: int) -> None:
    check = in_language("parameters.to", "text")
    assert len(check(Subject(answer={"text": TEXTS["en"]}, parameters={"to": value}))) == found
    assert check(Subject(answer={"text": TEXTS["en"]})) == ()


def test_an_unknown_fixed_language_is_refused() -> None:
    with pytest.raises(TaskError, match="Klingon"):
        in_language("Klingon", "text")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("de", "de"), ("DE", "de"), ("de-AT", "de"), ("zh_Hant_TW", "zh"), ("German", "de"), (" deutsch ", "de"),
        ("Brazilian Portuguese", "pt"), ("Chinese (simplified)", "zh"), ("nb", "no"), ("日本語", "ja"), ("xx", None),
        ("", None),
    ],
)  # fmt: skip
def test_languages_go_by_code_or_name(name: str, code: str | None) -> None:
    assert code_of(name) == code


def test_kana_makes_han_japanese() -> None:
    assert scripts("東京に行く") == {"Japanese": 5}
    assert scripts("北京 AB") == {"Han": 2, "Latin": 2}


def test_threads_may_share_the_model() -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: another_language(TEXTS["en"], "de"), range(40)))
    assert set(found) == {"the text is in English, not in German"}
