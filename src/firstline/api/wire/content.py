"""Turns the content of wire messages into checked parts: text, pictures, PDF documents.

Images come as `data:` URIs or https addresses; what they are is decided by their bytes. Decoding runs in child
processes (`engines.images`), fetching under the caps of `media.fetch`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request

from firstline.api.wire.parts import FilePart, ImagePart, RefusalPart, TextPart, WireMessage, WirePart
from firstline.errors import DocumentError, FirstlineError, InputError, NotFoundError
from firstline.gateway.gateway import key_of
from firstline.gateway.keyring import demand
from firstline.media.data_uri import data_uri, from_base64
from firstline.media.foreign import TEXT, no_document
from firstline.media.sniff import sniff
from firstline.reading.source import Document, InputPart
from firstline.services import Services
from firstline.settings_sections import Limits
from firstline.types import Caller, Detail, Image, Text, Value

Fetch = Callable[[str, Limits], Awaitable[bytes]]
"""Fetches the bytes behind an https address; `media.fetch.fetch_image`, or a test's own."""


class Sources(Value, frozen=True, kw_only=True):
    """Where parts come from that a message only names.

    `open_file` gives the bytes of an uploaded file by its id, unless they are more than its second argument says.
    `decode` decodes an image, whose declared media type may be known; it counts the bytes of all images of the request.
    """

    fetch: Fetch
    decode: Callable[[bytes, str | None], Awaitable[Image]]
    open_file: Callable[[str, int], Awaitable[bytes]]


def sources_of(request: Request, caller: Caller | None) -> Sources:
    """Return the sources that a caller may read from."""
    services: Services = request.app.state.services
    limits = services.settings.limits
    left = limits.images_mb * 1_000_000

    async def decode(data: bytes, declared: str | None) -> Image:
        nonlocal left
        image = await services.images.read(data, declared=declared, party=key_of(caller))
        left -= len(image.data)
        if left < 0:
            raise InputError(
                f"the images of the request have more than {limits.images_mb:g} MB",
                hint="send fewer or smaller ones, or raise limits.images_mb",
            )
        return image

    async def open_file(file_id: str, most: int) -> bytes:
        demand(caller, "files", reads=True)
        return await services.files.read(file_id, caller, most=most)

    return Sources(fetch=request.app.state.fetch, decode=decode, open_file=open_file)


async def read_messages(
    messages: Sequence[WireMessage], limits: Limits, sources: Sources, *, of: str = "messages"
) -> tuple[tuple[InputPart, ...], ...]:
    """Read the parts of every message of the field `of`, in order.

    Raises InputError and its kinds, with `param` naming the part.
    """
    pictures = sum(isinstance(part, ImagePart) for message in messages for part in _parts(message))
    check_pictures(pictures, limits, of)
    read = []
    for number, message in enumerate(messages):
        where = f"{of}[{number}].content"
        parts = [await read_part(part, limits, sources, f"{where}[{at}]") for at, part in enumerate(_parts(message))]
        read.append(tuple(parts))
    return tuple(read)


def check_pictures(count: int, limits: Limits, param: str) -> None:
    """Refuse more pictures than one request may have. Raises InputError."""
    if count > limits.images:
        raise InputError(
            f"the request has {count} pictures, the limit is {limits.images}",
            hint="send fewer, or raise limits.images",
            param=param,
        )


def _parts(message: WireMessage) -> Sequence[WirePart]:
    if message.content is None and message.refusal is None:
        return []
    if message.content is None:
        return [RefusalPart(refusal=message.refusal or "")]
    return [TextPart(text=message.content)] if isinstance(message.content, str) else message.content


async def read_part(part: WirePart, limits: Limits, sources: Sources, where: str) -> InputPart:
    """Read one part; `where` is its place, the `param` of what is wrong with it. Raises InputError and its kinds."""
    try:
        match part:
            case TextPart():
                return Text(text=part.text)
            case RefusalPart():
                return Text(text=part.refusal)
            case ImagePart():
                return await _image(part, limits, sources)
            case FilePart() if part.file.file_id is not None:
                return await uploaded(part.file.file_id, limits, sources)
            case FilePart():
                data = await asyncio.to_thread(_document, part.file.file_data or "", limits)
                return Document(data=_known(data))
            case _:
                raise InputError("not a part that can be read")
    except NotFoundError as error:
        # As param it would name the route's own id.
        error.param = where
        raise
    except FirstlineError as error:
        error.param = error.param or where
        raise


async def uploaded(file_id: str, limits: Limits, sources: Sources) -> InputPart:
    """Read an uploaded file as what its bytes are: a PDF, or a picture (with the detail `auto`).

    Raises NotFoundError, DocumentError, ImageError.
    """
    most = int(max(limits.pdf_mb, limits.image_mb) * 1_000_000)
    return await _of_bytes(await sources.open_file(file_id, most), sources)


async def fetched(url: str, limits: Limits, sources: Sources, where: str) -> InputPart:
    """Read the file at an https address as what its bytes are. Raises DocumentError, ImageError."""
    try:
        return await _of_bytes(await sources.fetch(url, limits), sources)
    except FirstlineError as error:
        error.param = error.param or where
        raise


async def _of_bytes(data: bytes, sources: Sources) -> InputPart:
    if sniff(data) == "pdf":
        return Document(data=data)
    return await sources.decode(_known(data), None)


def _known(data: bytes) -> bytes:
    """Return the bytes of a file.

    Raises InputError for one of another program and DocumentError for text in a document's place, which say what to do
    with it.
    """
    if (found := no_document(data)) is not None:
        kind = DocumentError if found == TEXT else InputError
        raise kind(f"the file is {found[0]}", hint=found[1])
    return data


async def _image(part: ImagePart, limits: Limits, sources: Sources) -> Image:
    url = part.image_url.url
    declared: str | None = None
    if url[:5].lower() == "data:":
        data, declared = await asyncio.to_thread(data_uri, url, limits)
    else:
        data = await sources.fetch(url, limits)
    image = await sources.decode(data, declared)
    return Image(
        data=image.data,
        media_type=image.media_type,
        width=image.width,
        height=image.height,
        detail=_detail(part.image_url.detail),
    )


def _document(text: str, limits: Limits) -> bytes:
    # The official client sends a data: URI; bare base64 is seen in the wild.
    encoded = text.partition(",")[2] if text[:5].lower() == "data:" else text
    if len(encoded) > limits.pdf_mb * 1_000_000 * 4 / 3 + 4:
        raise DocumentError(f"the PDF is larger than the limit of {limits.pdf_mb:g} MB", hint="raise limits.pdf_mb")
    try:
        return from_base64(encoded)
    except ValueError as error:
        raise DocumentError(f"file_data is not base64: {error}", hint="data:application/pdf;base64,…") from None


def _detail(detail: str | None) -> Detail:
    match detail:
        case "low" | "high":
            return detail
        case "original":
            return "high"
        case _:
            return "auto"
