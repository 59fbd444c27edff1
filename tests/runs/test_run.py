"""A run climbs its ladder: what passes stands, what fails is asked again alone, what is left goes to review."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from firstline.app.build import App, build
from firstline.errors import UsageError
from firstline.reading.source import text_input
from firstline.runs.events import Event
from firstline.settings import Loaded, load
from firstline.tasks.task_file import task_from_text
from firstline.types import Run
from support.openai_server import Reply, World, fails, says, serve

TICKET = """
kind = "extract"
instruction = "Read the ticket."
ladder = ["fake/small", "openai/gpt-5.4-mini"]
[output.plate]
checks = ["grounded"]
[output.total]
type = "number"
checks = ["grounded", { rule = "output.total > 0.0" }]
"""
TEXT = "PARKING CITY\nPlate AB 123\nTotal EUR 12.50\n"
PRICED = {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}


@asynccontextmanager
async def product(
    folder: Path, remote: World | None = None, *, answer: str = "{}", more: str = ""
) -> AsyncIterator[App]:
    """The product in an empty folder, with a scripted first rung and a remote address."""
    script = folder / "small.json"
    script.write_text(json.dumps({"rules": [{"answer": json.loads(answer)}]}))
    address = f'base_url = "{remote.url}"\napi_key_env = "THE_KEY"\n' if remote else ""
    (folder / "firstline.toml").write_text(
        f'data_dir = "{folder}"\n{more}\n[models."fake/small"]\nscript = "{script}"\n'
        f'[models."openai/gpt-5.4-mini"]\n{address or "timeout_s = 5.0"}\n'
    )
    async with build(settings_of(folder)) as app:
        yield app


def settings_of(folder: Path) -> Loaded:
    return load({"THE_KEY": "sk-test", "FIRSTLINE_ALLOW": str(folder)}, cwd=folder)


async def run_ticket(app: App, text: str = TEXT) -> Run:
    return await app.services.runner.run(task_from_text("ticket", TICKET), text_input(text))


async def test_the_first_rung_that_passes_every_check_is_accepted(tmp_path: Path) -> None:
    async with product(tmp_path, answer='{"plate": "AB 123", "total": 12.5}') as app:
        run = await run_ticket(app)
    assert (run.verdict, run.answer) == ("accepted", {"plate": "AB 123", "total": 12.5})
    assert [attempt.model for attempt in run.attempts] == ["fake/small"]


async def test_a_failing_field_climbs_alone_and_the_ledger_shows_both_attempts_and_the_money(tmp_path: Path) -> None:
    async with (
        serve(says('{"total": 12.5}', usage=PRICED)) as remote,
        product(tmp_path, remote, answer='{"plate": "AB 123", "total": 61.3}') as app,
    ):
        run = await run_ticket(app)
        kept = await app.services.ledger.get_run(run.id)
        spent = await app.services.ledger.spent(0.0)
    assert run.verdict == "escalated"
    assert run.answer == {"plate": "AB 123", "total": 12.5}
    assert [finding.field for finding in run.attempts[0].findings] == ["total"]
    asked = remote.sent[0]["response_format"]["json_schema"]["schema"]["properties"]
    assert list(asked) == ["total"]
    # 1,000 tokens in at $0.75 and 100 out at $4.50 a million, in nano-USD
    assert run.cost_nano_usd == 750_000 + 450_000 == spent
    assert [(a.model, a.passed, a.fields) for a in kept.attempts] == [
        ("fake/small", False, ()),
        ("openai/gpt-5.4-mini", True, ("total",)),
    ]
    assert {name: outcome.status for name, outcome in kept.fields.items()} == {
        "plate": "accepted",
        "total": "escalated",
    }


async def test_without_a_key_the_rung_is_skipped_unpaid_and_the_run_left_to_review(tmp_path: Path) -> None:
    async with product(tmp_path, answer='{"plate": "AB 123", "total": 61.3}') as app:
        run = await run_ticket(app)
    assert run.verdict == "review"
    assert run.fields["total"].reasons
    assert run.fields["plate"].status == "accepted"
    assert "no key" in (run.attempts[1].skipped or "")
    assert run.cost_nano_usd == 0


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (fails(401), "engine_auth"),
        (fails(500), "engine"),
        (says("not JSON"), "engine_bad_output"),
        (says('{"tot'), "engine_bad_output"),
    ],
)
async def test_a_remote_rung_that_fails_ends_in_review_with_the_reason(
    tmp_path: Path, reply: object, code: str
) -> None:
    async with (
        serve(reply) as remote,  # type: ignore[arg-type]
        product(tmp_path, remote, answer='{"plate": "AB 123", "total": 61.3}') as app,
    ):
        run = await run_ticket(app)
    assert run.verdict == "review"
    assert (run.attempts[1].error or "").startswith(code)
    assert run.answer == {"plate": "AB 123", "total": 61.3}


@pytest.mark.parametrize(("reply", "charged"), [(fails(401), False), (fails(500), True), (says('{"tot'), False)])
async def test_what_a_failed_call_may_have_cost_is_counted_as_spent(
    tmp_path: Path, reply: Reply, charged: bool
) -> None:
    async with (
        serve(reply) as remote,
        product(tmp_path, remote, answer='{"plate": "AB 123", "total": 61.3}') as app,
    ):
        run = await run_ticket(app)
        spent = await app.services.ledger.spent(0.0)
    assert (spent > run.cost_nano_usd) is charged


async def test_a_blank_text_is_no_value(tmp_path: Path) -> None:
    async with product(tmp_path, answer='{"plate": " ", "total": 12.5}') as app:
        required = TICKET.replace("[output.plate]", "[output.plate]\noptional = false")
        run = await app.services.runner.run(task_from_text("ticket", required), text_input(TEXT))
    assert run.answer == {"plate": None, "total": 12.5}
    assert (run.verdict, run.fields["plate"].status) == ("review", "review")


async def test_a_budget_is_kept_before_anything_is_sent(tmp_path: Path) -> None:
    async with (
        serve(says('{"total": 12.5}')) as remote,
        product(tmp_path, remote, answer='{"plate": "AB 123", "total": 61.3}', more="[budget]\nusd = 0.0001") as app,
    ):
        run = await run_ticket(app)
    assert remote.sent == []
    assert (run.attempts[1].error or "").startswith("budget_exceeded")


async def test_an_empty_input_is_rejected(tmp_path: Path) -> None:
    async with product(tmp_path) as app:
        run = await run_ticket(app, "  \n")
        kept = await app.services.ledger.get_run(run.id)
    assert (run.verdict, run.attempts) == ("rejected", ())
    assert (kept.verdict, kept.error_code) == ("rejected", "invalid_input")


async def test_an_unknown_parameter_is_refused_with_those_there_are(tmp_path: Path) -> None:
    async with product(tmp_path) as app:
        task = app.services.tasks.get("translate")
        with pytest.raises(UsageError, match="has no parameter tone"):
            await app.services.runner.run(task, text_input("hello"), parameters={"tone": "kind"})


async def test_fields_that_the_caller_names_are_the_answer_of_a_form(tmp_path: Path) -> None:
    async with product(
        tmp_path, answer='{"name": "Ada", "date of birth": null}', more='[ladder]\ndefault = ["fake/small"]'
    ) as app:
        task = app.services.tasks.get("form")
        run = await app.services.runner.run(
            task, text_input("Name: Ada\nDate of birth:"), parameters={"fields": "name, date of birth"}
        )
    assert run.answer == {"name": "Ada", "date of birth": None}
    assert run.verdict == "accepted"


def language_model_children() -> list[int]:
    """The processes of ours that run a language model."""
    found = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in found if b"llama_child" in Path(f"/proc/{pid}/cmdline").read_bytes()]


@pytest.mark.model
async def test_a_killed_child_is_asked_again_and_the_next_run_works(tmp_path: Path, smollm2: Path) -> None:
    (tmp_path / "firstline.toml").write_text(
        f'data_dir = "{tmp_path}"\n[models."own/smol"]\nfile = "{smollm2}"\n[llama]\nparallel = 1\ncontext = 1024\n'
    )
    task = task_from_text(
        "mood",
        'kind = "classify"\ninstruction = "Say the mood."\nladder = ["own/smol"]\n[labels.glad]\n[labels.sad]\n',
    )
    killed: list[int] = []
    async with build(settings_of(tmp_path)) as app:
        await app.services.runner.run(task, text_input("I am happy"))

        def kill(event: Event) -> None:
            if event.kind == "asking" and not killed:
                killed.extend(language_model_children())
                for pid in killed:
                    os.kill(pid, signal.SIGKILL)

        struck = await app.services.runner.run(task, text_input("I am sad"), on_event=kill)
        after = await app.services.runner.run(task, text_input("I am glad"))
    assert killed
    assert struck.verdict in ("accepted", "escalated")
    assert after.verdict == "accepted"
