"""Options that every command has alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="print JSON on stdout and nothing else")]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="write the report there, as one page with its plots")
]
