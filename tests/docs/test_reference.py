"""The reference says what the code declares: each page is what `scripts/reference` would write now."""

from __future__ import annotations

import runpy
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"
PAGES = ("api.md", "checks.md", "cli.md", "errors.md", "openapi.json", "python.md", "settings.md", "tasks.md")


@pytest.fixture(scope="module")
def made() -> dict[str, str]:
    pages = runpy.run_path(str(DOCS / "make_reference.py"))["pages"]()
    assert isinstance(pages, dict)
    return pages


def test_there_is_no_page_that_nobody_makes(made: dict[str, str]) -> None:
    assert sorted(made) == list(PAGES) == sorted(path.name for path in (DOCS / "reference").iterdir())


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_fresh(made: dict[str, str], name: str) -> None:
    assert (DOCS / "reference" / name).read_text(encoding="utf-8") == made[name], "run scripts/reference"
