"""What follows an attempt: which fields stand, which are asked again one rung up, and the verdict. Pure decisions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from firstline.types import Attempt, FieldOutcome, Finding, Json, Value, Verdict
from firstline.workflow.answer import Draft
from firstline.workflow.checks.base import Subject
from firstline.workflow.task import Task


class Standing(Value, frozen=True, kw_only=True):
    """Where a run stands: the answer so far, what became of each field, and the fields still in doubt."""

    answer: Mapping[str, Json]
    outcomes: Mapping[str, FieldOutcome]
    open: tuple[str, ...]
    heard: Mapping[str, tuple[Json, ...]] = {}


class Judged(Value, frozen=True, kw_only=True):
    """A draft after its checks: what it leads to, and what the checks had against it."""

    standing: Standing
    findings: tuple[Finding, ...]
    passed: bool


def begin(keys: Sequence[str]) -> Standing:
    """A run that has asked nobody: every field is open."""
    return Standing(answer=dict.fromkeys(keys), outcomes={}, open=tuple(keys))


def judge(
    task: Task,
    standing: Standing,
    draft: Draft,
    *,
    model: str,
    first: bool,
    source: str,
    readings: Mapping[str, Json],
    confirm: bool,
    parameters: Mapping[str, Json],
) -> Judged:
    """Check a draft and settle what passes.

    `readings` is what the second reader found. With `confirm` the model is one whose fields a second reader has to
    confirm (check `agreement`); an earlier model that gave the same value can confirm it too. Without, that check is
    left out. A finding about a field leaves that field open, one about several those of them that were asked; one
    about the whole answer, or only about fields that stand, leaves open all that was asked.
    """
    answer = {**standing.answer, **{key: draft.values.get(key) for key in standing.open}}
    subject = Subject(
        answer=answer,
        source=source,
        fields=standing.open,
        confidences={key: share for key, share in draft.confidences.items() if key in standing.open},
        readings=readings if confirm else {},
        heard=standing.heard if confirm else {},
        parameters=parameters,
    )
    checks = [check for check in task.checks if confirm or check.name != "agreement"]
    findings = tuple(finding for check in checks for finding in check(subject))
    doubted = frozenset(key for finding in findings for key in _about(finding, standing.open))
    outcomes = dict(standing.outcomes)
    for key in standing.open:
        reasons = tuple(finding.reason for finding in findings if key in _about(finding, standing.open))
        settled = key not in doubted
        outcomes[key] = FieldOutcome(
            status=("accepted" if first else "escalated") if settled else "review",
            model=model,
            confidence=draft.confidences.get(key),
            reasons=() if settled else reasons,
        )
    heard = {key: (*standing.heard.get(key, ()), draft.values.get(key)) for key in standing.open}
    still_open = tuple(key for key in standing.open if key in doubted)
    return Judged(
        standing=Standing(answer=answer, outcomes=outcomes, open=still_open, heard={**standing.heard, **heard}),
        findings=findings,
        passed=not doubted,
    )


def verdict(standing: Standing, attempts: Sequence[Attempt]) -> tuple[Verdict, str]:
    """Give the verdict and its reason in words."""
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


def _reasons(standing: Standing, key: str) -> tuple[str, ...]:
    outcome = standing.outcomes.get(key)
    return outcome.reasons if outcome else ()


def _about(finding: Finding, open_fields: Sequence[str]) -> frozenset[str]:
    """The open fields that a finding puts in doubt: those it is about; all where it is about none of them."""
    named = finding.fields if finding.field is None else (finding.field,)
    return frozenset(open_fields).intersection(named) or frozenset(open_fields)
