"""What escalating single fields of receipts saves against escalating whole answers, both under a certificate.

    python benchmarks/escalation.py --records DIR [--splits 100] [--examples 4000] [--review USD] [--json]
              [--plot FILE.svg]

DIR holds `sroie.jsonl` as `benchmarks/attempts.py` wrote it: receipts as text, for company, date and total. As in
`validity.py --design drawn` the receipts are the population, and the labelled examples of every split are drawn from
it; both ways are certified on them with the same largest error, and then serve the whole population:

- `field`: a field that is not sure enough is asked again alone, the others stand (the product's way);
- `whole`: an answer of which one field is not sure enough is asked again as a whole, and stands or falls as a whole.
  Its confidence is the product of its fields', its thresholds are certified in the same way;
- `same`: the certified thresholds by field, and all fields asked again all the same: what is saved by asking less.

Tokens of the second rung are counted with OpenAI's tokenizer on the prompts that the product would send for the open
fields, in two ways. `chosen`: as a model on this machine is asked, the receipt read once and one question for each open
field that has more than one candidate. `written`: as a remote model is asked, once, for one JSON object of the open
fields; its money is gpt-5.4-mini's list price, and certifying counts with it. Seconds are the recorded ones of both
rungs; of a second attempt at some fields, in proportion to the tokens `chosen` for them. `--review` is what a review is
worth, of which the certified policies depend: at 0.1 dollars, the default of `[worth]`, a second rung is next to free.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

import recorded
from drawing import DARK, OTHER, OURS, PALE, begin, save
from firstline.answering import prompt
from firstline.catalog.catalog import Catalog
from firstline.catalog.price import price
from firstline.certify.statistics.apply import confidences
from firstline.certify.statistics.choose import choose
from firstline.certify.statistics.fit import Fit, RungFit, constant, fit
from firstline.certify.statistics.ltt import fixed_sequence_test
from firstline.certify.statistics.replay import Sample, reaches, sample
from firstline.certify.statistics.split import Split
from firstline.certify.statistics.table import RIGHT, UNLABELLED, WRONG, Bools, Floats, Ints, Table
from firstline.certify.statistics.target import CostModel, Target
from firstline.runs.policy import Policy
from firstline.settings import load
from firstline.tokens import PER_MESSAGE, O200k
from firstline.types import Usage
from recorded import WORTH, Recorded
from trials import draw_one, spread, take

ERRORS = (0.05, 0.1)
WAYS = ("field", "whole", "same")
DEARER = "openai/gpt-5.4-mini"
AT = datetime(2026, 11, 25, tzinfo=UTC)
_CANDIDATES = np.log(2.5)
"""More than one candidate, as the signal `candidates` has it: log(1 + how many)."""


@dataclass(frozen=True, kw_only=True)
class Bill:
    """Tokens of asking the second rung about receipts.

    `chosen` (n, F) is what every open field adds to the receipt's own `page` (n,), which is read where anything is
    asked; `written` (n, 2^F, 2) are prompt and completion by the set of open fields, field f counting 2^f.
    """

    page: Ints
    chosen: Ints
    written: Ints

    def asked(self, open_: Bools) -> Floats:
        """Return the tokens chosen for the open fields (n, F), shape (n,)."""
        adds = (self.chosen * open_).sum(axis=1)
        found: Floats = np.where(adds > 0, self.page + adds, 0).astype(np.float64)
        return found

    def wrote(self, open_: Bools) -> Ints:
        """Return prompt and completion tokens written for the open fields (n, F), shape (n, 2); 0 where none is."""
        which = (open_ * 2 ** np.arange(open_.shape[1])).sum(axis=1)
        found: Ints = self.written[np.arange(len(open_)), which]
        return found


@dataclass(frozen=True, kw_only=True)
class Aim:
    """What is certified: the split of the labelled examples, the largest error, and what a review is worth."""

    split: Split
    max_error: float
    worth: CostModel


@dataclass(frozen=True, kw_only=True)
class Climbed:
    """What became of m receipts: which are served, which wrongly, and which fields the second rung was asked (m, F)."""

    served: Bools
    wrong: Bools
    open: Bools


def main() -> None:
    """Measure, print a table or JSON, draw."""
    parser = recorded.parser(__doc__)
    parser.add_argument("--splits", type=int, default=100)
    parser.add_argument("--examples", type=int, default=4_000)
    parser.add_argument("--review", type=float, default=WORTH.review_nano_usd / 1e9, help="US dollars a review")
    parser.set_defaults(sets=["sroie"])
    words = parser.parse_args()
    if lacking := recorded.missing(words.records, ["sroie"]):
        parser.error(lacking)
    worth = CostModel(machine_nano_usd_per_second=WORTH.machine_nano_usd_per_second, review_nano_usd=words.review * 1e9)
    rows = measure(recorded.load(words.records, ["sroie"])[0], words.splits, words.examples, worth)
    print(json.dumps(rows) if words.json else show(rows))
    if words.plot:
        plot(rows, words.plot)


def measure(given: Recorded, splits: int, examples: int, worth: CostModel) -> list[dict[str, Any]]:
    """Return a row for each target and way: means over the splits in which both ways were certified."""
    bills = bill(given)
    given = replace(given, table=priced(given, bills))
    judged = take(given.table, given.units)
    found: dict[tuple[float, str], list[Climbed]] = {(error, way): [] for error in ERRORS for way in WAYS}
    feasible = {error: [0, 0] for error in ERRORS}
    for seed in range(splits):
        drawn = draw_one(given, "drawn", examples, seed)
        labelled = take(given.table, drawn.labelled)
        fitted = fit(labelled, drawn.split.fit, seed=seed)
        for error in ERRORS:
            aim = Aim(split=drawn.split, max_error=error, worth=worth)
            fields = by_field(labelled, judged, fitted, aim)
            whole = as_whole(labelled, judged, fitted, aim)
            feasible[error][0] += fields is not None
            feasible[error][1] += whole is not None
            if fields is not None and whole is not None:
                for way, one in zip(WAYS, (fields[0], whole, fields[1]), strict=True):
                    found[error, way].append(one)
    return [
        {
            "max_error": error,
            "way": way,
            "splits": splits,
            "examples": examples,
            "review_nano_usd": worth.review_nano_usd,
            "both": len(found[error, way]),
            "feasible": round(feasible[error][way == "whole"] / splits, 4),
            **figures(found[error, way], judged, bills),
        }
        for error in ERRORS
        for way in WAYS
    ]


def by_field(labelled: Table, judged: Table, fitted: Fit, aim: Aim) -> tuple[Climbed, Climbed] | None:
    """Certify the product's way and serve by it, and serve by the same thresholds with whole answers asked again."""
    policy = certified(labelled, fitted, aim)
    if policy is None:
        return None
    everyone = np.arange(judged.n)
    deployed = [confidences(judged, fitted.rungs, alone=alone) for alone in (False, True)]
    given = sample(judged, everyone, deployed[0], deployed[1])
    return climbed(policy, given), climbed(policy, given, whole=True)


