"""Small certifications for tests of the report, each fact of them told apart from every other."""

from __future__ import annotations

from typing import Any

import msgspec

from firstline.certify.certificates import Provenance
from firstline.certify.result import (
    Baseline,
    Calibration,
    Costs,
    CurvePoint,
    Interval,
    OutOfScope,
    Reliability,
    ReliabilityPoint,
    Result,
    Sizes,
    StratumResult,
)
from firstline.certify.statistics.target import CostModel, Target
from firstline.cli.report import Report
from firstline.runs.policy import NEVER, Policy, RungPolicy
from firstline.versions.lock import LockedModel, LockedTask

SMALL, LARGE = "fake/small", "fake/large"


def costs(money: float, seconds: float, weighed: float) -> Costs:
    return Costs(money_nano_usd=money, seconds=seconds, weighed_nano_usd=weighed)


def point(coverage: float, error: float, bound: float, *, taken: bool = False) -> CurvePoint:
    weighed = (1 - coverage) * 1e8 + 1e5
    return CurvePoint(
        coverage=coverage, error=error, bound=bound, weighed_nano_usd=weighed, accepted=bound < 0.05, taken=taken
    )


def reliability(ece: float, equal_width: float, brier: float) -> Reliability:
    points = tuple(
        ReliabilityPoint(confidence=at, right=Interval(n=40, share=at - 0.02, low=at - 0.11, high=min(at + 0.05, 1)))
        for at in (0.32, 0.71, 0.93)
    )
    return Reliability(ece=ece, ece_equal_width=equal_width, brier=brier, points=points)


RESULT = Result(
    feasible=True,
    reason="",
    target=Target(max_error=0.05, confidence=0.95),
    worth=CostModel(machine_nano_usd_per_second=13_889.0, review_nano_usd=1.1e8),
    n=1_234,
    sizes=Sizes(fit=371, choose=123, certify=740, tested=717, repeated=23, straddling=4),
    strata=(
        StratumResult(
            kind="answer",
            name="answers",
            promised=True,
            n=717,
            served=573,
            wrong=14,
            bound=0.0379,
            delta=0.05,
            more_examples=888,
        ),
    ),
    bound=0.0379,
    coverage=0.799,
    base_error=0.0811,
    floor=0.0327,
    top_floor=0.0436,
    coverage_floor_gap=0.168,
    oracle_coverage=0.901,
    costs=costs(4.5e5, 0.83, 2.11e7),
    always_top=Baseline(model=LARGE, coverage=0.995, error=0.0912, costs=costs(9.7e5, 0.64, 9.9e5)),
    always_first=Baseline(model=SMALL, coverage=0.985, error=0.173, costs=costs(0, 0.21, 2.9e3)),
    curve=(
        point(0.31, 0.0042, 0.0131),
        point(0.62, 0.0113, 0.0226),
        point(0.799, 0.0244, 0.0379, taken=True),
        point(0.93, 0.0581, 0.0762),
    ),
    calibrations=(
        Calibration(
            model=SMALL,
            field="label",
            n=863,
            before=reliability(0.141, 0.152, 0.163),
            after=reliability(0.027, 0.038, 0.089),
        ),
        Calibration(model=LARGE, field="label", n=861, before=None, after=reliability(0.021, 0.034, 0.077)),
    ),
    more_examples=888,
)

OUTSIDE = OutOfScope(
    recall=Interval(n=141, share=0.613, low=0.527, high=0.694),
    withheld=Interval(n=141, share=0.348, low=0.27, high=0.433),
    missed=Interval(n=141, share=0.0388, low=0.0142, high=0.0837),
    false_alarms=Interval(n=576, share=0.0122, low=0.0049, high=0.0249),
)

PROMISELESS = StratumResult(
    kind="answer",
    name="answers",
    promised=False,
    n=60,
    served=41,
    wrong=3,
    bound=0.178,
    delta=0.05,
    reason="3 of 41 served answers of the test were wrong: it could have been 0 at most",
    more_examples=220,
)

INFEASIBLE = msgspec.structs.replace(
    RESULT,
    feasible=False,
    reason=f"nothing can be promised: answers: {PROMISELESS.reason}",
    strata=(PROMISELESS,),
    bound=1.0,
    coverage=0.0,
    coverage_floor_gap=0.967,
    costs=costs(0, 0, 1.1e8),
    curve=(point(0.51, 0.041, 0.0871), point(0.87, 0.0912, 0.178)),
    more_examples=220,
)


def rung(model: str, least: float) -> RungPolicy:
    return RungPolicy(model=model, calibrators={}, thresholds={"label": least}, price_nano_usd=3.3e4)


def report(result: Result = RESULT, **changes: Any) -> Report:
    """A report on a task of two rungs, in force where its promise can be kept."""
    ladder = (
        LockedModel(model=SMALL, usable=True, facts={"model": "a1b2c3d4e5f6" + "0" * 52}),
        LockedModel(model=LARGE, usable=False, facts={"address": "https://models.example/v1", "name": "large-4"}),
    )
    policy = Policy(rungs=(rung(SMALL, NEVER), rung(LARGE, 0.8642)), review_nano_usd=1.1e8)
    base = Report(
        task="sort",
        pin=LockedTask(version="sort@77aa88bb", behaviour=3, ladder=ladder, parts={}),
        result=result,
        policy=policy if result.feasible else None,
        provenance=Provenance(data="data.jsonl", seed=42, drawn=True, benefit=False, at=1_795_600_000.0),
        certificate="c_0011223344556677" if result.feasible else None,
        state="active" if result.feasible else None,
        fallback="review" if result.feasible else None,
    )
    return msgspec.structs.replace(base, **changes)
