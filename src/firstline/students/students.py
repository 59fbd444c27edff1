"""The students of the tasks: which one is in charge of a task, loaded when it is first asked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from firstline.answering.student import Student
from firstline.catalog.catalog import STUDENT_PREFIX
from firstline.catalog.model import FREE, Model, WeightFile
from firstline.errors import FirstlineError, LedgerError, WeightsMissingError
from firstline.ledger.contents import Placing
from firstline.ledger.students import StudentRow, StudentRows
from firstline.runs.contents import Contents, sweep
from firstline.runs.placed import Placed
from firstline.students.artifact import Artifact, name_of, pack, unpack
from firstline.students.misfit import misfit
from firstline.students.taught import marks_in
from firstline.tasks.task import BUILT_IN, Task

REFRESH_S = 1.0
"""How long what is known of who is in charge is used: another process may have promoted one."""

Open = Callable[[Artifact], Student]
"""Makes a student of its file. Raises FirstlineError where something that it needs is not here."""


class Students:
    """The students of the process. `root` keeps the bytes of those made here, `shipped` has paths by task.

    A shipped student serves its built-in task until another is promoted; without `serving` none is in charge.
    """

    def __init__(
        self,
        rows: StudentRows,
        root: Path,
        *,
        shipped: Mapping[str, Path],
        opening: Open,
        serving: bool = True,
        timer: Callable[[], float] = time.monotonic,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.rows = rows
        self._contents = Contents(root, noun="student", mend="`firstline distill` makes it anew")
        self._shipped = shipped
        self._opening = opening
        self._serving = serving
        self._timer = timer
        self._clock = clock
        self._known: tuple[float, Mapping[str, StudentRow]] | None = None
        self._loaded: dict[Path, tuple[str, Artifact, Student]] = {}

    async def of(self, task: Task) -> Placed | None:
        """Return the student in charge of a task; None where there is none."""
        if not self._serving:
            return None
        row = (await self._in_charge()).get(task.name)
        if row is not None:
            return await self._placed(task, self._contents.path(row.sha256), row.sha256)
        # A task of one's own that has the name of a built-in one means what its owner says: ours knows nothing of it.
        path = self._shipped.get(task.name) if task.origin == BUILT_IN else None
        return None if path is None else msgspec.structs.replace(await self._placed(task, path), shipped=True)

    async def candidate(self, task: Task, sha256: str) -> Placed:
        """Return a student of a task that need not be in charge of it."""
        return await self._placed(task, self._contents.path(sha256), sha256)

    async def opened(self, artifact: Artifact) -> Trial:
        """Open a student that is kept nowhere, to try it. Raises FirstlineError where it cannot be opened."""

        def read() -> Trial:
            data = pack(artifact)
            made, sha256 = unpack(data), name_of(data)
            return Trial(self._contents.path(sha256), sha256, made, self._opening(made))

        return await asyncio.to_thread(read)

    async def shipped(self) -> dict[str, str]:
        """Return the sha256 of the students that come with the package, by task."""

        def read() -> dict[str, str]:
            return {task: name_of(path.read_bytes()) for task, path in self._shipped.items()}

        return await asyncio.to_thread(read)

    async def keep(self, data: bytes, row: StudentRow) -> None:
        """Keep a student's bytes and what is known of it. Raises LedgerError where the disk does not take them."""

        def place() -> None:
            try:
                self._contents.put(data, row.sha256)
            except OSError as error:
                hint = "make room in data_dir; nothing was promoted"
                raise LedgerError(f"the student cannot be kept: {error.strerror}", hint=hint) from error

        await asyncio.to_thread(place)
        await self.rows.add(row, Placing(place=place, there=lambda: self._contents.unchanged(row.sha256)))

    async def tidy(self) -> None:
        """Take away what was left behind where the making of a student broke off."""
        await sweep(self._contents, self.rows.named, self._clock())

    async def promote(self, sha256: str, *, certificate: str | None = None) -> None:
        """Put a student in charge of its task. Raises NotFoundError."""
        await self.rows.promote(sha256, certificate=certificate)
        self._known = None

    async def roll_back(self, task: str, reason: str, *, sha256: str | None = None) -> StudentRow | None:
        """Take the student in charge out of service (with `sha256`: if it is that one); None where there is none."""
        found = await self.rows.roll_back(task, reason, sha256=sha256)
        self._known = None
        return found

    def forget(self) -> None:
        """Believe nothing of what is known: the ledger is asked at the next run."""
        self._known = None

    async def _in_charge(self) -> Mapping[str, StudentRow]:
        if self._known is None or self._timer() - self._known[0] > REFRESH_S:
            self._known = (self._timer(), {row.task: row for row in await self.rows.in_charge()})
        return self._known[1]

    async def _placed(self, task: Task, path: Path, sha256: str | None = None) -> Placed:
        """Load a student; with `sha256` its bytes must have it."""
        try:
            found, artifact, student = await self._load(path, sha256)
        except FirstlineError as error:
            return Placed(model=_model(task, path, None), skipped=error.message)
        return _place(task, path, found, artifact, student)

    async def _load(self, path: Path, sha256: str | None) -> tuple[str, Artifact, Student]:
        if path not in self._loaded:
            self._loaded[path] = await asyncio.to_thread(self._read, path, sha256)
        return self._loaded[path]

    def _read(self, path: Path, sha256: str | None) -> tuple[str, Artifact, Student]:
        try:
            data = path.read_bytes() if sha256 is None else self._contents.read(sha256)
        except OSError as error:
            raise WeightsMissingError(f"the student's file cannot be read: {error.strerror}") from None
        artifact = unpack(data)
        return name_of(data), artifact, self._opening(artifact)


class Trial:
    """Stands in for `Students` where a student that was just made is tried on its task, and kept nowhere yet."""

    def __init__(self, path: Path, sha256: str, artifact: Artifact, student: Student) -> None:
        self.artifact = artifact
        self._path = path
        self._sha256 = sha256
        self._student = student

    async def of(self, task: Task) -> Placed | None:
        """Return the student that is tried."""
        return _place(task, self._path, self._sha256, self.artifact, self._student)


class Candidate:
    """Stands in for `Students` where one student is tried on its task before anything is promoted."""

    def __init__(self, students: Students, sha256: str | None) -> None:
        self._students = students
        self._sha256 = sha256

    async def of(self, task: Task) -> Placed | None:
        """Return the student that is tried; None: the task is tried without any."""
        return None if self._sha256 is None else await self._students.candidate(task, self._sha256)


def _place(task: Task, path: Path, sha256: str, artifact: Artifact, student: Student) -> Placed:
    model, wrong = _model(task, path, sha256), misfit(task, artifact)
    if wrong:
        return Placed(model=model, skipped=wrong)
    return Placed(model=model, student=student, taught=marks_in(artifact))


def _model(task: Task, path: Path, sha256: str | None) -> Model:
    weights = WeightFile(role="model", name=path.name, sha256=sha256, path=str(path))
    return Model(
        id=STUDENT_PREFIX + task.name,
        provider="student",
        engine="student",
        price=FREE,
        weights=(weights,),
        notes="distilled for its task",
    )


def shipped(folder: Path) -> dict[str, Path]:
    """Find the students that come with the package, by task."""
    return {path.stem: path for path in sorted(folder.glob("*.student"))}
