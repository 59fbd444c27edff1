"""Has a larger model draft a task, and gives its mistakes back to it, at most twice.

A design is a run in the ledger, passed through: its answer is the best draft, and its money counts. What a draft
becomes is decided by `fit.py`, without a model.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import msgspec

from firstline.answering.structured import Structured, ask_structured
from firstline.catalog.model import Model
from firstline.catalog.price import price
from firstline.design.draft import Designed
from firstline.design.fit import Made, made
from firstline.design.material import Material, spread
from firstline.design.prompt import MOST_TEXT, example_lines, mending, opening
from firstline.errors import (
    BudgetError,
    EngineOutputError,
    EngineTimeoutError,
    EngineUnavailableError,
    FirstlineError,
    InputError,
    message_about,
)
from firstline.evaluation.quote import Quote
from firstline.gateway.budget import Budget
from firstline.gateway.estimate import demand, most
from firstline.gateway.gateway import MeteredModel
from firstline.money import NanoUSD, show
from firstline.runs.context import RunContext
from firstline.runs.run import Runner
from firstline.schema.schema import compile_schema
from firstline.tokens import O200k
from firstline.types import Attempt, Finding, Json, ModelRequest, Run, Text, Usage, Value

TASK = "task-design"
MENDS = 2
_READ = 200
"""Examples whose text is read to hold checks against; pictures only where they are shown."""
_LONGEST, _LONGEST_HERE = 12_000, 3_000
"""Tokens of a draft: of a model elsewhere (its reasoning counts), and of one that runs here."""
_MOST_TEXT_HERE = 4_000
_LIKELY_TOKENS = 1_500
"""Of a draft, for its likely price."""


class Wish(Value, frozen=True, kw_only=True):
    """What is to be designed: `request` in words, the examples, the task's name, and what the draft may cost at most
    (None: no limit)."""

    request: str
    found: Material
    name: str
    limit: NanoUSD | None


class Step(Value, frozen=True, kw_only=True):
    """Where a design stands: what a draft costs, or that a model is asked, again because of `mistakes`."""

    model: str
    quote: Quote | None = None
    mistakes: tuple[str, ...] = ()


class Design(Value, frozen=True, kw_only=True):
    """What came of it. `made` is the best draft, `mended` what was wrong with those before it; `run` is in the ledger.

    `notes` say what else there is to know. A draft with mistakes is no task.
    """

    model: str
    run: str
    made: Made
    mended: tuple[str, ...] = ()
    drafts: int = 1
    cost_nano_usd: NanoUSD
    notes: tuple[str, ...] = ()


class Designer:
    """Designs tasks. One for the process."""

    def __init__(self, basis: RunContext, runner: Runner, tokens: O200k) -> None:
        self._basis = basis
        self._runner = runner
        self._tokens = tokens

    def model(self, named: str = "") -> Model:
        """Return the model that drafts: the one named, that of the settings, or the largest of the default ladder that
        does not run here. Raises EngineUnavailableError that says what is missing, ModelNotFoundError."""
        name = named or self._basis.settings.tasks.designer
        rungs = self._basis.rungs((name,) if name else self._basis.settings.ladder.default)
        able = [rung for rung in rungs if name or not rung.model.local]
        usable = [rung.model for rung in able if rung.skipped is None]
        if usable:
            return usable[-1]
        why = "; ".join(f"{rung.model.id}: {rung.skipped}" for rung in able)
        keys = sorted({rung.model.remote.api_key_env for rung in able if rung.model.remote} - {""})
        set_key = f"set {' or '.join(keys)}, or name" if keys else "name"
        missing = why or "the default ladder has only models that run here"
        raise EngineUnavailableError(
            f"{name} cannot design a task: {why}" if name else f"there is no larger model to design a task: {missing}",
            hint=f"{set_key} a model with --model ID or in firstline.toml as [tasks] designer; a small local one is "
            "taken only where it is named",
            param="model",
        )

    async def design(self, wish: Wish, model: Model, tell: Callable[[Step], None]) -> Design:
        """Have a model draft the task.

        Raises BudgetError where not even one draft is sure to stay within the limit (nothing is asked then), InputError
        with the line of an example that cannot be read, and EngineError where the model fails before its first draft.
        """
        texts = await self._read(wish.found)
        asked = self._request(wish, model, texts)
        quoted = await self._quote(model, asked)
        tell(Step(model=model.id, quote=quoted))
        least = price(model, demand(asked, model).least, at=datetime.fromtimestamp(self._basis.clock(), UTC))
        if wish.limit is not None and least is not None and least > wish.limit:
            # An answer shorter than this is no draft; longer ones are held to what the budget can bear.
            raise BudgetError(
                f"a draft by {model.id} may cost {show(least)}, the budget is {show(wish.limit)}; nothing was asked",
                hint="--budget allows more",
            )
        run_id, created = self._basis.new_id(), self._basis.clock()
        version = f"{TASK}@{_digest(asked.schema)[:12]}"
        await self._basis.ledger.begin_run(run_id, TASK, version, _digest(asked.messages), created)
        purse = Budget(limit=wish.limit, attempts=1, seconds=self._basis.settings.budget.seconds)
        account = self._basis.door.account(run_id, 0, model, purse)
        drafting = _Drafting(wish, account, purse, texts, notes=self._notes(wish, model))
        begun = self._basis.timer()
        try:
            await drafting.draft(asked, tell)
        except asyncio.CancelledError:
            await self._basis.ledger.drop_run(run_id, "the design was stopped")
            raise
        except FirstlineError as error:
            await self._basis.ledger.drop_run(run_id, f"{error.code}: {error.message}", code=error.code)
            raise
        ms = round((self._basis.timer() - begun) * 1000)
        await self._basis.ledger.finish_run(drafting.run(run_id, version, created=created, ms=ms))
        return Design(
            model=model.id,
            run=run_id,
            made=drafting.best,
            mended=tuple(drafting.mended),
            drafts=drafting.drafts,
            cost_nano_usd=account.cost,
            notes=tuple(drafting.notes),
        )

    def _request(self, wish: Wish, model: Model, texts: dict[int, str]) -> ModelRequest:
        shown = [(texts[row.line], row.expected, row.parameters) for row in wish.found.shown if row.line in texts]
        lines = example_lines(shown, most=_MOST_TEXT_HERE if model.local else MOST_TEXT)
        longest = _LONGEST_HERE if model.local else _LONGEST
        longest = min(longest, model.max_output or longest)
        return opening(wish.request, wish.found, lines, longest=longest, least=min(longest, _LONGEST_HERE))

    async def _read(self, found: Material) -> dict[int, str]:
        """Read the texts of examples, by line: of all that are text (a sample of many), and of pictures the shown."""
        plain = [row for row in found.rows if all(isinstance(part, Text) for part in row.given.parts)]
        texts: dict[int, str] = {}
        for row in [*found.shown, *spread(plain, _READ)]:
            if row.line not in texts:
                try:
                    texts[row.line] = (await self._runner.read(row.given)).text
                except InputError as error:
                    raise InputError(
                        message_about(f"{found.name}:{row.line}", error.message), hint=error.hint
                    ) from None
        return texts

    async def _quote(self, model: Model, asked: ModelRequest) -> Quote:
        at = datetime.fromtimestamp(self._basis.clock(), UTC)
        schema = msgspec.json.encode(asked.schema).decode()
        characters = len(schema) + sum(len(message.text) for message in asked.messages)
        prompt = await self._tokens.run(
            characters, lambda: self._tokens.count_messages(asked.messages) + self._tokens.count_text(schema)
        )
        likely = Usage(prompt_tokens=prompt, completion_tokens=_LIKELY_TOKENS)
        return Quote(
            model=model.id,
            calls=1,
            about_nano_usd=price(model, likely, at=at),
            at_most_nano_usd=price(model, most(asked, model), at=at),
        )

    def _notes(self, wish: Wish, model: Model) -> tuple[str, ...]:
        day = datetime.fromtimestamp(self._basis.clock(), UTC).date().isoformat()
        return (
            f"Drafted by {model.id} on {day}, from {len(wish.found.rows)} examples of {wish.found.name}, for:",
            wish.request,
        )


class _Drafting:
    """One design on its way: drafts until one has nothing against it, or enough were asked for."""

    def __init__(
        self, wish: Wish, account: MeteredModel, purse: Budget, texts: dict[int, str], *, notes: tuple[str, ...]
    ) -> None:
        self._wish = wish
        self._account = account
        self._purse = purse
        self._texts = texts
        self._comments = notes
        self.best = Made()
        self.document: Json = None
        self.drafts = 0
        self.mended: list[str] = []
        self.notes: list[str] = []

    async def draft(self, asked: ModelRequest, tell: Callable[[Step], None]) -> None:
        """Ask until a draft is right, at most `MENDS` times again. Raises EngineError and BudgetError."""
        validator = compile_schema(asked.schema)
        wrong: tuple[str, ...] = ()
        while True:
            tell(Step(model=self._account.model.id, mistakes=wrong))
            try:
                async with asyncio.timeout(self._purse.seconds_left):
                    answer = await ask_structured(self._account.ask, asked, validator, retries=0)
                if answer.completion.refusal:
                    raise EngineOutputError(f"{self._account.model.id} refuses: {answer.completion.refusal[:200]}")
            except (FirstlineError, TimeoutError) as error:
                self._ended(error)
                return
            self.mended.extend(wrong)
            new = await asyncio.to_thread(self._made, answer)
            self.drafts += 1
            wrong = new.mistakes or new.doubts
            if self.drafts == 1 or _rank(new) <= _rank(self.best):
                self.best, self.document = new, answer.document
            if not wrong or self.drafts > MENDS:
                break
            asked = mending(asked, answer.completion.text, wrong)

    def run(self, run_id: str, version: str, *, created: float, ms: int) -> Run:
        """The run that the ledger keeps."""
        wrong = self.best.mistakes
        attempt = Attempt(
            model=self._account.model.id,
            passed=False,
            answer=self.document,
            findings=tuple(Finding(check="design", reason=reason) for reason in wrong),
            usage=self._account.usage,
            cost_nano_usd=self._account.cost,
            ms=ms,
        )
        return Run(
            id=run_id,
            task=TASK,
            version=version,
            verdict=None,
            answer=self.document,
            attempts=(attempt,),
            reason=f"a draft of the task {self._wish.name}" + (", which cannot be used" if wrong else ""),
            cost_nano_usd=self._account.cost,
            ms=ms,
            created=created,
        )

    def _made(self, answer: Structured) -> Made:
        if answer.findings:
            return Made(mistakes=tuple(finding.reason for finding in answer.findings[:8]))
        draft = msgspec.convert(answer.document, Designed).task
        wish = self._wish
        return made(draft, wish.found, self._texts, name=wish.name, request=wish.request, notes=self._comments)

    def _ended(self, error: FirstlineError | TimeoutError) -> None:
        """End with the draft that there is; without one raise the error."""
        if isinstance(error, TimeoutError):
            error = EngineTimeoutError(
                f"{self._account.model.id} took longer than the time of a run ([budget] seconds)"
            )
        if self.drafts == 0:
            raise error
        self.notes.append(f"the draft was not asked for again: {error.message}")


def _rank(one: Made) -> tuple[bool, bool, int]:
    """How far a draft is from right: one that is no task before one that is doubted."""
    return one.task is None, bool(one.mistakes), len(one.mistakes) + len(one.doubts)


def _digest(value: Json | Sequence[Value]) -> str:
    return hashlib.sha256(msgspec.json.encode(value)).hexdigest()
