"""Reads a form with one file (multipart/form-data) as it comes: the file goes on piece by piece, the rest is kept.

Nothing but small fields is held in memory. The grammar is python-multipart's; the limits are ours.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.requests import Request

from firstline.api.wire.body import require_type
from firstline.errors import UsageError
from firstline.types import Value

MAX_FIELDS = 16
MAX_FIELD_BYTES = 10_000
_NAME_BYTES = 1_000


class Form(Value, frozen=True, kw_only=True):
    """The fields by name, and what the file was called (None: there was no file)."""

    fields: dict[str, str]
    filename: str | None


async def read_form(request: Request, write: Callable[[bytes], Awaitable[None]], *, file_field: str) -> Form:
    """Read a form; the bytes of the part `file_field` go to `write`.

    Raises ContentTypeError for another type, UsageError for no boundary, a broken part or too many fields.
    """
    require_type(request, "multipart/form-data")
    _, options = parse_options_header(request.headers.get("content-type"))
    boundary = options.get(b"boundary")
    if not boundary:
        raise UsageError("the body is not a form", hint="send multipart/form-data with a boundary")
    parts = _Parts(file_field)
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": parts.begin,
                "on_header_begin": parts.begin_header,
                "on_header_field": parts.header_name,
                "on_header_value": parts.header_value,
                "on_headers_finished": parts.headers_end,
                "on_part_data": parts.data,
                "on_part_end": parts.end,
                "on_end": parts.finish,
            },
        )
        async for chunk in request.stream():
            parser.write(chunk)
            if pieces := parts.take():
                await write(pieces)
        parser.finalize()
    except FormParserError as error:
        raise UsageError(f"the form cannot be read: {error}") from None
    if not parts.whole:
        raise UsageError("the form broke off before its end")
    return Form(fields=parts.fields, filename=parts.filename)


class _Parts:
    """What the parser tells, part by part. Its calls are plain functions, so the file's bytes wait in `take`."""

    def __init__(self, file_field: str) -> None:
        self._file_field = file_field
        self._header = bytearray()
        self._value = bytearray()
        self._disposition = b""
        self._name: str | None = None
        self._in_file = False
        self._field = bytearray()
        self._pieces = bytearray()
        self._parts = 0
        self.whole = False
        self.fields: dict[str, str] = {}
        self.filename: str | None = None

    def take(self) -> bytes:
        """Return the file's bytes that came since."""
        pieces, self._pieces = bytes(self._pieces), bytearray()
        return pieces

    def begin(self) -> None:
        self._parts += 1
        if self._parts > MAX_FIELDS:
            raise UsageError(f"the form has more than {MAX_FIELDS} fields")
        self._disposition, self._name, self._in_file = b"", None, False
        self._field = bytearray()

    def begin_header(self) -> None:
        self._keep_header()

    def header_name(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def headers_end(self) -> None:
        self._keep_header()
        _, options = parse_options_header(self._disposition)
        name = options.get(b"name")
        if name is None:
            raise UsageError("a part of the form has no name")
        self._name = _text(name)
        self._in_file = self._name == self._file_field
        if self._in_file:
            if self.filename is not None:
                raise UsageError("the form has more than one file", param=self._file_field)
            self.filename = _text(options.get(b"filename", b""))[:_NAME_BYTES] or "upload"

    def data(self, data: bytes, start: int, end: int) -> None:
        if self._in_file:
            self._pieces += data[start:end]
            return
        self._field += data[start:end]
        if len(self._field) > MAX_FIELD_BYTES:
            raise UsageError(f"the field is longer than {MAX_FIELD_BYTES} bytes", param=(self._name or "")[:64])

    def end(self) -> None:
        if not self._in_file and self._name is not None:
            self.fields[self._name] = _text(bytes(self._field))

    def finish(self) -> None:
        self.whole = True

    def _keep_header(self) -> None:
        if bytes(self._header).lower() == b"content-disposition":
            self._disposition = bytes(self._value)
        self._header, self._value = bytearray(), bytearray()


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace")
