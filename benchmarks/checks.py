"""How often each check is wrong: false rejects (right answers refused) and false accepts (wrong answers let through).

    python benchmarks/checks.py --data DIR [--json] [--half choose|report]

DIR is laid out like this: `sroie/all626_text_and_gold.jsonl`, `ntrex/newstest2019-{src.eng,ref.LANG}.txt`,
`qags/mturk_{cnndm,xsum}.jsonl`. What is tunable was chosen on the first half of each file's lines; the figures are of
the second half (`--half report`). Wrong answers are made from right ones by one damage each, drawn with a fixed seed.
"""

from __future__ import annotations

import argparse
import json
import random
import re
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

from firstline.checks.base import Check, Subject
from firstline.checks.faithful import faithful
from firstline.checks.grounding import grounded
from firstline.checks.language import in_language, warm
from firstline.checks.preservation import Kind, preserved
from firstline.schema.field import FieldType
from firstline.values.amounts import parse_amount
from firstline.values.dates import parse_dates

LANGUAGES = {
    "arb": "ar", "deu": "de", "fra": "fr", "hin": "hi", "jpn": "ja", "pol": "pl", "por": "pt", "rus": "ru", "spa": "es",
    "zho-CN": "zh",
}  # fmt: skip
LATIN = ("deu", "fra", "pol", "por", "spa")
NAMES = ("Maria Schmidt", "Tom Becker", "Ivan Petrov", "Sara Lindqvist", "Ken Watanabe", "Olga Marin")
_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(r"[A-Z]\w+[^\W\d_] [A-Z]\w+[^\W\d_]")
_UNITS = re.compile(
    r"\b(?:feet|foot|inch\w*|miles?|mph|yards?|pounds?|degrees?|[-\s]degree|acres?|°F)\b", re.IGNORECASE
)


class Case(NamedTuple):
    """One answer with what it was made from, and whether it is right."""

    subject: Subject
    right: bool


class Row(NamedTuple):
    """One line of the table."""

    check: str
    data: str
    right: int
    false_rejects: int
    wrong: int
    false_accepts: int
    microseconds: float

    def figures(self) -> dict[str, Any]:
        """The row as an object, with rates; a rate is null where there was nothing to count."""
        return self._asdict() | {
            "false_reject_rate": self.false_rejects / self.right if self.right else None,
            "false_accept_rate": self.false_accepts / self.wrong if self.wrong else None,
        }


def measure(check: Check, name: str, data: str, cases: Sequence[Case]) -> Row:
    """Run a check over its cases."""
    begun = time.perf_counter()
    passed = [not check(case.subject) for case in cases]
    spent = time.perf_counter() - begun
    right = [ok for ok, case in zip(passed, cases, strict=True) if case.right]
    wrong = [ok for ok, case in zip(passed, cases, strict=True) if not case.right]
    each = 1e6 * spent / max(1, len(cases))
    return Row(name, data, len(right), right.count(False), len(wrong), wrong.count(True), each)


def grounding_rows(data: Path, half: Callable[[list[Any]], list[Any]]) -> Iterator[Row]:
    """SROIE receipts: the gold value against one altered in a digit, a day or a word."""
    lines = (data / "sroie" / "all626_text_and_gold.jsonl").read_text(encoding="utf-8").splitlines()
    receipts = half([json.loads(line) for line in lines])
    kinds: dict[str, FieldType] = {"company": "string", "date": "date", "total": "number", "address": "string"}
    for field, kind in kinds.items():
        rng = random.Random(f"sroie {field}")
        cases = []
        for receipt in receipts:
            value, source = receipt["gold"].get(field), "\n".join(receipt["lines"])
            if not value:
                continue
            cases.append(Case(Subject(answer={field: value}, source=source), True))
            damage = {"date": _other_day, "number": _other_amount}.get(kind, _other_word)
            cases.append(Case(Subject(answer={field: damage(value, rng)}, source=source), False))
        yield measure(grounded(field, kind), "grounded", f"SROIE {field}", cases)


def _other_day(value: str, rng: random.Random) -> str:
    days = parse_dates(value) or (date(2018, 1, 1),)
    return (days[0] + timedelta(days=rng.choice((-1, 1)) * rng.randint(1, 40))).isoformat()


def _other_amount(value: str, rng: random.Random) -> str:
    amounts = parse_amount(value) or (Decimal(1),)
    return str(
        amounts[0] + rng.choice((-1, 1)) * rng.choice((Decimal("0.10"), Decimal(1), Decimal(9), Decimal("0.01")))
    )


def _other_word(value: str, rng: random.Random) -> str:
    """Change one letter of one word, as a model that misspells does."""
    places = [i for i, char in enumerate(value) if char.isalnum()]
    at = rng.choice(places)
    other = rng.choice([char for char in "ABEKMNRST23" if char != value[at].upper()])
    return value[:at] + other + value[at + 1 :]


def preservation_rows(data: Path, half: Callable[[list[Any]], list[Any]]) -> Iterator[Row]:
    """NTREX translations against themselves with a number or a name exchanged."""
    english = _ntrex(data, "src.eng")
    for language in LANGUAGES:
        pairs = half(list(zip(english, _ntrex(data, f"ref.{language}"), strict=True)))
        rng = random.Random(f"ntrex {language}")
        plain = [pair for pair in pairs if _NUMBER.search(pair[0]) or _NUMBER.search(pair[1])]
        unconverted = [pair for pair in plain if not _UNITS.search(pair[0])]
        yield _translations("number", f"NTREX {language}", plain, _damage_number, rng)
        yield _translations("number", f"NTREX {language}, no units", unconverted, _damage_number, rng)
    for language in LATIN:
        pairs = half(list(zip(english, _ntrex(data, f"ref.{language}"), strict=True)))
        yield _translations("name", f"NTREX {language}", pairs, _damage_name, random.Random(f"names {language}"))


