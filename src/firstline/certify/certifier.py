"""From labelled examples to a certificate: examine, record, compute, and put it in force if the promise can be kept."""

from __future__ import annotations

import asyncio
import hashlib
import os
import time
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from pathlib import Path
from typing import Literal, Protocol

import msgspec

from firstline.certify.certificates import Certificate, Certificates, Provenance
from firstline.certify.confirm import approximations, confirmed, serve_live
from firstline.certify.recording import Recorder
from firstline.certify.records import Record, append_records, read_records
from firstline.certify.result import Result
from firstline.certify.statistics.target import CostModel, Target
from firstline.errors import UsageError
from firstline.evaluation.examples import Row, examine
from firstline.evaluation.marks import was_taught
from firstline.evaluation.quote import Quote, afford
from firstline.money import NanoUSD
from firstline.runs.policy import Policy
from firstline.runs.run import Runner
from firstline.tasks.task import Fallback, Task
from firstline.types import Value
from firstline.versions.lock import LockedTask
from firstline.versions.pinning import Pinner


class Certified(Protocol):
    """What the statistics give: the policy to serve by (None: infeasible) and what was measured."""

    @property
    def policy(self) -> Policy | None:
        """The policy."""
        ...

    @property
    def result(self) -> Result:
        """The figures."""
        ...

    @property
    def tested(self) -> tuple[int, ...]:
        """The records it was tested on, by their places."""
        ...


class Statistics(Protocol):
    """Computes certificates. It takes a second to load, so that only who certifies does."""

    def certify_records(
        self, task: Task, records: Sequence[Record], *, target: Target, worth: CostModel, seed: int, benefit: bool
    ) -> Certified:
        """Fit, choose and test. Raises UsageError for a promise that the records have nothing for."""
        ...

    def upper_bound(self, wrong: int, served: int, delta: float) -> float:
        """Return the error that the true one is above with probability at most `delta`."""
        ...


class Plan(Value, frozen=True, kw_only=True):
    """How to certify: what to promise, the `seed` of the split, and what the recording may cost in all.

    `benefit` lets rungs be left out that would hardly settle anything. `enable` puts a certificate in force that can
    be kept; without, it is only reported. With `allow_missing_classes` a class may be without examples.
    """

    target: Target
    seed: int = 0
    benefit: bool = True
    enable: bool = True
    limit: NanoUSD | None = None
    allow_missing_classes: bool = False


class Stage(Value, frozen=True, kw_only=True):
    """How far a certification is: what recording will cost, or how many examples are recorded or served live."""

    step: Literal["quoting", "recording", "confirming"]
    done: int = 0
    of: int
    quotes: tuple[Quote, ...] = ()


class Certification(Value, frozen=True, kw_only=True):
    """What came of it. `certificate` is in force; None where the promise cannot be kept, or was not to be enabled.

    `pin` is the task as it was measured, with the models behind it.
    """

    task: str
    result: Result
    pin: LockedTask
    provenance: Provenance
    policy: Policy | None
    certificate: Certificate | None
    taught: int = 0
    """Examples that were left out because the student had learned from them."""


class _Quoted(Value, frozen=True, kw_only=True):
    """What is `known` of rows, kept at `path`, and what recording the rest would cost."""

    path: Path
    known: Mapping[str, Record]
    quotes: tuple[Quote, ...]


class _Part(Value, frozen=True, kw_only=True):
    """Rows, by their places, that one certifier's runner is asked about."""

    certifier: Certifier
    places: Sequence[int]


