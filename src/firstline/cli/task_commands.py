"""`firstline tasks list` and `show`: what these words do."""

from __future__ import annotations

from firstline import settings
from firstline.app.build import build
from firstline.cli import show_tasks
from firstline.cli.console import DONE, Out
from firstline.errors import FirstlineError


async def list_tasks(out: Out) -> int:
    """List the tasks. One whose file is wrong is told, the others are listed."""
    status, found = DONE, []
    async with build(settings.load()) as app:
        for name in app.services.tasks.names():
            try:
                found.append(app.services.tasks.get(name))
            except FirstlineError as error:
                status = max(status, out.fail(error))
    if out.json:
        out.emit_list(show_tasks.task_json(task) for task in found)
    else:
        out.result.print(show_tasks.show_tasks(found))
    return status


async def show_task(out: Out, name: str) -> int:
    """Show one task."""
    async with build(settings.load()) as app:
        task = app.services.tasks.get(name)
    if out.json:
        out.emit(show_tasks.task_json(task))
    else:
        out.result.print(show_tasks.show_task(task))
    return DONE
