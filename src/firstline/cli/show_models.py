"""Shows the catalog to a person, and as JSON."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from firstline.api.models import model_object
from firstline.catalog.model import Model
from firstline.catalog.price import list_price
from firstline.catalog.weights import FileStatus
from firstline.cli.progress import size
from firstline.cli.tables import unbroken
from firstline.printable import printable
from firstline.types import Json


def model_json(model: Model, files: tuple[FileStatus, ...], now: datetime) -> dict[str, Json]:
    """Return a model as one JSON object: the server's keys, and where its files are."""
    return {
        **model_object(model, model.id, now),
        "state": state(model, files),
        "files": [
            {
                "role": file.role,
                "name": file.name,
                "state": file.state,
                "on_disk": file.on_disk,
                "bytes": file.bytes,
                "sha256": file.sha256,
                "path": str(file.path) if file.path else None,
            }
            for file in files
        ],
    }


def state(model: Model, files: tuple[FileStatus, ...]) -> str:
    """Say in a word where a model is: `remote`, `on disk`, `partly` or `not here`; `built in` has no files."""
    if model.remote is not None:
        return "remote"
    if not files:
        return "built in"
    if all(file.state == "ready" for file in files):
        return "on disk"
    return "partly" if any(file.state != "missing" for file in files) else "not here"


def show_models(rows: Iterable[tuple[Model, tuple[FileStatus, ...]]], now: datetime) -> RenderableType:
    """Render the list of models."""
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column("model", overflow="fold")
    table.add_column("takes", no_wrap=True)
    table.add_column("context", justify="right")
    table.add_column("$/Mtok in, out", justify="right", no_wrap=True)
    table.add_column("weights", no_wrap=True)
    for model, files in rows:
        where = state(model, files)
        bytes_ = f" {size(model.bytes)}" if model.bytes and not model.remote else ""
        table.add_row(
            Text(printable(model.id), style="bold" if where in ("on disk", "built in") else ""),
            "+".join(model.modalities),
            f"{model.context:,}" if model.context else "?",
            _prices(model, now),
            where + bytes_,
        )
    return unbroken(table, 0)


def show_model(model: Model, files: tuple[FileStatus, ...], now: datetime) -> RenderableType:
    """Render one model with its files and where its facts were read."""
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0), pad_edge=False)
    table.add_column(style="dim", no_wrap=True)
    table.add_column(overflow="fold")
    facts: list[tuple[str, str]] = [
        ("also called", ", ".join(model.aliases)),
        ("made by", model.provider),
        ("run by", model.engine),
        ("takes", " and ".join(model.modalities)),
        ("context", f"{model.context:,} tokens" if model.context else "unknown"),
        ("longest answer", f"{model.max_output:,} tokens" if model.max_output else "unknown"),
        ("price", f"$ {_prices(model, now)} for a million tokens in, out"),
        ("switched off", model.shutdown.isoformat() if model.shutdown else ""),
        ("licence", model.licence or ""),
        ("weights", state(model, files)),
        ("notes", model.notes),
    ]
    for name, value in facts:
        if value:
            table.add_row(name, printable(value))
    for file in files:
        table.add_row(
            "file", printable(f"{file.name}: {file.state}, {size(file.bytes) if file.bytes else 'size unknown'}")
        )
        table.add_row("", f"sha256 {file.sha256 or 'pinned at the first pull'}")
    for fact, source in model.evidence.items():
        seen = "" if source.verified else ", from memory"
        table.add_row("source", printable(f"{fact}: {source.title}, {source.date.isoformat()}{seen}"))
    return Group(Text(printable(model.id), style="bold"), table)


def _prices(model: Model, now: datetime) -> str:
    prices = list_price(model, at=now)
    if prices is None:
        return "?"
    return "free" if prices.input == prices.output == 0 else f"{prices.input:f}, {prices.output:f}"
