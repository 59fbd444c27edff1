"""What follows an attempt: which fields stand, which are asked again one rung up, and the verdict. Pure decisions."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from firstline.answering.answer import Draft
from firstline.answering.signals import value_signals
from firstline.checks.base import Subject, findings_of
from firstline.reading.deadline import Deadline, unlimited
from firstline.reading.document import Document
from firstline.reading.joint import proven
from firstline.runs.policy import Policy, RungPolicy
from firstline.tasks.task import Task
from firstline.types import Attempt, FieldOutcome, Finding, Json, Value, Verdict

SURE = 0.9
"""Without a certificate, the least probability with which a student's value is served: its own word for it is all
that there is. A certificate's thresholds, measured on examples, take its place."""
_NOTHING_PROMISED = "the certificate promises nothing about such a value"


class RunState(Value, frozen=True, kw_only=True):
    """Where a run stands: the answer so far, what became of each field, and the fields still in doubt."""

    answer: Mapping[str, Json]
    outcomes: Mapping[str, FieldOutcome]
    open: tuple[str, ...]
    heard: Mapping[str, tuple[Json, ...]] = {}


class Evidence(Value, frozen=True, kw_only=True):
    """What a draft is held against.

    `readings` is what the second reader found. With `confirm` the model is one whose fields a second reader has to
    confirm (check `agreement`); an earlier model that gave the same value can confirm it too. Without, that check is
    left out. `measured` are the signals of the input; None: no signals are wanted. `least` is the confidence that the
    draft's values need, `bars` that of single fields. The checks look until the `deadline` of the reading; `read` keeps
    what they made of the source.
    """

    document: Document
    readings: Mapping[str, Json] = {}
    confirm: bool = False
    parameters: Mapping[str, Json] = {}
    measured: Mapping[str, float] | None = None
    least: float = 0.0
    bars: Mapping[str, float] = {}
    deadline: Deadline = msgspec.field(default_factory=unlimited)
    read: dict[Callable[[str], object], object] = msgspec.field(default_factory=dict)

    def bar(self, key: str) -> float:
        """Return the confidence that a field's value needs."""
        return self.bars.get(key, self.least)


class Judged(Value, frozen=True, kw_only=True):
    """A draft after its checks: what it leads to, what the checks had against it, and what was measured of it.

    `confidences` by open field are calibrated where there is a policy, else the draft's own; `calibrated` are the
    former alone.
    """

    standing: RunState
    findings: tuple[Finding, ...]
    passed: bool
    signals: Mapping[str, Mapping[str, float]]
    confidences: Mapping[str, float]
    calibrated: Mapping[str, float] = {}


def begin(keys: Sequence[str]) -> RunState:
    """A run that has asked nobody: every field is open."""
    return RunState(answer=dict.fromkeys(keys), outcomes={}, open=tuple(keys))


def judge(
    task: Task,
    standing: RunState,
    draft: Draft,
    *,
    model: str,
    first: bool,
    evidence: Evidence,
    policy: RungPolicy | None = None,
) -> Judged:
    """Check a draft and settle what passes.

    A finding about a field leaves that field open, one about several those of them that were asked; one about the
    whole answer, or only about fields that stand, leaves open all that was asked. With a `policy`, what the checks let
    stand must also reach its threshold.
    """
    answer = {**standing.answer, **{key: draft.values.get(key) for key in standing.open}}
    settled_by_sums = proven(evidence.document, task.fields, answer, evidence.readings)
    subject = Subject(
        answer=answer,
        source=evidence.document.text,
        fields=standing.open,
        confidences={key: share for key, share in draft.confidences.items() if key in standing.open},
        readings=evidence.readings if evidence.confirm else {},
        heard=standing.heard if evidence.confirm else {},
        parameters=evidence.parameters,
        read=evidence.read,
        proven=settled_by_sums,
    )
    checks = [check for check in task.checks if evidence.confirm or check.name != "agreement"]
    with evidence.deadline.running(aside=True):
        findings = findings_of(checks, subject)
    # What nobody asked for may be wrong in any way.
    faults = tuple(fault for fault in draft.faults if fault.field is None or fault.field in standing.open)
    findings = (*findings, *faults, *(_unanswered(key) for key in draft.unanswered if key in standing.open))
    signals = _signals(task, standing, draft, findings, evidence)
    confidences = {key: draft.confidences[key] for key in standing.open if key in draft.confidences}
    unsure = {key: share for key, share in confidences.items() if key not in settled_by_sums}
    findings = (*findings, *_unsure(unsure, evidence))
    calibrated: dict[str, float] = {}
    if policy is not None:
        told = {key: policy.confidence(key, draft.values.get(key), signals.get(key, {})) for key in standing.open}
        calibrated = {key: share for key, share in told.items() if share is not None}
        confidences |= calibrated
        findings = (*findings, *_below(policy, draft, calibrated))
    doubted = frozenset(key for finding in findings for key in about(finding, standing.open))
    outcomes = dict(standing.outcomes)
    for key in standing.open:
        reasons = tuple(finding.reason for finding in findings if key in about(finding, standing.open))
        settled = key not in doubted
        outcomes[key] = FieldOutcome(
            status=("accepted" if first else "escalated") if settled else "review",
            model=model,
            confidence=confidences.get(key),
            reasons=() if settled else reasons,
        )
    # What a student is not sure of, or a text says in two ways, confirms nothing that the next rung says.
    vague = {key for key, share in confidences.items() if share < evidence.bar(key)}
    vague |= {key for fault in faults for key in about(fault, standing.open)}
    said = {key: () if key in vague else (draft.values.get(key),) for key in standing.open}
    heard = {key: (*standing.heard.get(key, ()), *said[key]) for key in standing.open}
    still_open = tuple(key for key in standing.open if key in doubted)
    return Judged(
        standing=RunState(answer=answer, outcomes=outcomes, open=still_open, heard={**standing.heard, **heard}),
        findings=findings,
        passed=not doubted,
        signals=signals,
        confidences=confidences,
        calibrated=calibrated,
    )


