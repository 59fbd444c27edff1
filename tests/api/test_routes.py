"""What single routes answer; what every route answers to the wrong words stands in `test_every_route`."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from firstline.types import Run
from support.error_shapes import check_error
from support.served import Served, served


async def test_every_route_that_names_something_knows_when_it_does_not_exist(tmp_path: Path) -> None:
    async with served(tmp_path) as server, httpx2.AsyncClient(base_url=server.url) as client:
        check_error(await client.get("/runs/nothing"), 404, "not_found")
        check_error(await client.get("/models/nobody/nothing"), 404, "model_not_found")
        check_error(await client.get("/models/task/nothing"), 404, "not_found")
        check_error(await client.get("/models/file:%2Fetc%2Fpasswd"), 404, "model_not_found")
        check_error(await client.get("/runs?after=nothing"), 404, "not_found")


@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ("limit=0", "limit", "invalid_request"),
        ("limit=x", "limit", "invalid_request"),
        ("verdict=right", "verdict", "invalid_request"),
        ("limits=3", "limits", "unsupported_parameter"),
        ("verdict=null", "verdict", "invalid_request"),
    ],
)
async def test_a_wrong_query_names_its_field(tmp_path: Path, query: str, param: str, code: str) -> None:
    async with served(tmp_path) as server, httpx2.AsyncClient(base_url=server.url) as client:
        assert check_error(await client.get(f"/runs?{query}"), 400, code)["param"] == param


async def test_a_task_s_input_and_parameters_are_checked(tmp_path: Path) -> None:
    async with served(tmp_path) as server, httpx2.AsyncClient(base_url=server.url) as client:

        async def ask(model: str = "task/colour", content: Any = "red", **more: Any) -> httpx2.Response:
            body = {"model": model, "messages": [{"role": "user", "content": content}], **more}
            return await client.post("/chat/completions", json=body)

        check_error(await ask(content=" "), 400, "invalid_input")
        check_error(await ask(logprobs=True), 400, "unsupported_parameter")
        check_error(await ask(firstline={"parameters": {"language": "de"}}), 400, "invalid_request")
        check_error(await ask("fake/echo", firstline={"parameters": {"a": 1}}), 400, "unsupported_parameter")
        pdf = [{"type": "file", "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBERi0xLjc="}}]
        check_error(await ask("fake/echo", content=pdf), 400, "invalid_document")
        broken = await ask(content=pdf)
        assert "PDF" in check_error(broken, 400, "invalid_document")["message"]
        assert broken.headers["x-firstline-verdict"] == "rejected"


async def test_a_run_in_review_is_served_with_its_verdict(tmp_path: Path) -> None:
    script = '[[rules]]\nanswer = { colour = "purple" }'
    async with served(tmp_path, script) as server, httpx2.AsyncClient(base_url=server.url) as client:
        body = {"model": "task/colour", "messages": [{"role": "user", "content": "purple"}]}
        answer = await client.post("/chat/completions", json=body)
        assert answer.status_code == 200
        assert answer.headers["x-firstline-verdict"] == answer.json()["firstline"]["verdict"] == "review"
        assert answer.json()["firstline"]["fields"]["colour"]["status"] == "review"


async def test_a_run_without_any_answer_is_a_refusal(tmp_path: Path) -> None:
    async with (
        served(tmp_path, '[[rules]]\nerror = "engine_bad_output"') as server,
        httpx2.AsyncClient(base_url=server.url) as client,
    ):
        body = {"model": "task/colour", "messages": [{"role": "user", "content": "red"}]}
        answer = (await client.post("/chat/completions", json=body)).json()
        message = answer["choices"][0]["message"]
        assert message["content"] is None
        assert message["refusal"]
        assert answer["firstline"]["verdict"] == "review"


async def test_runs_are_shown_and_listed_in_pages(tmp_path: Path) -> None:
    async with served(tmp_path) as server, httpx2.AsyncClient(base_url=server.url) as client:
        ledger = server.services.ledger
        for name, created in (("a", 1.0), ("b", 2.0), ("c", 3.0)):
            await ledger.begin_run(name, "receipt", "receipt@1", "0" * 64, created)
            await ledger.finish_run(
                Run(id=name, task="receipt", version="receipt@1", verdict="review", answer={"n": name}, attempts=())
            )
        one = (await client.get("/runs/b")).json()
        assert {"id", "task", "version", "verdict", "answer", "attempts", "cost_nano_usd", "ms"} <= set(one)
        assert (one["id"], one["answer"], one["created"]) == ("b", {"n": "b"}, 2.0)
        page = (await client.get("/runs?limit=2&task=receipt&verdict=review")).json()
        assert ([run["id"] for run in page["data"]], page["last_id"], page["has_more"]) == (["c", "b"], "b", True)
        rest = (await client.get("/runs", params={"after": page["last_id"]})).json()
        assert ([run["id"] for run in rest["data"]], rest["has_more"]) == (["a"], False)


async def test_a_run_that_verified_nothing_claims_nothing(tmp_path: Path) -> None:
    async with served(tmp_path) as server, httpx2.AsyncClient(base_url=server.url) as client:
        body = {"model": "fake/echo", "messages": [{"role": "user", "content": "hello"}]}
        answer = (await client.post("/chat/completions", json=body)).json()["firstline"]
        kept = (await client.get(f"/runs/{answer['id']}")).json()
        for run in (answer, kept):
            assert (run["verdict"], run["attempts"][0]["passed"]) == (None, None)
        assert (await client.get("/runs?verdict=accepted")).json()["data"] == []


async def test_health_is_ok(tmp_path: Path) -> None:
    async with served(tmp_path) as server, httpx2.AsyncClient(base_url=server.url[:-3]) as client:
        assert (await client.get("/health")).json() == {"status": "ok"}


async def test_work_ends_when_the_caller_leaves(tmp_path: Path) -> None:
    async with served(tmp_path, "[[rules]]\ndelay_ms = 3600000") as server:
        body = json.dumps({"model": "task/colour", "messages": [{"role": "user", "content": "red"}]}).encode()
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = "POST /v1/chat/completions HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
        head += f"content-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        async with asyncio.timeout(30):
            begun = await reason(server, "still running")
            writer.close()
            await reason(server, "the caller left before the verdict")
        assert begun.task == "colour"


async def reason(server: Served, wanted: str) -> Run:
    """Wait until the only run has this reason."""
    while True:
        runs = await server.services.ledger.list_runs(1)
        if runs and runs[0].reason == wanted:
            return runs[0]
