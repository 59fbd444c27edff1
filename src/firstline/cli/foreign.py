"""Files that are neither text, image nor PDF, or text that is no message: what they are, and what to do with them."""

from __future__ import annotations

from email import policy
from email.parser import BytesParser

from firstline.errors import InputError
from firstline.media.foreign import PAGE, SAVE, foreign

_SHOWN = ("From", "To", "Date", "Subject")


def refuse_foreign(data: bytes, name: str, kind: str) -> None:
    """Raise InputError for a file whose content is no text to be read, with what it is and what to do; `kind` is what
    its first bytes say."""
    if (found := foreign(data)) is not None:
        raise InputError(f"{name} is {found[0]}", hint=found[1])
    if kind == "html" and name.lower().endswith((".html", ".htm", ".xhtml")):
        raise InputError(f"{name} is a web page", hint=PAGE)


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
        raise InputError(f"the text of the mail {name} cannot be read: {error}", hint=SAVE) from None
    if not said.strip():
        raise InputError(f"the mail {name} holds no plain text", hint=SAVE)
    head = "\n".join(f"{key}: {mail[key]}" for key in _SHOWN if mail[key])
    return f"{head}\n\n{said}".strip()
