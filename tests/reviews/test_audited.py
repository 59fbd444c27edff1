"""What is drawn, what contradicts which promise, and how it is said."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from firstline.catalog.model import Model
from firstline.certify.certificates import Certificate
from firstline.gateway.ladder import Rung
from firstline.ledger.audits import Audit
from firstline.ledger.certificates import CertificateRow
from firstline.reviews.audited import contradiction, tally, weigh, wrong_fields
from firstline.runs.draw import asks_about
from firstline.settings_sections import AuditSettings
from firstline.tasks.task import Per, Task
from firstline.tasks.task_file import task_from_text
from firstline.types import Attempt, AuditState, Json, Run
from firstline.versions.lock import LockedTask
from support.certified import bare_policy
from support.ladders import TICKET

LABELS = ("buy", "return", "outside")


def certificate(
    per: Per = "answer", strata: Sequence[tuple[str, str, bool]] = (), *, most: float = 0.05
) -> Certificate:
    """A certificate of a ticket; `strata` are kinds, names, and whether something was promised."""
    told = [{"kind": kind, "name": name, "promised": promised} for kind, name, promised in strata]
    return Certificate(
        id="c_1",
        task="ticket",
        max_error=most,
        confidence=0.95,
        per=per,
        pin=LockedTask(version="ticket@1", behaviour=1, ladder=(), parts={}),
        policy=bare_policy(("plate", "total")),
        measured={"strata": told},
        fallback="top",
        created=1.0,
    )


def row(given: Certificate) -> CertificateRow:
    document = msgspec.to_builtins(given)
    return CertificateRow(id="c_1", task="ticket", version="ticket@1", document=document, created=1.0)


def audit(state: AuditState, *, answer: Json = None, wrong: tuple[str, ...] = ("total",), at: float = 0.0) -> Audit:
    return Audit(
        run_id=f"r{at}",
        certificate_id="c_1",
        task="ticket",
        begun=at,
        asks="review",
        state=state,
        wrong=wrong if state == "wrong" else (),
        answer=answer or {"plate": "AB 123", "total": 1.0},
    )


def labelled(label: str, state: AuditState) -> Audit:
    return audit(state, answer={"label": label})


def test_what_is_said_counts_answers_that_were_looked_at() -> None:
    found = [*[audit("right")] * 33, *[audit("pending")] * 5, *[audit("wrong")] * 3]
    assert contradiction(row(certificate()), found) is None
    found += [audit("wrong")] * 4
    told = contradiction(row(certificate()), found)
    assert told == "7 of 40 audited answers were wrong; the promise was at most 5 %"


@pytest.mark.parametrize("state", ["pending", "suspect", "skipped", "expired"])
def test_what_nobody_has_settled_weighs_as_right(state: AuditState) -> None:
    settled = [audit("wrong"), audit("right"), audit("wrong"), audit("wrong")]
    open_ones = [audit("wrong"), audit(state), audit("wrong"), audit("wrong")]
    assert weigh(certificate(), open_ones).evidence == weigh(certificate(), settled).evidence > 1.0
    assert weigh(certificate(), [audit(state)] * 50).evidence == 1.0


def test_reviewers_who_look_at_wrong_answers_first_or_alone_raise_no_false_alarm() -> None:
    worlds, alarms = 300, 0
    for seed in range(worlds):
        wrong = np.random.default_rng(seed).random(400) < 0.05  # the promise just holds
        found = [audit("wrong" if one else "pending") for one in wrong]
        alarms += weigh(certificate(), found).contradicted
    # At most alpha = 1 % of 300 is expected; 10 would have a probability below 0.001.
    assert alarms <= 10


def test_a_promise_for_each_field_is_broken_by_one_field_alone() -> None:
    fields = (("field", "plate", True), ("field", "total", True))
    # Each field is right 98 times of 100, which is what was promised, though 4 answers of 100 are wrong.
    fair = [
        audit("wrong", wrong=("plate" if at % 50 else "total",)) if at % 25 == 0 else audit("right")
        for at in range(400)
    ]
    assert contradiction(row(certificate("field", fields, most=0.02)), fair) is None
    bad = [audit("wrong") if at % 5 == 0 else audit("right") for at in range(60)]
    told = contradiction(row(certificate("field", fields, most=0.02)), bad)
    assert told == "total: 12 of 60 audited values were wrong; the promise was at most 2 %"


def test_a_promise_for_each_class_is_broken_by_one_class_or_by_all_together() -> None:
    classes = tuple(("class", label, True) for label in LABELS)
    given = certificate("class", classes)
    one = [labelled("buy", "right")] * 300 + [labelled("return", state) for state in ("wrong", "right")] * 12
    assert contradiction(row(given), one) == (
        "return: 12 of 24 audited answers were wrong; the promise was at most 5 %"
    )
    # A little of each: too little for any of them, enough for all.
    each = [labelled(LABELS[at % 3], "wrong" if at % 6 == 0 else "right") for at in range(70)]
    assert contradiction(row(given), each) is not None


def test_answers_out_of_scope_have_their_own_promise() -> None:
    scopes = (("in_scope", "in scope", True), ("out_of_scope", "outside", True))
    found = [labelled("buy", "right")] * 200 + [labelled("outside", state) for state in ("wrong", "right")] * 12
    assert (contradiction(row(certificate("answer", scopes)), found) or "").startswith("outside: 12 of 24")
    # What was not promised was never served as such: it is no promise of its own.
    alone = (("in_scope", "in scope", True), ("out_of_scope", "outside", False))
    assert weigh(certificate("answer", alone), [labelled("buy", "wrong")] * 3).evidence > 1.0


def test_only_fields_that_something_is_promised_about_can_be_wrong() -> None:
    task = task_from_text("ticket", TICKET + "[output.note]\nchecks = []\n")
    served = {"plate": "ab 123", "total": 12.5, "note": "x"}
    assert wrong_fields(task, certificate(), served, {"plate": "AB 123", "total": "12.50", "note": "y"}) == ()
    assert wrong_fields(task, certificate(), served, {"plate": "AB 124", "total": None, "note": "x"}) == (
        "plate",
        "total",
    )


def test_a_tally_says_how_many_more_would_tell() -> None:
    states: tuple[AuditState, ...] = ("right", "right", "wrong", "pending", "suspect", "skipped", "expired")
    found = tally(certificate(), [audit(state) for state in states])
    assert (found.drawn, found.answered, found.right, found.wrong) == (7, 3, 2, 1)
    assert (found.pending, found.suspect, found.skipped, found.expired) == (1, 1, 1, 1)
    assert found.at == pytest.approx(1 / 3)
    assert found.limit == 100.0
    assert found.more in range(6, 30)
    fresh = tally(certificate(), [])
    assert (fresh.at, fresh.evidence) == (0.1, 1.0)
    assert fresh.more in range(100, 1000)


def run(**given: Any) -> Run:
    made = {
        "id": "run_1",
        "task": "ticket",
        "version": "ticket@1",
        "verdict": "accepted",
        "answer": {"total": 1.0},
        "attempts": (Attempt(model="fake/small", passed=True),),
        "certificate": "c_1",
    }
    return Run(**(made | given))


def ladder(skipped: str | None = None) -> tuple[Rung, ...]:
    small, large = (Model(id=name, provider="fake", engine="fake") for name in ("fake/small", "fake/large"))
    return Rung(model=small), Rung(model=large, skipped=skipped)


def ticket(target: str = "") -> Task:
    return task_from_text("ticket", TICKET + target)


ALL = AuditSettings(rate=1.0)
BY_TOP = AuditSettings(rate=1.0, by="top")


@pytest.mark.parametrize(
    ("given", "settings", "asks"),
    [
        (run(), ALL, "review"),
        (run(), BY_TOP, "top"),
        (run(), AuditSettings(rate=0.0), None),
        (run(certificate=None), ALL, None),
        (run(verdict="review"), ALL, None),
        (run(verdict="rejected"), ALL, None),
        (run(verdict=None), ALL, None),
        (run(verdict="escalated", attempts=(Attempt(model="fake/large", passed=True),)), BY_TOP, "review"),
        (run(attempts=(Attempt(model="fake/large", passed=False, skipped="not worth it"),)), BY_TOP, "top"),
    ],
)
def test_only_what_was_served_under_a_certificate_is_drawn(
    given: Run, settings: AuditSettings, asks: str | None
) -> None:
    assert asks_about(given, ticket(), ladder(), settings) == asks


def test_a_top_rung_that_cannot_be_asked_leaves_it_to_a_person() -> None:
    assert asks_about(run(), ticket(), ladder("no key"), BY_TOP) == "review"


def test_a_task_may_say_for_itself_how_much_is_audited_and_by_whom() -> None:
    own = ticket('[target]\naudit_rate = 1.0\naudit_by = "top"\n')
    assert asks_about(run(), own, ladder(), AuditSettings(rate=0.0)) == "top"
    none = ticket("[target]\naudit_rate = 0.0\n")
    assert asks_about(run(), none, ladder(), ALL) is None
