"""What can answer on this machine, and what cannot for want of something: said before a caller finds it out.

Looks at ladders, weights, keys, students and prices; asks no model and opens no connection.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from pathlib import Path

from firstline.catalog.catalog import STANDS_IN_FOR, Catalog
from firstline.errors import FirstlineError, ModelNotFoundError, TaskError
from firstline.gateway.ladder import NOT_ALLOWED, Rung, asked_of
from firstline.runs.context import RunContext
from firstline.runs.run import Runner
from firstline.settings import FILE_NAME, Settings
from firstline.tasks.registry import Tasks
from firstline.tasks.task import BUILT_IN, Task
from firstline.types import Value

_FRESH_S = 1.0
"""Anybody may ask whether something can answer, so looking is bounded."""


class Gap(Value, frozen=True, kw_only=True):
    """Something that is missing. `stops`: without it what is named cannot answer at all."""

    what: str
    hint: str | None = None
    code: str = "no_model_available"
    stops: bool = True


class Readiness:
    """Says what is missing. One for the process; `file` is the settings file (None: there is none)."""

    def __init__(self, basis: RunContext, runner: Runner, tasks: Tasks, file: Path | None) -> None:
        self._basis = basis
        self._runner = runner
        self._tasks = tasks
        self._file = file
        self._known: tuple[float, bool] | None = None

    async def can_answer(self) -> bool:
        """Say whether anything can answer: `gpt-4o-mini`, or a task. Looked at once a second at the most."""
        now = self._basis.timer()
        if self._known is None or now - self._known[0] > _FRESH_S:
            self._known = now, await self._look()
        return self._known[1]

    def usable(self) -> frozenset[str]:
        """Return the ids of the models that can be asked now; of `gpt-4o-mini`, where one of the default ladder can."""
        machine = self._basis.machine()
        found = {model.id for model in self._basis.catalog.list() if asked_of(model, machine)}
        try:
            stands_in = _usable(self._basis.rungs(self._basis.settings.ladder.default))
        except ModelNotFoundError:
            stands_in = False
        return frozenset((found - {STANDS_IN_FOR}) | ({STANDS_IN_FOR} if stands_in else set()))

    async def can(self, task: Task) -> bool:
        """Say whether a rung of a task can be asked now; the students of the package do not count."""
        try:
            if _usable(await self._rungs(task.ladder or self._basis.settings.ladder.default)):
                return True
            # A student is loaded for this, which is seldom the last hope.
            return task.origin != BUILT_IN and _usable(await self._runner.rungs(task))
        except FirstlineError:
            return False

    async def _rungs(self, names: Sequence[str]) -> Sequence[Rung]:
        """Return what a ladder is on this machine; off the loop, because the disk is asked."""
        return await asyncio.to_thread(self._basis.rungs, names)

    async def _look(self) -> bool:
        try:
            if _usable(await self._rungs(self._basis.settings.ladder.default)):
                return True
        except ModelNotFoundError:
            pass
        for name in await asyncio.to_thread(self._tasks.names):
            try:
                task = await self._tasks.find(name)
                rungs = await self._runner.rungs(task)
                # The students that come with the package read most of two kinds of document, and are always there.
                if _usable(rung for rung in rungs if task.origin != BUILT_IN or rung.model.engine != "student"):
                    return True
            except FirstlineError:
                continue
        return False

    async def gaps(self) -> tuple[Gap, ...]:
        """List what is missing: of `gpt-4o-mini`, of names in the settings, of tasks, of students, of prices.

        A task whose file is wrong is not among them.
        """
        settings = self._basis.settings
        lines = await asyncio.to_thread(_lines, self._file)
        found: dict[str, Gap] = {}
        for gap in _unknown(settings, self._basis.catalog, lines):
            found.setdefault(gap.what, gap)
        reasons: dict[str, list[str]] = {}
        seen: list[Rung] = []
        if not any(gap.code == "ladder" for gap in found.values()):
            rungs = await self._rungs(settings.ladder.default)
            seen += rungs
            if not _usable(rungs):
                reasons[_why(rungs)] = [STANDS_IN_FOR]
        async for task, ladder in self._ladders(found):
            seen += ladder
            if not _usable(ladder):
                reasons.setdefault(_why(ladder), []).append(f"task/{task.name}")
        for why, names in reasons.items():
            found.setdefault(why, Gap(what=f"nothing can answer {', '.join(names)}: {why}", hint=_HINT))
        for gap in _of_rungs(seen):
            found.setdefault(gap.what, gap)
        return tuple(found.values())

    async def _ladders(self, found: dict[str, Gap]) -> AsyncIterator[tuple[Task, Sequence[Rung]]]:
        """Return the rungs of each task whose models are known; what is not goes to the gaps."""
        for name in await asyncio.to_thread(self._tasks.names):
            try:
                task = await self._tasks.find(name)
            except FirstlineError:
                continue
            try:
                yield task, await self._runner.rungs(task)
            except ModelNotFoundError as error:
                if task.ladder:  # the default ladder is told of once
                    what = f"task/{name} cannot answer: {error.message}"
                    found[what] = Gap(what=what, hint=error.hint, code=error.code)
            except TaskError:
                continue


_STUDENT_HINT = "`firstline students list` says what is in charge of each task"
_HINT = "fetch weights (`firstline models pull ID`), set a key, or name another model in `[ladder]`"


def _usable(rungs: Iterable[Rung]) -> bool:
    return any(rung.skipped is None for rung in rungs)


def _why(rungs: Sequence[Rung]) -> str:
    """Say why none of the rungs can be asked; of students that are left out each has its own line."""
    rungs = [rung for rung in rungs if rung.model.engine != "student"] or rungs
    return "; ".join(f"{rung.model.id}: {rung.skipped}" for rung in rungs) or "the ladder names no model"


def _of_rungs(rungs: Iterable[Rung]) -> Iterable[Gap]:
    """Find students that are left out, and models that cannot be priced."""
    for rung in rungs:
        if rung.model.engine == "student" and rung.skipped is not None:
            what = f"{rung.model.id} is left out: {rung.skipped}"
            yield Gap(what=what, hint=_STUDENT_HINT, code="student_skipped", stops=False)
        elif rung.model.remote is not None and rung.model.price is None and NOT_ALLOWED not in (rung.skipped or ""):
            yield Gap(
                what=f"{rung.model.id} is not asked: its price is unknown",
                hint=f'set input_usd_per_mtok and output_usd_per_mtok in [models."{rung.model.id}"] (0 if it is free)',
                code="price_unknown",
                stops=False,
            )


def _unknown(settings: Settings, catalog: Catalog, lines: Mapping[str, int]) -> Iterable[Gap]:
    """Find the models that the settings name and nobody knows, and a ladder without any."""
    ladder = settings.ladder
    if not ladder.default or (not ladder.stand_in and all(catalog.is_stand_in(name) for name in ladder.default)):
        yield Gap(
            what="the ladder names no model: nothing can answer gpt-4o-mini",
            hint="name one in `[ladder] default` or `stand_in`",
            code="ladder",
        )
    named = {"stand_in": ladder.stand_in, "default": ladder.default}
    for key, names in named.items():
        for name in names:
            if (error := _missing(name, catalog)) is not None:
                what = f"{_at(name, lines)}[ladder] {key}: {error.message}"
                yield Gap(what=what, hint=error.hint, code="ladder")
    others = {
        "messages.stand_in": settings.messages.stand_in,
        "tasks.designer": settings.tasks.designer,
        "worth.compared_with": settings.worth.compared_with,
    }
    for key, name in others.items():
        if name and not name.startswith("task/") and (error := _missing(name, catalog)) is not None:
            yield Gap(what=f"{_at(name, lines)}{key}: {error.message}", hint=error.hint, code=error.code, stops=False)


def _missing(name: str, catalog: Catalog) -> ModelNotFoundError | None:
    try:
        catalog.get(name)
    except ModelNotFoundError as error:
        return error
    return None


def _lines(path: Path | None) -> dict[str, int]:
    """Return in which line of a file each quoted text stands first."""
    found: dict[str, int] = {}
    try:
        text = "" if path is None else path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return found
    for number, line in enumerate(text.splitlines(), start=1):
        for quoted in line.replace("'", '"').split('"')[1::2]:
            found.setdefault(quoted, number)
    return found


def _at(name: str, lines: Mapping[str, int]) -> str:
    return f"{FILE_NAME}:{lines[name]}: " if name in lines else ""
