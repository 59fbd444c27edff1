"""A request with an Idempotency-Key is done once, whoever sends it how often, and answered alike."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest

from firstline.money import NanoUSD
from firstline.types import KeyTerms
from support.books import check_books, entries_of
from support.error_shapes import check_error
from support.openai_server import Reply, fails, says, serve, streams
from support.served import Served, client_of, made_key, served

PRICE = "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 2.0"
SCRIPT = (
    '[[rules]]\nwhen = "red"\nanswer = { colour = "red" }\n[[rules]]\nwhen = "slow"\nanswer = "late"\ndelay_ms = 300\n'
)
HELLO = [{"role": "user", "content": "red"}]
ROUTES: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/v1/chat/completions", {"model": "fake/scripted", "messages": HELLO}),
    "chat, stream": ("/v1/chat/completions", {"model": "fake/scripted", "messages": HELLO, "stream": True}),
    "task": ("/v1/chat/completions", {"model": "task/colour", "messages": HELLO}),
    "response": ("/v1/responses", {"model": "fake/scripted", "input": "red"}),
    "response, stream": ("/v1/responses", {"model": "fake/scripted", "input": "red", "stream": True}),
    "message": ("/v1/messages", {"model": "fake/scripted", "messages": HELLO, "max_tokens": 50}),
    "message, stream": (
        "/v1/messages",
        {"model": "fake/scripted", "messages": HELLO, "max_tokens": 50, "stream": True},
    ),
    "decision": (
        "/v1/decisions",
        {
            "model": "fake/scripted",
            "input": "an apple",
            "questions": [{"type": "predicate", "instructions": "It is one."}],
        },
    ),
}


def once(key: str = "k-1") -> dict[str, str]:
    return {"idempotency-key": key}


def of_the_answer(answer: httpx2.Response) -> tuple[int, bytes, list[tuple[str, str]]]:
    """What must be the same again; ids of requests, times and limits are the request's own."""
    own = ("x-request-id", "request-id", "openai-processing-ms", "x-ratelimit", "date", "idempotent-replayed")
    headers = [(name, value) for name, value in answer.headers.items() if not name.startswith(own)]
    return answer.status_code, answer.content, sorted(headers)


async def rich(server: Served, name: str = "rich") -> httpx2.AsyncClient:
    _, secret = await server.services.ledger.keys.create(KeyTerms(name=name, prepaid=True), NanoUSD(10**9))
    server.services.keyring.forget()
    return client_of(server, secret)


@pytest.mark.parametrize("route", ROUTES)
async def test_the_same_again_is_answered_alike_and_paid_once(tmp_path: Path, route: str) -> None:
    path, body = ROUTES[route]
    async with served(tmp_path, SCRIPT, model=PRICE) as server, await rich(server) as client:
        first = await client.post(path, json=body, headers=once())
        assert first.status_code == 200, first.text
        assert "idempotent-replayed" not in first.headers
        again = await client.post(path, json=body, headers=once())
        assert again.headers["idempotent-replayed"] == "true"
        assert of_the_answer(again) == of_the_answer(first)
        paid = len(entries_of(tmp_path / "data" / "ledger.db"))
        assert paid == 1
        assert (await client.post(path, json=body, headers=once("k-2"))).headers.get("idempotent-replayed") is None
        assert (await client.post(path, json=body)).status_code == 200
        assert len(entries_of(tmp_path / "data" / "ledger.db")) == 3
    check_books(tmp_path / "data" / "ledger.db")


async def test_embeddings_files_and_stored_completions_are_made_once(tmp_path: Path) -> None:
    async with served(tmp_path, SCRIPT) as server, await rich(server) as client:
        file = {"file": ("a.txt", b"hello")}
        made = [
            await client.post("/v1/files", files=file, data={"purpose": "user_data"}, headers=once("f"))
            for _ in range(2)
        ]
        # The client draws another boundary each time: it is the same form all the same.
        assert made[0].request.headers["content-type"] != made[1].request.headers["content-type"]
        assert [one.status_code for one in made] == [200, 200]
        assert made[0].json() == made[1].json()
        assert len((await client.get("/v1/files")).json()["data"]) == 1
        other = {"file": ("a.txt", b"hello!")}
        refused = await client.post("/v1/files", files=other, data={"purpose": "user_data"}, headers=once("f"))
        check_error(refused, 422, "idempotency_key_reused")
        body = {"model": "fake/echo", "messages": HELLO, "store": True}
        stored = [(await client.post("/v1/chat/completions", json=body, headers=once("s"))).json() for _ in range(2)]
        assert stored[0] == stored[1]
        assert len((await client.get("/v1/chat/completions")).json()["data"]) == 1
        path = f"/v1/chat/completions/{stored[0]['id']}"
        await client.post(path, json={"metadata": {"a": "1"}}, headers=once("m"))
        await client.post(path, json={"metadata": {"a": "2"}})
        assert (await client.post(path, json={"metadata": {"a": "1"}}, headers=once("m"))).status_code == 200
        assert (await client.get(path)).json()["metadata"] == {"a": "2"}


