"""Language: what is surely another language is a finding; what is short or unsure is not."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from babel import Locale

from firstline.checks.base import Subject
from firstline.checks.language import another_language, in_language
from firstline.checks.languages import Language, language_of, merged, told_of
from firstline.checks.own_names import names_in_cldr
from firstline.checks.scripts import chinese_forms, scripts
from firstline.errors import TaskError

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
    assert {code for code, text in TEXTS.items() if another_language(text, Language(code=wanted)) is None} == {wanted}


def test_the_finding_names_both_languages() -> None:
    check = in_language("German", "text")
    assert check(Subject(answer={"text": TEXTS["de"]})) == ()
    (finding,) = check(Subject(answer={"text": TEXTS["en"]}))
    assert (finding.check, finding.field) == ("language", "text")
    assert finding.reason == "the text is in English, not in German"


def test_a_text_left_half_untranslated_is_seen() -> None:
    text = f"{TEXTS['de']} {TEXTS['de']} {TEXTS['de']} {TEXTS['en']}"
    assert another_language(text, Language(code="de")) == "a sentence is in English, not in German"


@pytest.mark.parametrize(
    "text", ["", "OK", "Hotel Taxi", "12345", "https://example.com/the/whole/page", "John Smith Jr."]
)
def test_short_texts_say_nothing(text: str) -> None:
    assert another_language(text, Language(code="de")) is None
    assert another_language(text, Language(code="fr")) is None


@pytest.mark.parametrize(
    ("value", "found"), [("de", 1), ("Deutsch", 1), ("de-AT", 1), ("en", 0), (None, 0), (7, 0), ("", 0)]
)
def test_the_language_may_come_from_the_run(value: Any, found: int) -> None:
    check = in_language("parameters.to", "text")
    assert len(check(Subject(answer={"text": TEXTS["en"]}, parameters={"to": value}))) == found
    assert check(Subject(answer={"text": TEXTS["en"]})) == ()


@pytest.mark.parametrize(
    ("name", "tag"),
    [
        ("de", "de"), ("DE", "de"), ("de-AT", "de"), ("de_DE.UTF-8", "de"), ("deu", "de"), ("German", "de"),
        (" deutsch ", "de"), ("Brazilian Portuguese", "pt"), ("pt-BR", "pt"), ("nb", "no"), ("日本語", "ja"),
        ("ελληνικά", "el"), ("iw", "he"), ("Farsi", "fa"), ("formal German", "de"), ("Deutsch (Sie-Form)", "de"),
        ("zh", "zh"), ("Mandarin", "zh"), ("zh_Hant_TW", "zh-Hant"), ("zh-TW", "zh-Hant"), ("zh-HK", "zh-Hant"),
        ("zh-CN", "zh-Hans"), ("Traditional Chinese", "zh-Hant"), ("Chinese (simplified)", "zh-Hans"),
        ("Chinese (Taiwan)", "zh-Hant"), ("繁體中文", "zh-Hant"), ("简体中文", "zh-Hans"), ("sr", "sr"),
        ("sr-Latn", "sr-Latn"), ("sr_Latn_RS", "sr-Latn"), ("sr-ME", "sr-Latn"), ("Serbian (Latin)", "sr-Latn"),
        ("Serbian in Cyrillic script", "sr-Cyrl"), ("srpski (latinica)", "sr-Latn"), ("uz-Cyrl", "uz-Cyrl"),
        ("Klingon", "tlh"), ("Yoruba", "yo"), ("xx", None), ("", None), ("Elvish", None), ("English to German", None),
        ("x" * 10_000, None),
    ],
)  # fmt: skip
def test_languages_go_by_tag_or_name(name: str, tag: str | None) -> None:
    found = language_of(name)
    assert (found and "-".join(part for part in (found.code, found.script) if part)) == tag


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("de", "German"), ("de-AT", "Austrian German"), ("zh-Hant", "Traditional Chinese"),
        ("zh_TW", "Traditional Chinese"),
        ("sr-Latn", "Serbian (Latin)"), ("formal German", "formal German"), ("Deutsch", "Deutsch"), ("xx", "xx"),
    ],
)  # fmt: skip
def test_a_model_is_told_a_name_for_a_tag(name: str, told: str) -> None:
    assert told_of(name) == told


def test_what_languages_call_themselves_is_what_cldr_has() -> None:
    for tag, names in names_in_cldr().items():
        own = Locale.parse(tag.replace("-", "_"))
        assert own.languages.get(own.language) in names or own.display_name in names, tag
        for name in names:
            found = language_of(name)
            assert found is not None, name
            assert name == "Sesotho" or merged(tag.partition("-")[0]) == found.code, name


SIMPLIFIED = "软件会自动检查每个文档，并把无法识别的内容发给工作人员处理，请在两个工作日内回复。"
TRADITIONAL = "軟體會自動檢查每個文件，並把無法識別的內容發給工作人員處理，請在兩個工作日內回覆。"
SERBIAN = "Molimo vas da odgovorite u roku od dva radna dana jer je pošiljka zakasnila na carini."
SERBIAN_CYRILLIC = "Молимо вас да одговорите у року од два радна дана јер је пошиљка закаснила на царини."


@pytest.mark.parametrize(
    ("to", "text", "reason"),
    [
        ("zh-Hant", SIMPLIFIED, "the text is in Simplified Chinese, not in Traditional Chinese"),
        ("zh-TW", SIMPLIFIED, "the text is in Simplified Chinese, not in Traditional Chinese"),
        ("简体中文", TRADITIONAL, "the text is in Traditional Chinese, not in Simplified Chinese"),
        ("zh-Hant", TRADITIONAL, None),
        ("Simplified Chinese", SIMPLIFIED, None),
        ("Chinese", TRADITIONAL, None),
        ("Chinese", SIMPLIFIED, None),
        ("zh-Hant", TRADITIONAL + "（软件公司）", None),
        ("sr-Latn", SERBIAN, None),
        ("sr-Latn", SERBIAN_CYRILLIC, "the text is in Cyrillic script, not in Serbian (Latin)"),
        ("sr-Cyrl", SERBIAN, "not in Serbian (Cyrillic)"),
        ("Serbian", SERBIAN, None),
        ("Serbian", SERBIAN_CYRILLIC, None),
        ("sr-Latn", TEXTS["pl"], "the text is in Polish, not in Serbian (Latin)"),
        ("hr", SERBIAN_CYRILLIC, "the text is in Serbian, not in Croatian"),
        ("uz-Cyrl", TEXTS["de"], "the text is in German, not in Uzbek (Cyrillic)"),
        ("uz-Cyrl", TEXTS["ru"], "not checked: Uzbek (Cyrillic) is not told from other languages"),
        ("Klingon", TEXTS["de"], "not checked: Klingon is not told from other languages"),
        ("Elvish", TEXTS["de"], "not checked: the language `Elvish` is not known"),
        ("Yoruba", TEXTS["de"], "the text is in German, not in Yoruba"),
        ("yo", "Ìgbìmọ̀ náà yóò tún pàdé ní ọ̀sẹ̀ tó ń bọ̀ láti pinnu lórí ilé-ìkàwé tuntun náà.", None),
    ],
)
def test_a_script_is_part_of_the_language_and_what_is_not_told_is_said(to: str, text: str, reason: str | None) -> None:
    found = in_language("parameters.to", "text")(Subject(answer={"text": text}, parameters={"to": to}))
    assert (reason is None and found == ()) or (reason is not None and reason in found[0].reason)


@pytest.mark.parametrize("target", ["Klingon", "uz-Cyrl", "Elvish"])
def test_a_task_cannot_ask_for_a_language_that_is_not_told_from_others(target: str) -> None:
    with pytest.raises(TaskError, match=target):
        in_language(target, "text")


def test_the_forms_of_chinese_are_counted() -> None:
    assert chinese_forms("国語学台里人A") == (2, 1)


def test_kana_makes_han_japanese() -> None:
    assert scripts("東京に行く") == {"Japanese": 5}
    assert scripts("北京 AB") == {"Han": 2, "Latin": 2}


def test_threads_may_share_the_model() -> None:
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: another_language(TEXTS["en"], Language(code="de")), range(40)))
    assert set(found) == {"the text is in English, not in German"}
