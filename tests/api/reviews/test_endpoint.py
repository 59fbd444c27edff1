"""`/v1/reviews` on a real server: the queue, the source, and the ways of a reviewer through it."""

from __future__ import annotations

import asyncio
import base64
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image

from support.error_shapes import check_error
from support.served import Served, client_of, made_key, served

SCRIPT = '[[rules]]\nwhen = "purple"\nanswer = { colour = "purple" }\n[[rules]]\nanswer = { colour = "red" }'


@asynccontextmanager
async def asking(folder: Path, toml: str = "") -> AsyncIterator[tuple[httpx2.AsyncClient, Served]]:
    async with served(folder, SCRIPT, toml=toml) as server, client_of(server, None) as client:
        yield client, server


async def left(client: httpx2.AsyncClient, content: Any = "a purple car") -> dict[str, Any]:
    """Ask what no model settles; gives the run that says so."""
    body = {"model": "task/colour", "messages": [{"role": "user", "content": content}]}
    answer = (await client.post("/v1/chat/completions", json=body)).json()["firstline"]
    assert answer["verdict"] == "review"
    run: dict[str, Any] = (await client.get(f"/v1/runs/{answer['id']}")).json()
    return run


def picture() -> bytes:
    data = io.BytesIO()
    Image.new("RGB", (8, 4), "purple").save(data, "PNG")
    return data.getvalue()


async def test_a_run_goes_through_the_queue_to_its_answer(tmp_path: Path) -> None:
    async with asking(tmp_path) as (client, _):
        run = await left(client)
        name = run["review"]["id"]
        assert run["review"] == {"id": name, "kind": "review", "state": "open", "by": None, "at": run["review"]["at"]}
        (listed,) = (await client.get("/v1/reviews?state=open&task=colour")).json()["data"]
        assert (listed["id"], listed["run_id"], listed["answer"]) == (name, run["id"], None)
        seen = (await client.get(f"/v1/reviews/{name}")).json()
        assert seen["source"] == {"kept": True, "parts": [{"type": "text", "text": "a purple car"}]}
        assert (seen["best"], seen["run"]["id"]) == ({"colour": "purple"}, run["id"])
        assert [one["check"] for one in seen["doubts"]["colour"]] == ["schema"]
        assert seen["schema"]["properties"]["colour"]["enum"] == ["red", "blue"]
        assert seen["run"]["attempts"][0]["findings"]
        taken = (await client.post(f"/v1/reviews/{name}/take", json={"reviewer": "anna", "lease_s": 60})).json()
        assert (taken["state"], taken["by"], taken["lease_ends"] - taken["at"]) == ("taken", "anna", 60)
        body = {"answer": {"colour": "blue"}, "reviewer": "anna"}
        tried = (await client.post(f"/v1/reviews/{name}/answer", json={**body, "dry_run": True})).json()
        assert (tried["saved"], tried["answer"], tried["review"]["state"]) == (False, {"colour": "blue"}, "taken")
        done = (await client.post(f"/v1/reviews/{name}/answer", json=body)).json()
        assert (done["saved"], done["findings"], done["run"]["answer"]) == (True, [], {"colour": "blue"})
        assert (await client.post(f"/v1/reviews/{name}/answer", json=body)).json() == done
        kept = (await client.get(f"/v1/runs/{run['id']}")).json()
        assert (kept["verdict"], kept["review"]["state"], kept["review"]["by"]) == ("review", "answered", "anna")
        assert kept["fields"]["colour"] == {
            "status": "answered",
            "model": None,
            "confidence": None,
            "reasons": [],
            "by": "anna",
        }
        assert (await client.get("/v1/reviews?state=open")).json()["data"] == []


async def test_a_picture_is_shown_by_its_address(tmp_path: Path) -> None:
    data = picture()
    content = [
        {"type": "text", "text": "purple?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{base64.b64encode(data).decode()}"}},
    ]
    async with asking(tmp_path) as (client, _):
        run = await left(client, content)
        seen = (await client.get(f"/v1/reviews/{run['review']['id']}")).json()
        text, image = seen["source"]["parts"]
        assert text["text"] == "purple?"
        assert (image["type"], image["media_type"]) == ("image", "image/png")
        answer = await client.get(image["url"])
        assert (answer.status_code, len(answer.content)) == (200, image["bytes"])
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert Image.open(io.BytesIO(answer.content)).size == (8, 4)
        assert (await client.get(image["url"][:-1] + "0")).content == b"purple?"
        for place in ("2", "-1", "x", "00009999", "%D9%A1"):
            check_error(await client.get(image["url"][:-1] + place), 404, "not_found")


async def test_conflicts_say_who_and_an_answer_is_held_to_the_task(tmp_path: Path) -> None:
    async with asking(tmp_path) as (client, _):
        path = f"/v1/reviews/{(await left(client))['review']['id']}"
        await client.post(f"{path}/take", json={"reviewer": "anna"})
        ben = {"reviewer": "ben"}
        for word, body in (
            ("take", ben),
            ("release", ben),
            ("answer", {**ben, "answer": {"colour": "red"}}),
            ("reject", {**ben, "reason": "no"}),
        ):
            answer = await client.post(f"{path}/{word}", json=body)
            error = check_error(answer, 409, "review_taken")
            assert "taken by anna until" in error["message"]
            assert (error["type"], answer.headers["x-should-retry"]) == ("conflict_error", "false")
        for given in ({"colour": "purple"}, {"color": "red"}, {}, {"colour": None}):
            answer = await client.post(f"{path}/answer", json={"answer": given, "reviewer": "anna"})
            param = check_error(answer, 400, "invalid_value")["param"]
            assert param == ("answer.color" if "color" in given else "answer.colour")
        assert (await client.post(f"{path}/release", json={"reviewer": "anna"})).json()["state"] == "open"
        # A task of one field takes its value alone, and who says no name is the machine's owner.
        assert (await client.post(f"{path}/answer", json={"answer": "red"})).json()["review"]["by"] == "owner"
        answer = await client.post(f"{path}/answer", json={"answer": "blue"})
        assert "answered by owner" in check_error(answer, 409, "review_closed")["message"]


