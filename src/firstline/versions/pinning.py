"""Pins a task as it is now on this machine: what `firstline.lock` keeps and what a certificate is bound to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

from firstline.catalog.model import Model, Role
from firstline.gateway.ladder import Rung
from firstline.tasks.task import Task
from firstline.versions.lock import LockedModel, LockedTask, locked, locked_model


class Pinner:
    """Knows the machine's weights: `sha256` names a model's file of a role, `ready` says whether all are on disk.

    `second_reader` is the encoder that reads labels beside a model.
    """

    def __init__(
        self,
        *,
        second_reader: Model,
        sha256: Callable[[Model, Role], str | None],
        ready: Callable[[Model], bool],
    ) -> None:
        self._second_reader = second_reader
        self._sha256 = sha256
        self._ready = ready

    async def pin(self, task: Task, ladder: Sequence[Rung], *, golden: str | None = None) -> LockedTask:
        """Pin a task whose ladder means these rungs; `golden` is the path of its golden examples."""
        missing = None if self._ready(self._second_reader) else "its weights are not on disk"

        def pins() -> list[LockedModel]:
            return [locked_model(rung, self._sha256, _script(rung)) for rung in ladder]

        return locked(
            task,
            await asyncio.to_thread(pins),
            second_reader=locked_model(Rung(model=self._second_reader, skipped=missing), self._sha256, None),
            golden=golden,
        )


def _script(rung: Rung) -> bytes | None:
    """What a scripted model answers from; nothing where the file is gone: its runs say so."""
    path = Path(rung.model.script) if rung.model.script else None
    return path.read_bytes() if path and path.is_file() else None