async def test_another_request_under_the_same_key_is_refused_in_words(tmp_path: Path) -> None:
    path, body = ROUTES["chat"]
    async with served(tmp_path, SCRIPT) as server, client_of(server, None) as client:
        assert (await client.post(path, json=body, headers=once())).status_code == 200
        changed = {**body, "temperature": 0.5}
        error = check_error(await client.post(path, json=changed, headers=once()), 422, "idempotency_key_reused")
        assert "with another body" in error["message"]
        other = await client.post("/v1/responses", json=ROUTES["response"][1], headers=once())
        assert "was used for POST /v1/chat/completions" in check_error(other, 422, "idempotency_key_reused")["message"]
        for wrong in ("", "x" * 256, "a b", "ä"):
            answer = await client.post(path, json=body, headers={b"idempotency-key": wrong.encode()})
            check_error(answer, 422, "idempotency_key_reused")
        answer = await client.post("/v1/messages", json=ROUTES["message"][1], headers=once())
        assert (answer.status_code, answer.json()["type"]) == (422, "error")


async def test_keys_of_callers_are_apart(tmp_path: Path) -> None:
    path, body = ROUTES["chat"]
    async with served(tmp_path, SCRIPT) as server:
        for name in ("a", "b"):
            async with client_of(server, await made_key(server, name)) as client:
                answer = await client.post(path, json={**body, "user": name}, headers=once())
                assert (answer.status_code, "idempotent-replayed" in answer.headers) == (200, False)


async def test_the_second_waits_for_the_first_and_both_get_one_answer(tmp_path: Path) -> None:
    body = {"model": "fake/scripted", "messages": [{"role": "user", "content": "slow"}]}
    async with served(tmp_path, SCRIPT, model=PRICE) as server, await rich(server) as client:
        answers = await asyncio.gather(
            *(client.post("/v1/chat/completions", json=body, headers=once()) for _ in range(8))
        )
        assert {answer.status_code for answer in answers} == {200}
        assert len({answer.content for answer in answers}) == 1
        assert sum("idempotent-replayed" in answer.headers for answer in answers) == 7
        assert len(entries_of(tmp_path / "data" / "ledger.db")) == 1


async def test_who_waits_too_long_is_told_when_to_come_again(tmp_path: Path) -> None:
    body = {"model": "fake/scripted", "messages": [{"role": "user", "content": "slow"}]}
    toml = "[idempotency]\nwait_s = 0\n"
    async with served(tmp_path, SCRIPT, toml=toml) as server, client_of(server, None) as client:
        first, second = await asyncio.gather(
            *(client.post("/v1/chat/completions", json=body, headers=once()) for _ in range(2))
        )
        busy = second if second.status_code == 409 else first
        check_error(busy, 409, "idempotency_in_progress")
        assert (busy.headers["retry-after"], busy.headers["x-should-retry"]) == ("1", "true")
        assert {first.status_code, second.status_code} == {200, 409}


async def test_the_work_goes_on_when_its_caller_leaves_and_they_find_the_answer(tmp_path: Path) -> None:
    body = {"model": "fake/scripted", "messages": [{"role": "user", "content": "slow"}]}
    async with served(tmp_path, SCRIPT, model=PRICE) as server, await rich(server) as client:
        with pytest.raises(httpx2.ReadTimeout):
            await client.post("/v1/chat/completions", json=body, headers=once(), timeout=0.1)
        again = await client.post("/v1/chat/completions", json=body, headers=once())
        assert (again.status_code, again.headers["idempotent-replayed"]) == (200, "true")
        assert [state for state, _, _ in entries_of(tmp_path / "data" / "ledger.db")] == ["settled"]


