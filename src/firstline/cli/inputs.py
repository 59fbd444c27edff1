"""Turns the words of `firstline run` into inputs: a file that is there, `-` for stdin, else the text itself.

A word that looks like a path and names nothing is an error: its letters would make a poor input and a silent one.
"""

from __future__ import annotations

import mimetypes
import os
from pathlib import Path
from typing import BinaryIO

from firstline import patterns, strict_json
from firstline.cli.foreign import mail_text, refuse_foreign
from firstline.errors import DocumentError, InputError, UsageError
from firstline.media.sniff import sniff
from firstline.reading.source import Decode, Document, TaskInput
from firstline.types import Json, Text

_BLANK = patterns.compile(r"\s")
_SUFFIX = patterns.compile(
    r"\.(?:png|jpe?g|webp|gif|bmp|tiff?|heic|avif|svg|pdf|txt|md|html?|json|jsonl|csv|tsv|eml|docx?|xlsx?|xml|log)$",
    patterns.IGNORECASE,
)
_PICTURE_SUFFIX = patterns.compile(r"\.(?:png|jpe?g|webp|gif|bmp|tiff?|heic|avif|svg)$", patterns.IGNORECASE)
_PICTURES = ("png", "jpeg", "webp", "gif", "bmp", "tiff", "heic", "svg")


def read_word(word: str, decode: Decode, stdin: BinaryIO) -> tuple[str, TaskInput]:
    """Return the name to show for a word and the input it stands for. Raises InputError and its kinds, UsageError."""
    if word == "-":
        return title_of(word), _of_bytes(stdin.read(), "stdin", decode)
    path = _existing(word)
    if path is None:
        if _looks_like_a_path(word):
            raise UsageError(
                f"there is no file {word}", hint="to pass it as text, pipe it in: echo TEXT | firstline run TASK -"
            )
        return title_of(word), _text(word)
    if path.is_dir():
        raise UsageError(f"{word} is a folder", hint=f"name its files: {word.rstrip('/')}/*")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"{word} cannot be read: {error.strerror}") from None
    return str(path), _of_bytes(data, str(path), decode)


def title_of(word: str) -> str:
    """Return the name to show for a word: a path as it is, of a text its beginning."""
    if word == "-":
        return "stdin"
    return word if _looks_like_a_path(word) or _existing(word) is not None else _shortened(word)


def parameters(pairs: list[str], fields: str) -> dict[str, Json]:
    """Make a run's parameters of `--set key=value` and `--fields a,b`. Values are text unless they are JSON.

    Raises UsageError for a pair without `=`.
    """
    found: dict[str, Json] = {}
    for pair in pairs:
        key, equals, value = pair.partition("=")
        if not equals or not key.strip():
            raise UsageError(f"--set takes key=value, not {pair!r}")
        found[key.strip()] = json_or_text(value, key.strip())
    if fields:
        names = [name.strip() for name in fields.split(",")]
        if not all(names):
            raise UsageError(f"--fields takes names parted by commas, not {fields!r}")
        found["fields"] = names
    return found


def json_or_text(text: str, name: str) -> Json:
    """Read a value that is typed as JSON, or is text: what is no JSON, and a number that would lose digits.

    Raises UsageError, with the value's name, for JSON that can be understood in two ways.
    """
    try:
        reading = strict_json.as_floats(strict_json.read(text))
    except strict_json.NotJSONError:
        return text
    if not reading.faults:
        return reading.value
    if text.lstrip()[:1] not in ("{", "[", '"'):
        return text
    raise UsageError(f"{name}: {strict_json.worded(reading.faults[0])}")


def _existing(word: str) -> Path | None:
    try:
        path = Path(word).expanduser()
        return path if path.exists() else None
    except (OSError, ValueError, RuntimeError):  # too long, or holds a character that no path has
        return None


def _looks_like_a_path(word: str) -> bool:
    if "\n" in word or len(word) > 255:
        return False
    slashed = not _BLANK.search(word) and ("/" in word or os.sep in word)
    return slashed or _SUFFIX.search(word) is not None


def _of_bytes(data: bytes, name: str, decode: Decode) -> TaskInput:
    kind = sniff(data)
    if kind == "pdf":
        return TaskInput(parts=(Document(data=data),))
    if kind in _PICTURES:
        return TaskInput(parts=(decode(data),))
    if _PICTURE_SUFFIX.search(name):
        decode(data, mimetypes.guess_type(name)[0])  # says what it is instead
    if name.lower().endswith(".pdf"):
        raise DocumentError(f"{name} is no PDF: its content is {kind}", hint="open it in a viewer and save it again")
    if not data.strip():
        raise InputError(f"{name} is empty", hint="give a file that holds text, or a picture or PDF")
    refuse_foreign(data, name, kind)
    if name.lower().endswith(".eml") and (mail := mail_text(data, name)) is not None:
        return _text(mail)
    try:
        return _text(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        raise InputError(
            f"{name} is neither a picture, a PDF nor UTF-8 text",
            hint="text in another encoding: iconv -f latin1 -t utf-8; another program's file: save it as PDF there",
        ) from None


def _text(text: str) -> TaskInput:
    return TaskInput(parts=(Text(text=text),))


def _shortened(word: str) -> str:
    line = " ".join(word.split())
    return line if len(line) <= 40 else line[:39] + "…"
