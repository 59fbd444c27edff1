"""The page of a certification: every fact stands in it, nothing in it is markup of a user's, nothing is fetched."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from cli.reports import INFEASIBLE, OUTSIDE, PROMISELESS, RESULT, SMALL, report
from firstline.certify.certificates import Provenance
from firstline.certify.result import (
    Baseline,
    Calibration,
    Confirmed,
    Costs,
    CurvePoint,
    Interval,
    OutOfScope,
    Reliability,
    Result,
    Sizes,
    StratumResult,
)
from firstline.cli.report import Report
from firstline.cli.report_page import page
from firstline.versions.lock import LockedModel

HOSTILE = "<script>alert(1)</script>\"'&\u202e<b>"


class Read(HTMLParser):
    """What a browser would make of a page: its elements, attributes and texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str]] = []
        self.texts: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.texts))


def outside(of: Report) -> Report:
    return msgspec.structs.replace(of, result=msgspec.structs.replace(of.result, out_of_scope=OUTSIDE))


FACTS: dict[type[msgspec.Struct], dict[str, list[str]]] = {
    Result: {
        "feasible": ["Of the answers served at most 5 % is wrong, with confidence 95 %."],
        "reason": [],  # empty here: of a promise that cannot be made, below
        "target": ["at most 5 % is wrong, with confidence 95 % (per answer)"],
        "worth": ["An hour of the machine counts $0.050", "an answer of a person $0.11"],
        "n": ["1,234"],
        "sizes": [],
        "strata": [],
        "bound": ["3.79 %"],
        "coverage": ["79.9 %", "20.1 % go to a person"],
        "base_error": ["8.11 % of the examples"],
        "floor": ["3.27 %", "no method serves more than 96.7 %"],
        "top_floor": ["4.36 % at least"],
        "coverage_floor_gap": ["16.8 points"],
        "oracle_coverage": ["would serve 90.1 %", "in hindsight 90.1 %"],
        "costs": ["0.83 s", "$21.10", "$0.45"],
        "always_top": ["always fake/large"],
        "always_first": ["always fake/small"],
        "curve": [],
        "calibrations": [],
        "out_of_scope": [],
        "more_examples": ["about 888 more examples"],
        "approximations": [],  # of one that was served live, below
        "confirmed": [],
    },
    StratumResult: {
        "kind": ["answers"],
        "name": ["answers"],
        "promised": ["yes"],
        "n": ["717"],
        "served": ["573"],
        "wrong": ["14 of 573 served in the test were wrong"],
        "bound": ["3.79 %"],
        "delta": ["95 %"],
        "reason": [],
        "more_examples": ["about 888 to tighten the bound"],
    },
    Costs: {"money_nano_usd": ["$0.97"], "seconds": ["0.64 s", "0.21 s"], "weighed_nano_usd": ["$0.99", "$0.0029"]},
    Baseline: {
        "model": ["fake/large"],
        "coverage": ["99.5 %", "98.5 %"],
        "error": ["9.12 %", "17.3 %"],
        "costs": [],
    },
    CurvePoint: {
        "coverage": ["31 %", "62 %", "93 %"],
        "error": ["0.42 %", "1.13 %", "5.81 %"],
        "bound": ["1.31 %", "2.26 %", "7.62 %"],
        "weighed_nano_usd": ["$69.10", "$38.10", "$7.10"],
        "accepted": ["keeps the promise"],
        "taken": ["taken"],
    },
    Calibration: {"model": ["fake/small"], "field": ["label"], "n": ["863", "861"], "before": [], "after": []},
    Reliability: {
        "ece": ["0.141", "0.027", "0.021"],
        "ece_equal_width": ["ECE 0.152 → 0.038", "ECE – → 0.034"],
        "brier": ["0.163", "0.089", "0.077"],
        "points": ["confidence 71 %: 69 % of 40 right (60 % to 76 %)"],
    },
    Sizes: {
        "fit": ["371 to fit"],
        "choose": ["123 to choose"],
        "certify": ["740 to certify"],
        "tested": ["717 of these count"],
        "repeated": ["23 near-duplicates"],
        "straddling": ["4 with a near-duplicate in another part"],
    },
    OutOfScope: {
        "recall": ["61.3 %", "52.7 % to 69.4 %"],
        "withheld": ["34.8 %"],
        "missed": ["3.88 %"],
        "false_alarms": ["1.22 %", "576"],
    },
    Interval: {"n": ["141"], "share": ["61.3 %"], "low": ["52.7 %"], "high": ["69.4 %"]},
    LockedModel: {
        "model": ["fake/small", "fake/large"],
        "usable": ["could not be asked"],
        "facts": ["model sha256 a1b2c3d4e5f6", "address https://models.example/v1", "name large-4"],
        "remote": [],  # its address says so
    },
    Provenance: {
        "data": ["data.jsonl"],
        "seed": ["drawn at random, seed 42"],
        "drawn": ["drawn at random"],
        "benefit": ["rungs left out by benefit no"],
        "at": ["2026-11-25 09:46 UTC"],
    },
    Report: {
        "task": ["sort"],
        "pin": ["sort@77aa88bb"],
        "result": [],
        "policy": ["never served", "0.8642", "$0.033 for 1,000 questions, always asked"],
        "provenance": [
            "firstline certify sort data.jsonl --max-error 0.05 --confidence 0.95 --per answer --seed 42 --no-"
        ],
        "certificate": ["in force as c_0011223344556677"],
        "state": ["in force"],
        "reason": [],  # of one that was withdrawn, below
        "moved": [],  # of one that is void, below
        "fallback": [],  # of one that was withdrawn, below
    },
}


