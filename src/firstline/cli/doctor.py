"""`firstline doctor`: what is set up, where each setting came from, what each task would do now, and how to undo it.

Asks no model, fetches nothing and runs no code of the folder unless its owner allowed it. Of keys only the names are
shown.
"""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Iterator

from firstline import settings
from firstline.app.build import App, build
from firstline.app.upkeep import Upkeep
from firstline.cli.console import DONE, FAILED, Out
from firstline.cli.show_doctor import show_doctor
from firstline.cli.show_models import state
from firstline.engines.confinement import in_force
from firstline.errors import (
    FirstlineError,
    FolderNotAllowedError,
    ModelNotFoundError,
    WeightsError,
    WeightsInvalidError,
    message_about,
)
from firstline.money import show as money
from firstline.settings import Loaded
from firstline.settings_sections import ServerSettings
from firstline.trust import Trust
from firstline.types import Json

_CLAIMS_S = 30 * 86_400
"""How far back what models claimed is told."""


async def doctor(out: Out, *, verify: bool) -> int:
    """Look at everything; 1 where something is broken or cannot answer. With `verify` weights are read and compared."""
    loaded = settings.load()
    trust = Trust(loaded)
    report: dict[str, Json] = {
        "settings_file": str(loaded.file) if loaded.file else None,
        "settings": [
            {"name": one.path, "value": one.value, "source": one.source, "env": one.env} for one in loaded.describe()
        ],
        "data_folder": str(loaded.settings.data_path),
        "port": {
            "host": loaded.settings.server.host,
            "port": loaded.settings.server.port,
            "free": is_free(loaded.settings.server),
        },
        "folder": _folder(trust, loaded),
        "confinement": in_force().words,
        "undo": [],
        "problems": [],
    }
    if (problem := trust.problem()) is not None:
        report["problems"].append(_problem("this folder", problem))
    await _ledger(loaded, report)
    try:
        async with build(loaded) as app:
            await _look(app, loaded, report, verify=verify)
    except FolderNotAllowedError:
        pass  # told above
    except FirstlineError as error:
        report["problems"].append(_problem("the application cannot be built", error))
    # Afterwards: building makes the data folder and the ledger where they are missing.
    report["undo"] = list(_undo(loaded))
    if out.json:
        out.emit(report)
    else:
        out.result.print(show_doctor(report))
    return FAILED if any(problem.get("stops", True) for problem in report["problems"]) else DONE


async def _ledger(loaded: Loaded, report: dict[str, Json]) -> None:
    """Examine the ledger before it is opened; what opening it mends or tells is left to that."""
    upkeep = Upkeep(loaded.settings)
    found = (await upkeep.check(quick=True, mend=False)).findings if upkeep.ledger.exists() else ()
    hint = "`firstline ledger check` says more, `firstline ledger restore FILE` puts a backup back"
    for finding in found:
        if finding.code != "version":
            report["problems"].append({"what": f"the ledger: {finding.what}", "hint": hint, "code": finding.code})


def is_free(server: ServerSettings) -> bool:
    """Say whether the server's port could be taken now."""
    family = socket.AF_INET6 if ":" in server.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as trial:
        try:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            trial.bind((server.host, server.port))
        except (OSError, TypeError, ValueError):  # the last two: no address has these letters
            return False
    return True


def _folder(trust: Trust, loaded: Loaded) -> dict[str, Json]:
    """Say what the settings file asks for that needs the owner's word, and whether they gave it."""
    return {
        "path": str(loaded.folder),
        "asks": [ask.words for ask in trust.asks],
        "allowed": trust.settings_allowed,
    }


async def _look(app: App, loaded: Loaded, report: dict[str, Json], *, verify: bool) -> None:
    for gap in await app.services.readiness.gaps():
        report["problems"].append({"what": gap.what, "hint": gap.hint, "code": gap.code, "stops": gap.stops})
    report["models"] = [model async for model in _models(app, report, verify=verify)]
    report["keys"] = list(_keys(app, loaded))
    report["tasks"] = [task async for task in _tasks(app, report)]
    report["problems"] += [claim async for claim in _claims(app)]


async def _models(app: App, report: dict[str, Json], *, verify: bool) -> AsyncIterator[dict[str, Json]]:
    for model in app.services.catalog.list():
        files = app.weights.status(model)
        if not files or all(file.state == "missing" for file in files):
            continue
        shown = []
        try:
            app.weights.require(model, files[0].role)
        except WeightsInvalidError as error:
            report["problems"].append(_problem(model.id, error))
        for file in files:
            checked = "not read"
            if file.path is not None and file.sha256 is not None:
                try:
                    await asyncio.to_thread(app.weights.check, model, role=file.role, fresh=verify)
                    checked = "right"
                except WeightsError as error:
                    checked = "wrong"
                    report["problems"].append(_problem(model.id, error))
            shown.append(
                {
                    "name": file.name,
                    "state": file.state,
                    "bytes": file.on_disk,
                    "sha256": file.sha256,
                    "sha256_state": checked,
                    "path": str(file.path) if file.path else None,
                }
            )
        yield {"id": model.id, "state": state(model, files), "files": shown}


def _keys(app: App, loaded: Loaded) -> Iterator[dict[str, Json]]:
    wanted: dict[str, list[str]] = {}
    for model in app.services.catalog.list():
        if model.remote is not None and model.remote.api_key_env:
            wanted.setdefault(model.remote.api_key_env, []).append(model.id)
    for name, models in wanted.items():
        yield {"name": name, "present": bool(loaded.secrets.get(name)), "models": models}


async def _tasks(app: App, report: dict[str, Json]) -> AsyncIterator[dict[str, Json]]:
    for name in app.services.tasks.names():
        try:
            task = app.services.tasks.get(name)
            rungs = await app.services.runner.rungs(task)
        except ModelNotFoundError:
            continue  # told above, with its line
        except FirstlineError as error:
            report["problems"].append(_problem(f"the task {name}", error))
            continue
        ladder = [{"model": rung.model.id, "skipped": rung.skipped} for rung in rungs]
        yield {"name": name, "version": task.version, "ladder": ladder}


async def _claims(app: App) -> AsyncIterator[dict[str, Json]]:
    """Name the models that claim to have used more than they were allowed to."""
    for claimed in await app.services.ledger.usage.claimed(time.time() - _CLAIMS_S):
        yield {
            "what": f"{claimed.model} claimed {claimed.tokens:,} tokens beyond what {claimed.calls:,} calls of the "
            f"last {_CLAIMS_S // 86_400} days could use ({money(claimed.nano_usd)}); they were charged to nobody",
            "hint": "compare its provider's bill with `firstline usage --by model`",
            "code": "surplus_claimed",
            "stops": False,
        }


def _undo(loaded: Loaded) -> Iterator[dict[str, Json]]:
    """Name what Firstline itself has written, never the folder around it nor what a user made."""
    data = loaded.settings.data_path
    things = (
        ("models", "weights"),
        ("ledger.db*", "the ledger: every run, its answers and costs"),
        ("logs", "logs of the language model's process"),
    )
    for pattern, what in things:
        for path in sorted(data.glob(pattern)):
            yield {"path": str(path.absolute()), "what": what}
    if (allowed := loaded.own_path / "allowed").is_dir():
        yield {"path": str(allowed), "what": "which folders you allowed"}


def _problem(what: str, error: FirstlineError) -> dict[str, Json]:
    return {"what": message_about(what, error.message), "hint": error.hint, "code": error.code}
