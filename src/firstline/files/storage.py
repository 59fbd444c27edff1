"""How much a caller may keep: files, stored completions and stored responses.

A file is counted in the transaction that keeps it, so that files never pass the limit. An answer is made before it is
known how long it is: whoever asks for one that is kept must have room when they ask, and the answer is kept then, also
where it is the one that passes the limit.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from firstline.gateway.gateway import key_of
from firstline.ledger.storage import over
from firstline.ledger.store import Ledger
from firstline.settings_sections import KeyDefaults
from firstline.types import Caller

BELIEVED_S = 1.0
_KEPT = 10_000


class Storage:
    """What callers keep, and how much they may. `clock` is monotonic seconds."""

    def __init__(self, ledger: Ledger, defaults: KeyDefaults, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._ledger = ledger
        self._most = round(defaults.storage_mb * 1_000_000)
        self._clock = clock
        self._known: dict[str | None, tuple[float, int]] = {}

    def most(self, caller: Caller | None) -> int:
        """Return how many bytes a caller may keep."""
        own = None if caller is None else caller.storage_bytes
        return self._most if own is None else own

    async def kept(self, caller: Caller | None) -> int:
        """Return how many bytes a caller keeps."""
        return await self._ledger.storage.kept(key_of(caller))

    def forget(self, caller: Caller | None) -> None:
        """Believe nothing any longer of what a caller keeps."""
        self._known.pop(key_of(caller), None)

    async def room(self, caller: Caller | None, size: int) -> None:
        """Raise StorageLimitError where a caller has no room for so many bytes.

        What was read of the ledger is believed for a second; only what would be refused is looked at anew, after what
        has expired was let go.
        """
        most, key_id = self.most(caller), key_of(caller)
        until, known = self._known.get(key_id, (0.0, 0))
        if self._clock() < until and known + size <= most:
            self._known[key_id] = (until, known + size)
            return
        kept = await self.kept(caller)
        if kept + size > most:
            await self._ledger.stored.sweep()
            await self._ledger.responses.sweep()
            kept = await self.kept(caller)
        if kept + size > most:
            raise over(kept, size, most)
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[key_id] = (self._clock() + BELIEVED_S, kept + size)
