"""A certificate covers the runs of the version it was measured with alone; withdrawn, its fallback serves."""

from __future__ import annotations

import math
from pathlib import Path

import msgspec
import pytest

from firstline.app.build import App
from firstline.certify.certificates import REFRESH_S, Certificate, Certificates
from firstline.errors import NotFoundError
from firstline.reading.source import text_input
from firstline.runs.policy import NEVER, Calibrator, Policy, RungPolicy
from firstline.tasks.task import Fallback, Task
from firstline.tasks.task_file import task_from_text
from firstline.types import Json, Run
from support.ladders import TICKET, two_rungs

TEXT = "PARKING CITY\nPlate AB 123\nTotal EUR 12.50\n"
RIGHT: Json = {"plate": "AB 123", "total": 12.5}
SURE = [{"answer": RIGHT, "confidence": 0.99}]
UNSURE = [{"answer": RIGHT, "confidence": 0.9}]
ODDS = Calibrator(names=("odds",), means=(0.0,), scales=(1.0,), weights=(1.0,), missing=(0.0,), intercept=0.0)
"""Takes a probability for what it says."""


def sure_to(probability: float) -> Calibrator:
    odds = math.log(probability / (1 - probability))
    return Calibrator(names=(), means=(), scales=(), weights=(), missing=(), intercept=odds)


def rung(model: str, least: float, **more: object) -> RungPolicy:
    kept: dict[str, object] = {
        "calibrators": {"plate": ODDS, "total": ODDS},
        "thresholds": {"plate": least, "total": least},
    }
    return RungPolicy(model=model, **(kept | more))  # type: ignore[arg-type]


def policy(small: RungPolicy, large: RungPolicy | None = None) -> Policy:
    return Policy(rungs=(small, large or rung("fake/large", 0.5)), review_nano_usd=1e8)


def ticket(text: str = TICKET) -> Task:
    return task_from_text("ticket", text)


async def issued(app: App, rules: Policy, *, fallback: Fallback = "top") -> Certificate:
    services = app.services
    return await services.certificates.issue(
        ticket(),
        await services.runner.rungs(ticket()),
        rules,
        promise=(0.02, 0.95, "answer"),
        measured={"n": 100},
        fallback=fallback,
    )


async def run(app: App, task: Task | None = None) -> Run:
    return await app.services.runner.run(task or ticket(), text_input(TEXT))


def asked(run: Run) -> list[str]:
    return [attempt.model for attempt in run.attempts if attempt.skipped is None]


async def test_what_reaches_its_threshold_is_served_under_the_certificate(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, SURE, RIGHT) as app:
        before = await run(app)
        certificate = await issued(app, policy(rung("fake/small", 0.9)))
        found = await run(app)
        kept = await app.services.ledger.get_run(found.id)
    assert (before.certificate, found.certificate) == (None, certificate.id)
    assert (found.verdict, asked(found)) == ("accepted", ["fake/small"])
    assert kept == found
    assert kept.attempts[0].signals["total"]["check.grounding"] == 1.0
    assert math.isclose(found.fields["plate"].confidence or 0.0, found.attempts[0].confidences["plate"])


async def test_what_does_not_climbs_though_its_checks_pass(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, UNSURE, RIGHT) as app:
        plain = await run(app)
        await issued(app, policy(rung("fake/small", 0.99)))
        found = await run(app)
    assert asked(plain) == ["fake/small"]
    assert (found.verdict, asked(found)) == ("escalated", ["fake/small", "fake/large"])
    assert {finding.check for finding in found.attempts[0].findings} == {"certificate"}
    assert "is below the certified 0.990" in found.attempts[0].findings[0].reason


async def test_an_evaluation_measures_as_it_serves_and_a_replay_by_the_checks_alone(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, UNSURE, UNSURE) as app:
        certificate = await issued(app, policy(rung("fake/small", NEVER), rung("fake/large", NEVER)))
        measured, replayed = [
            await app.services.runner.run(ticket(), text_input(TEXT), purpose=purpose)
            for purpose in ("measure", "replay")
        ]
        queue = await app.services.ledger.reviews.list(10)
    assert (measured.verdict, measured.certificate) == ("review", certificate.id)
    assert (replayed.verdict, asked(replayed), replayed.certificate) == ("accepted", ["fake/small"], None)
    assert not queue


async def test_a_rung_that_may_never_serve_leaves_all_to_a_person(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, SURE, RIGHT) as app:
        certificate = await issued(app, policy(rung("fake/small", NEVER), rung("fake/large", NEVER)))
        found = await run(app)
    assert (found.verdict, found.certificate) == ("review", certificate.id)
    assert "below what any certified answer has" in found.reason


async def test_what_nothing_was_promised_about_ends_the_climb_and_goes_to_a_person(tmp_path: Path) -> None:
    rules = msgspec.structs.replace(policy(rung("fake/small", 0.9)), withheld_fields=("total",))
    async with two_rungs(tmp_path, SURE, RIGHT) as app:
        certificate = await issued(app, rules)
        found = await run(app)
    assert (found.verdict, asked(found), found.certificate) == ("review", ["fake/small"], certificate.id)
    assert {key: outcome.status for key, outcome in found.fields.items()} == {"plate": "accepted", "total": "review"}
    assert found.reason == "total: the certificate promises nothing about such a value"


