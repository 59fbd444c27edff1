"""The rungs of a task's ladder on this machine: which models they are, and why one cannot be asked.

Pure: what is on disk and which keys are there are arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date

from firstline.catalog.catalog import Catalog
from firstline.catalog.model import Model
from firstline.types import Value

NOT_ALLOWED = "the folder is not allowed: "
"""Begins the reason of a model that the working folder may not ask yet."""
NO_KEY = "no key: "
"""Begins the reason of a remote model whose key is not set."""
PULL = "firstline models pull"
"""Fetches weights: the end of the reason of a model that has none says so."""


class Rung(Value, frozen=True, kw_only=True):
    """One model of a ladder; `skipped` says why it cannot be asked at all (None: it can)."""

    model: Model
    skipped: str | None = None


class Machine(Value, frozen=True, kw_only=True):
    """What a ladder needs to know of this machine: `on_disk` of weights, `has_key` of remote models, and the day.

    `refused` are the models that the working folder may not ask yet, by id, with the reason.
    """

    on_disk: Callable[[Model], bool]
    has_key: Callable[[Model], bool]
    today: date
    refused: Mapping[str, str] = {}


def rungs(names: Sequence[str], *, stand_in: Sequence[str], catalog: Catalog, machine: Machine) -> tuple[Rung, ...]:
    """Resolve a ladder's names to rungs, in order, each model once.

    `gpt-4o-mini` becomes the models that stand in for it: the first always, the others only when they are on disk.
    Raises ModelNotFoundError for a name that nobody knows.
    """
    found: dict[str, Rung] = {}
    for name, needed in _expanded(names, stand_in, catalog):
        model = catalog.get(name)
        skip = unusable(model, machine)
        if skip is not None and not needed and model.engine == "llama_cpp":
            continue
        found.setdefault(model.id, Rung(model=model, skipped=skip))
    return tuple(found.values())


def unusable(model: Model, machine: Machine) -> str | None:
    """Say why a model cannot be asked on this machine; None when it can."""
    if model.id in machine.refused:
        return NOT_ALLOWED + machine.refused[model.id]
    if model.engine in ("llama_cpp", "encoder") and not machine.on_disk(model):
        return f"its weights are not on disk; `{PULL} {model.id}` fetches them"
    if model.engine == "encoder":
        return "it makes vectors, not answers"
    if model.engine == "student":
        return "it answers its own task alone"
    if model.engine == "openai_http" and not machine.has_key(model):
        return f"{NO_KEY}{model.remote.api_key_env if model.remote else 'its key'} is not set"
    if model.engine == "openai_http" and model.price is None:
        return "its price is unknown: set input_usd_per_mtok and output_usd_per_mtok (0 where it costs nothing)"
    if model.engine == "openai_http" and model.shutdown is not None and model.shutdown <= machine.today:
        return f"its maker switched it off on {model.shutdown.isoformat()}"
    return None


def asked_of(model: Model, machine: Machine) -> bool:
    """Say whether a model can be asked for what it does, answers or vectors."""
    if model.engine == "encoder":
        return model.id not in machine.refused and machine.on_disk(model)
    return unusable(model, machine) is None


def _expanded(names: Sequence[str], stand_in: Sequence[str], catalog: Catalog) -> Iterator[tuple[str, bool]]:
    for name in names:
        if catalog.is_stand_in(name):
            yield from ((model, index == 0) for index, model in enumerate(stand_in))
        else:
            yield name, True
