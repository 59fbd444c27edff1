"""Files that callers upload: their bytes in the data folder under their sha256, once however often they are sent.

A caller's name for a file is kept as text and is never a path. Bytes are written to a part file as they come, and named
when the whole file is there (`runs/contents.py`); what a crash left behind goes when the product starts.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import BinaryIO, Literal, get_args

from firstline import disk
from firstline.errors import ContentsDamagedError, LedgerError, NotFoundError, UsageError, message_about
from firstline.files.storage import Storage
from firstline.gateway.gateway import key_of
from firstline.ledger.contents import Placing
from firstline.ledger.files import FileRows, StoredFile
from firstline.ledger.paging import Order
from firstline.runs.contents import Contents, sweep
from firstline.settings_sections import FileSettings
from firstline.types import Caller

Purpose = Literal["assistants", "batch", "fine-tune", "vision", "user_data", "evals"]
MIN_EXPIRY_S = 3600
MAX_EXPIRY_S = 2_592_000
_BUFFER = 1_000_000


class Upload:
    """A file that is being received; `write` takes its bytes as they come."""

    def __init__(self, path: Path, handle: BinaryIO, most: int) -> None:
        self.path = path
        self.bytes = 0
        self._handle = handle
        self._most = most
        self._digest = hashlib.sha256()
        self._buffer = bytearray()

    async def write(self, data: bytes) -> None:
        """Add bytes. Raises UsageError past the limit and LedgerError where the disk does not take them."""
        self.bytes += len(data)
        if self.bytes > self._most:
            raise UsageError(
                f"the file is larger than {self._most / 1e6:g} MB", hint="raise files.max_mb", param="file"
            )
        self._buffer += data
        if len(self._buffer) >= _BUFFER:
            await self._flush()

    async def finish(self) -> str:
        """Write what is left; gives the sha256 of the whole."""
        await self._flush(last=True)
        return self._digest.hexdigest()

    async def _flush(self, *, last: bool = False) -> None:
        data, self._buffer = bytes(self._buffer), bytearray()
        try:
            await asyncio.to_thread(self._put, data, last)
        except OSError as error:
            raise _unkept(error) from error

    def _put(self, data: bytes, last: bool) -> None:
        self._digest.update(data)
        self._handle.write(data)
        if last:
            disk.sync(self._handle)
            self._handle.close()
        else:
            self._handle.flush()


class Files:
    """The uploaded files. One for the process.

    `storage` says how many bytes a caller may keep in all; `checks`, by purpose, raise UsageError for bytes that are no
    such file.
    """

    def __init__(
        self,
        rows: FileRows,
        root: Path,
        settings: FileSettings,
        *,
        storage: Storage | None = None,
        checks: Mapping[str, Callable[[bytes], object]] | None = None,
        clock: Callable[[], float] = time.time,
        new_id: Callable[[], str] = lambda: f"file-{secrets.token_hex(12)}",
    ) -> None:
        self._rows = rows
        self._contents = Contents(root, noun="file", mend="delete it and upload it again")
        self._settings = settings
        self._storage = storage
        self._checks = checks or {}
        self._clock = clock
        self._new_id = new_id

    @asynccontextmanager
    async def receiving(self) -> AsyncIterator[Upload]:
        """Receive one file; what `keep` was not called for is gone afterwards."""
        path = self._contents.part()
        try:
            handle = await asyncio.to_thread(self._contents.begin, path)
        except OSError as error:
            raise _unkept(error) from error
        try:
            yield Upload(path, handle, int(self._settings.max_mb * 1_000_000))
        finally:
            handle.close()
            path.unlink(missing_ok=True)

    async def keep(
        self, upload: Upload, *, filename: str, purpose: Purpose, expires_s: int | None, caller: Caller | None
    ) -> StoredFile:
        """Keep what was received; `expires_s` seconds long (None: 30 days for a batch, else for good).

        Raises what the check of its purpose raises, and StorageLimitError where
        the caller would keep more than they may.
        """
        sha256 = await upload.finish()
        check = self._checks.get(purpose)
        if check is not None:
            await asyncio.to_thread(lambda: check(upload.path.read_bytes()))
        await self._rows.sweep(self._contents.remove)
        now = self._clock()
        if expires_s is None and purpose == "batch":
            expires_s = int(self._settings.batch_days * 86_400)
        file = StoredFile(
            id=self._new_id(),
            key_id=key_of(caller),
            sha256=sha256,
            bytes=upload.bytes,
            filename=filename,
            purpose=purpose,
            created=now,
            expires=None if expires_s is None else now + expires_s,
        )
        most = None
        if self._storage is not None:
            await self._storage.room(caller, upload.bytes)
            most = self._storage.most(caller)
        placing = self._placing(upload.path, sha256)
        await asyncio.to_thread(placing.place)
        await self._rows.add(file, placing, most=most)
        if self._storage is not None:
            self._storage.forget(caller)
        return file

    async def get(self, file_id: str, caller: Caller | None) -> StoredFile:
        """Return what is known of a file of this caller. Raises NotFoundError."""
        return await self._rows.get(file_id, key_id=key_of(caller))

    async def list(
        self, limit: int, caller: Caller | None, *, purpose: str | None, after: str | None, order: Order
    ) -> tuple[StoredFile, ...]:
        """Give the caller's files by their time. Raises NotFoundError for an `after` that does not exist."""
        return await self._rows.list(limit, key_id=key_of(caller), purpose=purpose, after=after, order=order)

    async def delete(self, file_id: str, caller: Caller | None) -> None:
        """Delete a file of this caller, and its bytes when no other file has the same. Raises NotFoundError."""
        await self._rows.delete(file_id, self._contents.remove, key_id=key_of(caller))

    async def path(self, file_id: str, caller: Caller | None) -> tuple[StoredFile, Path]:
        """Say where the bytes of a file of this caller lie, which were held against their sha256 since they changed.

        Raises NotFoundError and ContentsDamagedError.
        """
        file = await self.get(file_id, caller)
        with _told(file):
            return file, await asyncio.to_thread(self._contents.checked, file.sha256)

    async def read(self, file_id: str, caller: Caller | None, *, most: int) -> bytes:
        """Return the bytes of a file.

        Raises NotFoundError, UsageError where they are more than `most`, and ContentsDamagedError.
        """
        file = await self.get(file_id, caller)
        if file.bytes > most:
            raise UsageError(f"the file {file.id} has {file.bytes / 1e6:.1f} MB, the limit is {most / 1e6:g} MB")
        with _told(file):
            return await asyncio.to_thread(self._contents.read, file.sha256)

    async def tidy(self) -> None:
        """Take away the files whose time is up, and what uploads left behind that broke off."""
        await self._rows.sweep(self._contents.remove)
        await sweep(self._contents, self._rows.named, self._clock())

    def _placing(self, part: Path, sha256: str) -> Placing:
        def place() -> None:
            try:
                self._contents.place(part, sha256)
            except OSError as error:
                raise _unkept(error) from error

        return Placing(place=place, there=lambda: self._contents.unchanged(sha256))


@contextmanager
def _told(file: StoredFile) -> Iterator[None]:
    """Say of which file the bytes are that are gone or damaged."""
    try:
        yield
    except FileNotFoundError:
        raise NotFoundError(f"the bytes of {file.id} are gone", hint="upload it again", param="id") from None
    except ContentsDamagedError as error:
        raise ContentsDamagedError(message_about(file.id, error.message), hint=error.hint, param="id") from None


def _unkept(error: OSError) -> LedgerError:
    return LedgerError(f"the file cannot be kept: {error.strerror}", hint="make room in data_dir")


PURPOSES: tuple[str, ...] = get_args(Purpose)
