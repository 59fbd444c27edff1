"""Files that are no message: named for what they are, with advice that helps."""

from __future__ import annotations

import io
import zipfile
from email.message import EmailMessage
from pathlib import Path

import pytest

from firstline.cli.inputs import read_word
from firstline.errors import InputError
from firstline.types import Text
from support.decoding import decode


def zipped(*names: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return held.getvalue()


FILES = {
    "a.docx": (zipped("[Content_Types].xml", "word/document.xml"), "is a Word document", "save it as PDF"),
    "a.xlsx": (zipped("xl/workbook.xml"), "is an Excel workbook", "save it as PDF"),
    "a.zip": (zipped("a.txt"), "is a zip archive", "unpack"),
    "a.txt.gz": (b"\x1f\x8b\x08\x00rest", "is compressed", "unpack"),
    "a.doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "older Office program", "save it as PDF"),
    "a.rtf": (b"{\\rtf1 hello}", "is rich text", "save it as PDF"),
    "a.txt": ("Grüße".encode("utf-16"), "is UTF-16 text", "iconv -f utf-16"),
    "a.html": (b"<!DOCTYPE html><html><body>hello</body></html>", "is a web page", "print it as PDF"),
    "b.txt": ("Grüße".encode("latin1"), "neither a picture, a PDF nor UTF-8 text", "iconv -f latin1"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_no_message_is_named_with_what_to_do(tmp_path: Path, name: str) -> None:
    data, words, hint = FILES[name]
    path = tmp_path / name
    path.write_bytes(data)
    with pytest.raises(InputError, match=words) as caught:
        read_word(str(path), decode, io.BytesIO())
    assert hint in (caught.value.hint or "")
    assert ("iconv" in (caught.value.hint or "")) == ("iconv" in hint)


def test_a_mail_is_read_as_its_head_and_plain_text(tmp_path: Path) -> None:
    mail = EmailMessage()
    mail["From"], mail["Subject"] = "anna@example.com", "Rückgabe"
    mail.set_content("Ich möchte mein Geld zurück. " * 9)
    mail.add_alternative("<p>markup</p>", subtype="html")
    path = tmp_path / "a.eml"
    path.write_bytes(mail.as_bytes())
    [part] = read_word(str(path), decode, io.BytesIO())[1].parts
    assert isinstance(part, Text)
    assert part.text.startswith("From: anna@example.com\nSubject: Rückgabe\n\nIch möchte")
    assert "markup" not in part.text
    path.write_bytes(b"Subject: nothing\n\n")
    with pytest.raises(InputError, match="holds no plain text"):
        read_word(str(path), decode, io.BytesIO())
