"""What must pass through a rewriting unread: addresses, e-mail addresses, placeholders of templates, markup."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

from firstline.types import Value

_IN_URL = r"[^\s<>\"'`()\[\]{}«»“”„、。，；（）]"
_URL = re.compile(rf"(?:https?://|ftp://|www\.){_IN_URL}+(?:\([^\s()]*\))?{_IN_URL}*", re.IGNORECASE)
_EMAIL = re.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24}"
)
_PLACEHOLDERS = (
    re.compile(r"\{\{\{?\s*[#/^&>]?\s*([\w.\- |]+?)\s*\}?\}\}"),  # Mustache, Jinja
    re.compile(r"\$\{\s*([\w.\-]+)\s*\}"),  # shell, JavaScript
    re.compile(r"%\(([\w.]+)\)[-+ 0-9.]*[a-zA-Z]"),  # Python
    re.compile(r"%(?:\d+\$)?[-+0]*\d*(?:\.\d+)?(?:l{0,2}[dufsxX]|[@s])(?![\w])"),  # C, Objective-C, Java
    re.compile(r"\{([A-Za-z_][\w.\[\]]*|\d*)(?:[!:][^{}]*)?\}"),  # str.format, .NET
    re.compile(
        r"\{\s*([A-Za-z_]\w*|\d+)\s*,\s*(?:plural|select|selectordinal|number|date|time)\b"
    ),  # ICU MessageFormat
)
_TAG = re.compile(r"</?([A-Za-z][\w:.-]*)(?:\s+[^<>]*)?/?>")
_FENCE = re.compile(r"^[ \t]*(?:```|~~~)", re.MULTILINE)
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_BOLD = re.compile(
    r"(?<![\w*])\*\*(?=\S)(?:.{1,400}?)(?<=\S)\*\*(?![\w*])|(?<![\w_])__(?=\S)(?:.{1,400}?)(?<=\S)__(?![\w_])"
)
_LINK = re.compile(r"\]\(")
_HEADING = re.compile(r"^(#{1,6})\s+\S", re.MULTILINE)


class Marks(Value, frozen=True, kw_only=True):
    """What a text has of each, counted as written; `rest` is the text with addresses and marks blanked out."""

    url: Counter[str]
    email: Counter[str]
    placeholder: Counter[str]
    markup: Counter[str]
    rest: str


def marks(text: str) -> Marks:
    """Read the marks of a text. What stands inside an address, a placeholder or a tag is not read again."""
    found: dict[str, Counter[str]] = {"url": Counter(), "email": Counter(), "placeholder": Counter()}
    markup: Counter[str] = Counter(
        {
            "code block": len(_FENCE.findall(text)) // 2,
            "bold": len(_BOLD.findall(text)),
            "link": len(_LINK.findall(text)),
        }
    )
    markup.update(f"heading {sign}" for sign in _HEADING.findall(text))
    text = _take(_URL, text, lambda match: found["url"].update([match.group().rstrip(".,;:!?…*_")]))
    text = _take(_EMAIL, text, lambda match: found["email"].update([match.group().lower()]))
    for pattern in _PLACEHOLDERS:
        text = _take(pattern, text, lambda match: found["placeholder"].update([_tidy(match.group())]))
    text = _take(_TAG, text, lambda match: markup.update([_tag(match)]))
    text = _take(_CODE, text, lambda match: markup.update([match.group()]))
    return Marks(**found, markup=+markup, rest=text)


def _take(pattern: re.Pattern[str], text: str, note: Callable[[re.Match[str]], None]) -> str:
    def blank(match: re.Match[str]) -> str:
        note(match)
        return " " * len(match.group())

    return pattern.sub(blank, text)


def _tidy(placeholder: str) -> str:
    return re.sub(r"\s+", "", placeholder)


def _tag(match: re.Match[str]) -> str:
    closing = "/" if match.group().startswith("</") else ""
    return f"<{closing}{match.group(1).lower()}>"