def as_whole(labelled: Table, judged: Table, fitted: Fit, aim: Aim) -> Climbed | None:
    """Certify answers as one field, whose confidence is the product of the fields', and serve by that."""
    table, one = whole_table(labelled), whole_fit(labelled, fitted)
    policy = certified(table, one, aim)
    if policy is None:
        return None
    deployed = [confidences(judged, fitted.rungs, alone=alone).prod(axis=2, keepdims=True) for alone in (False, True)]
    found = climbed(policy, sample(whole_table(judged), np.arange(judged.n), deployed[0], deployed[1]))
    return replace(found, open=np.repeat(found.open, len(judged.fields), axis=1))


def certified(table: Table, fitted: Fit, aim: Aim) -> Policy | None:
    """Choose and test as a certification does."""
    target = Target(max_error=aim.max_error, confidence=0.95)
    chosen = choose(table, fitted, aim.split, target=target, worth=aim.worth, benefit=False)
    return fixed_sequence_test(table, fitted, aim.split, chosen, max_error=aim.max_error).policy


def climbed(policy: Policy, given: Sample, *, whole: bool = False) -> Climbed:
    """Serve two rungs; `whole` has all fields asked again where one is open, and the second answer stand alone."""
    first, second = (reaches(policy, place, given) for place in (0, 1))
    open_: Bools = ~first
    if whole:
        open_ = np.repeat(np.any(open_, axis=1, keepdims=True), first.shape[1], axis=1)
    wrong = np.where(open_, given.is_wrong[:, 1], given.is_wrong[:, 0])
    served: Bools = np.all(np.where(open_, second, first), axis=1)
    return Climbed(served=served, wrong=np.logical_and(served, wrong.any(axis=1)), open=open_)


