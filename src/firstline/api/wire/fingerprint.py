"""The sha256 of a request's body, taken while it passes: it tells a repeated request from another one.

Of a form the boundary is left out: clients draw a new one each time they send the same form.
"""

from __future__ import annotations

import hashlib
from functools import partial

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header


class Fingerprint:
    """Takes the pieces of one body; `value` is there once the body is whole."""

    def __init__(self, content_type: str) -> None:
        self._hash = hashlib.sha256()
        self._parser: MultipartParser | None = None
        self._whole = False
        kind, options = parse_options_header(content_type)
        if kind == b"multipart/form-data" and options.get(b"boundary"):
            self._parser = self._reader(options[b"boundary"])
        self._hash.update(kind)

    @property
    def value(self) -> str | None:
        """The sha256 in hex; None for a body that was not read to its end, or is no form although it says so."""
        return self._hash.hexdigest() if self._whole else None

    def update(self, piece: bytes, *, last: bool) -> None:
        """Take the next piece."""
        try:
            if self._parser is None:
                self._hash.update(piece)
            else:
                self._parser.write(piece)
            self._whole = last
        except FormParserError:
            self._parser, self._whole = None, False

    def _reader(self, boundary: bytes) -> MultipartParser:
        mark = self._hash.update
        return MultipartParser(
            boundary,
            {
                "on_part_begin": partial(mark, b"\0part\0"),
                "on_header_begin": partial(mark, b"\0head\0"),
                "on_header_field": self._take,
                "on_header_value": self._take,
                "on_headers_finished": partial(mark, b"\0data\0"),
                "on_part_data": self._take,
            },
        )

    def _take(self, data: bytes, start: int, end: int) -> None:
        self._hash.update(data[start:end])
