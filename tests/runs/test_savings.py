"""What was saved: compared with the model that was named, in its tokens, and only for what was served."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx2
import pytest

from firstline.types import Run
from support.served import Served, client_of, made_key, served

SCRIPT = '[[rules]]\nanswer = { colour = "red" }\n'
WRONG = '[[rules]]\nanswer = { colour = "purple" }\n'
STAND_IN = '[ladder]\nstand_in = ["fake/scripted"]\ndefault = ["gpt-4o-mini"]\n'
IN, OUT = 150, 600
"""Nano-USD of a token that gpt-4o-mini reads and writes."""


async def ask(server: Served, model: str, text: str, *, secret: str | None = None, **more: Any) -> dict[str, Any]:
    body = {"model": model, "messages": [{"role": "user", "content": text}], **more}
    async with client_of(server, secret) as client:
        answer: httpx2.Response = await client.post("/v1/chat/completions", json=body)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


async def test_a_chat_has_saved_what_its_own_usage_costs_at_the_model_it_names(tmp_path: Path) -> None:
    async with served(tmp_path, SCRIPT, toml=STAND_IN) as server:
        told = await ask(server, "gpt-4o-mini", "Which colour is the car?")
    usage = told["usage"]
    assert told["firstline"]["cost_nano_usd"] == 0
    assert told["firstline"]["saved_nano_usd"] == IN * usage["prompt_tokens"] + OUT * usage["completion_tokens"] > 0


async def test_another_name_of_openai_that_means_the_stand_in_is_compared_at_its_own_price(tmp_path: Path) -> None:
    toml = STAND_IN.replace("default =", 'stand_in_for = ["gpt-4o"]\ndefault =')
    async with served(tmp_path, SCRIPT, toml=toml) as server:
        told = await ask(server, "gpt-4o", "Which colour is the car?")
    usage = told["usage"]
    # gpt-4o: 2.50 and 10 dollars a million
    assert told["firstline"]["saved_nano_usd"] == 2500 * usage["prompt_tokens"] + 10_000 * usage["completion_tokens"]


async def test_a_task_has_saved_one_prompt_of_gpt_4o_mini_also_where_a_student_counts_no_tokens(tmp_path: Path) -> None:
    async with served(tmp_path, SCRIPT + "usage = { prompt_tokens = 0, completion_tokens = 0 }\n") as server:
        short, long = "a red car", "a red car " * 100
        told = [(await ask(server, "task/colour", text))["firstline"] for text in (short, long)]
        tokens = server.services.door.tokens
        assert tokens is not None
        read = tokens.count_text(long) - tokens.count_text(short)
    assert [one["verdict"] for one in told] == ["accepted", "accepted"]
    assert told[0]["saved_nano_usd"] > IN * tokens.count_text(short)  # the instruction and the schema are read too
    assert told[1]["saved_nano_usd"] - told[0]["saved_nano_usd"] == IN * read


async def test_what_is_left_to_a_person_or_cannot_be_used_has_saved_nothing(tmp_path: Path) -> None:
    async with served(tmp_path, WRONG, toml=STAND_IN) as server:
        review = await ask(server, "task/colour", "wrong", firstline={"on_review": "best"})
        assert review["firstline"]["verdict"] == "review"
        schema = {"type": "object", "properties": {"colour": {"enum": ["red"]}}, "required": ["colour"]}
        wanted = {"type": "json_schema", "json_schema": {"name": "c", "schema": schema}}
        refused = await ask(server, "gpt-4o-mini", "wrong", response_format=wanted)
        assert refused["firstline"]["verdict"] == "review"
        assert [one["firstline"]["saved_nano_usd"] for one in (review, refused)] == [0, 0]


@pytest.mark.parametrize(
    ("price", "compared", "sign"),
    [
        ("", "", 1),
        ("input_usd_per_mtok = 900\noutput_usd_per_mtok = 900\n", "", -1),
        ("", "openai/gpt-5.4", 1),
        ("", "local/qwen2.5-coder-0.5b", 0),
    ],
)
async def test_it_is_less_than_nothing_where_what_was_asked_is_dearer_and_the_settings_may_name_another(
    tmp_path: Path, price: str, compared: str, sign: int
) -> None:
    toml = f'{STAND_IN}[worth]\ncompared_with = "{compared}"\n[budget]\nusd = 5.0\n'
    async with served(tmp_path, SCRIPT, toml=toml, model=price) as server:
        for model in ("gpt-4o-mini", "task/colour"):
            found = (await ask(server, model, "a red car", max_tokens=50))["firstline"]
            amount = found["saved_nano_usd"]
            assert (amount > 0) - (amount < 0) == sign, (model, found)


async def test_a_model_that_was_asked_by_its_name_has_saved_nothing(tmp_path: Path) -> None:
    async with served(tmp_path, SCRIPT, model="input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 1.0\n") as server:
        told = await ask(server, "fake/scripted", "a red car", max_tokens=50)
    assert told["firstline"]["cost_nano_usd"] > 0
    assert told["firstline"]["saved_nano_usd"] == 0


async def test_runs_and_the_sums_of_usage_say_the_same(tmp_path: Path) -> None:
    async with served(tmp_path, SCRIPT, toml=STAND_IN) as server:
        secret = await made_key(server)
        for model in ("gpt-4o-mini", "task/colour", "task/colour"):
            await ask(server, model, "red", secret=secret)
        runs: tuple[Run, ...] = await server.services.ledger.list_runs(10)
        async with client_of(server, secret) as client:
            page = (await client.get("/v1/usage", params={"limit": 1})).json()
    (result,) = page["data"][-1]["results"]
    assert result["saved_nano_usd"] == sum(run.saved_nano_usd for run in runs) > 0
