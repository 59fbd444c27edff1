"""GET /v1/usage and /v1/credits: a key sees its own, without keys one sees all, and a page has every bucket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from firstline.api.usage import UsageQuery, span
from firstline.errors import UsageError
from firstline.money import NanoUSD
from firstline.types import KeyTerms
from support.error_shapes import check_error
from support.served import served

PRICE = "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 2.0"
DAY = 86_400


async def asked(client: httpx2.AsyncClient, model: str = "fake/scripted") -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": "red"}]}
    answer = await client.post("/chat/completions", json=body)
    assert answer.status_code == 200
    extra: dict[str, Any] = answer.json()["firstline"]
    return extra


def only(page: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the results of all buckets."""
    return [result for bucket in page["data"] for result in bucket["results"]]


async def test_without_keys_everything_is_seen(tmp_path: Path) -> None:
    async with served(tmp_path, model=PRICE) as server, httpx2.AsyncClient(base_url=server.url) as client:
        cost = (await asked(client))["cost_nano_usd"] + (await asked(client, "task/colour"))["cost_nano_usd"]
        page = (await client.get("/usage")).json()
        assert (page["object"], len(page["data"]), page["has_more"], page["next_page"]) == ("page", 7, False, None)
        assert all(bucket["end_time"] - bucket["start_time"] == DAY for bucket in page["data"])
        (result,) = only(page)
        assert (result["num_requests"], result["num_model_requests"], result["cost_nano_usd"]) == (2, 2, cost)
        assert result["input_tokens"] > 0
        assert result["model"] is result["task"] is result["api_key_id"] is None
        for query in ("group_by=model&group_by=task", "group_by[]=model&group_by[]=task", "group_by=model,task"):
            results = only((await client.get(f"/usage?bucket_width=1h&{query}")).json())
            assert {(one["model"], one["task"]) for one in results} == {
                ("fake/scripted", "chat"),
                ("fake/scripted", "colour"),
            }
        money = (await client.get("/credits")).json()
        assert (money["object"], money["api_key_id"], money["spent_nano_usd"]) == ("credits", None, cost)


async def test_what_a_model_claims_in_excess_is_counted_apart(tmp_path: Path) -> None:
    script = "[[rules]]\nusage = { prompt_tokens = 5_000_000, completion_tokens = 1 }\nanswer = { colour = 'red' }\n"
    async with served(tmp_path, script, model=PRICE) as server, httpx2.AsyncClient(base_url=server.url) as client:
        extra = await asked(client)
        (result,) = only((await client.get("/usage?group_by=model")).json())
        assert result["input_tokens"] + result["surplus_tokens"] == 5_000_000
        assert result["cost_nano_usd"] == extra["cost_nano_usd"]
        assert result["cost_nano_usd"] + result["surplus_nano_usd"] == 5_000_000 * 1_000 + 2_000
        (claimed,) = await server.services.ledger.usage.claimed(0.0)
        assert (claimed.model, claimed.calls, claimed.tokens) == ("fake/scripted", 1, result["surplus_tokens"])
        assert await server.services.ledger.usage.claimed(1e12) == ()


async def test_a_key_sees_its_own(tmp_path: Path) -> None:
    async with served(tmp_path, model=PRICE) as server:
        keys = server.services.ledger.keys
        first, secret = await keys.create(KeyTerms(name="a", prepaid=True), NanoUSD(10**9))
        second, other = await keys.create(KeyTerms(name="b"))
        server.services.keyring.forget()
        clients = [
            httpx2.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {one}"})
            for one in (secret, other)
        ]
        async with clients[0] as mine, clients[1] as theirs:
            cost = (await asked(mine))["cost_nano_usd"]
            await asked(theirs)
            await asked(theirs)
            (result,) = only((await mine.get("/usage?group_by=api_key_id")).json())
            assert (result["api_key_id"], result["num_requests"], result["cost_nano_usd"]) == (first.id, 1, cost)
            money = (await mine.get("/credits")).json()
            assert money == {
                "object": "credits",
                "api_key_id": first.id,
                "prepaid": True,
                "granted_nano_usd": 10**9,
                "spent_nano_usd": cost,
                "held_nano_usd": 0,
                "balance_nano_usd": 10**9 - cost,
                "available_nano_usd": 10**9 - cost,
            }
            money = (await theirs.get("/credits")).json()
            assert (money["api_key_id"], money["prepaid"], money["balance_nano_usd"]) == (second.id, False, None)
            assert money["spent_nano_usd"] == 2 * cost


@pytest.mark.parametrize(
    ("query", "param"),
    [
        ("bucket_width=1w", "bucket_width"),
        ("start_time=yesterday", "start_time"),
        ("start_time=99999999999999", "start_time"),
        ("group_by=colour", "group_by"),
        ("limit=32", "limit"),
        ("limit=0", "limit"),
        ("start_time=200000&end_time=100000", "end_time"),
    ],
)
async def test_a_wrong_query_names_its_field(tmp_path: Path, query: str, param: str) -> None:
    async with served(tmp_path) as server, httpx2.AsyncClient(base_url=server.url) as client:
        assert check_error(await client.get(f"/usage?{query}"), 400, "invalid_request")["param"] == param


def test_pages_cover_a_span_without_gap_or_overlap() -> None:
    query, seen = UsageQuery(start_time=3 * DAY + 5, end_time=20 * DAY + 1), []
    following: int | None = None
    while True:
        page = UsageQuery(start_time=query.start_time, end_time=query.end_time, page=following)
        start, end, following = span(page, now=0.0)
        seen += list(range(start, end, DAY))
        if following is None:
            break
    assert seen == list(range(3 * DAY, 21 * DAY, DAY))
    assert span(UsageQuery(limit=2), now=10.5 * DAY) == (9 * DAY, 11 * DAY, None)
    with pytest.raises(UsageError):
        span(UsageQuery(start_time=2 * DAY, end_time=DAY), now=0.0)
