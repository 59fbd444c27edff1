"""The names of months are those of CLDR, in every language of the product."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from firstline.values.months import months, months_of, roman_month

DOCS = Path(__file__).parents[2] / "docs"


def test_the_file_is_what_cldr_says() -> None:
    """Run `python docs/make_months.py` when this fails."""
    known = {name: list(of) for name, of in months().names.items()}
    # In a process of its own: Babel keeps what it has loaded, whichever way that was.
    code = f"import json, runpy; print(json.dumps(runpy.run_path({str(DOCS / 'make_months.py')!r})['made']()))"
    written = json.loads(subprocess.run([sys.executable, "-c", code], check=True, capture_output=True).stdout)
    if written["babel"] == months().babel:
        assert known == written["names"]
    same = [name for name, of in written["names"].items() if known.get(name) == of]
    assert len(same) > 0.98 * len(written["names"]) > 1_000


@pytest.mark.parametrize(
    ("name", "month"),
    [("März", 3), ("maerz", 3), ("fevrier", 2), ("MAYIS", 5), ("Şubat", 2), ("subat", 2), ("มี.ค.", 3), ("март", 3),
     ("brˇezna".replace("rˇ", "r\u030c"), 3), ("Ｍａｒｃｈ", 3), ("במרץ", 3), ("آذار", 3), ("Ogos", 8)],
)  # fmt: skip
def test_a_name_is_known_in_any_case_and_without_its_marks(name: str, month: int) -> None:
    assert months_of(name) == (month,)


def test_a_name_of_two_months_keeps_both() -> None:
    assert months_of("listopad") == (10, 11)
    assert months_of("Smarch") == ()


def test_roman_numerals_count_months() -> None:
    assert [roman_month(name) for name in ("I", "iv", "Ⅻ", "XIII", "mix")] == [1, 4, 12, None, None]
