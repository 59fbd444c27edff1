"""The check `language`: a text is in the language that was asked for.

The script decides first (Cyrillic is not German); among languages of one script `py3langid` does, which carries its
model. Where a text is too short or the model not sure, nothing is said.
"""

from __future__ import annotations

from functools import cache, lru_cache
from threading import Lock

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from firstline import patterns
from firstline.checks.base import Check, NamedCheck, Subject, shown
from firstline.checks.languages import (
    Language,
    default_script,
    language_of,
    merged,
    name_of,
    of_script,
    scripts_of,
    told_apart,
)
from firstline.checks.marks import marks
from firstline.checks.scripts import chinese_forms, scripts
from firstline.errors import TaskError
from firstline.types import Finding

PARAMETER = "parameters."
LEAST_LETTERS = 20
LEAST_CONFIDENCE = 0.75
"""How sure the model must be that a text is in another language; chosen on the first half of NTREX."""

_DENSE = ("Han", "Japanese", "Hangul")  # a sign of these says about as much as three letters
_SENTENCE = patterns.compile(r"(?<=[.!?…।؟])\s+|(?<=[。！？])|\n+")
_SENTENCE_LETTERS = 50
_SENTENCE_CONFIDENCE = 0.98
_ALIKE = (
    frozenset({"no", "da", "sv"}),
    frozenset({"hr", "bs", "sr", "sl"}),
    frozenset({"id", "ms"}),
    frozenset({"cs", "sk"}),
    frozenset({"es", "gl", "pt", "ca"}),
    frozenset({"nl", "af"}),
    frozenset({"ru", "uk", "be", "bg", "mk", "sr"}),
    frozenset({"hi", "mr", "ne"}),
    frozenset({"ar", "fa", "ur"}),
)
_SAMPLE = 600
_MOST_LIKELY = 2
_LEAST_LIKELY = 0.2
_LOCALES = {"zh": ("zh", "zh_Hant"), "pt": ("pt", "pt_PT")}
"""Locales of CLDR whose words for large numbers differ."""
_LOADING = Lock()


_IN_LATIN_LETTERS = {"sr": frozenset({"hr", "bs"})}
"""What the model takes a language for that is usually written in another script: Serbian for Croatian or Bosnian."""
_LEAST_FORMS = 2
_MOST_FORMS = 0.2
"""How many characters, and which share of those that tell, may be of the other form of Chinese: names keep theirs."""


def in_language(target: str, field: str) -> Check:
    """Make the check that the text of `field` is in a language.

    `target` is a tag (`de`, `de-AT`, `zh-Hant`), a name (`German`, `Deutsch`) or `parameters.NAME`, read from each run;
    a run that names none is not checked. A language that is not known, or that is not told from others, is a finding:
    the text was not checked. Raises TaskError for a fixed language of that kind.
    """
    fixed = None if target.startswith(PARAMETER) else language_of(target)
    if not target.startswith(PARAMETER) and (fixed is None or not _told_scripts(fixed)):
        known = "is not known" if fixed is None else "is not told from others"
        raise TaskError(f"the language `{target}` {known}", hint="give a tag such as `de` or `parameters.NAME`")

    def look(subject: Subject) -> tuple[Finding, ...]:
        answer = subject.answer
        text = answer.get(field) if isinstance(answer, dict) else None
        named = subject.parameters.get(target.removeprefix(PARAMETER))
        if not isinstance(text, str) or not subject.under_test(field):
            return ()
        if fixed is None and not (isinstance(named, str) and named.strip()):
            return ()
        wanted = fixed or language_of(str(named))
        if wanted is None:
            reason: str | None = f"not checked: the language `{shown(named)}` is not known"
        else:
            reason = another_language(text, wanted) or _unchecked(text, wanted)
        return (Finding(check="language", field=field, reason=reason),) if reason else ()

    return NamedCheck(name="language", look=look)


def another_language(text: str, wanted: Language) -> str | None:
    """Say which language or script a text is in when it is surely not the wanted one; None otherwise.

    The whole is looked at first, then each long sentence by itself, so that a text left half untranslated is seen.
    """
    plain = marks(text).rest
    found = _other(plain, wanted, LEAST_LETTERS, LEAST_CONFIDENCE)
    if found:
        return f"the text is in {found}, not in {wanted.name}"
    sentences = _SENTENCE.split(plain)
    if len(sentences) > 1:
        for sentence in sentences:
            if found := _other(sentence, wanted, _SENTENCE_LETTERS, _SENTENCE_CONFIDENCE):
                return f"a sentence is in {found}, not in {wanted.name}"
    return None