def whole_table(table: Table) -> Table:
    """Return the table with the whole answer as its one field, without signals."""
    nothing = np.zeros((table.n, 1, 0))
    wrong = (table.right == WRONG).any(axis=2, keepdims=True)
    known = (table.right != UNLABELLED).any(axis=2, keepdims=True)
    return replace(
        table,
        fields=("answer",),
        names=((),) * len(table.models),
        signals=(nothing,) * len(table.models),
        signals_alone=(nothing,) * len(table.models),
        passed=np.min(table.passed, axis=2, keepdims=True),
        passed_alone=np.min(table.passed_alone, axis=2, keepdims=True),
        right=np.where(wrong, WRONG, np.where(known, RIGHT, UNLABELLED)),
    )


def whole_fit(table: Table, fitted: Fit) -> Fit:
    """Return the confidences of whole answers; the calibrator is a mere place for their threshold."""
    right = (table.right[fitted.fitted] != WRONG).all(axis=2)
    rungs = tuple(
        RungFit(calibrators={"answer": constant(right[:, place].astype(np.float64))[0]}, label_rates={})
        for place in range(len(table.models))
    )
    return Fit(
        rungs=rungs,
        fitted=fitted.fitted,
        confidence=fitted.confidence.prod(axis=2, keepdims=True),
        confidence_alone=fitted.confidence_alone.prod(axis=2, keepdims=True),
    )


def priced(given: Recorded, bills: Bill) -> Table:
    """Return the table with what the dearer model would take for all fields as the second rung's money."""
    table = given.table
    money = table.money.copy()
    each = [money_of(prompted, completed) for prompted, completed in bills.written[:, -1].tolist()]
    # Near-duplicates cost what the first of them does.
    money[:, 1] = np.array(each)[np.searchsorted(np.sort(table.groups[given.units]), table.groups)]
    return replace(table, money=money)


def money_of(prompted: int, completed: int) -> int:
    """Return the list price of the dearer model in nano-USD."""
    model = Catalog.load(load().settings.models).get(DEARER)
    found = price(model, Usage(prompt_tokens=prompted, completion_tokens=completed), at=AT)
    assert found is not None, f"{DEARER} has no list price"
    return found


def bill(given: Recorded) -> Bill:
    """Count the tokens of the second rung's prompts and answers for every unit of the set."""
    encoding, task, table = O200k(), given.task, given.table
    questions = [
        encoding.count_text(prompt.field_question(field, may_be_absent=field.optional)) + PER_MESSAGE
        for field in task.fields
    ]
    at = table.names[1].index("candidates")
    page, chosen, written = [], [], []
    for unit in given.units.tolist():
        record = given.records[unit]
        messages = prompt.about(task, record.text)
        page.append(encoding.count_messages(messages))
        values = {
            field.name: (record.rungs[1].fields[field.name].value if field.name in record.rungs[1].fields else None)
            for field in task.fields
        }
        asked = np.nan_to_num(table.signals[1][unit, :, at]) > _CANDIDATES
        chosen.append([
            int(asked[place]) * (questions[place] + encoding.count_text(str(values[field.name])))
            for place, field in enumerate(task.fields)
        ])  # fmt: skip
        written.append([(0, 0)])
        for which in range(1, 2 ** len(task.fields)):
            fields = [field for place, field in enumerate(task.fields) if which >> place & 1]
            whole = prompt.with_question(messages, prompt.object_question(fields, {}))
            answer = json.dumps({field.name: values[field.name] for field in fields}, ensure_ascii=False)
            written[-1].append((encoding.count_messages(whole), encoding.count_text(answer)))
    return Bill(page=np.array(page), chosen=np.array(chosen), written=np.array(written))


