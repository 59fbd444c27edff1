"""What must pass through a rewriting unread: addresses, e-mail addresses, placeholders of templates, markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from firstline import patterns
from firstline.types import Value

_IN_URL = r"[^\s<>\"'`()\[\]{}«»“”„、。，；（）]"
_URL = patterns.compile(rf"(?:https?://|ftp://|www\.){_IN_URL}+(?:\([^\s()]*\))?{_IN_URL}*", patterns.IGNORECASE)
_EMAIL = patterns.compile(
    r"(?<![A-Za-z0-9._%+-])[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,24}"
)
_PLACEHOLDERS = (
    patterns.compile(r"\{\{\{?\s*[#/^&>]?\s*([\w.\- |]+?)\s*\}?\}\}"),  # Mustache, Jinja
    patterns.compile(r"\$\{\s*([\w.\-]+)\s*\}"),  # shell, JavaScript
    patterns.compile(r"%\(([\w.]+)\)[-+ 0-9.]*[a-zA-Z]"),  # Python
    patterns.compile(r"%(?:\d+\$)?[-+0]*\d*(?:\.\d+)?(?:l{0,2}[dufsxX]|[@s])(?![\w])"),  # C, Objective-C, Java
    patterns.compile(r"\{([A-Za-z_][\w.\[\]]*|\d*)(?:[!:][^{}]*)?\}"),  # str.format, .NET
    patterns.compile(
        r"\{\s*([A-Za-z_]\w*|\d+)\s*,\s*(?:plural|select|selectordinal|number|date|time)\b"
    ),  # ICU MessageFormat
)
_TAG = patterns.compile(r"</?([A-Za-z][\w:.-]*)(?:\s+[^<>]*)?/?>")
_FENCE = patterns.compile(r"^[ \t]*(?:```|~~~)", patterns.MULTILINE)
_CODE = patterns.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_BOLD = patterns.compile(
    r"(?<![\w*])\*\*(?=\S)(?:.{1,400}?)(?<=\S)\*\*(?![\w*])|(?<![\w_])__(?=\S)(?:.{1,400}?)(?<=\S)__(?![\w_])"
)
_LINK = patterns.compile(r"\]\(")
_HEADING = patterns.compile(r"^(#{1,6})\s+\S", patterns.MULTILINE)


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


def _take(pattern: patterns.Pattern, text: str, note: Callable[[patterns.Match], None]) -> str:
    def blank(match: patterns.Match) -> str:
        note(match)
        return " " * len(match.group())

    return pattern.sub(blank, text)


def _tidy(placeholder: str) -> str:
    return "".join(placeholder.split())


def _tag(match: patterns.Match) -> str:
    closing = "/" if match.group().startswith("</") else ""
    return f"<{closing}{match.group(1).lower()}>"
