"""Whether a student should be rung 0: what is served, right and spent, before and after, on the same rows. Pure."""

from __future__ import annotations

from firstline.types import Value
from firstline.workflow.certificate.result import Result
from firstline.workflow.evaluate import EvalReport


class Advice(Value, frozen=True, kw_only=True):
    """Whether to promote a student, and why in words."""

    promote: bool
    reason: str


def advise(before: EvalReport, after: EvalReport, certified: Result | None, *, certified_now: bool = False) -> Advice:
    """Advise on a student from one sample run twice, and from what was certified of the ladder with it.

    With a certificate it should serve if it serves more, or as much in less time. Without, only if on the sample it
    serves no less and no more of it wrong, and if no certificate in force would be lost by that (`certified_now`).
    """
    served, served_before = after.whole.accepted, before.whole.accepted
    faster = after.seconds.p50 < before.seconds.p50
    if certified is not None and certified.feasible:
        if served > served_before or (served == served_before and faster):
            return Advice(
                promote=True, reason=f"certified: at most {certified.target.max_error:.2%} of what it serves is wrong"
            )
        return Advice(
            promote=False,
            reason=f"certified, but it serves {served:.1%} of the sample and what is in charge {served_before:.1%}",
        )
    why = "" if certified is None else f" ({certified.reason})"
    if certified_now:
        return Advice(promote=False, reason=f"the task is certified now, and would not be with the student{why}")
    wrong, wrong_before = served_wrong(after), served_wrong(before)
    if wrong > wrong_before:
        return Advice(
            promote=False,
            reason=f"of the sample {wrong:.1%} would be served wrong, now it is {wrong_before:.1%}{why}",
        )
    if served < served_before:
        return Advice(
            promote=False, reason=f"it would serve {served:.1%} of the sample, now it is {served_before:.1%}{why}"
        )
    return Advice(
        promote=True, reason=f"on the sample it serves no less and no more of it wrong; it is uncertified{why}"
    )


def unchecked(after: EvalReport) -> Advice:
    """Advise on a student that could only be compared with what models answered."""
    said = f"it gives what the models gave in {after.whole.right:.1%} of the sample"
    return Advice(promote=False, reason=f"{said}; nobody has said that this is right: label some, and distil again")


def served_wrong(report: EvalReport) -> float:
    """Give the share of all inputs that were served with a wrong value."""
    right = report.whole.right_of_accepted
    return 0.0 if right is None else report.whole.accepted * (1 - right)
