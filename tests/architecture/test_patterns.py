"""Regular expressions go through `firstline.patterns`, and each of them can be found by a test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "firstline"
DOOR = PACKAGE / "patterns.py"
ENGINES = {"re", "real", "regex", "re2", "sre_compile", "sre_parse"}
KNOWN = {
    "printable.py": "its class holds lone surrogates, which the engine does not take; one class, no repetition",
}
"""Modules that may use Python's own engine, each with its reason."""
MADE_BY = {
    "reading/candidate.py": {"label_pattern"},  # of the labels of a task
    "values/named_dates.py": {"_forms", "form"},
    "checks/clock.py": {"_patterns"},
    "checks/terms.py": {"_any_of"},
    "checks/number_words.py": {"_pattern", "_scale_pattern"},
}
"""Functions that compile a pattern of the product from its own words; `tests/scaling` calls each."""


def engines_named(tree: ast.Module) -> Iterator[str]:
    """Return the engines of regular expressions that a module imports."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name for name in node.names if name.name.partition(".")[0] in ENGINES)
        elif isinstance(node, ast.ImportFrom) and not node.level and (node.module or "").partition(".")[0] in ENGINES:
            yield node.module or ""


def compiled_late(tree: ast.Module, allowed: set[str]) -> Iterator[int]:
    """Return the lines that compile a pattern inside a function that is not named for it."""
    for outer in ast.walk(tree):
        if not isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(outer, ast.FunctionDef) and outer.name in allowed:
            continue
        yield from (node.lineno for node in ast.walk(outer) if isinstance(node, ast.Call) and is_compile(node.func))


def is_compile(call: ast.expr) -> bool:
    return (
        isinstance(call, ast.Attribute)
        and call.attr == "compile"
        and isinstance(call.value, ast.Name)
        and call.value.id == "patterns"
    )


def trees() -> Iterator[tuple[str, ast.Module]]:
    found = [path for path in sorted(PACKAGE.rglob("*.py")) if path != DOOR]
    assert len(found) > 50
    for path in found:
        yield path.relative_to(PACKAGE).as_posix(), ast.parse(path.read_bytes())


def test_no_module_but_one_imports_an_engine_of_regular_expressions() -> None:
    assert {name: list(engines_named(tree)) for name, tree in trees() if any(engines_named(tree))} == {
        name: ["re"] for name in KNOWN
    }


def test_patterns_are_compiled_where_a_test_finds_them() -> None:
    late = {name: list(compiled_late(tree, MADE_BY.get(name, set()))) for name, tree in trees()}
    assert {name: lines for name, lines in late.items() if lines} == {}


def test_texts_are_brought_into_a_normal_form_in_one_place() -> None:
    named = [
        name
        for name, tree in trees()
        for node in ast.walk(tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) == "unicodedata.normalize"
    ]
    assert named == ["normal_form.py"]


def test_each_of_these_finds_what_it_looks_for() -> None:
    bad = ast.parse("import re\nfrom re import sub\ndef late(text):\n    return patterns.compile('a').sub('', text)\n")
    assert list(engines_named(bad)) == ["re", "re"]
    assert list(compiled_late(bad, set())) == [4]
