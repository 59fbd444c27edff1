"""Reads spans of time and days as people write them: `90d`, `24h`, `2027-01-31`."""

from __future__ import annotations

from datetime import UTC, datetime

from firstline import patterns
from firstline.errors import UsageError

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LONGEST = 365_000 * 86_400
_SPAN = patterns.compile(r"([0-9]{1,9})([smhdw])")


def seconds(text: str, word: str) -> float:
    """Read a span such as 30m, 24h or 90d as seconds; a plain 0 is none. Raises UsageError."""
    if text.strip() == "0":
        return 0.0
    found = _SPAN.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{word}: {text!r} is no span of time", hint="write it as 30m, 24h or 90d")
    span = float(int(found[1]) * _SECONDS[found[2]])
    if span > _LONGEST:
        raise UsageError(f"{word}: {text!r} is too long a time", hint="the longest is 365000d, a thousand years")
    return span


def past(text: str, word: str, now: float) -> float:
    """Read a span before `now`, or the first second of a day (UTC), as seconds since 1970. Raises UsageError."""
    if _SPAN.fullmatch(text.strip()):
        return now - seconds(text, word)
    return moment(text, word, now)


def moment(text: str, word: str, now: float) -> float:
    """Read a span from `now` on, or the first second of a day (UTC), as seconds since 1970. Raises UsageError."""
    if _SPAN.fullmatch(text.strip()):
        return now + seconds(text, word)
    try:
        day = datetime.fromisoformat(text.strip())
    except ValueError:
        raise UsageError(f"{word}: {text!r} is no time", hint="write it as 90d or 2027-01-31") from None
    time = (day if day.tzinfo else day.replace(tzinfo=UTC)).timestamp()
    if time > now + _LONGEST:
        raise UsageError(f"{word}: {text!r} is too far away", hint="the latest is in a thousand years")
    return time
