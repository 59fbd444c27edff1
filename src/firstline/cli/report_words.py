"""A certification in words: the verdict, what each figure means, what to do where nothing can be promised."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from firstline.certify.percent import percent
from firstline.certify.result import Costs, Result, StratumResult
from firstline.certify.statistics.target import CostModel
from firstline.cli.report import Report
from firstline.types import Value
from firstline.versions.lock import LockedModel

_UNITS = {"answer": "answers served", "class": "answers served with each label", "field": "values served of each field"}
_STATES = {
    "active": "in force",
    "withdrawn": "withdrawn",
    "replaced": "replaced by a later certificate",
    "void": "void: the task is not as it was measured",
}
_MOST = 5
"""How many of a list are named."""
_MANY = 1_000_000
"""More examples than this are none that anybody labels."""
FALLBACKS = {"top": "the top rung alone", "review": "a person"}


class Fact(Value, frozen=True, kw_only=True):
    """One line of a summary: what it is, the figure, and what it means."""

    name: str
    figure: str
    meaning: str


def promise(result: Result) -> str:
    """Say what was to be promised."""
    most, sure = percent(result.target.max_error), percent(result.target.confidence)
    return f"of the {_UNITS[result.target.per]} at most {most} is wrong, with confidence {sure}"


def verdict(result: Result) -> str:
    """Say in a sentence what came of it."""
    told = promise(result)
    if not result.feasible:
        return f"This cannot be promised: {told}."
    out = [one.name for one in result.strata if not one.promised]
    rest = f" Left to people, since nothing can be promised of it: {_list(out)}." if out else ""
    return f"{told[0].upper()}{told[1:]}.{rest}"


def state(report: Report) -> str:
    """Say whether it is in force."""
    if report.state is None:
        return "nothing was enabled" if not report.result.feasible else "not put in force"
    return f"{_STATES['void' if report.void else report.state]} as {report.certificate}"


def why(result: Result) -> list[str]:
    """Say why promises could not be made, the first ones one by one; empty where all were."""
    found = [f"{one.name}: {one.reason}" for one in result.strata if one.reason]
    if not found:
        return [result.reason] if result.reason else []
    rest = len(found) - _MOST
    return [*found[:_MOST], *([f"and {rest} more, each with its reason below"] if rest > 0 else [])]


def advice(result: Result) -> list[str]:
    """Say what could be done where nothing can be promised."""
    if result.confirmed:
        return [
            "Serving differs here from the attempts that were recorded, and errs more. Take a larger target, a ladder "
            "of one rung, or do without what makes them differ: " + "; ".join(result.approximations) + "."
        ]
    found = []
    if result.more_examples and result.more_examples <= _MANY:
        in_all = result.n + result.more_examples
        which = "the promise" if len(result.strata) == 1 else "the nearest of the promises"
        found.append(
            f"Label about {result.more_examples:,} more examples, drawn as these were: with {in_all:,} in all, "
            f"{which} can be made with probability 0.8 if they are like these."
        )
    else:
        found.append(
            "More examples alone would not do: the answers that the models are surest of are wrong too often. Add a "
            "better rung, describe the labels or fields better, or give the task examples."
        )
    within = reachable(result)
    if within is not None:
        found.append(
            f"With these examples about {percent(within)} is within reach: --max-error {within:g}. A target that is "
            "chosen after looking is best certified on fresh examples."
        )
    if result.target.per != "answer":
        found.append("A promise about all answers together (--per answer) takes fewer examples than one for each.")
    return found


def reachable(result: Result) -> float | None:
    """Return about the least error that these examples could prove, to two digits; None where the curve has no such."""
    least = min((one.bound for one in result.curve if one.bound < 1), default=1.0)
    if not result.target.max_error < least < 0.5:
        return None
    unit = 10.0 ** (math.floor(math.log10(least)) - 1)
    return round(math.ceil(least / unit - 1e-9) * unit, 12)


def summary(result: Result) -> list[Fact]:
    """Tell bound, coverage, floor, gap and cost, with what each means; of nothing promised what holds of the models."""
    floor = Fact(
        name="floor",
        figure=percent(result.floor),
        meaning=f"at least this much goes to people whatever the method: in {percent(result.base_error)} of the "
        f"examples no rung is right (the last rung alone: {percent(result.top_floor)} at least)",
    )
    if not result.feasible:
        told = "of the inputs would be served with thresholds that are set knowing the answers"
        return [*_live(result), floor, Fact(name="in hindsight", figure=percent(result.oracle_coverage), meaning=told)]
    facts = [_bound(result), *_live(result), _coverage(result), floor, _gap(result), _cost(result)]
    return [*facts, *_tighter(result)]


def _bound(result: Result) -> Fact:
    promised = [one for one in result.strata if one.promised]
    most = max(promised, key=lambda one: one.bound)
    whose = f" ({most.name}, the largest of {len(promised)})" if len(promised) > 1 else ""
    return Fact(
        name="bound",
        figure=percent(result.bound),
        meaning=f"{most.wrong} of {most.served} served in the test were wrong{whose}; the true share is at most the "
        f"bound, with confidence {percent(1 - most.delta)}",
    )


def _live(result: Result) -> list[Fact]:
    """Tell what came of serving the test once more, where that is not what a replay of recorded attempts is."""
    differs = "; ".join(result.approximations)
    return [
        Fact(
            name="served live",
            figure=percent(one.bound),
            meaning=f"bound of {one.name} when the {one.n:,} examples of the test were served once more: {one.wrong} "
            f"of {one.served} were wrong; recorded attempts are not quite what is served ({differs})",
        )
        for one in result.confirmed
    ]


def _coverage(result: Result) -> Fact:
    unit = "values" if result.target.per == "field" else "inputs"
    return Fact(
        name="coverage",
        figure=percent(result.coverage),
        meaning=f"of {unit} are answered by the models; {percent(1 - result.coverage)} go to a person",
    )


def _gap(result: Result) -> Fact:
    sample, rest = result.oracle_coverage - result.coverage, 1 - result.floor - result.oracle_coverage
    parts = f"; {points(sample)} of them for want of examples, {points(rest)} for what the confidences do not know"
    known = sample > 0 and rest > 0
    return Fact(
        name="gap",
        figure=points(result.coverage_floor_gap),
        meaning="below what the floor leaves; thresholds set in hindsight would serve "
        + percent(result.oracle_coverage)
        + (parts if known else ""),
    )


def _cost(result: Result) -> Fact:
    machine = machine_cost(result.costs, result.worth)
    people = max(result.costs.weighed_nano_usd - machine, 0.0)
    return Fact(
        name="cost",
        figure=f"{money(machine * 1000)} for models, {money(people * 1000)} for people",
        meaning=f"for 1,000 inputs; {savings(result)}",
    )


def _tighter(result: Result) -> list[Fact]:
    if result.more_examples is None or not all(one.promised for one in result.strata):
        return []
    meaning = "more examples would lower the bound by a tenth of the target"
    return [Fact(name="tighter", figure=_about(result.more_examples), meaning=meaning)]


class Way(Value, frozen=True, kw_only=True):
    """One way to answer every input, and what it costs: `wrong` is the share of its answers (None: not known)."""

    name: str
    coverage: float
    wrong: float | None
    costs: Costs


def ways(result: Result) -> list[Way]:
    """Return the policy (where there is one), the last rung always, the first rung always, and people always."""
    served = sum(one.served for one in result.strata if one.promised)
    wrong = sum(one.wrong for one in result.strata if one.promised)
    share = wrong / served if served else None
    mine = (
        [Way(name="this policy", coverage=result.coverage, wrong=share, costs=result.costs)] if result.feasible else []
    )
    rungs = [
        Way(name=f"always {one.model}", coverage=one.coverage, wrong=one.error, costs=one.costs)
        for one in (result.always_top, result.always_first)
    ]
    review = Costs(money_nano_usd=0, seconds=0, weighed_nano_usd=result.worth.review_nano_usd)
    people = Way(name="always a person", coverage=0, wrong=None, costs=review)
    return [*mine, *(rungs if len({one.name for one in rungs}) == 2 else rungs[:1]), people]


def machine_cost(costs: Costs, worth: CostModel) -> float:
    """Return money and the machine's time together, without people, in nano-USD."""
    return costs.money_nano_usd + costs.seconds * worth.machine_nano_usd_per_second


