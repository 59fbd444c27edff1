"""The page of a certification: one HTML file that needs nothing beside it, no script and no network.

What a user, a model or a file named stands in it as text: htpy escapes it, `clean` shows marks that reorder it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from importlib.resources import files

import htpy as h

from firstline.certify.percent import percent
from firstline.certify.result import Calibration, Interval, OutOfScope, Result, StratumResult
from firstline.cli import report_words as words
from firstline.cli.chart import draw
from firstline.cli.report import Report
from firstline.cli.report_charts import cost_chart, error_chart, reliability_chart
from firstline.printable import printable
from firstline.runs.policy import Policy

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"
"""The page may load nothing: what it was made of cannot reach out, whatever it holds."""


Cells = tuple[h.Node, ...]
"""What stands in one row of a table."""


def page(report: Report) -> str:
    """Write the page."""
    style = files("firstline.cli").joinpath("report.css").read_text(encoding="utf-8")
    parts: list[h.Node] = [_head(report), _curves(report.result), _strata(report.result)]
    if report.result.out_of_scope is not None:
        parts.append(_out_of_scope(report.result.out_of_scope))
    parts += [_costs(report.result), _thresholds(report.policy), _reliability(report.result), _origin(report)]
    made = h.html(lang="en")[
        h.head[
            h.meta(charset="utf-8"),
            h.meta(http_equiv="Content-Security-Policy", content=_POLICY),
            h.meta(name="viewport", content="width=device-width, initial-scale=1"),
            h.title[_t(f"{report.task} – certificate")],
            h.style[style],  # holds nothing that is escaped
        ],
        h.body[
            h.main[parts],
            h.footer["Firstline · The terms are explained in docs/concepts/certificate.md and docs/guides/certify.md."],
        ],
    ]
    return str(made)


def _head(report: Report) -> h.Node:
    result = report.result
    bad = not result.feasible or report.void or report.state in ("withdrawn", "replaced")
    kind = "bad" if bad else "good" if report.state else "soft"
    shown: list[h.Node] = [
        h.h1[_t(report.task), " · ", h.span(class_=f"state {kind}")[_t(words.state(report))]],
        h.p(class_="verdict")[_t(words.verdict(result))],
    ]
    if report.state == "withdrawn":
        falls = words.FALLBACKS[report.fallback or "review"]
        shown.append(_box("Withdrawn", [f"{report.reason}. What answers now: {falls}."]))
    if report.void:
        shown.append(_box("Void, because since it was measured", report.moved))
    if result.reason:
        title = "Why it is left to people" if result.feasible else "Why nothing can be promised"
        shown.append(_box(title, words.why(result), kind="note" if result.feasible else "advice"))
    if not result.feasible:
        shown.append(_box("What to do", words.advice(result)))
    facts = words.summary(result)
    return h.header[shown, _list((one.name, [h.b[_t(one.figure)], " ", _t(one.meaning)]) for one in facts)]


def _curves(result: Result) -> h.Node:
    if not any(one.coverage > 0 for one in result.curve):
        return h.section[
            h.h2["Error and cost against coverage"], h.p["No policy that could be measured serves anything."]
        ]
    legend = (
        f"Each dot is one policy between cautious and bold, measured on {result.sizes.tested:,} examples that nothing "
        "was fitted or chosen on. The bound of a dot holds for it alone. "
        + ("All promises are counted together here; each has its own line below. " if len(result.strata) > 1 else "")
        + ("The ring is the policy that was taken." if result.feasible else "None could be taken.")
    )
    rows: list[Cells] = [
        (
            percent(one.coverage),
            percent(one.error),
            percent(one.bound),
            words.money(one.weighed_nano_usd * 1000),
            "taken" if one.taken else "yes" if one.accepted else "",
        )
        for one in result.curve
    ]
    heads = ("coverage", "wrong of served", "bound", "cost of 1,000 inputs", "keeps the promise")
    return h.section[
        h.h2["Error and cost against coverage"],
        h.p[legend],
        h.div(class_="pair")[
            h.figure[draw(error_chart(result)), h.figcaption["What is wrong of what is served."]],
            h.figure[draw(cost_chart(result)), h.figcaption["What it costs, with the people who answer the rest."]],
        ],
        h.details[h.summary["The policies as numbers"], _table(heads, rows, "nnnnw")],
    ]


def _strata(result: Result) -> h.Node:
    heads = (
        "promise of",
        "examples",
        "served",
        "wrong",
        "error",
        "bound",
        "holds with",
        "promised",
        "more examples it takes",
    )
    return h.section[
        h.h2["What is promised"],
        h.p[f"Each line has a promise of its own; all of them hold together with {percent(result.target.confidence)}."]
        if len(result.strata) > 1
        else None,
        _table(heads, [_stratum(one) for one in result.strata], "wnnnnnnwW"),
    ]


def _stratum(one: StratumResult) -> Cells:
    kinds = {"class": "label ", "field": "values of "}
    return (
        _t(kinds.get(one.kind, "") + one.name),
        f"{one.n:,}",
        f"{one.served:,}",
        f"{one.wrong:,}",
        "–" if one.error is None else percent(one.error),
        percent(one.bound) if one.served else "–",
        percent(1 - one.delta),
        h.span(class_="good")["yes"] if one.promised else h.span(class_="bad")["no"],
        _t("; ".join(told for told in (words.more(one), one.reason) if told)),
    )


def _out_of_scope(found: OutOfScope) -> h.Node:
    rows: list[Cells] = [
        ("out of scope, and answered so (recall)", *_share(found.recall)),
        ("out of scope, left to people", *_share(found.withheld)),
        ("out of scope, served under a label (missed)", *_share(found.missed)),
        ("with a label, answered as out of scope (false alarms)", *_share(found.false_alarms)),
    ]
    return h.section[h.h2["Out of scope"], _table(("inputs", "of", "share", "95 % interval"), rows, "wnnn")]


def _share(one: Interval) -> tuple[str, str, str]:
    return f"{one.n:,}", percent(one.share) if one.n else "–", f"{percent(one.low)} to {percent(one.high)}"


def _costs(result: Result) -> h.Node:
    rows: list[Cells] = []
    for way in words.ways(result):
        machine = words.machine_cost(way.costs, result.worth)
        rows.append(
            (
                _t(way.name),
                percent(way.coverage),
                "–" if way.wrong is None else percent(way.wrong),
                words.money(way.costs.money_nano_usd * 1000),
                f"{way.costs.seconds:.3g} s",
                words.money(machine * 1000),
                words.money(way.costs.weighed_nano_usd * 1000),
            )
        )
    heads = ("", "served", "wrong of served", "paid", "time an input", "paid and machine", "with people")
    hour, answer = result.worth.machine_nano_usd_per_second * 3600, result.worth.review_nano_usd
    worth = (
        f"Money for 1,000 inputs. An hour of the machine counts {words.money(hour)}, an answer of a person "
        f"{words.money(answer)} ([worth] in firstline.toml). "
        "Always asking one rung serves its answers unchecked; what a wrong answer costs you is not in these figures."
    )
    return h.section[h.h2["What it costs"], h.p[worth], _table(heads, rows, "wnnnnnn")]


def _thresholds(policy: Policy | None) -> h.Node:
    if policy is None:
        return None
    rows: list[Cells] = [
        (_t(rung), _t(names), "never served" if least > 1 else f"{least:.4f}")
        for rung, thresholds in policy.thresholds().items()
        for names, least in words.by_threshold(thresholds)
    ]
    asked = [
        f"{one.model}: {words.money(one.price_nano_usd * 1000)} for 1,000 questions"
        + (", left out of a run where it would hardly settle anything" if one.benefit is not None else ", always asked")
        for one in policy.rungs
    ]
    withheld = [*policy.withheld_fields, *policy.withheld_labels]
    return h.section[
        h.h2["Thresholds"],
        h.p["A value is served where its calibrated confidence is at least this; else the next rung is asked."],
        _table(("rung", "field or label", "least confidence"), rows, "wwn"),
        [h.p(class_="soft")[_t(one)] for one in asked],
        h.p[_t(f"Settled, but left to people all the same: {', '.join(withheld)}.")] if withheld else None,
    ]


def _reliability(result: Result) -> h.Node:
    if not result.calibrations:
        return None
    heads = ("rung", "field", "values", "ECE before", "after", "equal mass before", "after", "Brier before", "after")
    told = (
        "How often values were right against the confidence in them, on examples that it was not fitted on. Filled: "
        "as calibrated, with 95 % intervals; hollow: the model's own probability. On the dotted line a confidence "
        "says what it means. ECE: expected calibration error, over 15 bins of equal width and of equal mass."
    )
    return h.section[
        h.h2["Can the confidences be believed"],
        h.p[told],
        h.div(class_="small")[[_plot(one) for one in result.calibrations]],
        _table(heads, [_calibration(one) for one in result.calibrations], "wwnnnnnnn"),
    ]


def _plot(one: Calibration) -> h.Node:
    before = f"{one.before.ece_equal_width:.3f}" if one.before else "–"
    return h.figure[
        h.h3[_t(one.field)],
        h.figcaption[_t(f"{one.model} · ECE {before} → {one.after.ece_equal_width:.3f}")],
        draw(reliability_chart(one)),
    ]


def _calibration(one: Calibration) -> Cells:
    def pair(before: float | None, after: float) -> tuple[str, str]:
        return "–" if before is None else f"{before:.3f}", f"{after:.3f}"

    was = one.before
    return (
        _t(one.model),
        _t(one.field),
        f"{one.n:,}",
        *pair(was.ece_equal_width if was else None, one.after.ece_equal_width),
        *pair(was.ece if was else None, one.after.ece),
        *pair(was.brier if was else None, one.after.brier),
    )


def _origin(report: Report) -> h.Node:
    result, sizes, made = report.result, report.result.sizes, report.provenance
    rows: list[tuple[str, h.Node]] = [
        ("task version", h.code[_t(report.version)]),
        ("target", _t(f"{words.promise(result)} (per {result.target.per})")),
        (
            "examples",
            f"{result.n:,}: {sizes.fit:,} to fit confidences, {sizes.choose:,} to choose thresholds, "
            f"{sizes.certify:,} to certify; {sizes.tested:,} of these count in the test",
        ),
        (
            "left out",
            f"{sizes.repeated:,} near-duplicates of others in the test, {sizes.straddling:,} with a near-duplicate in "
            "another part",
        ),
    ]
    if made is not None:
        split = f"drawn at random, seed {made.seed}" if made.drawn else f"named by the examples (seed {made.seed})"
        rows += [
            ("file", h.code[_t(made.data)]),
            ("split", split),
            ("rungs left out by benefit", "yes, where they would hardly settle anything" if made.benefit else "no"),
            ("measured", words.day(made.at)),
        ]
    for place, model in enumerate(report.pin.ladder, start=1):
        rows.append((f"rung {place}", [h.code[_t(model.model)], " ", _t(words.model_facts(model))]))
    if report.pin.second_reader is not None:
        second = report.pin.second_reader
        rows.append(("second reader", [h.code[_t(second.model)], " ", _t(words.model_facts(second))]))
    command = report.command()
    return h.section[
        h.h2["What it was measured on"],
        _list(rows),
        [h.p["To measure it again:"], h.pre[h.code[_t(command)]]] if command else None,
    ]


def _box(title: str, told: Sequence[str], *, kind: str = "advice") -> h.Node:
    return h.div(class_=kind)[h.h3[title], h.ul[[h.li[_t(one)] for one in told]]]


def _list(rows: Iterable[tuple[str, h.Node]]) -> h.Node:
    return h.dl[[(h.dt[name], h.dd[told]) for name, told in rows]]


def _table(heads: Sequence[str], rows: Sequence[Cells], columns: str) -> h.Node:
    """A table; `columns` has a letter for each: n a figure, w words, W a sentence."""
    kinds = [{"n": "n", "w": None, "W": "words"}[one] for one in columns]
    return h.div(class_="wide")[
        h.table[
            h.thead[h.tr[[h.th(class_=kind)[head] for kind, head in zip(kinds, heads, strict=True)]]],
            h.tbody[[h.tr[[h.td(class_=kind)[cell] for kind, cell in zip(kinds, row, strict=True)]] for row in rows]],
        ]
    ]


def _t(text: str) -> str:
    """Text as it may be shown: nothing in it moves other text, and no percentage is torn."""
    return printable(text).replace(" %", "\N{NO-BREAK SPACE}%")
