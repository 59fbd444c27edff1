"""/v1/responses/{id}: responses that were kept, unless their request said `store: false`.

A key sees its own. What is kept is the input, as items with ids, and the response as it was sent; a response goes on
from an earlier one by `previous_response_id`, whose items and output stand before its own then.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from starlette.requests import Request
from starlette.responses import Response

from firstline.api.responses.documents import ItemList, ResponseObject
from firstline.api.responses.shapes import ItemQuery, StoredQuery
from firstline.api.wire.answering import json_response, page_response
from firstline.api.wire.auth import caller_of
from firstline.api.wire.documents import Deleted
from firstline.api.wire.fields import read_query
from firstline.api.wire.operation import ASKS, Operation
from firstline.errors import NotFoundError, PreviousResponseError, UsageError
from firstline.gateway.gateway import key_of
from firstline.ledger.responses import StoredResponse
from firstline.services import Services
from firstline.types import Caller, Json


async def keep(
    services: Services, items: Sequence[Mapping[str, Json]], response: Mapping[str, Json], caller: Caller | None
) -> None:
    """Keep a response with its own input, where it says `store`. Raises LedgerError."""
    if not response["store"]:
        return
    days = services.settings.stored.days
    now = time.time()
    await services.ledger.responses.add(
        StoredResponse(
            id=response["id"],
            key_id=key_of(caller),
            previous_id=response["previous_response_id"],
            items=tuple(items),
            response=response,
            created=now,
            expires=now + days * 86_400,
        )
    )


async def history(services: Services, previous_id: str | None, caller: Caller | None) -> list[Json]:
    """Return the items of all that a response goes on from, in order. Raises PreviousResponseError."""
    if previous_id is None:
        return []
    try:
        chain = await services.ledger.responses.chain(previous_id, key_id=key_of(caller))
    except NotFoundError:
        raise PreviousResponseError(
            f"Previous response with id '{previous_id[:64]}' not found.",
            hint="it is kept unless its request says store: false, as long as the setting stored.days says",
            param="previous_response_id",
        ) from None
    return [item for one in chain for item in (*one.items, *one.response["output"])]


@Operation(rights=ASKS, query=StoredQuery, answer=ResponseObject)
async def retrieve_response(request: Request) -> Response:
    """Show a stored response. Raises NotFoundError."""
    read_query(request, StoredQuery)
    return json_response((await _found(request)).response)


@Operation(rights=ASKS, answer=Deleted)
async def delete_response(request: Request) -> Response:
    """Delete a stored response. Raises NotFoundError."""
    services: Services = request.app.state.services
    response_id: str = request.path_params["id"]
    await services.ledger.responses.delete(response_id, key_id=key_of(caller_of(request)))
    return json_response({"id": response_id, "object": "response", "deleted": True})


@Operation(rights=ASKS, query=ItemQuery, answer=ItemList)
async def list_input_items(request: Request) -> Response:
    """List the items that a response was made from, those before it included, newest first unless asked otherwise.

    Raises NotFoundError.
    """
    services: Services = request.app.state.services
    query = read_query(request, ItemQuery)
    stored = await _found(request)
    items = [*await history(services, stored.previous_id, caller_of(request)), *stored.items]
    if query.order == "desc":
        items.reverse()
    if query.after is not None:
        ids = [item["id"] for item in items]
        if query.after not in ids:
            raise UsageError(f"after: there is no item {query.after[:64]!r}", param="after")
        items = items[ids.index(query.after) + 1 :]
    return page_response(items, query.limit, dict)


@Operation(rights=ASKS, answer=ResponseObject, errors=(UsageError,))
async def cancel_response(request: Request) -> Response:
    """Refuse to cancel a response: only what is made in the background can be. Raises NotFoundError, UsageError."""
    await _found(request)
    raise UsageError("Cannot cancel a synchronous response.", hint="close the connection to end one", param="id")


async def _found(request: Request) -> StoredResponse:
    services: Services = request.app.state.services
    return await services.ledger.responses.get(request.path_params["id"], key_id=key_of(caller_of(request)))
