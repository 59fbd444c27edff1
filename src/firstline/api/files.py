"""/v1/files: upload, list, show, fetch and delete files, in OpenAI's shapes.

A key sees its own files. Their ids stand in `file` parts of a chat message (`file_id`).
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, Response
from starlette.types import Receive, Scope, Send

from firstline.api.wire.answering import json_response, page_response
from firstline.api.wire.auth import caller_of
from firstline.api.wire.documents import Deleted, Page
from firstline.api.wire.fields import read_query, read_words
from firstline.api.wire.multipart import Form, read_form
from firstline.api.wire.operation import Operation
from firstline.errors import NotFoundError, StorageLimitError, UsageError
from firstline.files.files import MAX_EXPIRY_S, MIN_EXPIRY_S, PURPOSES, Purpose
from firstline.ledger.files import StoredFile
from firstline.services import Services
from firstline.types import Json, Value


class FileFields(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    rename={"anchor": "expires_after[anchor]", "seconds": "expires_after[seconds]"},
):
    """The fields of an upload beside the file itself."""

    purpose: Purpose
    anchor: Literal["created_at"] | None = None
    seconds: Annotated[int, Meta(ge=MIN_EXPIRY_S, le=MAX_EXPIRY_S)] | None = None


class FileQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of a list."""

    limit: Annotated[int, Meta(ge=1, le=10_000)] = 10_000
    order: Literal["asc", "desc"] = "desc"
    after: str | None = None
    purpose: str | None = None


class FileObject(Value, frozen=True, kw_only=True):
    """A file that was uploaded."""

    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    filename: str
    purpose: Purpose
    status: Literal["processed"]
    status_details: None
    expires_at: int | UnsetType = UNSET


class FileList(Page, frozen=True, kw_only=True):
    """A page of files."""

    data: list[FileObject]


@Operation(rights=("files",), form=FileFields, answer=FileObject, errors=(StorageLimitError,))
async def upload_file(request: Request) -> Response:
    """Keep a file."""
    services: Services = request.app.state.services
    try:
        async with services.files.receiving() as upload:
            form = await read_form(request, upload.write, file_field="file")
            fields = _fields(form)
            if form.filename is None:
                raise UsageError("the form has no file", hint="its part is called `file`", param="file")
            if not upload.bytes:
                raise UsageError("the file is empty", param="file")
            kept = await services.files.keep(
                upload,
                filename=form.filename,
                purpose=fields.purpose,
                expires_s=fields.seconds,
                caller=caller_of(request),
            )
    except ClientDisconnect:
        return Response(status_code=499)
    return json_response(file_object(kept))


@Operation(rights=("files",), query=FileQuery, answer=FileList, errors=(NotFoundError,))
async def list_files(request: Request) -> Response:
    """List the caller's files."""
    services: Services = request.app.state.services
    query = read_query(request, FileQuery)
    # One more than asked for tells whether there is a next page.
    found = await services.files.list(
        query.limit + 1, caller_of(request), purpose=query.purpose, after=query.after, order=query.order
    )
    return page_response(found, query.limit, file_object)


@Operation(rights=("files",), answer=FileObject)
async def retrieve_file(request: Request) -> Response:
    """Show one file. Raises NotFoundError."""
    services: Services = request.app.state.services
    return json_response(file_object(await services.files.get(request.path_params["id"], caller_of(request))))


@Operation(rights=("files",), media_type="application/octet-stream")
async def file_content(request: Request) -> Response:
    """Send the bytes of a file. Raises NotFoundError and ContentsDamagedError."""
    services: Services = request.app.state.services
    file, path = await services.files.path(request.path_params["id"], caller_of(request))
    # As an attachment of no kind: a page that was uploaded must not run in the console's origin.
    return _WholeFile(
        path,
        filename=file.filename,
        media_type="application/octet-stream",
        headers={"x-content-type-options": "nosniff"},
    )


@Operation(rights=("files",), answer=Deleted)
async def delete_file(request: Request) -> Response:
    """Delete a file. Raises NotFoundError."""
    services: Services = request.app.state.services
    file_id: str = request.path_params["id"]
    await services.files.delete(file_id, caller_of(request))
    return json_response({"id": file_id, "object": "file", "deleted": True})


def file_object(file: StoredFile) -> dict[str, Json]:
    """Render a file."""
    shown: dict[str, Json] = {
        "id": file.id,
        "object": "file",
        "bytes": file.bytes,
        "created_at": int(file.created),
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
        "status_details": None,
    }
    return shown if file.expires is None else shown | {"expires_at": int(file.expires)}


def _fields(form: Form) -> FileFields:
    purpose = form.fields.get("purpose", "")
    if purpose not in PURPOSES:
        raise UsageError(f"purpose: {purpose[:64]!r} is not one of {', '.join(PURPOSES)}", param="purpose")
    fields = read_words(form.fields, FileFields)
    if (fields.anchor is None) != (fields.seconds is None):
        raise UsageError("expires_after needs anchor and seconds", param="expires_after")
    return fields


class _WholeFile(FileResponse):
    """Sends all of a file: a wish for a part (`Range`) may be left unheeded, and a wrong one would be told as text."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        kept = [(name, value) for name, value in scope["headers"] if name not in (b"range", b"if-range")]
        await super().__call__({**scope, "headers": kept}, receive, send)
