"""Says what bytes are by their first bytes; names and declared media types are never trusted."""

from __future__ import annotations

from typing import Literal

from firstline import patterns

Kind = Literal["pdf", "png", "jpeg", "webp", "gif", "tiff", "bmp", "heic", "svg", "html", "text", "unknown"]

_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"mif1", b"msf1", b"avif", b"avis")
_MARKUP = patterns.compile(r"<(?:\w+:)?(svg|html|!doctype\s+html|!doctype\s+svg)\b", patterns.IGNORECASE)


def sniff(data: bytes) -> Kind:
    """Tell the kind of a file from its content. `heic` stands for HEIC and AVIF; `text` is UTF-8 without controls."""
    binary = _binary(data)
    if binary is not None:
        return binary
    head = data[:4096]
    if found := _MARKUP.search(head.decode("latin-1")):
        return "svg" if "svg" in found[1].lower() else "html"
    return "text" if head.strip() and _is_text(head, cut=len(data) > len(head)) else "unknown"


def _binary(data: bytes) -> Kind | None:
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png"
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg"
    if data.startswith((b"GIF87a", b"GIF89a")):
        return "gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    if data.startswith((b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")):
        return "tiff"
    if data[:2] == b"BM" and data[6:10] == b"\x00\x00\x00\x00":
        return "bmp"
    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS:
        return "heic"
    # ISO 32000 wants the mark first; readers have always taken it anywhere in the first kilobyte.
    return "pdf" if b"%PDF-" in data[:1024] else None


def _is_text(head: bytes, *, cut: bool) -> bool:
    try:
        text = head.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if not cut or error.start < len(head) - 4:  # a character cut in two by the end of `head` is no fault
            return False
        text = head[: error.start].decode("utf-8-sig", errors="replace")
    return all(character >= " " or character in "\t\n\r\f\x1b" for character in text)