def _unchecked(text: str, wanted: Language) -> str | None:
    """Say that a text was not held to a language that it may be in; None where it was, or is too short for it."""
    counts = scripts(text)
    script = max(counts, key=lambda one: counts[one], default=None)
    own = scripts_of(wanted)
    if script is None or (own and script not in own) or script in _told_scripts(wanted):
        return None
    return f"not checked: {wanted.name} is not told from other languages"


@lru_cache(maxsize=512)
def _told_scripts(language: Language) -> frozenset[str]:
    """Return the scripts in which texts of a language are told from texts of others."""
    known = language.code in told_apart() or language.code in _model_codes()
    told = {default_script(language.code)} if known else set()
    return scripts_of(language) & (told | {"Latin" if language.code in _IN_LATIN_LETTERS else None})


def likely_languages(text: str) -> tuple[str, ...]:
    """Return the locales that a text is likely in, most two languages', from its first 600 characters.

    Only a script that several languages share asks the model. A text without letters has none.
    """
    return _likely_languages(text[:_SAMPLE])


@lru_cache(maxsize=256)
def _likely_languages(sample: str) -> tuple[str, ...]:
    counts = scripts(sample)
    if not counts:
        return ()
    script = max(counts, key=lambda one: counts[one])
    languages = of_script(script)
    if len(languages) < 2:
        codes = tuple(languages)
    else:
        codes = tuple(code for code, share in _ranked(sample, script)[:_MOST_LIKELY] if share >= _LEAST_LIKELY)
    return tuple(locale for code in sorted(codes) for locale in _LOCALES.get(code, (code,)))


def warm() -> None:
    """Load the model (about 0.6 s and 100 MB), so that the first check does not; safe from any thread."""
    with _LOADING:
        _identifier()


def _other(text: str, wanted: Language, least_letters: int, least: float) -> str | None:
    counts = {script: count * (3 if script in _DENSE else 1) for script, count in scripts(text).items()}
    letters = sum(counts.values())
    if letters < least_letters:
        return None
    script, most = max(counts.items(), key=lambda pair: pair[1])
    if most < 0.6 * letters:
        return None
    own = scripts_of(wanted)
    if own and script not in own:
        if script == "Han" and "Japanese" in own and letters < 3 * least_letters:
            return None  # a headline may do without kana
        languages = of_script(script)
        likeliest = name_of(next(iter(languages))) if len(languages) == 1 else _likeliest(text, script)
        return likeliest if likeliest not in (None, name_of(wanted.code)) else f"{script} script"
    if script == "Han":
        return _other_form(text, wanted)
    if script not in _told_scripts(wanted) or len(of_script(script) | {wanted.code}) == 1:
        return None
    ranked = _ranked(text, script, wanted.code)
    best, share = ranked[0]
    if best == wanted.code or share < least or (script == "Latin" and best in _IN_LATIN_LETTERS.get(wanted.code, ())):
        return None
    alike = any({best, wanted.code} <= group for group in _ALIKE)
    return None if alike and (letters < 3 * least_letters or share < 0.99) else name_of(best)


def _other_form(text: str, wanted: Language) -> str | None:
    """Say that Chinese is written in the other form than the one that was asked for."""
    if wanted.script not in ("Hans", "Hant"):
        return None
    simplified, traditional = chinese_forms(text)
    other = simplified if wanted.script == "Hant" else traditional
    if other < _LEAST_FORMS or other <= _MOST_FORMS * (simplified + traditional):
        return None
    return Language(code="zh", script="Hans" if wanted.script == "Hant" else "Hant").name


def _likeliest(text: str, script: str) -> str | None:
    ranked = _ranked(text, script)
    return name_of(ranked[0][0]) if ranked and ranked[0][1] >= LEAST_CONFIDENCE else None


def _ranked(text: str, script: str, wanted: str | None = None) -> list[tuple[str, float]]:
    """Rank the languages of a script, and the wanted one; their shares sum to 1."""
    plausible = of_script(script) | ({wanted} if wanted else frozenset())
    shares: dict[str, float] = {}
    for code, share in _model().rank(" ".join(text.split())):
        if merged(code) in plausible:
            shares[merged(code)] = shares.get(merged(code), 0.0) + float(share)
    total = sum(shares.values()) or 1.0
    return sorted(((code, share / total) for code, share in shares.items()), key=lambda pair: -pair[1])


def _model() -> LanguageIdentifier:
    if not _identifier.cache_info().currsize:
        warm()
    return _identifier()


@cache
def _identifier() -> LanguageIdentifier:
    """The model is read once and never written to; ranking keeps no state, so that threads may share it."""
    return LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)


@cache
def _model_codes() -> frozenset[str]:
    """The languages that the model knows, without their variants."""
    return frozenset(merged(str(code)) for code in _model().nb_classes)
