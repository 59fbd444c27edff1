"""Whether a student should be rung 0: what is served, right and spent, before and after, on the same rows. Pure."""

from __future__ import annotations

from firstline.certify.result import Result
from firstline.evaluation.evaluate import EvalReport
from firstline.students.distill.takeover import Takeover
from firstline.types import Value

LEAST = 20
"""Examples run before and after that it takes to put an uncertified student in charge."""


class Advice(Value, frozen=True, kw_only=True):
    """Whether to promote a student, and why in words."""

    promote: bool
    reason: str


def advise(
    before: EvalReport,
    after: EvalReport,
    certified: Result | None,
    *,
    certified_now: bool = False,
    takeover: Takeover | None = None,
    max_error: float = 0.0,
) -> Advice:
    """Advise on a student from one sample run twice, and from what was certified of the ladder with it.

    It should serve if it serves no less that is right, no more that is wrong (a certificate is worth more than the
    sample there), and something is won: more that is right, money, time, or a part of what models answer (`takeover`)
    that it answers as they did, but for `max_error`. A certificate in force (`certified_now`) is not given up for it.
    """
    promised = certified is not None and certified.feasible
    why = "" if certified is None or promised else f" ({certified.reason})"
    if certified_now and not promised:
        return Advice(promote=False, reason=f"the task is certified now, and would not be with the student{why}")
    if before.n < LEAST and not promised:
        reason = f"{before.n} examples run before and after are too few to tell by, {LEAST} are needed{why}"
        return Advice(promote=False, reason=reason)
    wrong, wrong_before = _served(after, right=False), _served(before, right=False)
    right, right_before = _served(after, right=True), _served(before, right=True)
    if wrong > wrong_before and not promised:
        reason = f"of the sample {wrong:.1%} would be served wrong, now it is {wrong_before:.1%}{why}"
        return Advice(promote=False, reason=reason)
    if right < right_before:
        reason = f"of the sample {right:.1%} would be served and right, now it is {right_before:.1%}{why}"
        return Advice(promote=False, reason=f"certified, but {reason}" if promised else reason)
    if takeover is not None and takeover.strays(max_error):
        reason = f"of {takeover.after} inputs that models answered it would answer {takeover.otherwise} otherwise{why}"
        return Advice(promote=False, reason=f"certified, but {reason}" if promised else reason)
    taken = takeover is not None and takeover.after > takeover.before
    won = [
        *(["it takes over what models answered"] if taken else []),
        *(["more of the sample is served"] if right > right_before else []),
        *(["it costs less"] if after.cost_nano_usd < before.cost_nano_usd else []),
        *(["it answers sooner"] if after.seconds.p50 < before.seconds.p50 else []),
    ]
    if not won:
        return Advice(promote=False, reason=f"it serves no more, costs no less and is no faster{why}")
    if certified is not None and certified.feasible:
        promise = f"certified: at most {certified.target.max_error:.2%} of what it serves is wrong"
        return Advice(promote=True, reason=f"{promise}; {', '.join(won)}")
    less = "on the sample it serves no less and no more of it wrong"
    return Advice(promote=True, reason=f"{less}; {', '.join(won)}; it is uncertified{why}")


def unchecked(after: EvalReport) -> Advice:
    """Advise on a student that could only be compared with what models answered."""
    said = f"it gives what the models gave in {after.whole.right:.1%} of the sample"
    return Advice(promote=False, reason=f"{said}; nobody has said that this is right: label some, and distil again")


def _served(report: EvalReport, *, right: bool) -> float:
    """Return the share of all inputs that were served, and right or wrong."""
    served = round(report.n * report.whole.accepted)
    good = round(served * (report.whole.right_of_accepted or 0.0))
    return (good if right else served - good) / max(report.n, 1)
