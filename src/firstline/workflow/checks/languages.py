"""The names and scripts of languages, by ISO 639-1 code."""

from __future__ import annotations

import unicodedata
from functools import cache

# code: script, English name, own name (and others in use)
_TABLE = """
af Latin Afrikaans
ar Arabic Arabic,العربية
az Latin Azerbaijani,Azərbaycanca
be Cyrillic Belarusian,Беларуская
bg Cyrillic Bulgarian,Български
bn Bengali Bengali,Bangla,বাংলা
bs Latin Bosnian,Bosanski
ca Latin Catalan,Català
cs Latin Czech,Čeština
cy Latin Welsh,Cymraeg
da Latin Danish,Dansk
de Latin German,Deutsch
el Greek Greek,Ελληνικά
en Latin English,Englisch
eo Latin Esperanto
es Latin Spanish,Español,Castellano
et Latin Estonian,Eesti
eu Latin Basque,Euskara
fa Arabic Persian,Farsi,فارسی
fi Latin Finnish,Suomi
fr Latin French,Français
ga Latin Irish,Gaeilge
gl Latin Galician,Galego
gu Gujarati Gujarati,ગુજરાતી
he Hebrew Hebrew,עברית
hi Devanagari Hindi,हिन्दी
hr Latin Croatian,Hrvatski
hu Latin Hungarian,Magyar
hy Armenian Armenian,Հայերեն
id Latin Indonesian,Bahasa Indonesia
is Latin Icelandic,Íslenska
it Latin Italian,Italiano
ja Japanese Japanese,日本語
ka Georgian Georgian,ქართული
kk Cyrillic Kazakh,Қазақша
km Khmer Khmer,ភាសាខ្មែរ
kn Kannada Kannada,ಕನ್ನಡ
ko Hangul Korean,한국어
lt Latin Lithuanian,Lietuvių
lv Latin Latvian,Latviešu
mk Cyrillic Macedonian,Македонски
ml Malayalam Malayalam,മലയാളം
mr Devanagari Marathi,मराठी
ms Latin Malay,Bahasa Melayu
ne Devanagari Nepali,नेपाली
nl Latin Dutch,Nederlands
no Latin Norwegian,Norsk,Bokmål
pa Gurmukhi Punjabi,ਪੰਜਾਬੀ
pl Latin Polish,Polski
pt Latin Portuguese,Português,Brazilian Portuguese
ro Latin Romanian,Română
ru Cyrillic Russian,Русский
si Sinhala Sinhala,සිංහල
sk Latin Slovak,Slovenčina
sl Latin Slovenian,Slovene,Slovenščina
sq Latin Albanian,Shqip
sr Cyrillic Serbian,Српски
sv Latin Swedish,Svenska
sw Latin Swahili,Kiswahili
ta Tamil Tamil,தமிழ்
te Telugu Telugu,తెలుగు
th Thai Thai,ไทย
tl Latin Tagalog,Filipino
tr Latin Turkish,Türkçe
uk Cyrillic Ukrainian,Українська
ur Arabic Urdu,اردو
uz Latin Uzbek,Oʻzbekcha
vi Latin Vietnamese,Tiếng Việt
zh Han Chinese,中文,汉语,漢語,Mandarin,Simplified Chinese,Traditional Chinese
"""
_SAME_AS = {
    "nb": "no",
    "nn": "no",
    "iw": "he",
    "in": "id",
    "fil": "tl",
    "cmn": "zh",
    "yue": "zh",
    "wuu": "zh",
    "arz": "ar",
    "ary": "ar",
}
_BLOCKS = ("LATIN", "CYRILLIC", "GREEK", "ARABIC", "HEBREW", "DEVANAGARI", "BENGALI", "GUJARATI", "GURMUKHI", "TAMIL",
           "TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "THAI", "KHMER", "GEORGIAN", "ARMENIAN", "HANGUL", "HIRAGANA",
           "KATAKANA", "CJK")  # fmt: skip
_KANA = ("Hiragana", "Katakana")


@cache
def _rows() -> dict[str, tuple[str, tuple[str, ...]]]:
    rows = {}
    for line in _TABLE.strip().splitlines():
        code, script, names = line.split(" ", 2)
        rows[code] = (script, tuple(names.split(",")))
    return rows


@cache
def _codes() -> dict[str, str]:
    return {name.casefold(): code for code, (_, names) in _rows().items() for name in names}


def code_of(name: str) -> str | None:
    """Give the ISO 639-1 code of a language named by code (`de`, `de-AT`, `zh_Hant`) or name; None if unknown."""
    text = name.strip().casefold()
    if text in _codes():
        return _codes()[text]
    base = text.replace("_", "-").split("-")[0].split(" (")[0]
    base = _SAME_AS.get(base, base)
    return base if base in _rows() else _codes().get(base)


def name_of(code: str) -> str:
    """Give the English name of a language."""
    return _rows()[code][1][0] if code in _rows() else code


def script_of(code: str) -> str:
    """Give the script that a language is written in; Japanese has its own, of Han and kana."""
    return _rows()[code][0]


def of_script(script: str) -> frozenset[str]:
    """Give the codes of the languages of a script."""
    return frozenset(code for code, (own, _) in _rows().items() if own == script)


def merged(code: str) -> str:
    """Give the code that stands for a variant here (Nynorsk for Norwegian, Egyptian for Arabic)."""
    return _SAME_AS.get(code, code)


def scripts(text: str) -> dict[str, int]:
    """Count the letters of a text by script. Han together with kana is Japanese."""
    counts: dict[str, int] = {}
    for char in text:
        if not char.isalpha():
            continue
        name = unicodedata.name(char, "").split(" ")[0]
        if name in _BLOCKS:
            script = "Han" if name == "CJK" else name.capitalize()
            counts[script] = counts.get(script, 0) + 1
    kana = sum(counts.pop(script, 0) for script in _KANA)
    if kana and kana * 20 >= counts.get("Han", 0):
        counts["Japanese"] = kana + counts.pop("Han", 0)
    return counts
