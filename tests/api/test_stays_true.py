"""A certified task whose inputs are shifted on purpose loses its certificate by itself; its twin keeps it.

Everything is real but the two models, which answer by rules: certified by `Certifier`, served over HTTP, audited by a
person over HTTP or by the top rung, and told at the command line.
"""

from __future__ import annotations

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import httpx2
import pytest
from typer.testing import CliRunner

from firstline.certify.certifier import Plan
from firstline.certify.statistics.target import Target
from firstline.cli.main import app
from firstline.evaluation.examples import Row
from firstline.reading.source import text_input
from firstline.types import Json
from support.served import Served, client_of, served

SORT = """
kind = "classify"
instruction = "Sort the message."
input = ["text"]
ladder = ["fake/small", "fake/large"]
[labels.refund]
[labels.order]
[labels.other]
"""
PRICES = {"small": "", "large": "input_usd_per_mtok = 20.0\noutput_usd_per_mtok = 20.0"}
WORDS = ("amber", "birch", "cedar", "delta", "ember", "fjord", "grape", "hazel", "ivory", "jewel", "koala", "lemon")
KNOWN = {"plain": 0.8, "thing": 0.1, "odd": 0.1}
SHIFTED = {"plain": 0.5, "thing": 0.1, "odd": 0.1, "sly": 0.3}
LARGE: list[Json] = [
    {"when": "refund", "answer": {"label": "refund"}},
    {"when": "orders", "answer": {"label": "order"}},
    {"answer": {"label": "other"}},
]
SMALL: list[Json] = [
    {"when": "odd refund", "answer": {"label": "other"}},
    {"when": "sly orders", "answer": {"label": "refund"}},
    *LARGE,
]
"""Wrong about odd messages with a label that it is often wrong with, and about sly ones, which are new, with one that
it never was wrong with."""


def truth(message: str) -> str:
    return next((label for word, label in (("refund", "refund"), ("orders", "order")) if word in message), "other")


def messages(n: int, weights: dict[str, float], seed: int) -> list[str]:
    """Draw messages of these kinds. All are of the same length: nothing but the words tells them apart."""
    draw = random.Random(seed)  # noqa: S311 - a made-up world, not a secret
    made = []
    said = {"thing": "new things", "odd": "odd refund", "sly": "sly orders"}
    for kind in draw.choices(list(weights), list(weights.values()), k=n):
        words = " ".join(draw.choice(WORDS) for _ in range(4))
        made.append(f"{words} {said.get(kind) or draw.choice(('old refund', 'new orders'))}")
    return made


@asynccontextmanager
async def certified(folder: Path, by: Literal["review", "top"]) -> AsyncIterator[tuple[Served, httpx2.AsyncClient]]:
    """Serve a task that was certified on what is known; every served answer is audited."""
    toml = f'[audits]\nrate = 1.0\nby = "{by}"\n'
    for name, rules in (("small", SMALL), ("large", LARGE)):
        (folder / f"{name}.json").write_text(json.dumps({"rules": rules}))
        toml += f'[models."fake/{name}"]\nscript = "{folder / name}.json"\n{PRICES[name]}\n'
    async with served(folder, toml=toml) as server, client_of(server, None) as client:
        (folder / "tasks" / "sort.toml").write_text(SORT)
        rows = [
            Row(given=text_input(text), expected={"label": truth(text)}, line=line)
            for line, text in enumerate(messages(500, KNOWN, seed=1), start=1)
        ]
        plan = Plan(target=Target(max_error=0.05, confidence=0.95))
        task = server.services.tasks.get("sort")
        done = await server.services.certifier.certify(task, rows, plan, name="known.jsonl")
        assert done.certificate is not None, done.result.reason
        assert done.certificate.fallback == "top"
        yield server, client


async def ask(client: httpx2.AsyncClient, text: str) -> dict[str, Any]:
    body = {"model": "task/sort", "messages": [{"role": "user", "content": text}]}
    answer = await client.post("/v1/chat/completions", json=body)
    found: dict[str, Any] = answer.json()["firstline"]
    return found