def withhold(standing: RunState, policy: Policy) -> RunState:
    """Leave to a person what is settled but nothing was promised about; nobody is asked again."""
    held = [
        key
        for key, outcome in standing.outcomes.items()
        if outcome.status != "review" and policy.withholds(key, standing.answer[key])
    ]
    outcomes = {
        key: msgspec.structs.replace(standing.outcomes[key], status="review", reasons=(_NOTHING_PROMISED,))
        for key in held
    }
    still_open = tuple(key for key in standing.answer if key in held or key in standing.open)
    return msgspec.structs.replace(standing, outcomes={**standing.outcomes, **outcomes}, open=still_open)


def verdict(standing: RunState, attempts: Sequence[Attempt]) -> tuple[Verdict, str]:
    """Return the verdict and its reason in words."""
    made = [attempt for attempt in attempts if attempt.skipped is None]
    if not made:
        why = "; ".join(f"{attempt.model}: {attempt.skipped}" for attempt in attempts)
        return "review", f"no model could be asked ({why})" if why else "the ladder is empty"
    if standing.open:
        reasons = {reason for key in standing.open for reason in _reasons(standing, key)}
        return "review", f"{', '.join(standing.open)}: {'; '.join(sorted(reasons))}" if reasons else (
            "; ".join(attempt.error for attempt in made if attempt.error) or "no rung is left"
        )
    if len(made) == 1:
        return "accepted", f"{made[0].model} passed every check"
    return "escalated", f"{made[-1].model} settled what {made[0].model} could not"


def _signals(
    task: Task, standing: RunState, draft: Draft, findings: Sequence[Finding], evidence: Evidence
) -> dict[str, dict[str, float]]:
    if evidence.measured is None:
        return {}
    return {
        key: value_signals(
            task,
            draft,
            key,
            findings=findings,
            readings=evidence.readings,
            heard=standing.heard.get(key, ()),
            document=evidence.document,
            source=evidence.measured,
        )
        for key in standing.open
    }


def _unanswered(key: str) -> Finding:
    return Finding(check="answered", field=key, reason="it was not taught to answer this field")


def _unsure(confidences: Mapping[str, float], evidence: Evidence) -> Iterator[Finding]:
    """Find the values that fall short of what an uncertified rung needs."""
    for key, share in confidences.items():
        least = evidence.bar(key)
        if share < least:
            reason = f"confidence {_cut(share, 2)} is below the {least:.2f} that serves without a certificate"
            yield Finding(check="certificate", field=key, reason=reason)


def _below(policy: RungPolicy, draft: Draft, calibrated: Mapping[str, float]) -> Iterator[Finding]:
    """Find the values that do not reach their thresholds."""
    for key, share in calibrated.items():
        least = policy.threshold(key, draft.values.get(key))
        if share >= least:
            continue
        cut = f"confidence {_cut(share, 3)}"
        wanted = "is below what any certified answer has" if least > 1 else f"is below the certified {least:.3f}"
        yield Finding(check="certificate", field=key, reason=f"{cut} {wanted}")


def _cut(share: float, digits: int) -> str:
    """Cut, not round: a confidence just below its threshold must not be shown as reaching it."""
    return f"{math.floor(share * 10**digits) / 10**digits:.{digits}f}"


def _reasons(standing: RunState, key: str) -> tuple[str, ...]:
    outcome = standing.outcomes.get(key)
    return outcome.reasons if outcome else ()


def about(finding: Finding, open_fields: Sequence[str]) -> frozenset[str]:
    """The open fields that a finding puts in doubt: those it is about; all where it is about none of them."""
    named = finding.fields if finding.field is None else (finding.field,)
    return frozenset(open_fields).intersection(named) or frozenset(open_fields)
