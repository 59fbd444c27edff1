"""Served answers are audited through the whole product: by people, and by the top rung behind the caller's back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from firstline.app.build import App
from firstline.errors import InvalidValueError, ReviewClosedError, UsageError
from firstline.evaluation.evaluate import evaluate
from firstline.evaluation.examples import Row
from firstline.reading.source import text_input
from firstline.reviews.audited import Tally
from firstline.reviews.reviews import Answer
from firstline.types import Json, Run
from support.certified import put_in_force
from support.ladders import TICKET, two_rungs

TEXT = "PARKING CITY\nPlate AB 123\nTotal EUR 12.50\n"
RIGHT: Json = {"plate": "AB 123", "total": 12.5}
OTHER: Json = {"plate": "AB 123", "total": 123.0}
INTENT = """
kind = "classify"
instruction = "What is wanted?"
ladder = ["fake/small", "fake/large"]
[labels.buy]
[labels.return]
"""
ALL = "[audits]\nrate = 1.0\n"
BY_TOP = '[audits]\nrate = 1.0\nby = "top"\n'
PRICED = "input_usd_per_mtok = 100.0\noutput_usd_per_mtok = 100.0\n"


async def serve(app: App, text: str = TEXT, task: str = "ticket") -> Run:
    run = await app.services.runner.run(app.services.tasks.get(task), text_input(text))
    assert (run.verdict, run.certificate is not None) == ("accepted", True)
    return run


async def counted(app: App, task: str = "ticket") -> Tally:
    found = await app.services.certificates.of(task)
    assert found is not None
    return await app.services.audits.tally(found)


async def test_a_person_confirms_or_corrects_and_the_run_stays_as_it_was_served(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, RIGHT, RIGHT, more=ALL, tasks={"ticket": TICKET}) as app:
        reviews = app.services.reviews
        await put_in_force(app.services, "ticket")
        first, second = await serve(app), await serve(app)
        view = await reviews.view(first.id, None)
        assert (view.review.kind, view.blind, view.run.answer) == ("audit", False, RIGHT)
        done = await reviews.answer(first.id, "anna", Answer(values={}, confirm=True), None)
        assert done.audited is not None
        assert (done.audited.wrong, done.run.answer) == ((), RIGHT)
        assert await reviews.answer(first.id, "anna", Answer(values={}, confirm=True), None) == done
        before = await counted(app)
        assert (await app.services.retention.purge(0)).runs == 1
        assert await counted(app) == before
        with pytest.raises(ReviewClosedError):
            await reviews.answer(first.id, "anna", Answer(values={}, confirm=True), None)
        tried = await reviews.answer(second.id, "ben", Answer(values={"total": 1.0}, dry_run=True), None)
        assert tried.audited is not None
        assert (tried.audited.wrong, (await counted(app)).answered) == (("total",), 1)
        wrong = await reviews.answer(second.id, "ben", Answer(values={"total": 123}), None)
        assert wrong.audited is not None
        assert (wrong.audited.wrong, wrong.audited.withdrawn) == (("total",), None)
        kept = await app.services.ledger.get_run(second.id)
        assert (kept.answer, kept.fields, kept.verdict) == (RIGHT, second.fields, "accepted")
        taught = [(one.expected, one.origin) for one in await app.services.ledger.reviews.examples("ticket")]
        assert taught == [(RIGHT, "audit"), ({"plate": "AB 123", "total": 123}, "audit")]
        found = await counted(app)
        assert (found.drawn, found.right, found.wrong) == (2, 1, 1)


async def test_to_say_nothing_is_not_to_say_that_it_is_right(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, RIGHT, RIGHT, more=ALL, tasks={"ticket": TICKET}) as app:
        reviews = app.services.reviews
        await put_in_force(app.services, "ticket")
        run = await serve(app)
        for said in (Answer(values={}), Answer(values={"total": 12.5}, confirm=True)):
            with pytest.raises(UsageError, match="one of the two"):
                await reviews.answer(run.id, "anna", said, None)
        with pytest.raises(InvalidValueError):
            await reviews.answer(run.id, "anna", Answer(values={"totl": 1}), None)
        assert (await counted(app)).pending == 1


async def test_what_no_model_settled_cannot_be_confirmed(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, OTHER, OTHER, more=ALL, tasks={"ticket": TICKET}) as app:
        await put_in_force(app.services, "ticket")
        run = await app.services.runner.run(app.services.tasks.get("ticket"), text_input("nothing"))
        assert run.verdict == "review"
        with pytest.raises(UsageError, match="is no audit"):
            await app.services.reviews.answer(run.id, "anna", Answer(values={}, confirm=True), None)


async def test_a_label_is_asked_for_without_showing_what_was_served(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, {"label": "buy"}, {"label": "buy"}, more=ALL, tasks={"intent": INTENT}) as app:
        reviews = app.services.reviews
        await put_in_force(app.services, "intent")
        run = await serve(app, "I want one", "intent")
        assert (await reviews.view(run.id, None)).blind
        assert not (await reviews.view(run.id, None, served=True)).blind
        done = await reviews.answer(run.id, "anna", Answer(values="return"), None)
        assert done.audited is not None
        assert done.audited.wrong == ("label",)
        # Once it is answered there is nothing to hide.
        assert not (await reviews.view(run.id, None)).blind


async def test_an_audit_that_cannot_be_decided_is_skipped(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, RIGHT, RIGHT, more=ALL, tasks={"ticket": TICKET}) as app:
        await put_in_force(app.services, "ticket")
        run = await serve(app)
        await app.services.reviews.reject(run.id, "anna", "half a page", None)
        assert (await counted(app)).skipped == 1
        assert (await app.services.ledger.get_run(run.id)).verdict == "accepted"


async def test_what_nobody_waits_for_is_not_audited(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, RIGHT, RIGHT, more=ALL, tasks={"ticket": TICKET}) as app:
        await put_in_force(app.services, "ticket")
        rows = [Row(given=text_input(TEXT), expected=RIGHT)]
        await evaluate(app.services.runner, app.services.tasks.get("ticket"), rows)
        assert (await counted(app)).drawn == 0


async def test_without_inputs_kept_nothing_is_audited(tmp_path: Path) -> None:
    more = ALL + '[reviews]\nkeep = "none"\n'
    async with two_rungs(tmp_path, RIGHT, RIGHT, more=more, tasks={"ticket": TICKET}) as app:
        await put_in_force(app.services, "ticket")
        run = await serve(app)
        assert (run.review, (await counted(app)).drawn) == (None, 0)


async def test_the_top_rung_that_agrees_settles_it_with_a_run_of_its_own(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, RIGHT, RIGHT, more=BY_TOP, tasks={"ticket": TICKET}) as app:
        await put_in_force(app.services, "ticket")
        run = await serve(app)
        assert (run.review, [one.model for one in run.attempts]) == (None, ["fake/small"])
        assert await app.services.auditor.drain() == 1
        found = await counted(app)
        assert (found.right, found.pending) == (1, 0)
        asked, kept = await app.services.ledger.list_runs(2)
        assert kept == run
        assert (asked.verdict, asked.reason) == (None, f"the top rung was asked, to audit {run.id}")
        # The whole question, from the top rung alone.
        assert [(one.model, one.answer, one.fields) for one in asked.attempts] == [("fake/large", RIGHT, ())]
        assert await app.services.auditor.drain() == 0


async def test_one_that_disagrees_is_only_suspect_until_a_person_has_looked(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, RIGHT, OTHER, more=BY_TOP, tasks={"ticket": TICKET}) as app:
        await put_in_force(app.services, "ticket")
        runs = [await serve(app) for _ in range(6)]
        await app.services.auditor.drain()
        found = await counted(app)
        assert (found.suspect, found.wrong, found.evidence) == (6, 0, 1.0)
        view = await app.services.reviews.view(runs[0].id, None)
        assert view.notes == ("fake/large answers differently: total: 123.0",)
        await app.services.reviews.answer(runs[0].id, "anna", Answer(values={}, confirm=True), None)
        told = [
            await app.services.reviews.answer(run.id, "anna", Answer(values={"total": 123.0}), None)
            for run in runs[1:4]
        ]
        reasons = [one.audited.withdrawn for one in told if one.audited and one.audited.withdrawn]
        assert reasons == ["3 of 4 audited answers were wrong; the promise was at most 5 %"]
        after = await app.services.runner.run(app.services.tasks.get("ticket"), text_input(TEXT))
        assert after.certificate is None
        assert [one.model for one in after.attempts if one.skipped is None] == ["fake/large"]


async def test_a_top_rung_that_fails_leaves_it_to_a_person(tmp_path: Path) -> None:
    broken = [{"error": "engine_timeout"}]
    async with two_rungs(tmp_path, RIGHT, broken, more=BY_TOP, tasks={"ticket": TICKET}) as app:
        await put_in_force(app.services, "ticket")
        run = await serve(app)
        assert await app.services.auditor.drain() == 1
        view = await app.services.reviews.view(run.id, None)
        assert (view.review.kind, view.review.state) == ("audit", "open")
        assert view.notes[0].startswith("fake/large gave no answer: engine_timeout")
        assert await app.services.auditor.drain() == 0
        assert (await counted(app)).pending == 1


async def test_what_a_day_may_cost_is_kept_and_the_rest_waits(tmp_path: Path) -> None:
    more = BY_TOP + "usd_per_day = 0.15\n[budget]\nusd = 1.0\n"
    async with two_rungs(tmp_path, RIGHT, RIGHT, more=more, price=PRICED, tasks={"ticket": TICKET}) as app:
        await put_in_force(app.services, "ticket")
        for _ in range(40):
            await serve(app)
        asked = await app.services.auditor.drain()
        spent = await app.services.ledger.audits.spent(0.0)
        assert 0 < asked < 40
        assert 0 < spent <= 0.15 * 1e9
        found = await counted(app)
        assert (found.right, found.pending) == (asked, 40 - asked)
        assert await app.services.auditor.drain() == 0
        assert await app.services.reviews.list(9, None) == ()


async def test_a_task_that_changed_and_an_input_that_is_gone_are_skipped(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, RIGHT, RIGHT, more=BY_TOP, tasks={"ticket": TICKET}) as app:
        await put_in_force(app.services, "ticket")
        await serve(app, TEXT + "first")
        await app.services.reviews.inputs.purge(unsettled=True)
        await app.services.auditor.drain()
        await serve(app, TEXT + "second")
        (tmp_path / "tasks" / "ticket.toml").write_text(TICKET.replace("Read the", "Look at the"))
        await app.services.auditor.drain()
        found = await app.services.certificates.latest()
        audits = await app.services.ledger.audits.of(found[0].id)
    assert [(one.state, one.note) for one in audits] == [
        ("skipped", "the input is not kept any longer"),
        ("skipped", "the task has changed since the run"),
    ]


async def test_what_was_drawn_is_asked_after_a_restart_in_the_background(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with two_rungs(tmp_path, RIGHT, RIGHT, more=BY_TOP, tasks={"ticket": TICKET}) as app:
        await put_in_force(app.services, "ticket")
        first = await serve(app)
        assert (await counted(app)).pending == 1
    async with two_rungs(tmp_path, RIGHT, RIGHT, more=BY_TOP, tasks={"ticket": TICKET}) as app:
        rows, settled = app.services.ledger.audits, asyncio.Queue[str]()
        agree = rows.agree

        async def told(run_id: str, model: str) -> None:
            await agree(run_id, model)
            settled.put_nowait(run_id)

        monkeypatch.setattr(rows, "agree", told)
        async with app.services.auditor.working(), asyncio.timeout(20):
            assert await settled.get() == first.id
            second = await serve(app)  # what is drawn from now on wakes it
            assert await settled.get() == second.id
        assert (await counted(app)).right == 2
