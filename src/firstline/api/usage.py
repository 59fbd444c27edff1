"""GET /v1/usage and /v1/credits: what was used and what is left. A key sees its own; without keys one sees all.

Shaped after OpenAI's usage of an organization: a page of buckets of time, each with a result a group.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from firstline.api.wire.answering import json_response
from firstline.api.wire.auth import caller_of
from firstline.api.wire.fields import read_words
from firstline.api.wire.operation import Operation
from firstline.errors import UsageError
from firstline.gateway.gateway import key_of
from firstline.ledger.usage import UsageGroup, UsageRow
from firstline.services import Services
from firstline.types import Json, Value
from firstline.views.key import money_object

WIDTHS = {"1m": 60, "1h": 3_600, "1d": 86_400}
"""Seconds of a bucket."""
_BUCKETS = {"1m": (60, 1440), "1h": (24, 168), "1d": (7, 31)}
"""How many buckets a page has unless the query says, and at most."""

_BUCKETS_A_UNIT = 50


class UsageQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query. Times are seconds since 1970; without `start_time` the page ends now; `page` is a `next_page`."""

    start_time: Annotated[int, Meta(ge=0, le=10**11)] | None = None
    end_time: Annotated[int, Meta(ge=0, le=10**11)] | None = None
    bucket_width: Literal["1m", "1h", "1d"] = "1d"
    group_by: tuple[UsageGroup, ...] = ()
    limit: Annotated[int, Meta(ge=1)] | None = None
    page: Annotated[int, Meta(ge=0, le=10**11)] | None = None


class UsageResult(Value, frozen=True, kw_only=True):
    """Sums of one bucket and one group; null where nothing is grouped by it.

    The surplus is what models claim beyond what calls could use; it is in no other sum and charged to nobody.
    """

    object: Literal["usage.result"]
    num_requests: int
    num_model_requests: int
    num_failed_model_requests: int
    input_tokens: int
    input_cached_tokens: int
    output_tokens: int
    cost_nano_usd: int
    surplus_tokens: int
    surplus_nano_usd: int
    saved_nano_usd: int | None
    model: str | None
    task: str | None
    api_key_id: str | None


class UsageBucket(Value, frozen=True, kw_only=True):
    """A span of time, seconds since 1970."""

    object: Literal["bucket"]
    start_time: int
    end_time: int
    results: list[UsageResult]


class StorageUsage(Value, frozen=True, kw_only=True):
    """Bytes of files, stored completions and responses that the caller keeps now, and may keep."""

    used_bytes: int
    limit_bytes: int


class UsagePage(Value, frozen=True, kw_only=True):
    """Buckets in order; `next_page` as `page` gives the next."""

    object: Literal["page"]
    data: list[UsageBucket]
    has_more: bool
    next_page: str | None
    storage: StorageUsage


class Credits(Value, frozen=True, kw_only=True):
    """Money in whole nano-USD; without a wallet there is no balance to speak of."""

    object: Literal["credits"]
    api_key_id: str | None
    prepaid: bool
    granted_nano_usd: int
    spent_nano_usd: int
    held_nano_usd: int
    balance_nano_usd: int | None
    available_nano_usd: int | None


def units(query: Mapping[str, str]) -> int:
    """Return as how many reads a page counts: its buckets and what they are told apart by."""
    width = query.get("bucket_width", "1d")
    default, most = _BUCKETS.get(width, _BUCKETS["1d"])
    asked = query.get("limit", "")
    count = min(int(asked), most) if asked.isascii() and asked.isdecimal() and len(asked) < 6 else default
    groups = query.get("group_by", "").count(",") + 1
    return count * (1 + groups) // _BUCKETS_A_UNIT


