"""The check `language`: a text is in the language that was asked for.

The script decides first (Cyrillic is not German); among languages of one script `py3langid` does, which carries its
model. Where a text is too short or the model not sure, nothing is said.
"""

from __future__ import annotations

from functools import cache
from threading import Lock

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from firstline import patterns
from firstline.errors import TaskError
from firstline.types import Finding, Json
from firstline.workflow.checks.base import Check, NamedCheck, Subject
from firstline.workflow.checks.languages import code_of, merged, name_of, of_script, script_of, scripts
from firstline.workflow.checks.marks import marks

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
_LOADING = Lock()


def in_language(target: str, field: str) -> Check:
    """Make the check that the text of `field` is in a language.

    `target` is a code (`de`, `de-AT`), a name (`German`, `Deutsch`) or `parameters.NAME`, read from each run; a run
    that names no language, or one that is not known, is not checked. Raises TaskError for a fixed language not known.
    """
    fixed = None if target.startswith(PARAMETER) else code_of(target)
    if fixed is None and not target.startswith(PARAMETER):
        raise TaskError(f"the language `{target}` is not known", hint="give a code such as `de` or `parameters.NAME`")

    def look(subject: Subject) -> tuple[Finding, ...]:
        answer = subject.answer
        text = answer.get(field) if isinstance(answer, dict) else None
        wanted = fixed or _from_run(subject.parameters.get(target.removeprefix(PARAMETER)))
        if not isinstance(text, str) or wanted is None or not subject.under_test(field):
            return ()
        reason = another_language(text, wanted)
        return (Finding(check="language", field=field, reason=reason),) if reason else ()

    return NamedCheck(name="language", look=look)


def another_language(text: str, wanted: str) -> str | None:
    """Say which language a text is in when it is surely not the wanted one (ISO 639-1); None otherwise.

    The whole is looked at first, then each long sentence by itself, so that a text left half untranslated is seen.
    """
    plain = marks(text).rest
    found = _other(plain, wanted, LEAST_LETTERS, LEAST_CONFIDENCE)
    if found:
        return f"the text is in {found}, not in {name_of(wanted)}"
    sentences = _SENTENCE.split(plain)
    if len(sentences) > 1:
        for sentence in sentences:
            if found := _other(sentence, wanted, _SENTENCE_LETTERS, _SENTENCE_CONFIDENCE):
                return f"a sentence is in {found}, not in {name_of(wanted)}"
    return None


def warm() -> None:
    """Load the model (about 0.6 s and 100 MB), so that the first check does not; safe from any thread."""
    with _LOADING:
        _identifier()


def _from_run(value: Json) -> str | None:
    return code_of(value) if isinstance(value, str) else None


def _other(text: str, wanted: str, least_letters: int, least: float) -> str | None:
    counts = {script: count * (3 if script in _DENSE else 1) for script, count in scripts(text).items()}
    letters = sum(counts.values())
    if letters < least_letters:
        return None
    script, most = max(counts.items(), key=lambda pair: pair[1])
    if most < 0.6 * letters:
        return None
    if script != script_of(wanted):
        if (script, script_of(wanted)) == ("Han", "Japanese") and letters < 3 * least_letters:
            return None  # a headline may do without kana
        languages = of_script(script)
        return name_of(next(iter(languages))) if len(languages) == 1 else _likeliest(text, script) or f"{script} script"
    if len(of_script(script)) == 1:
        return None
    ranked = _ranked(text, script)
    best, share = ranked[0]
    if best == wanted or share < least:
        return None
    alike = any({best, wanted} <= group for group in _ALIKE)
    return None if alike and (letters < 3 * least_letters or share < 0.99) else name_of(best)


def _likeliest(text: str, script: str) -> str | None:
    best, share = _ranked(text, script)[0]
    return name_of(best) if share >= LEAST_CONFIDENCE else None


def _ranked(text: str, script: str) -> list[tuple[str, float]]:
    """Rank the languages of a script; their shares sum to 1."""
    plausible = of_script(script)
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
