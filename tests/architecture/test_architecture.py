"""The bones of the package that no other tool checks; the layers are a contract of import-linter (`scripts/check`)."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

PACKAGE = Path(__file__).parents[2] / "src" / "firstline"
LONGEST = 500
ENVIRONMENT = {"environ", "environb", "getenv"}
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)


def modules() -> list[Path]:
    found = sorted(PACKAGE.rglob("*.py"))
    assert len(found) > 50, f"{PACKAGE} is not the package"
    return found


def name_of(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def own_imports(node: ast.AST) -> bool:
    """Say whether a statement imports from the package itself."""
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or (node.module or "").partition(".")[0] == "firstline"
    return isinstance(node, ast.Import) and any(name.name.partition(".")[0] == "firstline" for name in node.names)


def hidden_imports(tree: ast.Module) -> Iterator[int]:
    """Return the lines of the package's own imports inside functions."""
    for outer in ast.walk(tree):
        if isinstance(outer, FUNCTIONS):
            yield from (inner.lineno for inner in ast.walk(outer) if isinstance(inner, ast.stmt) and own_imports(inner))


def environment_reads(tree: ast.Module) -> Iterator[int]:
    """Return the lines that read the environment: `os.environ`, `os.getenv` and the names imported from `os`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "os":
            if node.attr in ENVIRONMENT:
                yield node.lineno
        elif isinstance(node, ast.ImportFrom) and node.module == "os" and ENVIRONMENT & {n.name for n in node.names}:
            yield node.lineno


def test_no_file_is_longer_than_a_noun() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert {name: lines for name, lines in lengths.items() if lines > LONGEST} == {}


def test_no_own_import_hides_in_a_function() -> None:
    hidden = {name_of(path): list(hidden_imports(ast.parse(path.read_bytes()))) for path in modules()}
    assert {name: lines for name, lines in hidden.items() if lines} == {}


def test_inner_packages_say_nothing() -> None:
    inner = [path for path in modules() if path.name == "__init__.py" and path.parent != PACKAGE]
    assert inner
    # `compile_schema` of the room `schema` was importable before it was a room.
    speaking = [path for path in inner if path.read_text(encoding="utf-8").strip()]
    assert [path.parent.name for path in speaking] == ["schema"]


def test_the_environment_is_read_by_the_settings_alone() -> None:
    reads = {
        name_of(path): list(environment_reads(ast.parse(path.read_bytes())))
        for path in modules()
        if path != PACKAGE / "settings.py"
    }
    assert {name: lines for name, lines in reads.items() if lines} == {}


def test_each_of_these_finds_what_it_looks_for() -> None:
    bad = ast.parse("import os\nHOME = os.environ['HOME']\ndef late():\n    from firstline import money\n")
    assert list(hidden_imports(bad)) == [4]
    assert list(environment_reads(bad)) == [2]
    assert list(environment_reads(ast.parse("from os import getenv\n"))) == [1]


def test_the_server_and_the_command_line_start_without_what_only_certifying_needs() -> None:
    heavy = "{'scipy', 'sklearn', 'matplotlib'}"
    told = f"import sys, firstline.app.build, firstline.cli.main; print({heavy} & set(sys.modules))"
    found = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"
