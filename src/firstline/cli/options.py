"""Options that every command has alike."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

MOST = 1_000_000_000
"""A billion: the most that an option which counts something takes. So no number is beyond what the ledger can hold."""

MaxError = Annotated[
    float | None, typer.Option(help="most of the served answers that may be wrong, such as 0.02", min=0, max=1)
]
Confidence = Annotated[float | None, typer.Option(help="how sure of it, 0.5 to 1", min=0, max=1)]
Json = Annotated[bool, typer.Option("--json", help="print JSON on stdout and nothing else, an error as JSON on stderr")]
Html = Annotated[
    Path | None, typer.Option("--html", metavar="FILE", help="write the report there, as one page with its plots")
]