async def test_a_label_counts_as_its_rate(tmp_path: Path) -> None:
    rated = Calibrator(
        names=("label_rate",), means=(0.5,), scales=(0.1,), weights=(1.0,), missing=(-1.0,), intercept=0.0
    )
    kept = rung("fake/small", 0.5, calibrators={"plate": rated}, label_rates={"AB 123": 0.9})
    assert kept.confidence("plate", "AB 123", {}) == pytest.approx(1 / (1 + math.exp(-4)))
    assert kept.confidence("plate", "other", {}) == pytest.approx(1 / (1 + math.exp(1)))
    assert kept.confidence("total", 1.0, {}) is None
    async with two_rungs(tmp_path, SURE, RIGHT) as app:
        await issued(app, policy(kept))
        found = await run(app)
    assert found.attempts[0].confidences["plate"] == pytest.approx(1 / (1 + math.exp(-4)))


async def test_a_rung_that_would_hardly_settle_anything_is_left_out(tmp_path: Path) -> None:
    hopeless = rung("fake/small", 0.5, benefit=sure_to(0.001), price_nano_usd=1e6)
    worthwhile = rung("fake/large", 0.5, benefit=sure_to(0.9), price_nano_usd=1e6)
    async with two_rungs(tmp_path, SURE, RIGHT) as app:
        certificate = await issued(app, policy(hopeless, worthwhile))
        skipped = await run(app)
        await issued(app, policy(hopeless, msgspec.structs.replace(worthwhile, benefit=sure_to(0.001))))
        early = await run(app)
    assert asked(skipped) == ["fake/large"]
    assert "not expected to settle" in (skipped.attempts[0].skipped or "")
    # Leaving a rung out is the policy's own decision: the run is certified.
    assert skipped.certificate == certificate.id
    assert (early.verdict, asked(early)) == ("review", [])


@pytest.mark.parametrize(
    ("was", "now", "words"),
    [
        ("Read the ticket.", "Read the parking ticket.", "the instruction"),
        ('"grounded", {', "{", "total"),
        ("fake/small", "fake/echo", "fake/echo"),
    ],
)
async def test_another_prompt_check_or_model_makes_it_void(tmp_path: Path, was: str, now: str, words: str) -> None:
    async with two_rungs(tmp_path, UNSURE, RIGHT, more='[models."fake/echo"]') as app:
        certificate = await issued(app, policy(rung("fake/small", 0.99)))
        assert was in TICKET
        found = await run(app, ticket(TICKET.replace(was, now)))
    assert found.certificate is None
    assert len(asked(found)) == 1
    (note,) = [note for note in found.notes if note.startswith("uncertified: ")]
    assert certificate.id in note
    assert words in note


async def test_other_weights_under_the_same_name_make_it_void(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, SURE, RIGHT) as app:
        await issued(app, policy(rung("fake/small", 0.9)))
    async with two_rungs(tmp_path, UNSURE, RIGHT) as app:
        found = await run(app)
    assert found.certificate is None
    assert "fake/small" in found.notes[-1]


async def test_a_run_whose_rung_failed_is_uncertified(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, [{"error": "engine_timeout"}], RIGHT) as app:
        await issued(app, policy(rung("fake/small", 0.9)))
        found = await run(app)
    assert (found.verdict, found.certificate) == ("escalated", None)
    assert found.notes[-1] == "uncertified: fake/small failed"


@pytest.mark.parametrize(("fallback", "models"), [("top", ["fake/large"]), ("review", [])])
async def test_a_withdrawn_certificate_hands_over_to_its_fallback(
    tmp_path: Path, fallback: Fallback, models: list[str]
) -> None:
    async with two_rungs(tmp_path, SURE, RIGHT) as app:
        certificate = await issued(app, policy(rung("fake/small", 0.9)), fallback=fallback)
        await run(app)
        assert await app.services.certificates.withdraw(certificate.id, "3 of 5 audits were wrong")
        assert not await app.services.certificates.withdraw(certificate.id, "again")
        found = await run(app)
        kept = await app.services.certificates.get(certificate.id)
    assert asked(found) == models
    assert found.certificate is None
    assert found.notes[-1] == f"uncertified: the certificate {certificate.id} was withdrawn: 3 of 5 audits were wrong"
    assert (kept.state, kept.reason) == ("withdrawn", "3 of 5 audits were wrong")


async def test_a_dropped_certificate_leaves_the_checks_alone(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, UNSURE, RIGHT) as app:
        certificate = await issued(app, policy(rung("fake/small", 0.99)))
        await app.services.certificates.drop(certificate.id)
        found = await run(app)
    assert (asked(found), found.certificate, found.notes) == (["fake/small"], None, ())


async def test_a_new_certificate_replaces_the_one_before(tmp_path: Path) -> None:
    async with two_rungs(tmp_path, SURE, RIGHT) as app:
        first = await issued(app, policy(rung("fake/small", 0.9)))
        second = await issued(app, policy(rung("fake/small", 0.8)))
        latest = await app.services.certificates.latest()
        with pytest.raises(NotFoundError):
            await app.services.certificates.get("c_none")
    assert {one.id: one.state for one in latest} == {first.id: "replaced", second.id: "active"}


async def test_a_withdrawal_by_another_process_is_seen_after_a_second(tmp_path: Path) -> None:
    now = 0.0
    async with two_rungs(tmp_path, SURE, RIGHT) as app:
        services = app.services
        mine = Certificates(services.ledger.certificates, services.pinner, timer=lambda: now)
        certificate = await issued(app, policy(rung("fake/small", 0.9)))
        rungs = await services.runner.rungs(ticket())
        assert (await mine.cover(ticket(), rungs)).certificate == certificate.id
        await services.certificates.withdraw(certificate.id, "why")
        assert (await mine.cover(ticket(), rungs)).certificate == certificate.id
        now = REFRESH_S + 0.1
        assert (await mine.cover(ticket(), rungs)).fallback == "top"
