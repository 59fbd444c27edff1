"""Warnings of libraries do not reach the terminal, unless somebody asks Python for them."""

from __future__ import annotations

import subprocess
import sys

import pytest

_COMMAND = """
import sys, warnings
from firstline.cli.main import main
sys.argv = ["firstline", "--help"]
try:
    main()
except SystemExit:
    warnings.warn("Truncated File Read")
"""


@pytest.mark.parametrize(("options", "told"), [((), False), (("-Wdefault",), True)])
def test_warnings_are_shown_on_request_alone(options: tuple[str, ...], told: bool) -> None:
    done = subprocess.run([sys.executable, *options, "-c", _COMMAND], capture_output=True, text=True, check=True)
    assert ("Truncated File Read" in done.stderr) is told