@Operation(rights=("usage",), query=UsageQuery, answer=UsagePage, units=units)
async def usage(request: Request) -> Response:
    """Return the requests, calls, tokens and money of a span of time."""
    services: Services = request.app.state.services
    query = read_query(request)
    start, end, following = span(query, time.time())
    rows = await services.ledger.usage.rows(
        start,
        end,
        width=WIDTHS[query.bucket_width],
        groups=query.group_by,
        key_id=key_of(caller_of(request)),
    )
    caller = caller_of(request)
    used = {"used_bytes": await services.storage.kept(caller), "limit_bytes": services.storage.most(caller)}
    return json_response(
        {
            "object": "page",
            "storage": used,
            "data": buckets(rows, start, end, WIDTHS[query.bucket_width]),
            "has_more": following is not None,
            "next_page": str(following) if following is not None else None,
        }
    )


@Operation(rights=("usage",), answer=Credits)
async def credits(request: Request) -> Response:
    """Return the money of the caller's key; without keys that of everybody."""
    services: Services = request.app.state.services
    caller = caller_of(request)
    if caller is None:
        totals = msgspec.to_builtins(await services.ledger.usage.totals())
        nothing = {"prepaid": False, "balance_nano_usd": None, "available_nano_usd": None}
        return json_response({"object": "credits", "api_key_id": None, **totals, **nothing})
    key = await services.ledger.keys.get(caller.key_id)
    return json_response({"object": "credits", "api_key_id": key.id, "prepaid": key.prepaid, **money_object(key)})


def read_query(request: Request) -> UsageQuery:
    """Read the query; `group_by` may be repeated, listed with commas, or written `group_by[]`. Raises UsageError."""
    given: dict[str, str] = {}
    groups: list[str] = []
    for name, value in request.query_params.multi_items():
        if name in ("group_by", "group_by[]"):
            groups += [one for one in value.split(",") if one]
        else:
            given[name] = value
    plain = read_words(given, UsageQuery)
    try:
        query = msgspec.structs.replace(
            plain, group_by=msgspec.convert(list(dict.fromkeys(groups)), tuple[UsageGroup, ...])
        )
    except msgspec.ValidationError as error:
        raise UsageError(f"group_by: {str(error).partition(' - at ')[0]}", param="group_by") from None
    most = _BUCKETS[query.bucket_width][1]
    if query.limit is not None and query.limit > most:
        raise UsageError(f"limit: at most {most} buckets of {query.bucket_width}", param="limit")
    return query


def span(query: UsageQuery, now: float) -> tuple[int, int, int | None]:
    """Return the first second of a page, the one after its last, both at the edge of a bucket, and the next page's."""
    width = WIDTHS[query.bucket_width]
    count = query.limit or _BUCKETS[query.bucket_width][0]
    last = -(-(int(now) + 1 if query.end_time is None else query.end_time) // width) * width
    asked = last - count * width if query.start_time is None else query.start_time
    start = max((asked if query.page is None else query.page) // width * width, 0)
    if last <= start:
        raise UsageError("end_time: it is not after start_time", param="end_time")
    end = min(start + count * width, last)
    return start, end, end if end < last else None


def buckets(rows: tuple[UsageRow, ...], start: int, end: int, width: int) -> list[Json]:
    """Return every bucket of a span of time, those without any result too."""
    found: dict[int, list[Json]] = {at: [] for at in range(start, end, width)}
    for row in rows:
        found[row.start].append(result_object(row))
    return [
        {"object": "bucket", "start_time": at, "end_time": at + width, "results": results}
        for at, results in found.items()
    ]


def result_object(row: UsageRow) -> dict[str, Json]:
    """Return one result: OpenAI's names for the counts, ours for the money."""
    return {
        "object": "usage.result",
        "num_requests": row.requests,
        "num_model_requests": row.calls,
        "num_failed_model_requests": row.failures,
        "input_tokens": row.prompt_tokens,
        "input_cached_tokens": row.cached_tokens,
        "output_tokens": row.completion_tokens,
        "cost_nano_usd": row.cost_nano_usd,
        "surplus_tokens": row.surplus_tokens,
        "surplus_nano_usd": row.surplus_nano_usd,
        "saved_nano_usd": row.saved_nano_usd,
        "model": row.model,
        "task": row.task,
        "api_key_id": row.api_key_id,
    }
