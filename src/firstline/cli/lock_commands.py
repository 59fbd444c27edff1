"""`firstline tasks lock` and `check`: pin the tasks of this folder, and say what is not as it was pinned.

The lock lies beside the tasks folder, golden examples in it. Files are written when all has been run, each as a whole.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from firstline import settings
from firstline.app.build import App, build
from firstline.cli import show_lock, show_tasks
from firstline.cli.console import DONE, FAILED, Out
from firstline.cli.files import replace_file
from firstline.cli.progress import counting
from firstline.errors import NotFoundError, TaskError, UsageError
from firstline.tasks.task import Task
from firstline.types import Json
from firstline.versions.golden import Asked, Golden, Replay, golden_text, read_golden, read_inputs, record, replay
from firstline.versions.lock import (
    FILE_NAME,
    Lock,
    LockedTask,
    changes,
    lock_text,
    read_lock,
)


async def lock(out: Out, names: Sequence[str], data: Path | None, most: int) -> int:
    """Pin tasks, all where none is named, with what becomes of their golden examples now."""
    if data is not None and len(names) != 1:
        raise UsageError("--golden holds inputs of one task", hint=f"firstline tasks lock NAME --golden {data}")
    async with build(settings.load()) as app:
        place = _place(app)
        known = (await asyncio.to_thread(_read, place) if names else None) or Lock()
        tasks = [app.services.tasks.get(name) for name in names or app.services.tasks.names()]
        pinned = dict(known.tasks)
        kept: dict[str, list[Golden]] = {}
        for task in tasks:
            asked = await _inputs(out, app, task, data, most)
            if asked:
                with counting(out, f"{task.name}  golden examples", len(asked)) as done:
                    kept[task.name] = await record(app.services.runner, task, asked, on_progress=done)
            pinned[task.name] = await _pin(app, task, golden=bool(asked))
        for name, goldens in kept.items():
            await asyncio.to_thread(replace_file, _golden(app, name), golden_text(goldens))
        await asyncio.to_thread(replace_file, place, lock_text(Lock(tasks=pinned)))
    report = [show_lock.pinned_json(task, pinned[task.name], kept.get(task.name)) for task in tasks]
    if out.json:
        out.emit({"lock": str(place), "tasks": report})
    else:
        out.result.print(show_lock.show_pinned(str(place), report))
    return DONE


async def check(out: Out, name: str | None, *, replaying: bool) -> int:
    """Read one task and compare it with the lock if it is locked; without a name compare all that are locked."""
    async with build(settings.load()) as app:
        place = _place(app)
        known = await asyncio.to_thread(_read, place)
        if name is not None:
            return await _check_one(out, app, name, known, replaying)
        if known is None or not known.tasks:
            what = f"there is no {place}" if known is None else f"{place} locks no task"
            raise UsageError(what, hint="`firstline tasks lock` pins the tasks as they are now")
        found = []
        for task_name, was in known.tasks.items():
            try:
                task = await app.services.tasks.find(task_name)
                found.append(await _compare(out, app, task, was, replaying))
            except (NotFoundError, TaskError) as error:
                found.append(show_lock.unreadable_json(task_name, was, error))
    ok = all(one["ok"] for one in found)
    if out.json:
        out.emit({"ok": ok, "tasks": found})
    else:
        out.result.print(show_lock.show_checked(found), soft_wrap=True)
    return DONE if ok else FAILED


async def _check_one(out: Out, app: App, name: str, known: Lock | None, replaying: bool) -> int:
    path = Path(name)
    is_file = path.suffix in (".toml", ".py")
    task = await asyncio.to_thread(app.services.tasks.read, path) if is_file else await app.services.tasks.find(name)
    await app.services.runner.rungs(task)  # refuses a ladder that names an unknown model
    was = known.tasks.get(task.name) if known else None
    found = [await _compare(out, app, task, was, replaying)] if was else []
    ok = all(one["ok"] for one in found)
    if out.json:
        out.emit({**show_tasks.task_json(task), "ok": ok, "tasks": found})
    else:
        out.result.print(f"{task.name} is right: {task.version}", highlight=False)
        if found:
            out.result.print(show_lock.show_checked(found), soft_wrap=True)
    return DONE if ok else FAILED


async def _compare(out: Out, app: App, task: Task, was: LockedTask, replaying: bool) -> dict[str, Json]:
    """Compare a task with its lock, and run its golden examples again."""
    now = await _pin(app, task, golden=was.golden is not None)
    again: Replay | None = None
    if replaying and was.golden is not None:
        decode = app.services.images.in_thread()
        examples = await asyncio.to_thread(read_golden, _place(app).parent / was.golden, decode)
        remote = frozenset(model.model for model in (*was.ladder, *now.ladder) if model.remote)
        with counting(out, f"{task.name}  golden examples", len(examples)) as done:
            again = await replay(app.services.runner, task, examples, remote, on_progress=done)
    return show_lock.checked_json(task.name, was, now, changes(was, now), again)


async def _inputs(out: Out, app: App, task: Task, data: Path | None, most: int) -> list[Asked]:
    """The inputs to keep: those of `data`, or those that the task has kept already."""
    golden, decode = _golden(app, task.name), app.services.images.in_thread()
    if data is not None:
        asked = await asyncio.to_thread(read_inputs, data, most, golden=golden, decode=decode)
        if len(asked) == most:
            out.note(f"the first {most} inputs of {data} are kept; --examples sets how many")
        return asked
    if not golden.exists():
        return []
    return await asyncio.to_thread(read_inputs, golden, None, golden=golden, decode=decode)


async def _pin(app: App, task: Task, *, golden: bool) -> LockedTask:
    kept = _from(_place(app).parent, _golden(app, task.name)) if golden else None
    return await app.services.pinner.pin(task, await app.services.runner.rungs(task), golden=kept)


def _place(app: App) -> Path:
    return Path(app.services.settings.tasks_dir).parent / FILE_NAME


def _golden(app: App, name: str) -> Path:
    return Path(app.services.settings.tasks_dir) / f"{name}.golden.jsonl"


def _from(folder: Path, path: Path) -> str:
    return Path(os.path.relpath(path, folder)).as_posix()


def _read(place: Path) -> Lock | None:
    try:
        return read_lock(place.read_bytes(), name=str(place))
    except FileNotFoundError:
        return None
    except OSError as error:
        raise UsageError(f"{place} cannot be read: {error.strerror}") from None
