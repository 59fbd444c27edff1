"""A quota of storage on a real server: what does not fit is refused in words before a model is asked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2

from support.error_shapes import check_error
from support.served import client_of, made_key, served

CHAT: dict[str, Any] = {"model": "fake/echo", "messages": [{"role": "user", "content": "hello"}]}


async def upload(client: httpx2.AsyncClient, size: int) -> httpx2.Response:
    return await client.post("/v1/files", files={"file": ("a.txt", b"x" * size)}, data={"purpose": "user_data"})


async def used(client: httpx2.AsyncClient) -> tuple[int, int]:
    told = (await client.get("/v1/usage")).json()["storage"]
    return told["used_bytes"], told["limit_bytes"]


async def test_files_and_kept_answers_fill_the_storage_of_their_key(tmp_path: Path) -> None:
    async with served(tmp_path) as server:
        async with client_of(server, await made_key(server, storage_bytes=20_000)) as client:
            first = (await upload(client, 15_000)).json()
            assert await used(client) == (15_000, 20_000)
            error = check_error(await upload(client, 6_000), 413, "storage_limit_exceeded")
            assert "0.0 MB of 0.0 MB" in error["message"]
            kept = (await client.post("/v1/chat/completions", json={**CHAT, "store": True})).json()["id"]
            told, _ = await used(client)
            assert 15_000 < told < 20_000
            metadata = {f"k{number}": "v" * 512 for number in range(16)}
            answer = await client.post(f"/v1/chat/completions/{kept}", json={"metadata": metadata})
            check_error(answer, 413, "storage_limit_exceeded")
            assert (await client.get(f"/v1/chat/completions/{kept}")).json()["metadata"] == {}
            assert (await upload(client, 20_000 - told)).status_code == 200
            assert await used(client) == (20_000, 20_000)
            before = len((await client.get("/v1/runs")).json()["data"])
            for path, body in (
                ("/v1/chat/completions", {**CHAT, "store": True}),
                ("/v1/chat/completions", {**CHAT, "store": True, "stream": True}),
                ("/v1/responses", {"model": "fake/echo", "input": "hello"}),
            ):
                check_error(await client.post(path, json=body), 413, "storage_limit_exceeded")
            assert len((await client.get("/v1/runs")).json()["data"]) == before  # no model was asked
            body = {"model": "fake/echo", "input": "hello", "store": False}
            for path, free in (("/v1/chat/completions", CHAT), ("/v1/responses", body)):
                assert (await client.post(path, json=free)).status_code == 200
            for path in (f"/v1/files/{first['id']}", f"/v1/chat/completions/{kept}"):
                assert (await client.delete(path)).status_code == 200
            assert (
                await client.post("/v1/responses", json={"model": "fake/echo", "input": "hello"})
            ).status_code == 200
        async with client_of(server, await made_key(server, "other")) as client:
            assert await used(client) == (0, 10_000_000_000)
            assert (await upload(client, 30_000)).status_code == 200
