"""What must pass through a rewriting unread: addresses, e-mail addresses, placeholders of templates, markup."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping

from firstline import patterns
from firstline.types import Value

_IN_URL = r"[^\s<>\"'`()\[\]{}«»“”„、。，；（）]"
_URL = patterns.compile(rf"(?:https?://|ftp://|www\.){_IN_URL}+(?:\([^\s()]*\))?{_IN_URL}*", patterns.IGNORECASE)
_LETTERS = "A-Za-z\u00c0-\u024f\u0400-\u04ff"
_EMAIL = patterns.compile(
    rf"(?<![{_LETTERS}0-9._%+-])[{_LETTERS}0-9._%+-]{{1,64}}@[{_LETTERS}0-9-]{{1,63}}"
    rf"(?:\.[{_LETTERS}0-9-]{{1,63}}){{0,8}}\.[{_LETTERS}]{{2,24}}"
)
_HANDLE = patterns.compile(
    r"(?<![A-Za-z0-9_@/.&])@[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,60}[A-Za-z0-9_])?|(?<![A-Za-z0-9_&#/])#(?=\d{0,20}[^\W\d])\w{1,80}"
)
_GLUED = patterns.compile(r"(#[A-Za-z0-9_]*[A-Za-z][A-Za-z0-9_]*)[\u3040-\u9fff\uac00-\ud7a3]")
"""A tag in Latin letters, and the words of a language without blanks that go on behind it."""
_PLACEHOLDERS = (
    patterns.compile(r"\{\{\{?\s*[#/^&>]?\s*([\w.\- |]+?)\s*\}?\}\}"),  # Mustache, Jinja
    patterns.compile(r"\{%[^{}%]{1,200}%\}|\{#[^{}#]{1,200}#\}"),  # Jinja, Liquid
    patterns.compile(r"<%[^<>%]{1,200}%>|\[%[^\[\]%]{1,200}%\]"),  # ERB, Template Toolkit
    patterns.compile(r"\$\{\s*([\w.\-]+)\s*\}"),  # shell, JavaScript
    patterns.compile(r"[#%@]\{\s*[\w.\-]{1,80}\s*\}|\$\(\s*[\w.\-]{1,80}\s*\)"),  # Ruby, make
    patterns.compile(r"%\(([\w.]+)\)[-+ 0-9.]*[a-zA-Z]"),  # Python
    patterns.compile(r"%(?:\d+\$)?[-+0]*\d*(?:\.\d+)?(?:l{0,2}[dufsxX]|[@s])(?![\w])"),  # C, Objective-C, Java
    patterns.compile(r"\{([A-Za-z_][\w.\[\]]*|\d*)(?:[!:][^{}]*)?\}"),  # str.format, .NET
    patterns.compile(
        r"\{\s*([A-Za-z_]\w*|\d+)\s*,\s*(?:plural|select|selectordinal|number|date|time)\b"
    ),  # ICU MessageFormat
    patterns.compile(r"\[\[\s*\w[\w.\- ]{0,60}\]\]|<<\s*\w[\w.\- ]{0,60}>>"),  # mail merge
    patterns.compile(r"\(\(\s*[A-Za-z_][\w.\-]{0,60}\s*\)\)"),  # GOV.UK Notify
    patterns.compile(r"(?<![\w\]])\[(?:[A-Za-z_][\w.\-]{0,60}|[A-Z][A-Z0-9_ .\-]{0,60})\](?![\[(:])"),  # forms
    patterns.compile(r"[【［｛]\s*[A-Za-z_][\w.\-]{0,60}\s*[】］｝]"),
    patterns.compile(r"(?<![\w%])%[A-Za-z_][\w.\-]{0,60}%(?!\w)|@@\w{1,60}@@|##\w{1,60}##"),  # Windows, Outlook
    patterns.compile(r"(?<![\w$])\$[A-Z]{0,20}[a-z_]\w{0,60}|(?<![\w_])__[A-Z][A-Z0-9_]{0,60}__(?!\w)"),  # PHP
    patterns.compile(r"(?<![^\s(\"'“])::?[a-z][a-z_]{2,60}(?![\w:])"),  # Laravel, SQL
)
_SPACED = patterns.compile(r"\{\s*[^\W\d]\w{0,60}(?:[ .\-]\w{1,60}){1,6}\s*\}")
"""A placeholder of several words, `{first name}`; the bodies of an ICU message look alike."""
_TAG = patterns.compile(r"</?([A-Za-z][\w:.-]*)(?:\s+[^<>]*)?/?>")
_FENCE = patterns.compile(r"^[ \t]*(?:```|~~~)", patterns.MULTILINE)
_CODE = patterns.compile(r"(?<!`)`([^`\n]+)`(?!`)")
_BOLD = patterns.compile(
    r"(?<![\w*])\*\*(?=\S)(?:.{1,400}?)(?<=\S)\*\*(?![\w*])|(?<![\w_])__(?=\S)(?:.{1,400}?)(?<=\S)__(?![\w_])"
)
_LINK = patterns.compile(r"\]\(")
_TARGETS = (
    patterns.compile(r"\]\(\s*<?([^\s()<>]+)"),
    patterns.compile(r"^[ ]{0,3}\[[^\[\]\n]{1,200}\]:[ \t]*<?([^\s<>]+)", patterns.MULTILINE),
    patterns.compile(
        r"\b(?:href|src|srcset|action|poster|cite|formaction)\s*=\s*[\"']?([^\s\"'<>]+)", patterns.IGNORECASE
    ),
)
"""Where links lead: of Markdown, its definitions, and HTML."""
_WORDS_OF_LINK = patterns.compile(r"\[([^\[\]\n]{1,200})\]\(\s*<?([^\s()<>]+)")
_HEADING = patterns.compile(r"^(#{1,6})\s+\S", patterns.MULTILINE)


class Marks(Value, frozen=True, kw_only=True):
    """What a text has of each, counted as written; `rest` is the text with addresses and marks blanked out.

    `url` holds where links lead too, within a page or a site (`#top`, `/prices`). `links` are all addresses in order,
    with the words of their link.
    """

    url: Counter[str]
    email: Counter[str]
    handle: Counter[str]
    placeholder: Counter[str]
    markup: Counter[str]
    links: Mapping[str, str]
    rest: str


def marks(text: str) -> Marks:
    """Read the marks of a text. What stands inside an address, a placeholder or a tag is not read again."""
    found: dict[str, Counter[str]] = {
        "url": Counter(),
        "email": Counter(),
        "handle": Counter(),
        "placeholder": Counter(),
    }
    markup: Counter[str] = Counter(
        {
            "code block": len(_FENCE.findall(text)) // 2,
            "bold": len(_BOLD.findall(text)),
            "link": len(_LINK.findall(text)),
        }
    )
    markup.update(f"heading {sign}" for sign in _HEADING.findall(text))
    found["url"].update(target for pattern in _TARGETS for target in pattern.findall(text) if not _URL.match(target))
    whole = text
    text = _take(_URL, text, lambda match: found["url"].update([match.group().rstrip(".,;:!?…*_")]))
    text = _take(_EMAIL, text, lambda match: found["email"].update([match.group().lower()]))
    for pattern in _PLACEHOLDERS:
        text = _take(pattern, text, lambda match: found["placeholder"].update([_tidy(match.group())]))
    if not any("," in mark for mark in found["placeholder"]):
        text = _take(_SPACED, text, lambda match: found["placeholder"].update([_tidy(match.group())]))
    if "@" in text or "#" in text:
        text = _take(_HANDLE, text, lambda match: found["handle"].update([_handle(match.group())]))
    text = _take(_TAG, text, lambda match: markup.update([_tag(match)]))
    text = _take(_CODE, text, lambda match: markup.update([match.group()]))
    links = _links(whole) if found["url"].total() + found["email"].total() > 1 else {}
    return Marks(**found, markup=+markup, links=links, rest=text)


def _take(pattern: patterns.Pattern, text: str, note: Callable[[patterns.Match], None]) -> str:
    def blank(match: patterns.Match) -> str:
        note(match)
        return " " * len(match.group())

    return pattern.sub(blank, text)


def _tidy(placeholder: str) -> str:
    return "".join(placeholder.split())


def _tag(match: patterns.Match) -> str:
    closing = "/" if match.group().startswith("</") else ""
    return f"<{closing}{match.group(1)}>"


def _handle(written: str) -> str:
    glued = _GLUED.match(written)
    return (glued.group(1) if glued else written).casefold()


def _links(text: str) -> dict[str, str]:
    """Return the addresses of a text in order, each once, with the words of its link where Markdown gives them."""
    found = [(match.start(1), match.group(1)) for pattern in _TARGETS for match in pattern.finditer(text)]
    found += [(match.start(), match.group().rstrip(".,;:!?…*_")) for match in _URL.finditer(text)]
    found += [(match.start(), match.group().lower()) for match in _EMAIL.finditer(text)] if "@" in text else []
    words = {match.group(2): match.group(1) for match in _WORDS_OF_LINK.finditer(text)}
    return {address: words.get(address, "") for _, address in sorted(found)}
