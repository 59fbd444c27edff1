"""Money on the wire: who cannot pay is told so on every surface, and the books are true after whatever was asked."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from firstline.money import NanoUSD
from firstline.types import KeyTerms
from support.books import check_books, entries_of
from support.error_shapes import check_error
from support.served import Served, served

PRICE = "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 2.0"
HELLO = [{"role": "user", "content": "red"}]
SCHEMA = {
    "type": "json_schema",
    "json_schema": {"name": "a", "schema": {"type": "object", "properties": {"colour": {"type": "string"}}}},
}
SURFACES: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/chat/completions", {"model": "fake/scripted", "messages": HELLO}),
    "stream": ("/chat/completions", {"model": "fake/scripted", "messages": HELLO, "stream": True}),
    "schema": ("/chat/completions", {"model": "fake/scripted", "messages": HELLO, "response_format": SCHEMA}),
    "schema stream": (
        "/chat/completions",
        {"model": "fake/scripted", "messages": HELLO, "response_format": SCHEMA, "stream": True},
    ),
    "two answers": ("/chat/completions", {"model": "fake/scripted", "messages": HELLO, "n": 2}),
    "task": ("/chat/completions", {"model": "task/colour", "messages": HELLO}),
    "task stream": ("/chat/completions", {"model": "task/colour", "messages": HELLO, "stream": True}),
}
"""Every way to ask a model, with a body."""


async def client(server: Served, credit: int | None = None, **terms: Any) -> httpx2.AsyncClient:
    """Return a client with a new key, prepaid where it gets a credit."""
    terms = {"name": f"key of {server.port} {terms} {credit}"[:100], "prepaid": credit is not None, **terms}
    _, secret = await server.services.ledger.keys.create(KeyTerms(**terms), NanoUSD(credit or 0))
    server.services.keyring.forget()
    return httpx2.AsyncClient(base_url=server.url, headers={"authorization": f"Bearer {secret}"}, timeout=30)


@pytest.mark.parametrize("surface", SURFACES)
async def test_who_cannot_pay_is_told_so_and_nothing_is_asked(tmp_path: Path, surface: str) -> None:
    path, body = SURFACES[surface]
    async with served(tmp_path, model=PRICE) as server:
        async with await client(server, 0) as empty:
            error = check_error(await empty.post(path, json=body), 402, "insufficient_balance")
            assert error["type"] == "billing_error"
        async with await client(server, 1_000) as poor:
            check_error(await poor.post(path, json=body), 402, "insufficient_balance")
        for budget in ("day_nano_usd", "month_nano_usd"):
            async with await client(server, **{budget: NanoUSD(1_000)}) as bounded:
                answer = await bounded.post(path, json=body)
                error = check_error(answer, 429, "insufficient_quota")
                assert error["type"] == "insufficient_quota"
                assert answer.headers["x-should-retry"] == "false"
        async with await client(server, tokens_per_minute=1) as slow:
            # Two calls at once are one too many already.
            assert (await slow.post(path, json=body)).status_code == (429 if surface == "two answers" else 200)
            answer = await slow.post(path, json=body)
            assert check_error(answer, 429, "rate_limit_exceeded")["type"] == "tokens"
            assert int(answer.headers["retry-after"]) >= 1
            assert answer.headers["x-ratelimit-remaining-tokens"] == "0"
        # Only the one call that was let through has an entry.
        assert [state for state, _, _ in entries_of(tmp_path / "data" / "ledger.db")] == ["settled"]
    check_books(tmp_path / "data" / "ledger.db")


async def test_every_surface_pays_once_also_many_at_a_time(tmp_path: Path) -> None:
    async with served(tmp_path, model=PRICE) as server, await client(server, 10**9) as rich:
        for surface in SURFACES:
            path, body = SURFACES[surface]
            answers = await asyncio.gather(*(rich.post(path, json=body) for _ in range(5)))
            assert [answer.status_code for answer in answers] == [200] * 5
        entries = entries_of(tmp_path / "data" / "ledger.db")
        assert len(entries) == 5 * (len(SURFACES) + 1)  # two answers are two calls
        assert all(state == "settled" and cost > 0 for state, cost, _ in entries)
        runs = await server.services.ledger.list_runs(100)
        assert sum(run.cost_nano_usd for run in runs) == sum(cost for _, cost, _ in entries)
    check_books(tmp_path / "data" / "ledger.db")


async def test_more_at_once_than_a_wallet_bears_are_let_through_as_far_as_it_goes(tmp_path: Path) -> None:
    path, body = SURFACES["chat"]
    body = {**body, "max_completion_tokens": 1_024}
    async with served(tmp_path, "[[rules]]\ndelay_ms = 50", model=PRICE) as server:
        async with await client(server, 5_000_000) as poor:  # two holds of 1,024 tokens and a prompt
            answers = await asyncio.gather(*(poor.post(path, json=body) for _ in range(8)))
        assert sorted(answer.status_code for answer in answers) == [200] * 2 + [402] * 6
    check_books(tmp_path / "data" / "ledger.db")


LONG = "[[rules]]\nanswer = '{}'".format("word " * 6_000)


@pytest.mark.parametrize("surface", ["chat", "stream", "two answers"])
async def test_an_answer_ends_where_the_budget_of_its_run_does(tmp_path: Path, surface: str) -> None:
    path, body = SURFACES[surface]
    budget = 2_000_000 * (2 if surface == "two answers" else 1)  # of a run: $0.002 an answer
    async with served(tmp_path, LONG, model=PRICE, toml="[budget]\nusd = 0.002") as server:
        async with await client(server, 10**9) as rich:
            answer = await rich.post(path, json=body)
        assert answer.status_code == 200
        assert '"finish_reason":"length"' in answer.text.replace('": "', '":"')
        [run] = await server.services.ledger.list_runs(9)
        assert 0.9 * budget < run.cost_nano_usd <= budget
    check_books(tmp_path / "data" / "ledger.db")


async def test_an_answer_ends_where_the_wallet_does_and_too_short_a_one_is_refused(tmp_path: Path) -> None:
    path, body = SURFACES["chat"]
    async with served(tmp_path, LONG, model=PRICE) as server, await client(server, 1_000_000) as poor:
        answer = await poor.post(path, json=body)
        assert answer.json()["choices"][0]["finish_reason"] == "length"
        tokens = answer.json()["usage"]["completion_tokens"]
        assert 256 <= tokens <= 500
        check_error(await poor.post(path, json=body), 402, "insufficient_balance")
        # Who names a limit gets all of it, or nothing.
        named = {**body, "max_completion_tokens": tokens + 500}
        check_error(await poor.post(path, json=named), 402, "insufficient_balance")
    check_books(tmp_path / "data" / "ledger.db")


@pytest.mark.parametrize("surface", SURFACES)
async def test_who_leaves_pays_what_may_have_been_used(tmp_path: Path, surface: str) -> None:
    path, body = SURFACES[surface]
    ledger = tmp_path / "data" / "ledger.db"
    async with (
        served(tmp_path, "[[rules]]\ndelay_ms = 3600000", model=PRICE) as server,
        await client(server, 10**9) as rich,
    ):
        content = json.dumps(body).encode()
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = f"POST /v1{path} HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        head += f"authorization: {rich.headers['authorization']}\r\n"
        writer.write(f"{head}content-length: {len(content)}\r\n\r\n".encode() + content)
        async with asyncio.timeout(30):
            while not entries_of(ledger):
                await reason(server, "still running")
            await rich.get("/health")  # what is held was sent by now
            writer.close()
            run = await reason(server, "the caller left before")
        entries = entries_of(ledger)
        assert {error for _, _, error in entries} == {"cancelled"}
        # The second of two answers may not have been sent yet.
        assert {"settled"} <= {state for state, _, _ in entries} <= {"settled", "refused"}
        assert run.cost_nano_usd == sum(cost for _, cost, _ in entries) > 0
    check_books(ledger)


async def reason(server: Served, wanted: str) -> Any:
    """Wait until the only run has such a reason, and a call that it holds for."""
    while True:
        runs = await server.services.ledger.list_runs(1)
        if runs and runs[0].reason.startswith(wanted) and runs[0].attempts:
            return runs[0]