async def answer_truthfully(client: httpx2.AsyncClient) -> list[dict[str, Any]]:
    """Answer every open audit, oldest first, by the source alone; gives what each came to."""
    done = []
    while open_ones := (await client.get("/v1/reviews?kind=audit&state=open&limit=100")).json()["data"]:
        for one in open_ones:
            seen = (await client.get(f"/v1/reviews/{one['id']}")).json()
            assert (seen["blind"], seen["best"], seen["run"]) == (True, None, None)
            (part,) = seen["source"]["parts"]
            body = {"answer": truth(part["text"]), "reviewer": "anna"}
            done.append((await client.post(f"/v1/reviews/{one['id']}/answer", json=body)).json()["audit"])
    return done


async def certificate(client: httpx2.AsyncClient) -> dict[str, Any]:
    found: dict[str, Any] = (await client.get("/v1/certificates?task=sort")).json()["data"][0]
    return found


@pytest.mark.parametrize("by", ["review", "top"])
def test_a_task_whose_inputs_were_shifted_loses_its_certificate_by_itself(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, by: Literal["review", "top"]
) -> None:
    async def live() -> tuple[str, str]:
        async with certified(tmp_path, by) as (server, client):
            served_under = set()
            for text in [*messages(60, KNOWN, seed=4), *messages(60, SHIFTED, seed=2)]:
                run = await ask(client, text)
                if run["verdict"] != "review":
                    served_under.add(run["certificate"])
            before = await certificate(client)
            assert served_under == {before["id"]}
            assert (before["state"], before["audits"]["answered"]) == ("active", 0)
            if by == "top":
                await server.services.auditor.drain()
                suspected = (await certificate(client))["audits"]
                # What it disagrees with counts against nobody until a person has looked.
                assert min(suspected["answered"], suspected["suspect"]) > 5
                assert (suspected["wrong"], suspected["evidence"]) == (0, 1.0)
            told = await answer_truthfully(client)
            (reason,) = [one["withdrawn"] for one in told if one["withdrawn"]]
            after = await certificate(client)
            assert (after["state"], after["reason"]) == ("withdrawn", reason)
            run = await ask(client, "amber birch cedar delta sly orders")
            assert run["certificate"] == "uncertified"
            assert run["notes"][-1] == f"uncertified: the certificate {after['id']} was withdrawn: {reason}"
            assert [one["model"] for one in run["attempts"] if not one.get("skipped")] == ["fake/large"]
            assert run["verdict"] == "accepted"
            assert (await certificate(client))["audits"]["drawn"] == after["audits"]["drawn"]
            return after["id"], reason

    with caplog.at_level(logging.WARNING, "firstline.audits"):
        name, reason = asyncio.run(live())
    assert "audited answers were wrong; the promise was at most 5 %" in reason
    (line,) = [record.getMessage() for record in caplog.records if record.name == "firstline.audits"]
    assert line == f"the certificate {name} of the task sort was withdrawn: {reason}"
    monkeypatch.chdir(tmp_path)
    shown = CliRunner().invoke(app, ["certificates", "show", "sort"], env={"COLUMNS": "200"})
    assert f"{name}  sort  withdrawn" in shown.stdout
    assert f"withdrawn: {reason}" in shown.stdout
    assert "falls back to the top rung alone" in shown.stdout
    listed = CliRunner().invoke(app, ["certificates", "list"], env={"COLUMNS": "200"})
    assert "withdrawn" in listed.stdout


@pytest.mark.parametrize("by", ["review", "top"])
async def test_its_twin_without_a_shift_keeps_it_over_many_audits(tmp_path: Path, by: Literal["review", "top"]) -> None:
    async with certified(tmp_path, by) as (server, client):
        count = 0
        for text in messages(200, KNOWN, seed=3):
            count += (await ask(client, text))["verdict"] != "review"
        await server.services.auditor.drain()
        told = await answer_truthfully(client)
        assert not any(one["withdrawn"] for one in told)
        found = await certificate(client)
        assert (found["state"], found["audits"]["pending"]) == ("active", 0)
        assert found["audits"]["answered"] == found["audits"]["drawn"] == count > 150
        assert found["audits"]["evidence"] < 10
