"""The check `length`: a text or list is neither too long nor too short."""

from __future__ import annotations

from firstline import patterns
from firstline.checks.base import Check, NamedCheck, Subject
from firstline.errors import TaskError
from firstline.types import Finding, Json

_UNSPACED = r"\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_WORD = patterns.compile(rf"[{_UNSPACED}]|[^\s{_UNSPACED}]+")


def length(
    field: str,
    *,
    max_words: int | None = None,
    min_words: int | None = None,
    max_chars: int | None = None,
    min_chars: int | None = None,
    max_share_of_source: float | None = None,
    min_share_of_source: float | None = None,
    max_items: int | None = None,
    min_items: int | None = None,
) -> Check:
    """Make the check of how long `field` is.

    Words are what blanks separate; of scripts written without blanks (Chinese, Japanese, Thai) each sign counts as
    one. Shares are characters of the field against characters of the source. Words, characters and shares speak of a
    text, items of a list; a field of another kind, or null, passes. Raises TaskError when no limit is given, one is
    negative, or a least limit is above its largest.
    """
    limits: dict[str, tuple[float | None, float | None]] = {
        "words": (min_words, max_words),
        "characters": (min_chars, max_chars),
        "times the source": (min_share_of_source, max_share_of_source),
        "items": (min_items, max_items),
    }
    _check_limits(limits)

    def look(subject: Subject) -> tuple[Finding, ...]:
        answer = subject.answer
        if not isinstance(answer, dict) or not subject.under_test(field):
            return ()
        reasons = [
            reason
            for unit, size in _sizes(answer.get(field), subject.source).items()
            if (reason := _outside(size, unit, *limits[unit]))
        ]
        return tuple(Finding(check="length", field=field, reason=reason) for reason in reasons)

    return NamedCheck(name="length", look=look)


def count_words(text: str) -> int:
    """Count words: what blanks separate, and each sign of a script written without blanks."""
    return sum(1 for word in _WORD.findall(text) if any(char.isalnum() for char in word))


def _check_limits(limits: dict[str, tuple[float | None, float | None]]) -> None:
    if all(low is None and high is None for low, high in limits.values()):
        raise TaskError("the check `length` has no limit", hint="give one of max_words, max_chars, max_items, …")
    for unit, (low, high) in limits.items():
        if (low is not None and low < 0) or (high is not None and high < 0):
            raise TaskError(f"a limit of {unit} is below 0")
        if low is not None and high is not None and low > high:
            raise TaskError(f"nothing has at least {low:g} and at most {high:g} {unit}")


def _sizes(value: Json, source: str) -> dict[str, float]:
    if isinstance(value, list):
        return {"items": len(value)}
    if not isinstance(value, str):
        return {}
    sizes: dict[str, float] = {"words": count_words(value), "characters": len(value)}
    if source.strip():
        sizes["times the source"] = len(value) / len(source)
    return sizes


def _outside(size: float, unit: str, low: float | None, high: float | None) -> str | None:
    measured = f"{size:.3g}" if unit == "times the source" else f"{size:g}"
    if low is not None and size < low:
        return f"{measured} {unit}, at least {low:g} are needed"
    if high is not None and size > high:
        return f"{measured} {unit}, at most {high:g} are allowed"
    return None
