"""The words of `firstline run`: files by their content, stdin, text, and what only looks like a file."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from PIL import Image as Pillow

from firstline.cli.inputs import parameters, read_word
from firstline.errors import DocumentError, ImageError, InputError, UsageError
from firstline.reading.source import Document
from firstline.types import Image, Text
from support.decoding import decode

NO_STDIN = io.BytesIO()


def part(word: str, stdin: io.BytesIO = NO_STDIN) -> object:
    return read_word(word, decode, stdin)[1].parts[0]


def test_a_file_is_what_its_bytes_say(tmp_path: Path) -> None:
    picture = tmp_path / "photo.txt"
    Pillow.new("RGB", (8, 6), "red").save(picture, "PNG")
    found = part(str(picture))
    assert isinstance(found, Image)
    assert (found.width, found.height) == (8, 6)
    (tmp_path / "scan").write_bytes(b"%PDF-1.7\n%%EOF")
    assert isinstance(part(str(tmp_path / "scan")), Document)
    (tmp_path / "mail.eml").write_bytes(b"\xef\xbb\xbfHello\n")
    assert part(str(tmp_path / "mail.eml")) == Text(text="Hello\n")


def test_text_is_text_even_when_it_is_long_or_has_a_slash() -> None:
    for words in ("My card has not arrived", "I paid 5/6 of it, and/or more", "a" * 5000, "hello\n/etc/passwd"):
        assert part(words) == Text(text=words)


def test_a_dash_is_stdin() -> None:
    assert read_word("-", decode, io.BytesIO(b"from a pipe")) == (
        "stdin",
        read_word("from a pipe", decode, NO_STDIN)[1],
    )


@pytest.mark.parametrize("word", ["receipts/a.jpg", "missing.png", "./x", "my photo.JPG", "notes.txt"])
def test_a_path_that_does_not_exist_is_an_error(word: str) -> None:
    with pytest.raises(UsageError, match="there is no file") as caught:
        part(word)
    assert "pipe it in" in (caught.value.hint or "")


def test_files_that_cannot_be_read_are_errors_with_their_kind(tmp_path: Path) -> None:
    (tmp_path / "cut.png").write_bytes(b"\x89PNG\r\n\x1a\n cut short")
    (tmp_path / "drawing.svg").write_text("<svg xmlns='http://www.w3.org/2000/svg'/>")
    (tmp_path / "invoice.pdf").write_text("not a PDF")
    (tmp_path / "empty.txt").write_text(" \n")
    (tmp_path / "latin1.txt").write_bytes("Müller".encode("latin-1"))
    for name, kind in (
        ("cut.png", ImageError),
        ("drawing.svg", ImageError),
        ("invoice.pdf", DocumentError),
        ("empty.txt", InputError),
        ("latin1.txt", InputError),
    ):
        with pytest.raises(kind):
            part(str(tmp_path / name))
    with pytest.raises(UsageError, match="is a folder"):
        part(str(tmp_path))


def test_parameters_are_text_unless_they_are_json() -> None:
    assert parameters(["language=de", "limit=5", "a=b=c", 'list=["x"]', "empty="], "name, total") == {
        "language": "de",
        "limit": 5,
        "a": "b=c",
        "list": ["x"],
        "empty": "",
        "fields": ["name", "total"],
    }
    for pairs, fields in ((["language"], ""), (["=x"], ""), ([], "a,,b")):
        with pytest.raises(UsageError):
            parameters(pairs, fields)