@pytest.mark.parametrize("kind", FACTS, ids=lambda kind: kind.__name__)
def test_every_fact_stands_in_the_page(kind: type[msgspec.Struct]) -> None:
    """A field that is added to a result has to be told, or said here why not."""
    assert tuple(FACTS[kind]) == kind.__struct_fields__
    told = Read(page(outside(report()))).text
    missing = [words for wanted in FACTS[kind].values() for words in wanted if words not in told]
    assert not missing


def test_a_promise_that_cannot_be_made_says_why_and_what_to_do() -> None:
    told = Read(page(report(INFEASIBLE))).text
    assert "This cannot be promised: of the answers served at most 5 % is wrong, with confidence 95 %." in told
    assert "nothing was enabled" in told
    assert f"answers: {PROMISELESS.reason}" in told
    assert "Label about 220 more examples, drawn as these were: with 1,454 in all" in told
    assert "With these examples about 8.8 % is within reach: --max-error 0.088." in told
    assert "in force" not in told


def test_what_was_served_live_once_more_is_told() -> None:
    live = Confirmed(name="answers", n=717, served=561, wrong=19, bound=0.0491)
    result = msgspec.structs.replace(
        RESULT, confirmed=(live,), approximations=("rules see values of different models",)
    )
    told = Read(page(report(result))).text
    assert "served live 4.91 % bound of answers when the 717 examples of the test were served once more" in told
    assert "19 of 561 were wrong" in told
    assert "rules see values of different models" in told
    strata = (msgspec.structs.replace(RESULT.strata[0], promised=False),)
    broken = msgspec.structs.replace(result, feasible=False, reason="served live, it does not hold", strata=strata)
    told = Read(page(report(broken))).text
    assert "served live, it does not hold" in told
    assert "Serving differs here from the attempts that were recorded, and errs more." in told
    assert "Label about" not in told


def test_where_no_number_of_examples_would_do_it_says_so() -> None:
    none = msgspec.structs.replace(INFEASIBLE, more_examples=None, curve=())
    told = Read(page(report(none))).text
    assert "More examples alone would not do" in told
    assert "within reach" not in told
    assert "No policy that could be measured serves anything." in told


def test_of_many_promises_that_cannot_be_made_the_first_reasons_stand_above() -> None:
    strata = tuple(
        msgspec.structs.replace(PROMISELESS, kind="class", name=f"label{at}", reason=f"because {at}") for at in range(8)
    )
    told = Read(page(report(msgspec.structs.replace(INFEASIBLE, strata=strata)))).text
    above, below = told.split("What to do")
    assert "label4: because 4" in above
    assert "because 5" not in above
    assert "and 3 more, each with its reason below" in above
    assert "the nearest of the promises can be made" in below
    assert "because 7" in below