class Certifier:
    """Certifies tasks. `load` gives the statistics, `clock` seconds since 1970; `folder` keeps recorded attempts."""

    def __init__(
        self,
        *,
        runner: Runner,
        recorder: Recorder,
        pinner: Pinner,
        certificates: Certificates,
        load: Callable[[], Statistics],
        worth: CostModel,
        folder: Path,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._runner = runner
        self._recorder = recorder
        self._pinner = pinner
        self._certificates = certificates
        self._load = load
        self._worth = worth
        self._folder = folder
        self._clock = clock

    def trying(self, runner: Runner) -> Certifier:
        """Return a certifier of what this runner serves."""
        other = copy(self)
        other._runner, other._recorder = runner, self._recorder.trying(runner)
        return other

    async def certify(
        self,
        task: Task,
        rows: Sequence[Row],
        plan: Plan,
        *,
        name: str,
        records: Path | None = None,
        earlier: Runner | None = None,
        tell: Callable[[Stage], None] = lambda stage: None,
    ) -> Certification:
        """Certify a task on the rows of the file `name`; `records` replaces the file that attempts are kept in.

        What the student was taught is left out: nothing that a promise rests on may have been learned from. With
        `earlier`, rows of the splits fit and choose, which every row names then, are asked by that runner instead: its
        student was not taught them, the one that is certified was. The test stays exact, for nothing of the split
        certify has made the policy or the student.
        `tell` hears how far it is. Raises UsageError for bad examples, BudgetError where the recording would cost more
        than the plan allows, or does, and what recording raises.
        """
        examine(task, rows, name=name, allow_missing_classes=plan.allow_missing_classes)
        ladder = await self._runner.rungs(task)
        usable = [rung for rung in ladder if rung.skipped is None]
        if not usable:
            why = "; ".join(f"{rung.model.id}: {rung.skipped}" for rung in ladder)
            raise UsageError(f"no rung of {task.name} can be asked here ({why})" if why else "the ladder is empty")
        asking = self if earlier is None else self.trying(earlier)
        rows, taught = await self._untaught(task, rows, asking, name=name)
        pin = await self._pinner.pin(task, ladder)
        parts = [_Part(certifier=self, places=range(len(rows)))]
        if earlier is not None:
            last = [at for at, row in enumerate(rows) if row.split == "certify"]
            before = [at for at, row in enumerate(rows) if row.split != "certify"]
            parts = [_Part(certifier=asking, places=before), _Part(certifier=self, places=last)]
        found, spent = await _recorded(task, rows, parts, plan, records=records, tell=tell)
        statistics = await asyncio.to_thread(self._load)
        certified = await asyncio.to_thread(
            statistics.certify_records,
            task,
            found,
            target=plan.target,
            worth=self._worth,
            seed=plan.seed,
            benefit=plan.benefit,
        )
        policy, result = certified.policy, certified.result
        differs = approximations(task, ladder)
        if policy is not None and differs:
            tested = [rows[at] for at in certified.tested]
            live = await serve_live(
                self._runner,
                task,
                tested,
                policy,
                limit=NanoUSD(plan.limit - spent) if plan.limit else None,
                on_progress=lambda done: tell(Stage(step="confirming", done=done, of=len(tested))),
            )
            result = confirmed(result, differs, live, bound=statistics.upper_bound)
            policy = policy if result.feasible else None
        made = Certification(
            task=task.name,
            result=result,
            pin=pin,
            provenance=_provenance(name, rows, plan, drawn=earlier is not None, at=self._clock()),
            policy=policy,
            certificate=None,
            taught=taught,
        )
        if policy is None or not plan.enable:
            return made
        return msgspec.structs.replace(made, certificate=await self.enable(task, made))

    async def _untaught(
        self, task: Task, rows: Sequence[Row], earlier: Certifier, *, name: str
    ) -> tuple[Sequence[Row], int]:
        """Leave out what a student was taught that is asked about it: `earlier`'s but for the split certify. Raises
        UsageError where nothing is left."""
        mine, before = await self._runner.taught(task), await earlier._runner.taught(task)
        kept = [row for row in rows if not was_taught(row, mine if row.split == "certify" else before)]
        if not kept:
            raise UsageError(
                f"the student of {task.name} was taught every example of {name}: nothing can be promised by them",
                hint="certify on others, or `firstline distill` without --no-certify, which holds back what it takes",
            )
        return kept, len(rows) - len(kept)

    async def quoted(self, task: Task, rows: Sequence[Row], records: Path | None) -> _Quoted:
        """Say what is recorded of rows already, where, and what the rest would cost."""
        ladder = await self._runner.rungs(task)
        path = records or self._folder / f"{_behaviour(await self._pinner.pin(task, ladder))}.jsonl"
        known = await asyncio.to_thread(read_records, path)
        return _Quoted(path=path, known=known, quotes=tuple(await self._recorder.quotes(task, rows, known)))

    async def record(
        self,
        task: Task,
        rows: Sequence[Row],
        quoted: _Quoted,
        *,
        limit: NanoUSD | None,
        on_progress: Callable[[int], None],
    ) -> list[Record]:
        """Ask every rung about rows that it was not asked about before."""
        return await self._recorder.record(
            task,
            rows,
            quoted.known,
            keep=lambda record: append_records(quoted.path, [record]),
            limit=limit,
            on_progress=on_progress,
        )

    async def enable(self, task: Task, made: Certification) -> Certificate:
        """Put what was certified in force. Raises UsageError where nothing could be promised."""
        if made.policy is None:
            raise UsageError(f"nothing can be put in force: {made.result.reason}")
        ladder, target = await self._runner.rungs(task), made.result.target
        return await self._certificates.issue(
            task,
            ladder,
            made.policy,
            promise=(target.max_error, target.confidence, target.per),
            measured=msgspec.to_builtins(made.result),
            provenance=made.provenance,
            fallback=_fallback(task, made.result, target, rungs=len(ladder)),
            first=self._runner.first,
        )


async def _recorded(
    task: Task,
    rows: Sequence[Row],
    parts: Sequence[_Part],
    plan: Plan,
    *,
    records: Path | None,
    tell: Callable[[Stage], None],
) -> tuple[list[Record], int]:
    """Record all parts; gives a record for each row, in order, and what was spent. Raises BudgetError."""
    asked = [([rows[at] for at in part.places], part) for part in parts]
    quoted = [await part.certifier.quoted(task, some, records) for some, part in asked]
    quotes = [one for each in quoted for one in each.quotes]
    tell(Stage(step="quoting", of=len(rows), quotes=tuple(quotes)))
    afford(quotes, plan.limit, work="recording", rows="examples")
    found: dict[int, Record] = {}
    spent = 0
    for (some, part), each in zip(asked, quoted, strict=True):

        def shown(done: int, before: int = len(found)) -> None:
            tell(Stage(step="recording", done=before + done, of=len(rows)))

        made = await part.certifier.record(
            task,
            some,
            each,
            limit=NanoUSD(max(plan.limit - spent, 1)) if plan.limit else None,
            on_progress=shown,
        )
        spent += sum(rung.cost_nano_usd for one in made if one.key not in each.known for rung in one.rungs)
        found |= dict(zip(part.places, made, strict=True))
    return [found[at] for at in range(len(rows))], spent


def _provenance(name: str, rows: Sequence[Row], plan: Plan, *, drawn: bool, at: float) -> Provenance:
    return Provenance(
        data=os.fsencode(name).decode(errors="replace"),  # a name of a file may hold bytes that no text has
        seed=plan.seed,
        drawn=drawn or any(row.split is None for row in rows),
        benefit=plan.benefit,
        at=at,
    )


def _behaviour(pin: LockedTask) -> str:
    """Name what the attempts of a task depend on."""
    told = msgspec.json.encode([pin.version, pin.behaviour, pin.ladder, pin.second_reader], order="deterministic")
    return hashlib.sha256(told).hexdigest()[:24]


def _fallback(task: Task, result: Result, target: Target, *, rungs: int) -> Fallback:
    """What serves once a certificate is withdrawn: what the task says, else the top rung where it was good enough."""
    if task.target is not None and task.target.fallback is not None:
        return task.target.fallback
    return "top" if rungs > 1 and result.always_top.error <= target.max_error else "review"
