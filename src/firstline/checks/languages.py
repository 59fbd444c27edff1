"""Languages as people name them: by tag (`de`, `zh-Hant`, `sr_Latn`), in English or in themselves, with their scripts.

English names, scripts and what belongs to a region are Unicode's CLDR, read with Babel: the English locale costs 30 ms
when the first name is looked up that is neither a tag nor a language's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache
from typing import cast

from babel import Locale
from babel.core import get_global
from babel.localedata import locale_identifiers

from firstline import patterns
from firstline.checks.own_names import own_names
from firstline.checks.scripts import script_of_code
from firstline.types import Value

_TOLD_APART = """
af ar az be bg bn bs ca cs cy da de el en eo es et eu fa fi fr ga gl gu he hi hr hu hy id is it ja ka kk km kn ko lt lv
mk ml mr ms ne nl no pa pl pt ro ru si sk sl sq sr sv sw ta te th tl tr uk ur uz vi zh
"""
"""The languages that a text is taken for; fewer than the model knows, because it takes short texts for rare ones."""
_SAME_AS = {
    "nb": "no", "nn": "no", "iw": "he", "in": "id", "fil": "tl", "cmn": "zh", "yue": "zh", "wuu": "zh", "arz": "ar",
    "ary": "ar",
}  # fmt: skip
_TAG = patterns.compile(r"([a-z]{2,3})((?:[-_][a-z0-9]{1,8})*)(?:[.@].*)?")
_WORD = patterns.compile(r"[^\W\d_]+(?:['’ʻ‘-][^\W\d_]+)*")
_SCRIPT_WORDS = {
    "latin": "Latn", "latinica": "Latn", "roman": "Latn", "cyrillic": "Cyrl", "simplified": "Hans",
    "traditional": "Hant", "devanagari": "Deva", "gurmukhi": "Guru", "shahmukhi": "Arab",
}  # fmt: skip
_SCRIPT_OF_LOCALE = 4
_LONGEST_NAME = 60
_ROMANISED = frozenset({("zh", "Latn"), ("hi", "Latn")})
"""Locales of CLDR that nobody means by the language's plain name."""


class Language(Value, frozen=True, kw_only=True):
    """A language that was asked for: its code in ISO 639, its script in ISO 15924 where that was named."""

    code: str
    script: str | None = None

    @property
    def name(self) -> str:
        """Its English name: `German`, `Traditional Chinese`, `Serbian (Latin)`."""
        if self.script is None:
            return name_of(self.code)
        whole = _english().languages.get(f"{self.code}_{self.script}")
        return whole or f"{name_of(self.code)} ({_english().scripts.get(self.script, self.script)})"


@lru_cache(maxsize=512)
def language_of(name: str) -> Language | None:
    """Return the language that a tag or a name stands for, in English or its own words; None if CLDR has none such.

    `German (formal)` and `formal German` are German: of several words, those count that name one language.
    """
    text = " ".join(name.split()).casefold()
    if not text or len(text) > _LONGEST_NAME:
        return None
    whole = _of_name(text) or _of_tag(text)
    return whole or _of_words(text)


def name_of(code: str) -> str:
    """Return the English name of a language."""
    return str(_english().languages.get(code, code))


def told_of(name: str) -> str:
    """Return what a model is told for a language: the English name for a tag, any other name as it is."""
    text = name.strip().casefold()
    language = language_of(name)
    if language is None or text in own_names() or _TAG.fullmatch(text) is None or text in _english_names():
        return name
    tag = text.replace("_", "-").split("-")
    whole = "_".join([tag[0], *(part.upper() if len(part) <= 3 else part.capitalize() for part in tag[1:])])
    return str(_english().languages.get(whole, language.name))


def merged(code: str) -> str:
    """Return the code that stands for a variant here (Nynorsk for Norwegian, Egyptian for Arabic)."""
    return _SAME_AS.get(code, code)


@lru_cache(maxsize=512)
def scripts_of(language: Language) -> frozenset[str]:
    """Return the scripts that the language may stand in, as `scripts` counts them; empty where that is not known."""
    codes = {language.script} if language.script else _usual_scripts(language.code)
    return frozenset(script for code in codes if (script := script_of_code(code)))


