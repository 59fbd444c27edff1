"""A student is put in charge where nothing is lost and something is won."""

from __future__ import annotations

import pytest

from firstline.evaluation.evaluate import EvalReport, Seconds, Share
from firstline.students.distill.compare import advise
from firstline.students.distill.takeover import Takeover


def report(served: float = 1.0, right: float = 1.0, cost: int = 0, seconds: float = 1.0, n: int = 100) -> EvalReport:
    """A sample of a hundred, or so many."""
    return EvalReport(
        task="t",
        version="v",
        n=n,
        verdicts={},
        fields={},
        whole=Share(n=n, accepted=served, right=right, right_of_accepted=right),
        seconds=Seconds(p50=seconds, p99=seconds, total=seconds),
        cost_nano_usd=cost,
        saved_nano_usd=0,
        escalation=0.0,
    )


@pytest.mark.parametrize(
    ("before", "after", "promote", "words"),
    [
        (report(cost=9), report(cost=1), True, "it costs less"),
        (report(seconds=2), report(seconds=1), True, "it answers sooner"),
        (report(served=0.5), report(served=0.6), True, "more of the sample is served"),
        (report(), report(), False, "serves no more, costs no less and is no faster"),
        (report(cost=9), report(served=0.9), False, "90.0% would be served and right, now it is 100.0%"),
        (report(cost=9, right=0.99), report(right=0.98), False, "2.0% would be served wrong, now it is 1.0%"),
        (report(cost=9, n=19), report(n=19), False, "19 examples run before and after are too few to tell by"),
        (report(cost=9, right=0.9), report(served=0.9), True, "it costs less; it is uncertified"),
    ],
)
def test_what_is_lost_and_what_is_won(before: EvalReport, after: EvalReport, promote: bool, words: str) -> None:
    found = advise(before, after, None)
    assert found.promote is promote
    assert words in found.reason


@pytest.mark.parametrize(
    ("taken", "promote", "words"),
    [
        (Takeover(n=20, before=0, after=20, otherwise=0), True, "it takes over what models answered"),
        (Takeover(n=20, before=20, after=20, otherwise=0), False, "it serves no more"),
        (Takeover(n=20, before=0, after=20, otherwise=1), True, "it takes over what models answered"),
        (Takeover(n=20, before=0, after=20, otherwise=5), False, "it would answer 5 otherwise"),
    ],
)
def test_what_it_takes_over_of_what_models_answered(taken: Takeover, promote: bool, words: str) -> None:
    found = advise(report(), report(), None, takeover=taken, max_error=0.05)
    assert found.promote is promote
    assert words in found.reason


def test_a_certificate_in_force_is_not_given_up() -> None:
    found = advise(report(cost=9), report(), None, certified_now=True)
    assert (found.promote, found.reason) == (False, "the task is certified now, and would not be with the student")
