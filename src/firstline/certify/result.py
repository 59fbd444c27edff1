"""What a certification found, as values for a report: JSON, a page and a plot are made of these alone."""

from __future__ import annotations

from firstline.certify.statistics.target import CostModel, Kind, Target
from firstline.types import Value


class Interval(Value, frozen=True, kw_only=True):
    """A share of `n`, with its 95 % Clopper-Pearson interval."""

    n: int
    share: float
    low: float
    high: float


class StratumResult(Value, frozen=True, kw_only=True):
    """One promise: about all answers, those in or out of scope, of one class, or one field's values.

    On the certify part, of `n` units `served` were served by the policy taken (or by the one that came nearest, where
    it is not `promised`) and `wrong` of those were wrong. `bound` is the Clopper-Pearson upper bound at `delta`.
    `more_examples`: about how many more labelled examples it would take, to be promised with probability 0.8 where it
    is not, to lower the bound by a tenth of the target where it is; None: no number would do.
    """

    kind: Kind
    name: str
    promised: bool
    n: int
    served: int
    wrong: int
    bound: float
    delta: float
    reason: str = ""
    more_examples: int | None = None

    @property
    def error(self) -> float | None:
        """The share of the served that was wrong; None where nothing was served."""
        return self.wrong / self.served if self.served else None


class Costs(Value, frozen=True, kw_only=True):
    """What an example costs on average: `weighed` is money, seconds of the machine and reviews together."""

    money_nano_usd: float
    seconds: float
    weighed_nano_usd: float


class Baseline(Value, frozen=True, kw_only=True):
    """Serving every answer of one rung, unchecked: the share answered, and wrong of those."""

    model: str
    coverage: float
    error: float
    costs: Costs


class CurvePoint(Value, frozen=True, kw_only=True):
    """One policy between cautious and bold, on the certify part. The bound holds for it alone, not for all at once."""

    coverage: float
    error: float
    bound: float
    weighed_nano_usd: float
    accepted: bool
    taken: bool


class ReliabilityPoint(Value, frozen=True, kw_only=True):
    """Values of about one confidence: the mean of it, and how many of them were right."""

    confidence: float
    right: Interval


class Reliability(Value, frozen=True, kw_only=True):
    """How far confidences are from how often they are right (`measure.py`); None where there are none."""

    ece: float
    ece_equal_width: float
    brier: float
    points: tuple[ReliabilityPoint, ...]


class Calibration(Value, frozen=True, kw_only=True):
    """One rung's confidence in one field on rows that it was not fitted on: the model's own, and the calibrated."""

    model: str
    field: str
    n: int
    before: Reliability | None
    after: Reliability


class OutOfScope(Value, frozen=True, kw_only=True):
    """What became of inputs that belong to no label, and of the others, on the certify part.

    `recall`: outside inputs answered as such; `withheld`: left to people; `missed`: served under a label.
    `false_alarms`: inputs with a label that were answered as out of scope.
    """

    recall: Interval
    withheld: Interval
    missed: Interval
    false_alarms: Interval


class Sizes(Value, frozen=True, kw_only=True):
    """Examples by part. `tested` are those of the certify part that count: one of every group of near-duplicates."""

    fit: int
    choose: int
    certify: int
    tested: int
    repeated: int
    straddling: int


class Confirmed(Value, frozen=True, kw_only=True):
    """What one promise became when the certify part was served live, once more: counts and the bound at its delta."""

    name: str
    n: int
    served: int
    wrong: int
    bound: float


class Result(Value, frozen=True, kw_only=True):
    """The outcome of one certification.

    `coverage` is the share of units served, `floor` the least share that no method at all could serve with these
    rungs' answers (`base_error`: where none of them is right), `coverage_floor_gap` what is between; `oracle_coverage`
    is what the same confidences would reach had the thresholds been set knowing the certify part's answers.
    `top_floor` is the floor of the last rung alone. `bound` is the largest of the promised strata (1: none).
    `approximations` says where serving differs from the replay of recorded attempts that all this rests on; where it
    does, `confirmed` is what came of serving the certify part live.
    """

    feasible: bool
    reason: str
    target: Target
    worth: CostModel
    n: int
    sizes: Sizes
    strata: tuple[StratumResult, ...]
    bound: float
    coverage: float
    base_error: float
    floor: float
    top_floor: float
    coverage_floor_gap: float
    oracle_coverage: float
    costs: Costs
    always_top: Baseline
    always_first: Baseline
    curve: tuple[CurvePoint, ...]
    calibrations: tuple[Calibration, ...]
    out_of_scope: OutOfScope | None = None
    more_examples: int | None = None
    approximations: tuple[str, ...] = ()
    confirmed: tuple[Confirmed, ...] = ()
