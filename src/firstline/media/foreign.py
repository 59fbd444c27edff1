"""Files of other programs: what they are by their bytes, and what to do so that they can be read."""

from __future__ import annotations

from firstline.media.sniff import sniff

SAVE = "open it and save it as PDF, or copy its text into a file"
PAGE = "open it and print it as PDF, or copy its text into a file"
TEXT = ("text", "send it as text")
_OFFICE = (
    (b"word/document.xml", "a Word document"),
    (b"xl/workbook.", "an Excel workbook"),
    (b"ppt/presentation.xml", "a PowerPoint presentation"),
    (b"mimetypeapplication/vnd.oasis.opendocument", "an OpenDocument file"),
    (b"mimetypeapplication/epub", "an e-book"),
)
_HEAD = 65_536
_TAIL = 1_048_576
"""Bytes of an archive in which the names of what it holds stand: the first of them, and the directory at its end."""
_PACKED = (b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def foreign(data: bytes) -> tuple[str, str] | None:
    """Return what a file is that is neither text, image nor PDF, and what to do with it; None for all others."""
    if data.startswith(b"PK\x03\x04"):
        names = data if len(data) <= _HEAD + _TAIL else data[:_HEAD] + data[-_TAIL:]
        found = next((words for mark, words in _OFFICE if mark in names), None)
        return (found, SAVE) if found is not None else ("a zip archive", "unpack it and give the files in it")
    if data.startswith(_PACKED):
        return "compressed", "unpack it and give what is in it"
    if data.startswith(_OLE):
        return "a file of an older Office program (.doc, .xls, .ppt or .msg)", SAVE
    if data.startswith(b"{\\rtf"):
        return "rich text (RTF)", SAVE
    if data.startswith(_UTF_16):
        return "UTF-16 text", "save it as UTF-8, for example: iconv -f utf-16 -t utf-8"
    return None


def no_document(data: bytes) -> tuple[str, str] | None:
    """Do the same for a file that is to be an image or a PDF: web pages and text are none either."""
    if (found := foreign(data)) is not None:
        return found
    match sniff(data):
        case "html":
            return "a web page", PAGE
        case "text":
            return TEXT
        case _:
            return None
