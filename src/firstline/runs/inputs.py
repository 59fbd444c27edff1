"""Which inputs are kept for a person to see, and for how long: texts in the ledger, files in the data folder.

The setting `reviews.keep` says of which runs. What is kept is written with the end of its run, so that no review is
there without its source; files lie in their place before that.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from firstline.errors import LedgerError, NotFoundError
from firstline.ledger.contents import Placing
from firstline.ledger.inputs import InputRows, Keeping, KeptFile, KeptInput, KeptPart, KeptText, Purged
from firstline.reading.source import Document, InputPart, TaskInput
from firstline.runs.contents import Contents, sweep
from firstline.settings_sections import ReviewSettings
from firstline.types import Image, Text, Verdict

_KEPT: dict[str, frozenset[Verdict]] = {
    "none": frozenset(),
    "review": frozenset({"review"}),
    "all": frozenset({"accepted", "escalated", "review"}),
}
_DAY_S = 86_400
_SWEEP_S = 3600
_PDF = "application/pdf"


class Inputs:
    """The kept inputs. One for the process."""

    def __init__(
        self, rows: InputRows, root: Path, settings: ReviewSettings, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._rows = rows
        self._contents = Contents(
            root, noun="kept input", mend="send the input again, or take it away: firstline reviews purge"
        )
        self._settings = settings
        self._clock = clock
        self._swept = clock()

    @property
    def keeps(self) -> bool:
        """Say whether inputs are kept at all: nobody can judge what they cannot see."""
        return self._settings.keep != "none"

    async def keeping(self, given: TaskInput, verdict: Verdict | None, *, audited: bool = False) -> Keeping | None:
        """Prepare to keep the input of a run that ends with this verdict, or is `audited`; None where it is not to be
        kept.

        Raises LedgerError where the disk does not take its files.
        """
        if self._clock() - self._swept >= _SWEEP_S:
            await self.sweep()
        if not (audited and self.keeps) and verdict not in _KEPT[self._settings.keep]:
            return None
        files = {hashlib.sha256(part.data).hexdigest(): part.data for part in given.parts if not isinstance(part, Text)}

        def place() -> None:
            try:
                for sha256, data in files.items():
                    self._contents.put(data, sha256)
            except OSError as error:
                raise LedgerError(f"an input cannot be kept: {error.strerror}", hint="make room in data_dir") from error

        placing = None
        if files:
            await asyncio.to_thread(place)
            placing = Placing(place=place, there=lambda: all(map(self._contents.unchanged, files)))
        return Keeping(given=KeptInput(sha256=given.sha256, parts=tuple(map(_kept, given.parts))), placing=placing)

    async def find(self, sha256: str) -> KeptInput | None:
        """Return what is kept of an input; None where nothing is, or not any more."""
        return await self._rows.get(sha256)

    async def load(self, kept: KeptInput) -> TaskInput:
        """Return an input as a run had it. Raises NotFoundError where the bytes of a file are gone, and
        ContentsDamagedError."""
        return TaskInput(parts=tuple([await self._part(part) for part in kept.parts]))

    async def read(self, file: KeptFile) -> bytes:
        """Return the bytes of a file. Raises NotFoundError where they are gone, and ContentsDamagedError."""
        try:
            return await asyncio.to_thread(self._contents.read, file.sha256)
        except FileNotFoundError:
            raise NotFoundError(f"the bytes of a kept {file.kind} are gone: {file.sha256}", param="id") from None

    def path(self, file: KeptFile) -> Path:
        """Say where the bytes of a file lie."""
        return self._contents.path(file.sha256)

    async def purge(
        self,
        *,
        review_ids: Sequence[str] = (),
        days: float = 0.0,
        task: str | None = None,
        unsettled: bool = False,
    ) -> Purged:
        """Take away inputs and the examples made of them: those of some reviews, whatever their state, or all that are
        as old, of one task where it is named; those of open reviews only where `unsettled` says so."""
        return await self._rows.purge(
            self._contents.remove,
            self._contents.names,
            review_ids=review_ids,
            age_s=days * _DAY_S,
            task=task,
            unsettled=unsettled,
        )

    async def let_go(self, names: Iterable[str]) -> int:
        """Remove those of some bytes that no kept input has any longer; returns how many."""
        return await self._rows.named.let_go(names, self._contents.remove)

    async def sweep(self) -> None:
        """Take away what is older than the settings allow."""
        self._swept = self._clock()
        await self._rows.sweep(self._settings.days * _DAY_S, self._contents.remove)

    async def tidy(self) -> None:
        """Sweep, and take away what runs left behind that broke off."""
        await self.sweep()
        await sweep(self._contents, self._rows.named, self._clock())

    async def _part(self, part: KeptPart) -> InputPart:
        if isinstance(part, KeptText):
            return Text(text=part.text)
        data = await self.read(part)
        if part.kind == "document":
            return Document(data=data)
        return Image(data=data, media_type=part.media_type, width=part.width, height=part.height, detail=part.detail)


def _kept(part: InputPart) -> KeptPart:
    if isinstance(part, Text):
        return KeptText(text=part.text)
    sha256 = hashlib.sha256(part.data).hexdigest()
    if isinstance(part, Document):
        return KeptFile(kind="document", sha256=sha256, bytes=len(part.data), media_type=_PDF)
    return KeptFile(
        kind="image",
        sha256=sha256,
        bytes=len(part.data),
        media_type=part.media_type,
        width=part.width,
        height=part.height,
        detail=part.detail,
    )
