"""Files of other programs are known by their bytes, and told apart from what is read."""

from __future__ import annotations

import io
import zipfile

import pytest

from firstline.errors import ImageError
from firstline.media.foreign import foreign, no_document
from firstline.media.header import read_header
from firstline.settings_sections import Limits
from support.small_pdf import pdf


def zipped(name: str, *, beside: int = 0) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr("first.bin", bytes(beside))
        archive.writestr(name, "x")
    return held.getvalue()


FOREIGN = {
    "docx": (zipped("word/document.xml"), "a Word document"),
    "large docx": (zipped("word/document.xml", beside=2_000_000), "a Word document"),
    "xlsx": (zipped("xl/workbook.xml"), "an Excel workbook"),
    "zip": (zipped("a.txt"), "a zip archive"),
    "gzip": (b"\x1f\x8b\x08\x00rest", "compressed"),
    "doc": (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest", "a file of an older Office program (.doc, .xls, .ppt or .msg)"),
    "rtf": (b"{\\rtf1 hello}", "rich text (RTF)"),
    "utf-16": ("Grüße".encode("utf-16"), "UTF-16 text"),
}


@pytest.mark.parametrize("name", FOREIGN)
def test_a_file_of_another_program_is_named_also_where_an_image_is_due(name: str) -> None:
    data, what = FOREIGN[name]
    found = foreign(data)
    assert found is not None
    assert found == no_document(data)
    assert found[0] == what
    with pytest.raises(ImageError, match="the content is ") as caught:
        read_header(data, Limits())
    assert caught.value.message.endswith(what)
    assert caught.value.hint == found[1]


def test_what_is_read_is_not_foreign() -> None:
    for data in (b"", b"words", b"PK of ours", b"a,b\n1,2\n", b"<html><p>hello</p></html>", pdf("hello")):
        assert foreign(data) is None
    assert no_document(pdf("hello")) is None
    assert no_document(b"\x89PNG\r\n\x1a\n") is None
    for data, what in ((b"<html>x</html>", "a web page"), (b"a,b\n1,2\n", "text"), (b"From: a@b.c\n\nhello", "text")):
        found = no_document(data)
        assert found is not None
        assert found[0] == what
