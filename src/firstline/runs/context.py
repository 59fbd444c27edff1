"""What every piece of work in the process stands on: settings, models, the door to them, the ledger, and the clocks."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Sequence

from firstline.catalog.catalog import Catalog
from firstline.gateway.gateway import ModelGateway
from firstline.gateway.ladder import Machine, Rung, rungs
from firstline.ledger.store import Ledger
from firstline.settings import Settings
from firstline.types import Value


def _run_id() -> str:
    return f"run_{secrets.token_hex(12)}"


class RunContext(Value, frozen=True, kw_only=True):
    """One for the process. `machine` says what is on disk and which keys are there now.

    `clock` gives seconds since 1970, `timer` seconds for differences, `new_id` the id of a run.
    """

    settings: Settings
    catalog: Catalog
    machine: Callable[[], Machine]
    door: ModelGateway
    ledger: Ledger
    clock: Callable[[], float] = time.time
    timer: Callable[[], float] = time.perf_counter
    new_id: Callable[[], str] = _run_id

    def rungs(self, names: Sequence[str]) -> tuple[Rung, ...]:
        """Return the rungs that a ladder's names mean on this machine. Raises ModelNotFoundError."""
        return rungs(names, stand_in=self.settings.ladder.stand_in, catalog=self.catalog, machine=self.machine())
