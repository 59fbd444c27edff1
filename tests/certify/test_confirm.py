"""Where serving differs from the replay of recorded attempts, the certify part is served live too."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from firstline.app.build import App
from firstline.certify.certifier import Certification, Plan, Stage
from firstline.certify.confirm import approximations
from firstline.certify.statistics.target import Target
from firstline.evaluation.examples import Row
from firstline.reading.source import text_input
from firstline.tasks.task_file import task_from_text
from firstline.types import Json
from support.ladders import two_rungs

SORT = """
kind = "classify"
instruction = "Sort the message."
ladder = ["fake/small", "fake/large"]
[labels.refund]
[labels.order]
"""
TICKET = """
kind = "extract"
instruction = "Read the ticket."
ladder = ["fake/small", "fake/large"]
[output.plate]
checks = ["grounded"]
[output.total]
type = "number"
checks = ["grounded"]
"""


def rows(n: int) -> list[Row]:
    """Tickets in words of their own; on every second one the small model gives no total that stands there."""
    made, drawn = [], random.Random(0)  # noqa: S311 (no secret)
    for number in range(n):
        said = " ".join("".join(drawn.choices("abcdefghijklmnopqrstuvwxyz", k=6)) for _ in range(12))
        odd = "odd" if number % 2 else "plain"
        text = f"{said}\n{odd} ticket\nPlate AB 123\nDeposit EUR 20.00\nTotal EUR 12.50\n"
        made.append(Row(given=text_input(text), expected={"plate": "AB 123", "total": 12.5}, line=number + 1))
    return made


SMALL: Json = [
    {"when": "odd", "answer": {"plate": "AB 123", "total": 99.0}, "confidence": 0.99},
    {"answer": {"plate": "AB 123", "total": 12.5}, "confidence": 0.99},
]
RIGHT = {"answer": {"plate": "AB 123", "total": 12.5}, "confidence": 0.99}
PRICE = "input_usd_per_mtok = 1.0\noutput_usd_per_mtok = 1.0"
"""Of the large model, so that asking it for everything is not the cheapest."""
ALWAYS_RIGHT: Json = [RIGHT]
WRONG_WHEN_ASKED_FOR_ONE: Json = [
    {"when": "plate: ", **RIGHT},
    {"answer": {"total": 20.0}, "confidence": 0.99},
]


async def certify(app: App, stages: list[Stage]) -> Certification:
    plan = Plan(target=Target(max_error=0.1, confidence=0.95, per="answer"))
    task = task_from_text("ticket", TICKET)
    return await app.services.certifier.certify(task, rows(200), plan, name="data.jsonl", tell=stages.append)


async def test_a_promise_that_holds_live_is_put_in_force(tmp_path: Path) -> None:
    stages: list[Stage] = []
    async with two_rungs(tmp_path, SMALL, ALWAYS_RIGHT, price=PRICE) as app:
        found = await certify(app, stages)
    assert found.result.feasible, found.result.reason
    assert found.certificate is not None
    assert found.result.approximations == ("fake/large: asked for the open fields only",)
    [live] = found.result.confirmed
    assert (live.n, live.served, live.wrong) == (found.result.sizes.tested, found.result.strata[0].served, 0)
    assert [(stage.step, stage.done) for stage in stages if stage.done in (0, stage.of)] == [
        ("quoting", 0),
        ("recording", 200),
        ("confirming", live.n),
    ]


async def test_one_that_live_answers_break_is_refused(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, SMALL, WRONG_WHEN_ASKED_FOR_ONE, price=PRICE) as app:
        found = await certify(app, [])
        kept = await app.services.certificates.of("ticket")
    assert (found.result.feasible, found.certificate, found.policy, kept) == (False, None, None, None)
    assert "served live, the replayed promise does not hold" in found.result.reason
    [live] = found.result.confirmed
    assert live.wrong > 0.3 * live.served
    assert not any(one.promised for one in found.result.strata)


@pytest.mark.parametrize(("text", "differs"), [(SORT, False), (TICKET, True)])
async def test_only_what_is_asked_field_by_field_can_differ(tmp_path: Path, text: str, differs: bool) -> None:
    task = task_from_text("one", text)
    async with two_rungs(tmp_path, json.loads("[]"), json.loads("[]")) as app:
        found = approximations(task, await app.services.runner.rungs(task))
    assert bool(found) == differs