@cache
def told_apart() -> frozenset[str]:
    """Return the languages that a text is taken for."""
    return frozenset(_TOLD_APART.split())


@cache
def default_script(code: str) -> str | None:
    """Return the script that a language is mostly written in, as `scripts` counts it; Japanese is one of its own."""
    likely = cast("Mapping[str, str]", get_global("likely_subtags")).get(code, "")
    parts = likely.split("_")
    return script_of_code(parts[1]) if len(parts) > 1 else None


@cache
def of_script(script: str) -> frozenset[str]:
    """Return the codes of the languages that are told apart and mostly written in a script."""
    return frozenset(code for code in told_apart() if default_script(code) == script)


def _usual_scripts(code: str) -> set[str]:
    """The script that is likely, and every other where CLDR has locales of several (`sr`, `uz`, `zh`)."""
    likely = cast("Mapping[str, str]", get_global("likely_subtags")).get(code, "").split("_")
    if len(likely) < 2:
        return set()
    own = {script for script in _scripts_in_cldr().get(code, ()) if (code, script) not in _ROMANISED}
    return own if likely[1] in own else {likely[1]}


@cache
def _scripts_in_cldr() -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for parts in (identifier.split("_") for identifier in locale_identifiers()):
        if len(parts) == 2 and len(parts[1]) == _SCRIPT_OF_LOCALE:
            found[parts[0]] = (*found.get(parts[0], ()), parts[1])
    return found


@cache
def _english() -> Locale:
    return Locale("en")


@cache
def _english_names() -> dict[str, str]:
    """The tags of CLDR's English names of languages, case folded: `german`, `simplified chinese`, `british english`."""
    return {str(name).casefold(): tag for tag, name in sorted(_english().languages.items(), reverse=True)}


@cache
def _regions() -> dict[str, str]:
    return {str(name).casefold(): code for code, name in _english().territories.items() if len(code) == 2}


def _of_name(text: str) -> Language | None:
    tag = own_names().get(text) or (None if len(text) <= 3 and text.isascii() else _english_names().get(text))
    return _of_tag(tag.casefold()) if tag else None


def _of_tag(text: str) -> Language | None:
    """Read a tag of BCP 47 or a POSIX locale (`de_DE.UTF-8`); None where CLDR names no such language."""
    match = _TAG.fullmatch(text)
    if match is None:
        return None
    aliases = cast("Mapping[str, str]", get_global("language_aliases"))
    code, *more = aliases.get(match.group(1), match.group(1)).split("_")
    given = match.group(2).replace("_", "-").split("-")[1:]
    code = _SAME_AS.get(code, code)
    if not (code in told_apart() or code in own_names().values() or code in _english().languages):
        return None
    script = next((part.capitalize() for part in [*more, *given] if len(part) == _SCRIPT_OF_LOCALE), None)
    region = next((part.upper() for part in given if len(part) == 2), None)
    return Language(code=code, script=script or (_script_in(code, region) if region else None))


def _script_in(code: str, region: str) -> str | None:
    """Return the script of a language in a region, where it depends on that: Chinese in Taiwan is traditional."""
    likely = cast("Mapping[str, str]", get_global("likely_subtags"))
    own = likely.get(f"{code}_{region}", "").split("_")
    if len(own) > 1:
        return own[1]
    return "Hans" if code == "zh" else None


def _of_words(text: str) -> Language | None:
    """Find the one language that the words name (`Chinese (Taiwan)`, `Serbian in Latin script`, `formal German`)."""
    words = _WORD.findall(text)
    found: set[Language] = set()
    for size in (3, 2, 1):
        rows = [" ".join(words[at : at + size]) for at in range(len(words) - size + 1)]
        named = {_of_name(row) for row in rows if row not in _SCRIPT_WORDS}
        found = {language for language in named if language is not None and language.code in told_apart()}
        if found:
            break
    if len({language.code for language in found}) != 1:
        return None
    language = next(iter(found))
    script = next((_SCRIPT_WORDS[word] for word in words if word in _SCRIPT_WORDS), None)
    inner = text.partition("(")[2].rstrip(") ")
    region = _regions().get(inner)
    return Language(
        code=language.code,
        script=language.script or script or (_script_in(language.code, region) if region else None),
    )
