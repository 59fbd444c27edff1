"""A file of another program is refused in the same words however it comes: typed, in a message, by id or by address."""

from __future__ import annotations

import base64
import io
import json
import zipfile
from pathlib import Path

import pytest

from firstline.api.wire.content import Sources, fetched, read_part
from firstline.api.wire.parts import FileData, FilePart
from firstline.cli.inputs import read_word
from firstline.errors import FirstlineError, InputError, UsageError
from firstline.evaluation.examples import read_lines
from firstline.reading.source import Document
from firstline.settings_sections import Limits
from firstline.students.fine_tuning.chat_lines import read_chat
from support.decoding import decode, decoded
from support.small_pdf import pdf


def office(name: str) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w") as archive:
        archive.writestr(name, "x")
    return held.getvalue()


FILES = {
    "a.docx": office("word/document.xml"),
    "a.xlsx": office("xl/workbook.xml"),
    "a.zip": office("a.txt"),
    "a.rtf": b"{\\rtf1 hello}",
    "a.doc": b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1rest",
    "a.txt": "Grüße".encode("utf-16"),
    "a.html": b"<!DOCTYPE html><html><body>hello</body></html>",
}


def sources(data: bytes) -> Sources:
    async def fetch(url: str, limits: Limits) -> bytes:
        return data

    async def open_file(file_id: str, most: int) -> bytes:
        return data

    return Sources(fetch=fetch, decode=decoded, open_file=open_file)


async def refusals(data: bytes) -> list[FirstlineError]:
    """What is said of a file in a message, by its id and at an address."""
    given = FilePart(file=FileData(file_data="data:application/pdf;base64," + base64.b64encode(data).decode()))
    kept = FilePart(file=FileData(file_id="file-x"))
    found: list[FirstlineError] = []
    for read in (
        read_part(given, Limits(), sources(data), "messages[0].content[0]"),
        read_part(kept, Limits(), sources(data), "messages[0].content[0]"),
        fetched("https://example.com/x", Limits(), sources(data), "messages[0].content[0]"),
    ):
        with pytest.raises(InputError) as caught:
            await read
        found.append(caught.value)
    return found


@pytest.mark.parametrize("name", FILES)
async def test_a_file_is_refused_alike_however_it_comes(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(FILES[name])
    with pytest.raises(InputError) as typed:
        read_word(str(path), decode, io.BytesIO())
    for error in await refusals(FILES[name]):
        assert error.message.removeprefix("the file is ") == typed.value.message.removeprefix(f"{path} is ")
        assert (error.hint, error.code) == (typed.value.hint, typed.value.code)
        assert error.param == "messages[0].content[0]"


@pytest.mark.parametrize("text", ["a,b\n1,2\n", "From: a@b.c\nSubject: x\n\nhello", "hello"])
async def test_text_in_a_file_s_place_is_said_to_be_text(text: str) -> None:
    for error in await refusals(text.encode()):
        assert (error.message, error.hint) == ("the file is text", "send it as text")


async def test_a_pdf_is_read() -> None:
    given = FilePart(file=FileData(file_data=base64.b64encode(pdf("hello")).decode()))
    assert isinstance(await read_part(given, Limits(), sources(b""), "x"), Document)


def test_a_workbook_of_examples_is_named(tmp_path: Path) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(FILES["a.xlsx"])
    with pytest.raises(UsageError, match="is an Excel workbook, not lines of JSON"):
        list(read_lines(path))
    with pytest.raises(UsageError, match="the file is an Excel workbook, not lines of JSON"):
        read_chat(FILES["a.xlsx"])


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_examples_may_end_their_lines_in_any_way(tmp_path: Path, end: str) -> None:
    path = tmp_path / "data.jsonl"
    path.write_bytes(end.join(json.dumps({"input": text, "expected": {}}) for text in "ab").encode())
    assert [number for number, _ in read_lines(path)] == [1, 2]
