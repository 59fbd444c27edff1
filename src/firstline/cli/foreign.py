"""Files that are neither text, image nor PDF, or text that is no message: what they are, and what to do with them."""

from __future__ import annotations

from email import policy
from email.parser import BytesParser

from firstline.errors import InputError

_SAVE = "open it and save it as PDF, or copy its text into a file"
_OFFICE = (
    (b"word/document.xml", "a Word document"),
    (b"xl/workbook.", "an Excel workbook"),
    (b"ppt/presentation.xml", "a PowerPoint presentation"),
    (b"mimetypeapplication/vnd.oasis.opendocument", "an OpenDocument file"),
    (b"mimetypeapplication/epub", "an e-book"),
)
_PACKED = (b"\x1f\x8b", b"7z\xbc\xaf\x27\x1c", b"Rar!\x1a\x07", b"BZh", b"\xfd7zXZ\x00", b"\x28\xb5\x2f\xfd")
_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_SHOWN = ("From", "To", "Date", "Subject")


def refuse_foreign(data: bytes, name: str, kind: str) -> None:
    """Raise InputError for a file whose content is no text to be read, with what it is and what to do; `kind` is what
    its first bytes say."""
    if data.startswith(b"PK\x03\x04"):
        found = next((words for mark, words in _OFFICE if mark in data), None)
        if found is not None:
            raise InputError(f"{name} is {found}", hint=_SAVE)
        raise InputError(f"{name} is a zip archive", hint="unpack it and give the files in it")
    if data.startswith(_PACKED):
        raise InputError(f"{name} is compressed", hint="unpack it and give what is in it")
    if data.startswith(_OLE):
        raise InputError(f"{name} is a file of an older Office program (.doc, .xls, .ppt or .msg)", hint=_SAVE)
    if data.startswith(b"{\\rtf"):
        raise InputError(f"{name} is rich text (RTF)", hint=_SAVE)
    if data.startswith(_UTF_16):
        raise InputError(f"{name} is UTF-16 text", hint="save it as UTF-8, for example: iconv -f utf-16 -t utf-8")
    if kind == "html" and name.lower().endswith((".html", ".htm", ".xhtml")):
        raise InputError(f"{name} is a web page", hint="open it and print it as PDF, or copy its text into a file")


def mail_text(data: bytes, name: str) -> str | None:
    """Return what a mail says: who wrote whom when about what, and its plain text; None for what has no such head.

    Raises InputError for a mail without plain text.
    """
    mail = BytesParser(policy=policy.default).parsebytes(data)
    if not any(mail[key] for key in _SHOWN):
        return None
    body = mail.get_body(preferencelist=("plain",))
    try:
        said = "" if body is None else str(body.get_content())
    except (LookupError, ValueError) as error:
        raise InputError(f"the text of the mail {name} cannot be read: {error}", hint=_SAVE) from None
    if not said.strip():
        raise InputError(f"the mail {name} holds no plain text", hint=_SAVE)
    head = "\n".join(f"{key}: {mail[key]}" for key in _SHOWN if mail[key])
    return f"{head}\n\n{said}".strip()