@pytest.mark.parametrize(("reply", "status"), [(fails(500), 502), (fails(429), 429)])
async def test_what_failed_before_anything_was_paid_is_tried_again(tmp_path: Path, reply: Reply, status: int) -> None:
    async with serve(reply, says("hello")) as world:
        toml = f'[models."up/m"]\nbase_url = "{world.url}"\n{PRICE}\n'
        body = {"model": "up/m", "messages": HELLO}
        async with served(tmp_path, toml=toml) as server, await rich(server) as client:
            first = await client.post("/v1/chat/completions", json=body, headers=once())
            assert first.status_code == status
            second = await client.post("/v1/chat/completions", json=body, headers=once())
            assert (second.status_code, "idempotent-replayed" in second.headers) == (200, False)
            third = await client.post("/v1/chat/completions", json=body, headers=once())
            assert (third.json(), third.headers["idempotent-replayed"]) == (second.json(), "true")
        assert len(world.sent) == 2


async def test_a_stream_that_broke_is_sent_again_as_it_broke(tmp_path: Path) -> None:
    piece = {"id": "x", "choices": [{"index": 0, "delta": {"content": "hel"}, "finish_reason": None}]}
    async with serve(streams(piece, end=False), says("never asked")) as world:
        toml = f'[models."up/m"]\nbase_url = "{world.url}"\n{PRICE}\n'
        body = {"model": "up/m", "messages": HELLO, "stream": True}
        async with served(tmp_path, toml=toml) as server, await rich(server) as client:
            first = await client.post("/v1/chat/completions", json=body, headers=once())
            assert b"hel" in first.content
            assert b'"error"' in first.content
            again = await client.post("/v1/chat/completions", json=body, headers=once())
            assert of_the_answer(again) == of_the_answer(first)
        assert len(world.sent) == 1


async def test_an_answer_too_large_to_keep_is_not_made_again(tmp_path: Path) -> None:
    text = "x" * 3_000
    toml = "[idempotency]\nanswer_mb = 0.002\n"
    body = {"model": "fake/echo", "messages": [{"role": "user", "content": text}]}
    async with served(tmp_path, toml=toml) as server, client_of(server, None) as client:
        assert text in (await client.post("/v1/chat/completions", json=body, headers=once())).text
        refused = await client.post("/v1/chat/completions", json=body, headers=once())
        assert "too large to be kept" in check_error(refused, 409, "conflict")["message"]
        assert len((await client.get("/v1/runs")).json()["data"]) == 1


async def test_a_day_later_the_key_is_free_and_hours_0_leaves_it_alone(tmp_path: Path) -> None:
    path, body = ROUTES["chat"]
    for hours, replayed in (("0.000001", False), ("0", False), ("1", True)):
        folder = tmp_path / hours
        folder.mkdir()
        toml = f"[idempotency]\nhours = {hours}\n"
        async with served(folder, SCRIPT, toml=toml) as server, client_of(server, None) as client:
            await client.post(path, json=body, headers=once())
            again = await client.post(path, json=body, headers=once())
            assert ("idempotent-replayed" in again.headers) == replayed, hours


async def test_a_wrong_request_is_wrong_again_without_being_read_twice(tmp_path: Path) -> None:
    async with served(tmp_path, SCRIPT) as server, client_of(server, None) as client:
        body = {"model": "fake/echo", "messages": "x"}
        first = await client.post("/v1/chat/completions", json=body, headers=once())
        again = await client.post("/v1/chat/completions", json=body, headers=once())
        assert first.status_code == 400
        assert of_the_answer(again) == of_the_answer(first)
        for _ in range(2):  # what is not there may come: it is looked for again
            missing = await client.post("/v1/chat/completions", json={**body, "model": "no/such"}, headers=once("n"))
            assert "idempotent-replayed" not in missing.headers or missing.status_code == 400


async def test_what_was_asked_is_not_kept(tmp_path: Path) -> None:
    body = {"model": "fake/scripted", "messages": [{"role": "user", "content": "red 4929-secret"}]}
    async with served(tmp_path, SCRIPT) as server, client_of(server, None) as client:
        await client.post("/v1/chat/completions", json=body, headers=once("key-4929"))
    for file in (tmp_path / "data").glob("ledger.db*"):
        if file.is_file():
            assert b"4929" not in file.read_bytes()
