"""Audits over HTTP: confirmed in a word, corrected, skipped, and the server that asks the top rung by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from firstline.cli import serving
from firstline.ledger.audits import AuditRows
from firstline.reading.source import text_input
from support.certified import put_in_force
from support.error_shapes import check_error
from support.ladders import TICKET, two_rungs
from support.served import Served, client_of, made_key, served

SCRIPT = '[[rules]]\nwhen = "purple"\nanswer = { colour = "purple" }\n[[rules]]\nanswer = { colour = "red" }'
RIGHT = {"plate": "AB 123", "total": 12.5}


@asynccontextmanager
async def auditing(folder: Path) -> AsyncIterator[tuple[httpx2.AsyncClient, Served]]:
    async with (
        served(folder, SCRIPT, toml="[audits]\nrate = 1.0\n") as server,
        client_of(server, None) as client,
    ):
        await put_in_force(server.services, "colour")
        yield client, server


async def ask(client: httpx2.AsyncClient, text: str = "a red car") -> dict[str, Any]:
    body = {"model": "task/colour", "messages": [{"role": "user", "content": text}]}
    run: dict[str, Any] = (await client.post("/v1/chat/completions", json=body)).json()["firstline"]
    return run


async def counted(client: httpx2.AsyncClient) -> dict[str, Any]:
    audits: dict[str, Any] = (await client.get("/v1/certificates?task=colour")).json()["data"][0]["audits"]
    return audits


async def test_a_served_answer_is_confirmed_corrected_or_skipped(tmp_path: Path) -> None:
    async with auditing(tmp_path) as (client, _):
        runs = [await ask(client) for _ in range(3)]
        assert [(run["verdict"], run["review"]["kind"]) for run in runs] == [("accepted", "audit")] * 3
        await ask(client, "a purple car")  # what no model settles is a review
        listed = (await client.get("/v1/reviews?kind=audit&state=open")).json()["data"]
        assert [one["run_id"] for one in listed] == [run["id"] for run in runs]
        assert len((await client.get("/v1/reviews?kind=review")).json()["data"]) == 1
        paths = [f"/v1/reviews/{one['id']}" for one in listed]
        seen = (await client.get(paths[0])).json()
        assert (seen["blind"], seen["best"], seen["certificate_id"]) == (
            False,
            {"colour": "red"},
            runs[0]["certificate"],
        )
        done = (await client.post(f"{paths[0]}/answer", json={"confirm": True})).json()
        assert done["audit"] == {
            "right": True,
            "wrong": [],
            "certificate_id": runs[0]["certificate"],
            "withdrawn": None,
        }
        wrong = (await client.post(f"{paths[1]}/answer", json={"answer": {"colour": "blue"}})).json()
        assert (wrong["audit"]["wrong"], wrong["run"]["answer"]) == (["colour"], {"colour": "red"})
        await client.post(f"{paths[2]}/reject", json={"reason": "too dark"})
        found = await counted(client)
        assert (found["drawn"], found["answered"], found["wrong"], found["skipped"]) == (3, 2, 1, 1)
        for run in runs:
            kept = (await client.get(f"/v1/runs/{run['id']}")).json()
            assert (kept["verdict"], kept["answer"], kept["fields"]) == ("accepted", {"colour": "red"}, run["fields"])


async def test_what_says_nothing_or_confirms_what_was_not_served_is_refused(tmp_path: Path) -> None:
    async with auditing(tmp_path) as (client, _):
        audit = f"/v1/reviews/{(await ask(client))['review']['id']}/answer"
        review = f"/v1/reviews/{(await ask(client, 'a purple car'))['review']['id']}/answer"
        bodies: list[dict[str, Any]] = [{}, {"answer": {}}, {"answer": {"colour": "red"}, "confirm": True}]
        for body in bodies:
            assert check_error(await client.post(audit, json=body), 400, "invalid_request")["param"] == "answer"
        refused = check_error(await client.post(review, json={"confirm": True}), 400, "invalid_request")
        assert refused["param"] == "confirm"
        assert (await counted(client))["pending"] == 1


async def test_of_twenty_reviewers_at_once_one_settles_an_audit(tmp_path: Path) -> None:
    async with auditing(tmp_path) as (client, server):
        name = (await ask(client))["review"]["id"]

        async def say(number: int) -> httpx2.Response:
            said = {"confirm": True} if number % 2 else {"answer": {"colour": "blue"}}
            return await client.post(f"/v1/reviews/{name}/answer", json={**said, "reviewer": f"r{number}"})

        answers = await asyncio.gather(*map(say, range(20)))
        (won,) = [one.json() for one in answers if one.status_code == 200]
        for one in answers:
            if one.status_code != 200:
                check_error(one, 409, "review_closed")
        (example,) = await server.services.ledger.reviews.examples("colour")
        assert (example.expected, example.origin) == (won["answer"], "audit")
        found = await counted(client)
        assert (found["answered"], found["wrong"]) == (1, int(not won["audit"]["right"]))


async def test_an_audit_takes_a_right_of_its_own_and_the_scope_of_its_task(tmp_path: Path) -> None:
    ways: tuple[tuple[str, dict[str, Any]], ...] = (
        ("take", {}),
        ("answer", {"confirm": True}),
        ("answer", {"answer": "blue"}),
        ("reject", {"reason": "x"}),
    )
    async with auditing(tmp_path) as (_, server):
        name = ""
        for rights, scopes, status, code in (
            ((), (), 403, "missing_right"),
            (("tasks", "runs", "reviews"), (), 403, "missing_right"),
            (("tasks", "runs", "reviews", "audits:read"), (), 403, "missing_right"),
            (("tasks", "runs", "reviews:own"), (), 403, "missing_right"),
            (("reviews", "audits"), ("task/other*",), 404, "not_found"),
        ):
            secret = await made_key(server, f"key {status} {rights}", rights=rights, scopes=scopes)
            async with client_of(server, secret) as client:
                # Its own answer may be drawn too: who was served must not judge what was served.
                name = name if "tasks" not in (rights or ("tasks",)) else (await ask(client))["review"]["id"]
                for word, body in ways:
                    check_error(await client.post(f"/v1/reviews/{name}/{word}", json=body), status, code)
                seen = await client.get("/v1/reviews")
                may_see = "audits:read" in rights
                kinds = {one["kind"] for one in seen.json().get("data", ())}
                assert kinds == ({"audit"} if may_see else set()), rights
                asked = await client.get("/v1/reviews?kind=audit")
                assert (asked.status_code == 200) == (may_see or status == 404), rights
        auditor = await made_key(server, "auditor", rights=("audits",), scopes=("task/colour",))
        async with client_of(server, auditor) as client:
            assert name in [one["id"] for one in (await client.get("/v1/reviews?kind=audit")).json()["data"]]
            check_error(await client.get("/v1/reviews?kind=review"), 403, "missing_right")
            done = (await client.post(f"/v1/reviews/{name}/answer", json={"confirm": True, "reviewer": "anna"})).json()
            assert (done["audit"]["right"], done["review"]["by"]) == (True, "anna via auditor")


async def test_a_server_asks_the_top_rung_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    more = '[audits]\nrate = 1.0\nby = "top"\n'
    async with two_rungs(tmp_path, RIGHT, RIGHT, more=more, tasks={"ticket": TICKET}) as app:
        await put_in_force(app.services, "ticket")
        text = text_input("Plate AB 123, total EUR 12.50")
        run = await app.services.runner.run(app.services.tasks.get("ticket"), text)
    settled = asyncio.Queue[str]()
    agree = AuditRows.agree

    async def told(rows: AuditRows, run_id: str, model: str) -> None:
        await agree(rows, run_id, model)
        settled.put_nowait(run_id)

    monkeypatch.setattr(AuditRows, "agree", told)
    monkeypatch.setattr(serving, "_settle_memory", lambda: None)  # which is for a process that does nothing else
    words, answers = asyncio.Queue[dict[str, str]](), asyncio.Queue[MutableMapping[str, Any]]()
    server = asyncio.ensure_future(serving.serving_application()({"type": "lifespan"}, words.get, answers.put))
    async with asyncio.timeout(30):
        words.put_nowait({"type": "lifespan.startup"})
        assert (await answers.get())["type"] == "lifespan.startup.complete"
        assert await settled.get() == run.id
        words.put_nowait({"type": "lifespan.shutdown"})
        assert (await answers.get())["type"] == "lifespan.shutdown.complete"
        await server