def savings(result: Result) -> str:
    """Say what the policy costs against its alternatives; the machines apart from the people."""
    mine = machine_cost(result.costs, result.worth)
    told = [
        f"{against(mine, machine_cost(one.costs, result.worth))} always {one.model}"
        for one in (result.always_top, result.always_first)
    ]
    told = list(dict.fromkeys(told))
    people = against(result.costs.weighed_nano_usd, result.worth.review_nano_usd)
    return f"models: {', '.join(told)}; with the people's part: {people} always a person"


def against(cost: float, other: float) -> str:
    """Compare two costs: `21 % less than`, `50 % more than`, `3.2 times as much as`."""
    if not other:
        return "more than" if cost else "as much as"
    change = cost / other - 1
    if abs(change) < 0.005:
        return "as much as"
    if change >= 2:
        return f"{cost / other:.3g} times as much as"
    return f"{percent(abs(change))} {'less' if change < 0 else 'more'} than"


def money(nano_usd: float) -> str:
    """Write an amount with two decimals, or two digits where it is small; less than a nano-USD is nothing."""
    amount = nano_usd / 1e9
    if abs(nano_usd) < 1:
        return "$0"
    places = 2 if abs(amount) >= 1 else 1 - math.floor(math.log10(abs(amount)))
    return f"${amount:,.{places}f}"


def points(share: float) -> str:
    """Write a difference of shares."""
    return f"{share * 100:.3g} points"


def more(stratum: StratumResult) -> str:
    """Say about how many more examples it would take, and for what."""
    if stratum.more_examples is None:
        return "no number would do" if not stratum.promised else ""
    what = "to tighten the bound by a tenth of the target" if stratum.promised else "to make the promise"
    return f"{_about(stratum.more_examples)} {what}"


def by_threshold(thresholds: Mapping[str, float]) -> list[tuple[str, float]]:
    """Return each threshold once, with the fields or labels that have it; the checks' own 0 where there is none."""
    names: dict[float, list[str]] = {}
    for name, least in thresholds.items():
        names.setdefault(least, []).append(name)
    return [(_list(found), least) for least, found in names.items()] or [("all, by the checks alone", 0.0)]


def day(seconds: float) -> str:
    """Write a time in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def model_facts(model: LockedModel) -> str:
    """Say what a model was: its files by the first 12 digits of their sha256, or its name and address."""
    told = [f"{name} {_short(value)}" for name, value in model.facts.items() if value]
    return ", ".join([*told, *([] if model.usable else ["could not be asked"])]) or "as the catalog describes it"


def _short(value: str) -> str:
    return f"sha256 {value[:12]}" if len(value) == 64 and all(one in "0123456789abcdef" for one in value) else value


def _about(examples: int) -> str:
    return f"about {examples:,}" if examples <= _MANY else "more than a million"


def _list(names: Sequence[str]) -> str:
    rest = len(names) - _MOST
    return ", ".join(names[:_MOST]) + (f" and {rest} more" if rest > 0 else "")
