"""Kinds of files by their content."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.media.sniff import Kind, sniff


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\x89PNG\r\n\x1a\n....", "png"),
        (b"\xff\xd8\xff\xe0....", "jpeg"),
        (b"GIF89a....", "gif"),
        (b"RIFF....WEBPVP8 ", "webp"),
        (b"RIFF\x00\x01..WAVEfmt ", "unknown"),
        (b"II*\x00....", "tiff"),
        (b"MM\x00*....", "tiff"),
        (b"BM\x36\x00\x00\x00\x00\x00\x00\x00\x36", "bmp"),
        (b"BMW drivers welcome", "text"),
        (b"....ftypavif....", "heic"),
        (b"%PDF-1.4\n", "pdf"),
        (b"\r\nsome mail header\r\n%PDF-1.4\n", "pdf"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg"),
        (b"\xef\xbb\xbf<?xml version='1.0'?><!-- x --><svg:svg/>", "svg"),
        (b"\n<!doctype HTML>", "html"),
        (b"<HTML lang=de>", "html"),
        ("größer als 5 €".encode(), "text"),
        ("größer".encode("latin-1"), "unknown"),
        (b"nul\x00byte", "unknown"),
        (b"", "unknown"),
        (b"  \n", "unknown"),
    ],
)
def test_kinds(data: bytes, kind: Kind) -> None:
    assert sniff(data) == kind


@given(st.binary(max_size=64))
def test_any_bytes_have_a_kind(data: bytes) -> None:
    assert isinstance(sniff(data), str)


@given(st.text(alphabet="äöü€😀abc ", min_size=2000, max_size=2001))
def test_a_character_cut_at_the_end_of_what_is_looked_at_is_still_text(text: str) -> None:
    assert sniff(("x" + text).encode()) == "text"
