"""Who may serve what: calibrated confidences, the thresholds that they must reach, and which rung is worth asking.

A `Policy` is fitted and chosen by `fit.py` and `choose.py`, certified by `ltt.py`, and applied here to a run and by
`replay.py` to recorded attempts: plain functions of signals, so that a decision can be replayed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from firstline.types import Json, Value

NEVER = 2.0
"""A threshold that no confidence reaches."""

LABEL_RATE = "label_rate"
"""The signal that a rung's policy knows of a label by its name."""

Signals = Mapping[str, float]
"""What was measured of one value, by name (`signals.py`); a signal that there is none of is missing."""


class Calibrator(Value, frozen=True, kw_only=True):
    """A logistic regression on signals: the probability that a value is right, or that a rung will settle an input.

    Signal `names[i]` counts `weights[i] * (x - means[i]) / scales[i]`, and `missing[i]` where it is missing.
    """

    names: tuple[str, ...]
    means: tuple[float, ...]
    scales: tuple[float, ...]
    weights: tuple[float, ...]
    missing: tuple[float, ...]
    intercept: float

    def probability(self, signals: Signals) -> float:
        """Return the probability for these signals; names that the calibrator does not know count nothing."""
        total = self.intercept
        for place, name in enumerate(self.names):
            value = signals.get(name)
            if value is None or not math.isfinite(value):
                total += self.missing[place]
            else:
                total += self.weights[place] * (value - self.means[place]) / self.scales[place]
        return 1 / (1 + math.exp(-total)) if total > -700 else 0.0


class RungPolicy(Value, frozen=True, kw_only=True):
    """One rung of a certified ladder.

    `calibrators` by field give the confidence of a value; the label it names counts too, as the signal `label_rate`:
    how often this rung was right where it named that label. `thresholds` hold the least confidence by field;
    `class_thresholds` by label of a classify task, before the field's. `benefit` gives from the state of a run
    (`state_signals`) the probability that asking this rung settles it (None: not estimated, always asked).
    `price_nano_usd` is what asking it costs on average, the machine's time included.
    """

    model: str
    calibrators: Mapping[str, Calibrator]
    thresholds: Mapping[str, float]
    class_thresholds: Mapping[str, float] = {}
    label_rates: Mapping[str, float] = {}
    benefit: Calibrator | None = None
    price_nano_usd: float = 0.0

    def confidence(self, field: str, value: Json, signals: Signals) -> float | None:
        """Return the calibrated confidence of a field's value; None where the field has no calibrator."""
        calibrator = self.calibrators.get(field)
        if calibrator is None:
            return None
        rate = self.label_rates.get(value) if isinstance(value, str) else None
        return calibrator.probability(signals if rate is None else {**signals, LABEL_RATE: rate})

    def threshold(self, field: str, value: Json) -> float:
        """Return the least confidence at which this value is served; 0 for a field that nothing was promised about."""
        if isinstance(value, str) and value in self.class_thresholds:
            return self.class_thresholds[value]
        return self.thresholds.get(field, 0.0)


class Policy(Value, frozen=True, kw_only=True):
    """The rungs in order, what leaving an answer to a person counts, and what is left to one in any case.

    A value of `withheld_fields` or a label of `withheld_labels` that is settled ends the climb as it would, and goes to
    a person all the same: nothing could be promised about it.
    """

    rungs: tuple[RungPolicy, ...]
    review_nano_usd: float
    withheld_fields: tuple[str, ...] = ()
    withheld_labels: tuple[str, ...] = ()

    def rung(self, model: str) -> RungPolicy | None:
        """Return the rung of a model."""
        return next((rung for rung in self.rungs if rung.model == model), None)

    def thresholds(self) -> dict[str, dict[str, float]]:
        """Return the least confidence by model and field, or label."""
        return {rung.model: {**rung.thresholds, **rung.class_thresholds} for rung in self.rungs}

    def withholds(self, field: str, value: Json) -> bool:
        """Say whether a settled value is left to a person, since nothing was promised about such."""
        return field in self.withheld_fields or (isinstance(value, str) and value in self.withheld_labels)

    def worth_asking(self, place: int, state: Signals) -> bool:
        """Say whether asking rung `place` is expected to cost less than what it saves.

        With V the least expected cost of going on after it (a later rung, or a person), asking pays where
        price <= p * V, p being the probability that it settles the run from this state.
        """
        rung = self.rungs[place]
        if rung.benefit is None:
            return True
        return rung.price_nano_usd <= rung.benefit.probability(state) * self._going_on(place + 1, state)

    def _going_on(self, place: int, state: Signals) -> float:
        value = self.review_nano_usd
        for rung in reversed(self.rungs[place:]):
            settles = 1.0 if rung.benefit is None else rung.benefit.probability(state)
            value = min(value, rung.price_nano_usd + (1 - settles) * value)
        return value


def state_signals(confidences: Sequence[float | None], *, asked: int, open_share: float, length: float) -> Signals:
    """Describe a run between two rungs, for `worth_asking`.

    `confidences` are the calibrated ones of the open fields at the last rung asked (empty: none was), `asked` how many
    rungs were, `open_share` the share of fields still open, `length` the characters of the source.
    """
    signals = {"asked": float(asked), "open": open_share, "length": math.log1p(length)}
    known = [one for one in confidences if one is not None]
    if known:
        least = min(max(min(known), 1e-6), 1 - 1e-6)
        signals["confidence"] = math.log(least / (1 - least))
    return signals