async def test_an_unusable_input_is_rejected_with_its_reason(tmp_path: Path) -> None:
    async with asking(tmp_path) as (client, _):
        run = await left(client)
        path = f"/v1/reviews/{run['review']['id']}/reject"
        check_error(await client.post(path, json={"reason": " "}), 400, "invalid_request")
        done = (await client.post(path, json={"reason": " half a page "})).json()
        assert (done["state"], done["reason"]) == ("rejected", "half a page")
        kept = (await client.get(f"/v1/runs/{run['id']}")).json()
        assert (kept["verdict"], kept["reason"], kept["error_code"]) == ("rejected", "half a page", "invalid_input")


async def test_the_queue_comes_in_pages(tmp_path: Path) -> None:
    async with asking(tmp_path) as (client, _):
        names = [(await left(client, f"purple {number}"))["review"]["id"] for number in range(3)]
        page = (await client.get("/v1/reviews?limit=2")).json()
        assert ([one["id"] for one in page["data"]], page["has_more"]) == (names[:2], True)
        rest = (await client.get("/v1/reviews", params={"after": page["last_id"]})).json()
        assert ([one["id"] for one in rest["data"]], rest["has_more"]) == (names[2:], False)
        assert (await client.get("/v1/reviews?kind=audit")).json()["data"] == []
        check_error(await client.get("/v1/reviews?after=nothing"), 404, "not_found")


async def test_a_reviewer_is_whom_their_key_says_and_sees_the_tasks_in_its_scopes(tmp_path: Path) -> None:
    async with served(tmp_path, SCRIPT) as server:
        shop = await made_key(server, "shop")
        desk = await made_key(server, "desk", rights=("reviews",), scopes=("task/col*",))
        elsewhere = await made_key(server, "elsewhere", rights=("reviews",), scopes=("task/receipt", "fake/*"))
        looking = await made_key(server, "looking", rights=("reviews:read",))
        async with client_of(server, shop) as client:
            name = (await left(client))["review"]["id"]
            check_error(await client.get("/v1/reviews"), 403, "missing_right")
        async with client_of(server, elsewhere) as client:
            assert (await client.get("/v1/reviews")).json()["data"] == []
            check_error(await client.get(f"/v1/reviews/{name}"), 404, "not_found")
            check_error(await client.post(f"/v1/reviews/{name}/answer", json={"answer": "red"}), 404, "not_found")
        async with client_of(server, looking) as client:
            assert (await client.get(f"/v1/reviews/{name}")).json()["id"] == name
            check_error(await client.post(f"/v1/reviews/{name}/take", json={}), 403, "missing_right")
        async with client_of(server, desk) as client:
            path = f"/v1/reviews/{name}"
            assert (await client.post(f"{path}/take", json={"reviewer": "shop"})).json()["by"] == "shop via desk"
            check_error(await client.post(f"{path}/answer", json={"answer": "red"}), 409, "review_taken")
            body = {"answer": "red", "reviewer": "shop"}
            assert (await client.post(f"{path}/answer", json=body)).json()["review"]["by"] == "shop via desk"


async def test_a_key_of_before_there_were_rights_sees_the_reviews_of_its_own_runs(tmp_path: Path) -> None:
    async with served(tmp_path, SCRIPT) as server:
        may = ("tasks", "runs", "reviews:own")
        one, two = await made_key(server, "shop", rights=may), await made_key(server, "other", rights=may)
        async with client_of(server, one) as shop, client_of(server, two) as other:
            name = (await left(shop))["review"]["id"]
            assert (await other.get("/v1/reviews")).json()["data"] == []
            check_error(await other.get(f"/v1/reviews/{name}"), 404, "not_found")
            check_error(await other.get(f"/v1/reviews/{name}/source/0"), 404, "not_found")
            for word, body in (
                ("take", {}),
                ("release", {}),
                ("answer", {"answer": "red"}),
                ("reject", {"reason": "x"}),
            ):
                check_error(await other.post(f"/v1/reviews/{name}/{word}", json=body), 404, "not_found")
            assert (await shop.post(f"/v1/reviews/{name}/take", json={})).json()["by"] == "shop"


@pytest.mark.parametrize("keep", ["review", "none"])
async def test_of_twenty_answers_at_once_one_counts(tmp_path: Path, keep: str) -> None:
    async with asking(tmp_path, f'[reviews]\nkeep = "{keep}"') as (client, server):
        name = (await left(client))["review"]["id"]
        seen = (await client.get(f"/v1/reviews/{name}")).json()
        assert seen["source"]["kept"] is (keep == "review")

        async def answer(number: int) -> httpx2.Response:
            body = {"answer": {"colour": ("red", "blue")[number % 2]}, "reviewer": f"r{number}"}
            return await client.post(f"/v1/reviews/{name}/answer", json=body)

        answers = await asyncio.gather(*map(answer, range(20)))
        (won,) = [one.json() for one in answers if one.status_code == 200]
        for one in answers:
            if one.status_code != 200:
                check_error(one, 409, "review_closed")
        (example,) = await server.services.ledger.reviews.examples("colour")
        assert example.expected == won["answer"] == won["run"]["answer"]
