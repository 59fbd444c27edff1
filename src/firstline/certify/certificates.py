"""The certificates of tasks: issued, looked up for every run, void when the task moved, withdrawn by audits."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping

import msgspec

from firstline.gateway.ladder import Rung
from firstline.ledger.certificates import CertificateRow, CertificateState
from firstline.ledger.certificates import CertificateRows as Kept
from firstline.runs.active_certificate import NOTHING, ActiveCertificate
from firstline.runs.policy import Policy
from firstline.tasks.task import Fallback, Per, Task
from firstline.types import Json, Value
from firstline.versions.lock import LockedTask, changes, without_students
from firstline.versions.pinning import Pinner

REFRESH_S = 1.0
"""How long what is known of a task's certificate is used: another process may have withdrawn it."""


class Provenance(Value, frozen=True, kw_only=True):
    """Where figures are from, so that they can be had again: the file of examples, the seed, and how it was gone about.

    `drawn`: the split was drawn by the seed; else the examples name their parts. `benefit`: rungs might be left out.
    `at` is when it was measured, in seconds since 1970.
    """

    data: str
    seed: int
    drawn: bool
    benefit: bool
    at: float


class Certificate(Value, frozen=True, kw_only=True):
    """The measured promise of one task version: of the answers served, at most `max_error` is wrong.

    `pin` is what it is bound to, `policy` how answers are served under it, `measured` the figures it rests on
    (`result.py`, as JSON) and `provenance` where they are from (None: nobody told). `fallback` takes over when it is
    withdrawn. It may be of the `first` rungs alone: what a later one answers is uncertified then. Times are
    seconds since 1970.
    """

    id: str
    task: str
    max_error: float
    confidence: float
    per: Per
    pin: LockedTask
    policy: Policy
    measured: Mapping[str, Json]
    fallback: Fallback
    created: float
    state: CertificateState = "active"
    reason: str = ""
    ended: float | None = None
    provenance: Provenance | None = None
    first: int | None = None

    @property
    def version(self) -> str:
        """The version of the task that it was measured with."""
        return self.pin.version


class _Known(Value, frozen=True, kw_only=True):
    """What covered a task of this version with this ladder at a time."""

    at: float
    version: str
    ladder: tuple[Rung, ...]
    cover: ActiveCertificate