def _translations(
    kind: Kind, data: str, pairs: list[tuple[str, str]], damage: Callable[..., str | None], rng: random.Random
) -> Row:
    cases = []
    for source, text in pairs:
        cases.append(Case(Subject(answer={"text": text}, source=source), True))
        damaged = damage(source, text, rng)
        if damaged is not None:
            cases.append(Case(Subject(answer={"text": damaged}, source=source), False))
    return measure(preserved("text", (kind,)), f"preserved {kind}", data, cases)


def _damage_number(source: str, text: str, rng: random.Random) -> str | None:
    """Exchange one digit of one number that source and translation share."""
    shared = [match for match in _NUMBER.finditer(text) if match.group() in _NUMBER.findall(source)]
    if not shared:
        return None
    match = rng.choice(shared)
    at = rng.choice([i for i in range(match.start(), match.end()) if text[i].isdigit()])
    digit = rng.choice([other for other in "123456789" if other != text[at]])
    return text[:at] + digit + text[at + 1 :]


def _damage_name(source: str, text: str, rng: random.Random) -> str | None:
    """Exchange one name of two words that source and translation share."""
    shared = [match.group() for match in _NAME.finditer(text) if match.group() in source]
    return text.replace(rng.choice(shared), rng.choice(NAMES)) if shared else None


def language_rows(data: Path, half: Callable[[list[Any]], list[Any]]) -> Iterator[Row]:
    """NTREX: a translation, against the English left as it was and against the other nine languages."""
    warm()
    english = half(_ntrex(data, "src.eng"))
    texts = {code: half(_ntrex(data, f"ref.{name}")) for name, code in LANGUAGES.items()}
    for code, lines in texts.items():
        check = in_language(code, "text")
        right = [Case(_text(line), True) for line in lines]
        left = [Case(_text(line), False) for line in english]
        others = [Case(_text(line), False) for other in texts if other != code for line in texts[other][::9]]
        yield measure(check, "language", f"NTREX {code}, English", right + left)
        yield measure(check, "language", f"NTREX {code}, others", others)
        places = range(0, len(lines) - 3, 4)
        joined = [Case(_text(" ".join(lines[i : i + 4])), True) for i in places]
        mixed = [Case(_text(" ".join([*lines[i : i + 3], english[i + 3]])), False) for i in places]
        yield measure(check, "language", f"NTREX {code}, one sentence of four English", joined + mixed)


def _text(line: str) -> Subject:
    return Subject(answer={"text": line})


def faithful_rows(data: Path, half: Callable[[list[Any]], list[Any]]) -> Iterator[Row]:
    """QAGS: sentences that most of three people called consistent with the article, against those they did not."""
    for name in ("cnndm", "xsum"):
        cases = half(list(_qags(data / "qags" / f"mturk_{name}.jsonl")))
        yield measure(faithful("text"), "faithful", f"QAGS {name}", cases)
        yield measure(faithful("text", pairs=0.9), "faithful, pairs 0.9", f"QAGS {name}", cases)
        number = preserved("text", ("number", "date"), mode="no_new")
        yield measure(number, "preserved, no_new", f"QAGS {name}", cases)


def _qags(path: Path) -> Iterator[Case]:
    for line in path.read_text(encoding="utf-8").splitlines():
        summary = json.loads(line)
        for sentence in summary["summary_sentences"]:
            votes = [response["response"] == "yes" for response in sentence["responses"]]
            subject = Subject(answer={"text": sentence["sentence"]}, source=summary["article"])
            yield Case(subject, 2 * sum(votes) > len(votes))


def _ntrex(data: Path, name: str) -> list[str]:
    return (data / "ntrex" / f"newstest2019-{name}.txt").read_text(encoding="utf-8").splitlines()


def _show(rows: Sequence[Row]) -> None:
    print(f"{'check':22}{'data':42}{'right':>6}{'refused':>9}{'wrong':>7}{'passed':>8}{'µs':>7}")
    for row in rows:
        refused = f"{100 * row.false_rejects / row.right:.1f} %" if row.right else "–"
        passed = f"{100 * row.false_accepts / row.wrong:.1f} %" if row.wrong else "–"
        print(f"{row.check:22}{row.data:42}{row.right:6}{refused:>9}{row.wrong:7}{passed:>8}{row.microseconds:7.0f}")


def missing_in(data: Path) -> str | None:
    """Say what is missing in the data folder; None where nothing is."""
    translated = [f"ntrex/newstest2019-ref.{code}.txt" for code in LANGUAGES]
    needed = ["sroie/all626_text_and_gold.jsonl", "ntrex/newstest2019-src.eng.txt", *translated]
    needed += [f"qags/mturk_{part}.jsonl" for part in ("cnndm", "xsum")]
    missing = [name for name in needed if not (data / name).is_file()]
    return f"{data} lacks {', '.join(missing)} (SROIE, NTREX and QAGS, as published)" if missing else None


def main() -> None:
    """Print the table, or one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--half", choices=["choose", "report"], default="report")
    parser.add_argument("--json", action="store_true")
    words = parser.parse_args()
    if missing := missing_in(words.data):
        parser.error(missing)

    def half(lines: list[Any]) -> list[Any]:
        middle = len(lines) // 2
        return lines[:middle] if words.half == "choose" else lines[middle:]

    parts = (grounding_rows, preservation_rows, language_rows, faithful_rows)
    rows = [row for part in parts for row in part(words.data, half)]
    if words.json:
        print(json.dumps({"half": words.half, "rows": [row.figures() for row in rows]}, ensure_ascii=False))
    else:
        _show(rows)


if __name__ == "__main__":
    main()
