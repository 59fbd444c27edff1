"""Text of others as a terminal, a log or a page may show it: what would act on the screen is written as an escape.

Users, documents, models and file names may hold C0 and C1 control characters (they move the cursor, colour the screen,
set its title), marks that reorder text or break its lines, and halves of characters, which no UTF-8 can hold. Every
face sends what it prints through here: `printable` for people, `json_text` for programs.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff]")
"""C0, DEL, C1, the marks of direction and of line breaks, and halves of characters."""

_UNSEEN = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u206f\ud800-\udfff]")
"""The same without line feed and tab."""


def printable(text: str) -> str:
    """Return the text with every hidden character but line feed and tab as an escape: `\\x1b`, `\\u202e`."""
    return _UNSEEN.sub(_shown, text)


def on_one_line(text: str) -> str:
    """Return the text with every hidden character as an escape, line feed and tab too."""
    return HIDDEN.sub(_shown, text)


def json_text(value: Any) -> str:
    """Return the value as JSON on one line, in which hidden characters are escaped as JSON does it."""
    try:
        text = msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # half a character: a file name that is not UTF-8
        text = json.dumps(msgspec.to_builtins(value), separators=(",", ":"))
    return json_escaped(text)


def json_escaped(text: str) -> str:
    """Return JSON text with its hidden characters as `\\u` escapes; they can stand inside its strings only."""
    return HIDDEN.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


def _shown(found: re.Match[str]) -> str:
    code = ord(found.group())
    return f"\\x{code:02x}" if code < 256 else f"\\u{code:04x}"
