"""No model could be asked: an error that asking again may mend, the same of a task and of a model, and no review."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline import errors
from firstline.errors import FirstlineError, NoModelError
from firstline.evaluation.evaluate import evaluate
from firstline.evaluation.examples import Row
from firstline.gateway.outage import Obstacles, is_outage, none_usable, outage
from firstline.reading.source import text_input
from support.error_shapes import check_error
from support.openai_server import Reply, fails, says, serve
from support.served import Served, client_of, served

NO_KEY = '[ladder]\nstand_in = ["openai/gpt-5.4-mini"]\ndefault = ["gpt-4o-mini", "openai/gpt-5.4"]\n'
OWN = '[ladder]\nstand_in = ["own/small"]\ndefault = ["gpt-4o-mini"]\n[models."own/small"]\n'
NO_WEIGHTS = '[ladder]\ndefault = ["gpt-4o-mini"]\n'
COLOUR = """
kind = "extract"
instruction = "Which colour?"
[output.colour]
type = "string"
enum = ["red", "blue"]
span = "free"
optional = false
"""
OUTAGES = [
    errors.EngineUnavailableError,
    errors.EngineNotFoundError,
    errors.EngineDisconnectedError,
    errors.EngineTimeoutError,
    errors.EngineCrashedError,
    errors.EngineAuthError,
    errors.EngineQuotaError,
    errors.EngineRateLimitError,
    errors.WeightsMismatchError,
]
OF_THE_INPUT = [
    errors.EngineRefusedError,
    errors.EngineSchemaError,
    errors.EngineOutputError,
    errors.ContextLengthError,
    errors.BudgetError,
    errors.InputError,
]


async def ask(server: Served, model: str, *, stream: bool = False) -> httpx2.Response:
    body = {"model": model, "messages": [{"role": "user", "content": "a red car"}], "stream": stream}
    async with client_of(server, None) as client:
        return await client.post("/v1/chat/completions", json=body)


async def no_trace_of_a_review(server: Served, code: str) -> None:
    assert await server.services.reviews.list(10, None) == ()
    (run,) = await server.services.ledger.list_runs(1)
    assert (run.verdict, run.error_code, run.review, run.answer) == (None, code, None, None)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("model", ["gpt-4o-mini", "task/shade"])
@pytest.mark.parametrize(("ladder", "lacks"), [(NO_KEY, "OPENAI_API_KEY is not set"), (NO_WEIGHTS, "models pull")])
async def test_without_weights_and_keys_every_name_is_503_and_nobody_is_asked(
    tmp_path: Path, model: str, stream: bool, ladder: str, lacks: str
) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "shade.toml").write_text(COLOUR)
    async with served(tmp_path, toml=ladder) as server:
        answer = await ask(server, model, stream=stream)
        error = check_error(answer, 503, "no_model_available")
        assert lacks in error["message"]
        assert answer.headers["x-should-retry"] == "true"
        await no_trace_of_a_review(server, "no_model_available")
        (run,) = await server.services.ledger.list_runs(1)
        assert all(attempt.skipped for attempt in run.attempts)
        assert run.attempts


@pytest.mark.parametrize("model", ["gpt-4o-mini", "task/shade"])
@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (fails(503), 503, "engine_unavailable"),
        (fails(500), 502, "engine_error"),
        (fails(404, "model_not_found"), 503, "engine_not_found"),
        (fails(401), 502, "engine_auth"),
        (fails(429), 429, "rate_limit_exceeded"),
    ],
)
async def test_an_engine_that_is_down_is_its_own_error_and_no_review(
    tmp_path: Path, model: str, reply: Reply, status: int, code: str
) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "shade.toml").write_text(COLOUR)
    async with serve(reply) as remote:
        toml = f'{OWN}base_url = "{remote.url}"'
        async with served(tmp_path, toml=toml) as server:
            check_error(await ask(server, model), status, code)
            await no_trace_of_a_review(server, code)


async def test_a_model_that_answers_nonsense_was_asked_and_the_run_is_a_review(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "shade.toml").write_text(COLOUR)
    async with serve(says("I will not.")) as remote:
        toml = f'{OWN}base_url = "{remote.url}"'
        async with served(tmp_path, toml=toml) as server:
            assert (await ask(server, "task/shade")).status_code == 200
            (review,) = await server.services.reviews.list(10, None)
            assert review.state == "open"


@given(st.lists(st.sampled_from(OUTAGES)), st.lists(st.text(min_size=1), max_size=3), st.booleans())
def test_only_what_is_about_no_input_is_an_outage(
    kinds: Sequence[type[FirstlineError]], missing: list[str], about_input: bool
) -> None:
    failures = tuple(made(kind) for kind in kinds)
    found = outage("task", Obstacles(missing=tuple(missing), failures=failures, about_input=about_input))
    if about_input:
        assert found is None
    elif not failures:
        assert type(found) is NoModelError
    else:
        assert found in failures
        assert found is not None
        assert found.retryable == any(error.retryable for error in failures)


@pytest.mark.parametrize("kind", OF_THE_INPUT)
def test_what_a_model_says_of_an_input_is_none(kind: type[FirstlineError]) -> None:
    assert not is_outage(kind("no"))
    assert outage("task", Obstacles(failures=(made(errors.EngineUnavailableError), kind("no")))) is None


def test_a_ladder_without_models_says_so() -> None:
    error = none_usable("task/shade", ())
    assert "its ladder names no model" in error.message
    assert error.hint


def made(kind: type[FirstlineError]) -> FirstlineError:
    return kind("down")


async def test_a_run_that_is_stopped_is_no_review(tmp_path: Path) -> None:
    async with served(tmp_path, "[[rules]]\ndelay_ms = 60000\n") as server:
        task = server.services.tasks.get("colour")
        asked = asyncio.Event()
        work = asyncio.create_task(
            server.services.runner.run(task, text_input("red"), on_event=lambda event: asked.set())
        )
        await asked.wait()
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await no_trace_of_a_review(server, "cancelled")


async def test_a_measurement_says_how_much_of_it_was_an_outage_and_gives_no_figures_of_nothing(tmp_path: Path) -> None:
    row = Row(given=text_input("red"), expected={"colour": "red"})
    down = '[[rules]]\nerror = "engine_unavailable"\n'
    async with served(tmp_path, f'{down}times = 1\n[[rules]]\nanswer = {{ colour = "red" }}\n') as server:
        report = await evaluate(server.services.runner, server.services.tasks.get("colour"), [row, row])
        assert report.errors == ("1 of 2 examples had no answer: engine_unavailable",)
        assert report.whole.accepted == 0.5
        assert await server.services.reviews.list(10, None) == ()
    async with served(tmp_path, down) as server:
        with pytest.raises(NoModelError, match="any of the 2 examples"):
            await evaluate(server.services.runner, server.services.tasks.get("colour"), [row, row])
