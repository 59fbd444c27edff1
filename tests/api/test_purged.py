"""Who asks for a run, a review or a stored answer whose contents were purged is told so, not shown empty values."""

from __future__ import annotations

from pathlib import Path

from support.served import client_of, served

SCRIPT = '[[rules]]\nwhen = "purple"\nanswer = { colour = "purple" }\n[[rules]]\nanswer = { colour = "red" }'


async def test_what_was_purged_says_so_and_counts_as_before(tmp_path: Path) -> None:
    async with served(tmp_path, SCRIPT) as server, client_of(server, None) as client:
        found = []
        for content in ("a red car", "a purple car"):
            body = {"model": "task/colour", "store": True, "messages": [{"role": "user", "content": content}]}
            found.append((await client.post("/v1/chat/completions", json=body)).json())
        red, purple = (one["firstline"]["id"] for one in found)
        whole = (await client.get(f"/v1/runs/{red}")).json()
        assert (whole["answer"], whole["purged"]) == ({"colour": "red"}, None)
        response = (await client.post("/v1/responses", json={"model": "task/colour", "input": "red"})).json()
        rejected = {"reason": "no car", "reviewer": "anna"}
        assert (await client.post(f"/v1/reviews/{purple}/reject", json=rejected)).status_code == 200
        span = "/v1/usage?start_time=0&bucket_width=1d&limit=31"
        usage = (await client.get(span)).json()["data"]
        gone = await server.services.retention.purge(0, "colour")
        assert (gone.runs, gone.inputs, gone.completions, gone.responses) == (3, 1, 2, 1)
        purged = (await client.get(f"/v1/runs/{red}")).json()
        assert purged["purged"] >= whole["created"]
        assert (purged["answer"], purged["fields"]) == (None, {})
        same = ("verdict", "cost_nano_usd", "saved_nano_usd", "ms", "created", "version", "task")
        assert [purged[name] for name in same] == [whole[name] for name in same]
        assert [one["usage"] for one in purged["attempts"]] == [one["usage"] for one in whole["attempts"]]
        review = (await client.get(f"/v1/reviews/{purple}")).json()
        assert (review["state"], review["reason"], review["source"]["kept"]) == ("rejected", None, False)
        assert review["purged"] == review["run"]["purged"] is not None
        assert (await client.get(f"/v1/chat/completions/{found[0]['id']}")).status_code == 404
        assert (await client.get(f"/v1/responses/{response['id']}")).status_code == 404
        assert (await client.get(span)).json()["data"] == usage
