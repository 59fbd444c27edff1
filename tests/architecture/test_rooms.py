"""The folders of the product import each other one way."""

from __future__ import annotations

import ast
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

import firstline

PACKAGE = Path(firstline.__file__).parent


def room(path: Path) -> str:
    """Return the folder of a module; a module that lies flat in the package is a room of its own."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "/".join(parts[:-1]) or parts[0]


def target(name: str) -> Path | None:
    """Return the file of a dotted name of ours; None for one that names no module."""
    path = PACKAGE.parent / name.replace(".", "/")
    return path.with_suffix(".py") if path.with_suffix(".py").is_file() else None


def imports() -> dict[str, set[str]]:
    """Return the rooms that each room imports."""
    found: dict[str, set[str]] = {}
    for path in PACKAGE.rglob("*.py"):
        if path.parent == PACKAGE and path.name == "__init__.py":
            continue
        seen = found.setdefault(room(path), set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("firstline"):
                names = [f"{node.module}.{alias.name}" for alias in node.names]
                files = [target(name) or target(node.module or "") for name in names]
                seen |= {room(file) for file in files if file is not None}
        seen.discard(room(path))
    return found


def test_no_folder_imports_another_in_a_circle() -> None:
    try:
        order = [*TopologicalSorter(imports()).static_order()]
    except CycleError as error:
        pytest.fail(f"these rooms import each other in a circle: {' -> '.join(error.args[1])}")
    assert order.index("money") < order.index("runs") < order.index("cli")
