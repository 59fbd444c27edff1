"""GET /v1/runs/{id} and /v1/runs: what happened to an input, attempt by attempt."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from firstline.api.wire.answering import json_response, page_response
from firstline.api.wire.auth import caller_of
from firstline.api.wire.documents import RunList, RunObject
from firstline.api.wire.fields import read_query
from firstline.api.wire.operation import Operation
from firstline.errors import NotFoundError
from firstline.gateway.gateway import key_of
from firstline.services import Services
from firstline.types import Verdict
from firstline.views.run import run_object


class RunQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of a list; `after` is the id of the last run of the page before."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    task: str | None = None
    verdict: Verdict | None = None
    after: str | None = None


@Operation(rights=("runs",), answer=RunObject)
async def get_run(request: Request) -> Response:
    """Show one run. Raises NotFoundError, for another key's run too."""
    services: Services = request.app.state.services
    return json_response(
        run_object(await services.ledger.get_run(request.path_params["id"], key_id=key_of(caller_of(request))))
    )


@Operation(rights=("runs",), query=RunQuery, answer=RunList, errors=(NotFoundError,))
async def list_runs(request: Request) -> Response:
    """List the caller's latest runs, newest first."""
    services: Services = request.app.state.services
    query = read_query(request, RunQuery)
    # One more than asked for tells whether there is a next page.
    runs = await services.ledger.list_runs(
        query.limit + 1,
        task=query.task,
        verdict=query.verdict,
        before=query.after,
        key_id=key_of(caller_of(request)),
    )
    return page_response(runs, query.limit, run_object)