def figures(found: Sequence[Climbed], judged: Table, bills: Bill) -> dict[str, Any]:
    """Return means over splits, per receipt of the population, served or not."""
    rows = [_figures(one, judged, bills) for one in found]
    if not rows:
        return {}
    means = {key: round(spread([row[key] for row in rows])[0], 5) for key in rows[0]}
    return {**means, "coverage_sd": round(spread([row["coverage"] for row in rows])[1], 5)}


def _figures(one: Climbed, judged: Table, bills: Bill) -> dict[str, float]:
    whole = bills.asked(np.ones_like(one.open))
    tokens, wrote = bills.asked(one.open), bills.wrote(one.open)
    escalated = one.open.any(axis=1)
    share = np.where(whole > 0, tokens / np.maximum(whole, 1), escalated)
    money = money_of(int(wrote[:, 0].sum()), int(wrote[:, 1].sum()))
    return {
        "coverage": float(one.served.mean()),
        "error": float(one.wrong.sum() / max(one.served.sum(), 1)),
        "escalated": float(escalated.mean()),
        "fields_asked": float(one.open.sum() / max(escalated.sum(), 1)),
        "chosen_tokens": float(tokens.mean()),
        "written_prompt_tokens": float(wrote[:, 0].mean()),
        "written_completion_tokens": float(wrote[:, 1].mean()),
        "written_nano_usd": money / len(wrote),
        "second_seconds": float((judged.seconds[:, 1] * share).mean()),
        "seconds": float((judged.seconds[:, 0] + judged.seconds[:, 1] * share).mean()),
    }


def show(rows: Sequence[Mapping[str, Any]]) -> str:
    """Write the rows as a table."""
    lines = []
    for row in rows:
        head = f"{row['max_error']:.0%} {row['way']:6} certified {row['feasible']:.2f} (both in {row['both']} splits)"
        if "coverage" not in row:
            lines.append(head)
            continue
        lines.append(
            f"{head}: served {row['coverage']:.3f} ± {row['coverage_sd']:.3f}, wrong {row['error']:.3f}; "
            f"escalated {row['escalated']:.3f}, {row['fields_asked']:.2f} fields; second rung per receipt: "
            f"{row['chosen_tokens']:.0f} tokens chosen, "
            f"{row['written_prompt_tokens']:.0f} + {row['written_completion_tokens']:.1f} written "
            f"(${row['written_nano_usd'] / 1e9:.6f}), {row['second_seconds']:.2f} s; all {row['seconds']:.2f} s"
        )
    return "\n".join(lines)


def plot(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the second rung's tokens, money and seconds a receipt, a row of panels for each target."""
    kinds = [
        ("chosen_tokens", "tokens, chosen field by field", "{:.0f}", 1.0),
        ("written_nano_usd", "US cents at gpt-5.4-mini's price", "{:.4f}", 1e-7),
        ("second_seconds", "seconds on this machine", "{:.2f}", 1.0),
        ("coverage", "share served", "{:.2f}", 1.0),
    ]
    drawn = [error for error in ERRORS if any(row["max_error"] == error and "coverage" in row for row in rows)]
    figure, grid = begin(max(1, len(drawn)), len(kinds), width=9, height=0.7 + 1.1 * max(1, len(drawn)), sharey=True)
    for line, error in enumerate(drawn):
        mine = [row for row in rows if row["max_error"] == error]
        for axis, (key, title, form, scale) in zip(grid[line], kinds, strict=True):
            values = [row[key] * scale for row in mine]
            axis.barh([2, 1, 0], values, height=0.7, color=[OURS, OTHER, PALE])
            for place, value in zip((2, 1, 0), values, strict=True):
                axis.text(value, place, " " + form.format(value), va="center", color=DARK)
            axis.set_yticks([2, 1, 0], ["open fields alone", "whole answer", "same, all fields"])
            axis.set_xlim(0, 1.3 * max(values))
            axis.tick_params(axis="y", length=0)
            axis.set_xticks([])
            axis.spines["bottom"].set_visible(False)
            if line == 0:
                axis.set_title(title, fontsize=8)
        grid[line][0].set_ylabel(f"at most\n{error:.0%} wrong", fontsize=8)
    figure.tight_layout()
    save(figure, path)


if __name__ == "__main__":
    main()