def test_one_that_was_withdrawn_says_why_and_what_answers_now() -> None:
    told = Read(page(report(state="withdrawn", reason="7 of 40 audited answers were wrong", fallback="top"))).text
    assert "withdrawn as c_0011223344556677" in told
    assert "7 of 40 audited answers were wrong. What answers now: the top rung alone." in told


def test_one_that_is_void_says_what_moved() -> None:
    told = Read(page(report(moved=["the instruction"]))).text
    assert "void: the task is not as it was measured" in told
    assert "Void, because since it was measured the instruction" in told


def test_what_nothing_is_promised_of_is_left_to_people_in_words() -> None:
    strata = (RESULT.strata[0], msgspec.structs.replace(PROMISELESS, kind="out_of_scope", name="other"))
    told = Read(page(report(msgspec.structs.replace(RESULT, strata=strata, reason="left to people: other: …")))).text
    assert "Left to people, since nothing can be promised of it: other." in told
    assert f"other: {PROMISELESS.reason}" in told
    assert "would lower the bound by a tenth" not in told


def hostile() -> Report:
    """A report in which every text is what somebody might write."""

    def worse(value: Any, name: str = "") -> Any:
        if isinstance(value, msgspec.Struct):
            return msgspec.structs.replace(
                value, **{one: worse(getattr(value, one), one) for one in value.__struct_fields__}
            )
        if isinstance(value, tuple):
            return tuple(worse(one, name) for one in value)
        if isinstance(value, dict):
            return {key + HOSTILE: worse(one, name) for key, one in value.items()}
        closed = name in ("kind", "per", "state", "fallback")
        return value + HOSTILE if isinstance(value, str) and not closed else value

    found: Report = worse(report(INFEASIBLE, state="withdrawn", fallback="top", moved=("a part",)))
    policy = report().policy
    return msgspec.structs.replace(found, policy=worse(policy), certificate="c_1")


def test_what_people_wrote_is_text() -> None:
    made = page(hostile())
    plain = Read(page(outside(report())))
    found = Read(made)
    assert "script" not in found.tags
    assert found.tags <= plain.tags | {"li", "ul"}
    assert {name for name, _ in found.attributes} <= {name for name, _ in plain.attributes}
    assert "\u202e" not in made
    assert f"sort{HOSTILE}".replace("\u202e", "\\u202e") in found.text
    assert found.text.count("<script>") > 20


def test_the_page_needs_nothing_beside_it() -> None:
    found = Read(page(outside(report())))
    assert not {"script", "link", "img", "iframe", "object", "embed", "a", "use", "image"} & found.tags
    names = {name for name, _ in found.attributes}
    assert not {"src", "href", "xlink:href", "style", "srcset", "data"} & names
    assert not [name for name in names if name.startswith("on")]
    addresses = {value for _, value in found.attributes if "//" in value}
    assert addresses == {"http://www.w3.org/2000/svg"}
    style = (Path(__file__).parents[2] / "src/firstline/cli/report.css").read_text(encoding="utf-8")
    assert style in found.texts, "the style sheet holds a character that HTML escapes"
    assert "url(" not in style
    assert "@import" not in style
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in found.attributes


def test_the_words_to_repeat_it_can_be_given_to_a_shell() -> None:
    made = Provenance(data="my data; rm.jsonl", seed=42, drawn=True, benefit=True, at=0)
    command = report(provenance=made).command()
    assert command == (
        "firstline certify sort 'my data; rm.jsonl' --max-error 0.05 --confidence 0.95 --per answer --seed 42"
    )
    assert report(provenance=None).command() is None


def test_a_field_of_which_the_model_gives_no_probability_has_one_line_in_its_plot() -> None:
    lines = [value for name, value in Read(page(report())).attributes if name == "class" and value == "line before"]
    assert len(lines) == 1  # of fake/small; fake/large gives none
    assert SMALL in Read(page(report())).text