class Certificates:
    """The certificates of the process's ledger. `clock` gives seconds since 1970, `timer` seconds for differences."""

    def __init__(
        self,
        kept: Kept,
        pinner: Pinner,
        *,
        clock: Callable[[], float] = time.time,
        timer: Callable[[], float] = time.monotonic,
        new_id: Callable[[], str] = lambda: f"c_{secrets.token_hex(8)}",
    ) -> None:
        self._kept = kept
        self._pinner = pinner
        self._clock = clock
        self._timer = timer
        self._new_id = new_id
        self._known: dict[str, _Known] = {}
        self._looking = asyncio.Lock()

    async def cover(self, task: Task, ladder: tuple[Rung, ...]) -> ActiveCertificate:
        """Find what covers a run of a task whose ladder means these rungs."""
        known = self._fresh(task, ladder)
        if known is not None:
            return known
        async with self._looking:
            known = self._fresh(task, ladder)
            if known is None:
                known = await self._cover(task, ladder)
                self._known[task.name] = _Known(at=self._timer(), version=task.version, ladder=ladder, cover=known)
        return known

    async def issue(
        self,
        task: Task,
        ladder: tuple[Rung, ...],
        policy: Policy,
        *,
        promise: tuple[float, float, Per],
        measured: Mapping[str, Json],
        fallback: Fallback,
        provenance: Provenance | None = None,
        first: int | None = None,
    ) -> Certificate:
        """Put a certificate in force for the task as it is now; `promise` is its largest error, confidence and unit.

        With `first` it is of so many rungs, and `ladder` holds no more.
        """
        max_error, confidence, per = promise
        certificate = Certificate(
            id=self._new_id(),
            task=task.name,
            max_error=max_error,
            confidence=confidence,
            per=per,
            pin=await self._pinner.pin(task, ladder),
            policy=policy,
            measured=measured,
            provenance=provenance,
            fallback=fallback,
            first=first,
            created=self._clock(),
        )
        await self._kept.issue(_row(certificate))
        self._known.pop(task.name, None)
        return certificate

    async def withdraw(self, certificate_id: str, reason: str) -> bool:
        """Take a certificate back: its fallback takes over at once. Gives whether it was in force until now.

        Raises NotFoundError.
        """
        done = await self._kept.withdraw(certificate_id, reason)
        self._known.clear()
        return done

    def forget(self) -> None:
        """Believe nothing of what is known: a certificate was withdrawn by its audits."""
        self._known.clear()

    async def drop(self, certificate_id: str) -> None:
        """End a certificate without a fallback: its task is uncertified from now on. Raises NotFoundError."""
        await self._kept.drop(certificate_id)
        self._known.clear()

    async def get(self, certificate_id: str) -> Certificate:
        """Return one. Raises NotFoundError."""
        return read_certificate(await self._kept.get(certificate_id))

    async def of(self, task: str) -> Certificate | None:
        """Return the task's certificate that is in force or was withdrawn; None where there is none."""
        found = await self._kept.in_force(task)
        return None if found is None else read_certificate(found)

    async def latest(
        self, *, task: str | None = None, scopes: tuple[str, ...] = (), limit: int = 100
    ) -> list[Certificate]:
        """Return the latest, newest first, of one task where it is named, and of those that these scopes cover."""
        return [read_certificate(row) for row in await self._kept.latest(task=task, scopes=scopes, limit=limit)]

    async def moved(self, certificate: Certificate, task: Task, ladder: tuple[Rung, ...]) -> list[str]:
        """Say in words what of the task is not as it was certified; empty: nothing moved.

        A student that was rolled back with a certificate that was withdrawn moves nothing: the fallback stands.
        """
        was, now = certificate.pin, await self._pinner.pin(task, ladder[: certificate.first])
        if certificate.state == "withdrawn":
            was, now = without_students(was), without_students(now)
            if certificate.first is not None:
                now = msgspec.structs.replace(now, ladder=was.ladder)  # what stands first now was not part of it
        return changes(was, now)

    def _fresh(self, task: Task, ladder: tuple[Rung, ...]) -> ActiveCertificate | None:
        found = self._known.get(task.name)
        if found is None or self._timer() - found.at > REFRESH_S:
            return None
        return found.cover if (found.version, found.ladder) == (task.version, ladder) else None

    async def _cover(self, task: Task, ladder: tuple[Rung, ...]) -> ActiveCertificate:
        certificate = await self.of(task.name)
        if certificate is None:
            return NOTHING
        moved = await self.moved(certificate, task, ladder)
        if moved:
            return ActiveCertificate(note=f"the certificate {certificate.id} is void, {'; '.join(moved)}")
        if certificate.state == "withdrawn":
            note = f"the certificate {certificate.id} was withdrawn: {certificate.reason}"
            return ActiveCertificate(fallback=certificate.fallback, note=note)
        return ActiveCertificate(certificate=certificate.id, policy=certificate.policy, first=certificate.first)


def _row(certificate: Certificate) -> CertificateRow:
    return CertificateRow(
        id=certificate.id,
        task=certificate.task,
        version=certificate.version,
        document=msgspec.to_builtins(certificate),
        created=certificate.created,
    )


def read_certificate(row: CertificateRow) -> Certificate:
    """Read a certificate as the ledger keeps it."""
    certificate = msgspec.convert(row.document, Certificate)
    return msgspec.structs.replace(certificate, state=row.state, reason=row.reason, ended=row.ended)
