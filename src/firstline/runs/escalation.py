"""One run's way up its ladder: which rung is asked for what, and what its answer settles."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from firstline.answering.answer import Draft
from firstline.answering.rung import Rungwork
from firstline.catalog.model import Model
from firstline.errors import EngineCrashedError, EngineTimeoutError, FirstlineError, LedgerError
from firstline.gateway.budget import Budget
from firstline.gateway.gateway import MeteredModel, key_of
from firstline.gateway.ladder import Rung
from firstline.gateway.outage import Obstacles
from firstline.runs.active_certificate import ActiveCertificate
from firstline.runs.context import RunContext
from firstline.runs.decision import SURE, Evidence, Judged, RunState, begin, judge, withhold
from firstline.runs.events import Event
from firstline.runs.policy import state_signals
from firstline.types import Attempt, FieldOutcome

OnEvent = Callable[[Event], None]


class TaskEscalation:
    """What a run has asked and what stands so far. `cover` holds the policy that decides with the checks.

    With `measured` the signals of every attempt are kept, and how sure a student is decides nothing: that is what is
    to be learned.
    """

    def __init__(
        self,
        basis: RunContext,
        run_id: str,
        work: Rungwork,
        purse: Budget,
        *,
        tell: OnEvent,
        cover: ActiveCertificate,
        measured: bool = False,
    ) -> None:
        self._basis = basis
        self._run_id = run_id
        self._purse = purse
        self._tell = tell
        self._cover = cover
        self._recorded = measured
        self._measured = measured or cover.policy is not None
        self._confidences: tuple[float | None, ...] = ()
        self._asked = 0
        self._left_out = False
        self._obstacles = Obstacles()
        self.work = work
        self.work.as_recorded = self._measured
        self.standing = begin(work.task.keys)
        self.attempts: list[Attempt] = []
        self.deviations: list[str] = []

    @property
    def answered(self) -> bool:
        """Say whether any rung gave an answer."""
        return any(attempt.skipped is None and attempt.error is None for attempt in self.attempts)

    @property
    def obstacles(self) -> Obstacles:
        """Why rungs gave no answer."""
        return self._obstacles

    async def climb(self, ladder: tuple[Rung, ...]) -> None:
        """Ask rung after rung until every field stands or none is left."""
        for place, rung in enumerate(ladder):
            if not self.standing.open:
                return
            left_out = self._cover.leaves_out(place, len(ladder)) or self._not_worth_it(place, rung)
            if left_out is not None:
                self._obstructed(about_input=True)
                self._skip(rung.model, left_out)
                continue
            await self.ask(rung)

    def withhold(self) -> None:
        """Leave to a person what is settled but the policy that decides promises nothing about."""
        if self._cover.policy is not None:
            self.standing = withhold(self.standing, self._cover.policy)

    async def ask(self, rung: Rung) -> tuple[Draft, Judged] | None:
        """Ask one rung for what is open; a local model that crashed is asked once more. None: it gave no answer."""
        for again in (True, False):
            unfit = self.work.cannot_take(rung.model, self.standing.open)
            missing = rung.skipped or (None if unfit else self._purse.refuse_attempt())
            skipped = unfit or missing
            if skipped is not None:
                if rung.skipped is not None:
                    lacks = (*self._obstacles.missing, f"{rung.model.id}: {rung.skipped}")
                    self._obstructed(missing=lacks)
                elif missing is None:
                    self._obstructed(about_input=True)
                if missing is not None:
                    self.deviations.append(f"{rung.model.id} could not be asked")
                self._skip(rung.model, skipped)
                return None
            if self._is_beyond(rung):
                self.deviations.append(f"{rung.model.id} is not part of what was certified")
            self._tell(Event(kind="asking", model=rung.model.id, fields=_asked(self.standing)))
            account = self._basis.door.account(self._run_id, len(self.attempts), rung.model, self._purse)
            begun = self._basis.timer()
            first = all(attempt.skipped is not None for attempt in self.attempts)
            try:
                async with asyncio.timeout(self._purse.seconds_left):
                    draft = await self.work.draft(account, self.standing.open)
            except (FirstlineError, TimeoutError) as error:
                self._failed(rung.model, account, error, self._ms(begun))
                if not account.worked:
                    self._purse.give_back_attempt()
                if isinstance(error, LedgerError):
                    raise  # no model can be asked whose money cannot be held
                if isinstance(error, EngineCrashedError) and again:
                    continue
                return None
            # Off the event loop: a check of a long text takes a second.
            async with self.work.desk.seat(self._characters(draft), key_of(self._purse.caller)):
                judged = await asyncio.to_thread(self.judge, rung.model, draft, first=first)
            self._made(rung.model, account, draft, judged, self._ms(begun))
            return draft, judged
        return None

    def _characters(self, draft: Draft) -> int:
        """Count the characters that checks look at."""
        said = sum(len(value) for value in draft.values.values() if isinstance(value, str))
        return len(self.work.source.text) + said

    def judge(self, model: Model, draft: Draft, *, first: bool, alone: bool = False) -> Judged:
        """Hold a draft against its source; `alone` as if no other rung had been asked.

        So it is once a rung was left out: what follows has not heard what the certified order would have told it, and
        was measured as if it had heard nobody.
        """
        standing = msgspec.structs.replace(self.standing, heard={}) if alone or self._left_out else self.standing
        policy = self._cover.policy.rung(model.id) if self._cover.policy is not None else None
        by_itself = model.engine == "student" and policy is None and not self._recorded
        evidence = Evidence(
            document=self.work.source.reading,
            readings=self.work.readings,
            confirm=model.engine in ("llama_cpp", "student"),
            parameters=self.work.arguments,
            measured=self.work.measured if self._measured else None,
            deadline=self.work.deadline,
            read=self.work.read,
            least=max(SURE, draft.least) if by_itself else 0.0,
            bars=draft.bars if by_itself else {},
        )
        return judge(self.work.task, standing, draft, model=model.id, first=first, evidence=evidence, policy=policy)

    def begin_again(self) -> None:
        """Open every field again; what the rungs gave so far is kept as heard."""
        self.standing = msgspec.structs.replace(begin(self.work.task.keys), heard=self.standing.heard)

    def outcomes(self) -> dict[str, FieldOutcome]:
        """What became of every field, those that nobody answered too."""
        unasked = FieldOutcome(status="review", reasons=("no model answered",))
        return {key: self.standing.outcomes.get(key, unasked) for key in self.standing.answer}

    def _is_beyond(self, rung: Rung) -> bool:
        """Say whether a rung is none of the first that the certificate is about."""
        cover = self._cover
        return cover.first is not None and cover.policy is not None and cover.policy.rung(rung.model.id) is None

    def _not_worth_it(self, place: int, rung: Rung) -> str | None:
        """Say why a rung is not asked although it could be: it would hardly settle what is open."""
        policy = self._cover.policy
        if policy is None or rung.skipped is not None or place >= len(policy.rungs):
            return None
        state = state_signals(
            self._confidences,
            asked=self._asked,
            open_share=len(self.standing.open) / len(self.standing.answer),
            length=len(self.work.source.text),
        )
        if policy.worth_asking(place, state):
            return None
        self._left_out = True
        return "it is not expected to settle what is open for what it costs"

    def _skip(self, model: Model, why: str) -> None:
        self._tell(Event(kind="skipped", model=model.id, detail=why))
        self.attempts.append(Attempt(model=model.id, passed=False, fields=_asked(self.standing), skipped=why))

    def _obstructed(self, **more: Any) -> None:
        self._obstacles = msgspec.structs.replace(self._obstacles, **more)

    def _failed(self, model: Model, account: MeteredModel, error: BaseException, ms: int) -> None:
        if not isinstance(error, FirstlineError):
            error = EngineTimeoutError("the run's time is used up", hint="raise [budget] seconds")
        words = f"{error.code}: {error.message}"
        self._obstructed(failures=(*self._obstacles.failures, error))
        self.deviations.append(f"{model.id} failed")
        self.attempts.append(
            Attempt(
                model=model.id,
                passed=False,
                fields=_asked(self.standing),
                usage=account.usage,
                cost_nano_usd=account.cost,
                ms=ms,
                error=words,
            )
        )
        self._tell(Event(kind="failed", model=model.id, detail=words))

    def _made(self, model: Model, account: MeteredModel, draft: Draft, judged: Judged, ms: int) -> None:
        notes = draft.notes + (("tokens are an upper estimate: the address gave none",) if account.estimated else ())
        before = self.standing
        self.attempts.append(
            Attempt(
                model=model.id,
                passed=judged.passed,
                answer={key: draft.values.get(key) for key in before.open},
                findings=judged.findings,
                fields=_asked(before),
                confidence=min(judged.confidences.values()) if judged.confidences else None,
                confidences=judged.confidences,
                signals=judged.signals,
                usage=account.usage,
                cost_nano_usd=account.cost,
                ms=ms,
                notes=notes,
            )
        )
        self.standing = judged.standing
        self._asked += 1
        self._confidences = tuple(judged.calibrated.get(key) for key in judged.standing.open)
        values = {key: judged.standing.answer[key] for key in before.open if key not in judged.standing.open}
        self._tell(Event(kind="settled", model=model.id, values=values, keys=tuple(judged.standing.answer)))

    def _ms(self, begun: float) -> int:
        return round((self._basis.timer() - begun) * 1000)


def _asked(standing: RunState) -> tuple[str, ...]:
    """The fields asked for; empty when it is all of them."""
    return standing.open if len(standing.open) < len(standing.answer) else ()
