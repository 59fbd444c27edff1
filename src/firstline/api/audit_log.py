"""GET /v1/audit_log: who changed what when, newest first."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from firstline.api.wire.answering import page_response
from firstline.api.wire.documents import Page
from firstline.api.wire.fields import read_query
from firstline.api.wire.operation import Operation
from firstline.errors import NotFoundError
from firstline.ledger.actor import ActorKind
from firstline.services import Services
from firstline.types import Value
from firstline.views.change import change_object, number_of


class ChangeQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query: `action` is the beginning of one, such as `key.`; `after` is the id of the last line of the page
    before."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    action: str | None = None
    subject: str | None = None
    after: str | None = None


class ActorObject(Value, frozen=True, kw_only=True):
    """A key, or the user at the machine that the server or the command line ran as."""

    type: ActorKind
    id: str
    name: str


class ChangeObject(Value, frozen=True, kw_only=True):
    """A line of the log. `subject` is the id or name of what was changed."""

    id: str
    object: Literal["audit_log.event"]
    created: float
    actor: ActorObject
    action: str
    subject: str
    details: dict[str, Any]


class ChangeList(Page, frozen=True, kw_only=True):
    """A page of the log."""

    data: list[ChangeObject]


@Operation(rights=("admin",), query=ChangeQuery, answer=ChangeList, errors=(NotFoundError,))
async def audit_log(request: Request) -> Response:
    """List who changed what when, newest first."""
    services: Services = request.app.state.services
    query = read_query(request, ChangeQuery)
    before = None if query.after is None else number_of(query.after)
    # One more than asked for tells whether there is a next page.
    found = await services.ledger.changes.list(
        query.limit + 1, action=query.action, subject=query.subject, before=before
    )
    return page_response(found, query.limit, change_object)
