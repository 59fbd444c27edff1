"""What one rung is given to do: the text or the picture, whole or in parts, and the way its kind of model answers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property

from firstline import patterns
from firstline.answering import extract
from firstline.answering.answer import Draft
from firstline.answering.asker import Asker
from firstline.answering.classify import dissent, name, weigh
from firstline.answering.labels import LabelReader
from firstline.answering.long import worked_in_parts
from firstline.answering.signals import source_signals
from firstline.answering.student import LooksFirst, Student
from firstline.answering.transform import transform
from firstline.catalog.model import Model
from firstline.errors import ContextLengthError, EngineUnavailableError, NotApplicableError
from firstline.reading.deadline import Deadline
from firstline.reading.desk import INLINE_CHARACTERS, Desk
from firstline.reading.document import Document as Reading
from firstline.reading.extent import estimate_tokens
from firstline.reading.fields import Offer, offers
from firstline.reading.source import Source
from firstline.schema.field import Field
from firstline.settings import Settings
from firstline.tasks.task import Task
from firstline.types import Image, Json, Usage, message

_RESERVE = 512
"""Tokens of a window kept for instruction, question and template, beside the answer."""
_CONTEXT_LINES = 1
_PARAMETERS = patterns.compile(r"(\d+(?:\.\d+)?)([MB])")
_SMALL = 2.0


class Rungwork:
    """The work of one run: a task on a source. Raises ContextLengthError for a text beyond the product's limit.

    `as_recorded` asks for a field in the same words whatever else is asked with it, as a certificate has measured it;
    without, what is asked again is asked with less text.
    """

    def __init__(
        self,
        task: Task,
        source: Source,
        arguments: Mapping[str, Json],
        *,
        settings: Settings,
        labels: LabelReader | None = None,
        student: Student | None = None,
        desk: Desk | None = None,
        deadline: Deadline | None = None,
    ) -> None:
        limit = settings.limits.text_tokens
        if len(source.text) > limit and (tokens := estimate_tokens(source.text)) > limit:
            raise ContextLengthError(
                f"the text has about {tokens:,} tokens, the limit is {limit:,}",
                hint="send it in parts",
                param="messages",
            )
        self.desk = desk or Desk()
        self.deadline = deadline or Deadline(settings.limits.reading_s)
        self.read: dict[Callable[[str], object], object] = {}
        self.task = task
        self.source = source
        self.arguments = arguments
        self._settings = settings
        self._labels = labels or LabelReader(task.labels, out_of_scope=task.out_of_scope)
        self._student = student
        self._dissent: Json = None
        self.as_recorded = False
        self._fields = {field.name: field for field in task.fields}
        self.notes: tuple[str, ...] = ()
        if source.read_by == "ocr":
            self.notes = ("the text was read from the picture (OCR)",)

    @cached_property
    def offers(self) -> Mapping[str, Offer]:
        """What the document offers for each field of an extraction."""
        return offers(self.source.reading, tuple(self._fields.values())) if self.task.kind == "extract" else {}

    @cached_property
    def _tokens(self) -> int:
        """About how many tokens the text has."""
        return estimate_tokens(self.source.text)

    async def prepare(self) -> None:
        """Read the document for its fields, off the event loop where that takes longer than a moment.

        Raises ReadingTimeError where it takes longer than `limits.reading_s`.
        """
        is_long = len(self.source.text) > INLINE_CHARACTERS
        if is_long:
            await self.deadline.step(lambda: self._tokens, aside=True)
        if self.task.kind == "extract":
            await self.deadline.step(lambda: self.offers, aside=is_long)

    async def look(self) -> None:
        """Take a first look where the task's student learned one. Raises NotApplicableError for another kind."""
        student = self._student
        if not isinstance(student, LooksFirst):
            return
        is_long = len(self.source.text) > INLINE_CHARACTERS
        if await self.deadline.step(lambda: student.unlike(self.source.reading, self.offers), aside=is_long):
            raise NotApplicableError(
                f"this does not look like what {self.task.name} reads ({self.task.description})",
                hint="send it to another task, or set `ladder.first_look = false` to have everything read",
            )

    @cached_property
    def measured(self) -> Mapping[str, float]:
        """What was measured of the input itself, for a certificate."""
        return source_signals(self.source.reading, read_by=self.source.read_by)

    @property
    def readings(self) -> Mapping[str, Json]:
        """What the second reader found, by field."""
        if self.task.kind == "classify":
            return {} if self._dissent is None else {"label": self._dissent}
        return {key: offer.reading for key, offer in self.offers.items() if offer.reading is not None}

    def cannot_take(self, model: Model, keys: Sequence[str]) -> str | None:
        """Say why a model cannot take this input or change these fields (nothing is paid then); None when it can."""
        if "image" not in self.task.input and self.source.has_pictures:
            return f"the task {self.task.name} takes no pictures"
        if self.deadline.is_over:
            return "the time for reading the input (limits.reading_s) is used up, so no answer could be checked"
        if not self.source.text.strip() and not model.vision:
            return "no text was found in the picture, and the model does not see"
        if keys and self._chooses(model) and _is_small(model) and not any(map(self._asks_small, keys)):
            return "models of its size were measured to settle hardly any of what is open"
        chosen = keys and self._chooses(model) and not self.as_recorded
        if chosen and all(key in self.offers and self.offers[key].read for key in keys):
            return None if len(keys) == len(self._fields) else "what is open is read from the layout, not asked of it"
        window = self._window(model)
        if window is not None and not self._splits and self._tokens > 2 * window:
            return f"the text does not fit into the model's context of {window:,} tokens"
        return None

    def _asks_small(self, key: str) -> bool:
        """Say whether a small model is asked for a field: without a student always."""
        offer = self.offers.get(key)
        return self._student is None or offer is None or (offer.field.small_models and not offer.read)

    async def draft(self, account: Asker, keys: Sequence[str]) -> Draft:
        """Have the account's model answer for these fields. Raises EngineError, BudgetError or InputError."""
        if account.model.engine == "student":
            return await self._by_student(account)
        pictures = await self.source.pictures() if account.model.vision and self.source.has_pictures else ()
        text = self.source.own_text if pictures else self._text_for(account.model, keys)

        async def work(part: str) -> Draft:
            return await self._once(account, keys, part, pictures, partial=True)

        window = self._window(account.model)
        reserve = self._reserve(window or 0)
        if window is None or len(text) <= window - reserve:
            return await self._once(account, keys, text, pictures)

        async def count(part: str) -> int:
            return await account.count_tokens((message("user", part),))

        if await count(text) <= window - reserve:
            return await self._once(account, keys, text, pictures)
        if not self._splits:
            raise ContextLengthError(f"the text does not fit into the model's context of {window:,} tokens")
        return await worked_in_parts(
            text, window=window, reserve=reserve, count_tokens=count, work=work, task=self.task
        )

    async def _by_student(self, account: Asker) -> Draft:
        """Have the task's student answer: for the whole input, and for nothing."""
        student = self._student
        if student is None:
            raise EngineUnavailableError(f"{account.model.id} is not in charge of {self.task.name} any more")

        async def work() -> tuple[Draft, Usage]:
            with self.deadline.running(aside=True):
                return await student.answer(self.source.reading, self.offers), Usage()

        draft = await account.spend(Usage(), work)
        if any(check.name == "agreement" for check in self.task.checks):
            view = await self._labels.view(self.source.text) if self.task.kind == "classify" else None
            self._dissent = None if view is None else view.label
        return draft

    async def _once(
        self, account: Asker, keys: Sequence[str], text: str, pictures: Sequence[Image], *, partial: bool = False
    ) -> Draft:
        """Have the model answer about a text that it holds; `partial` when that is a part of the source."""
        if self.task.kind == "classify":
            if account.model.engine != "llama_cpp":
                return await name(account, self.task, text, self.arguments)
            draft, reading = await weigh(account, self.task, text, self.arguments, self._labels)
            self._dissent = dissent(reading)
            return draft
        if self.task.kind == "transform":
            return await transform(account, self.task, text, self.arguments, pictures)
        fields = [self._fields[key] for key in keys]
        if not self._chooses(account.model):
            return await extract.write(account, self.task, fields, text, self.arguments, pictures)
        # A part is asked for what stands in it: a candidate of another part is nothing that it shows.
        found = await self._offers_of(text, fields) if partial else self.offers
        asked = [found[key] for key in keys]
        return await extract.choose(account, self.task, asked, text, self.arguments, partial=partial)

    async def _offers_of(self, part: str, fields: Sequence[Field]) -> Mapping[str, Offer]:
        """Return what a part of the source offers for fields."""

        def read() -> Mapping[str, Offer]:
            return offers(Reading.of_text(part), fields, whole=self.source.reading)

        return await self.deadline.step(read, aside=len(part) > INLINE_CHARACTERS)

    def _chooses(self, model: Model) -> bool:
        """Say whether a model is asked field by field: one that runs here and works on the text."""
        return (
            self.task.kind == "extract"
            and model.engine == "llama_cpp"
            and not (model.vision and self.source.has_pictures)
        )

    def _reserve(self, window: int) -> int:
        """Tokens of a window that are not the text's: instruction, question, labels and the answer."""
        if self.task.kind == "classify":
            return 128 + estimate_tokens("".join(f"{label.name} {label.description}" for label in self.task.labels))
        return min(_RESERVE + self.task.max_output_tokens, window // 2)

    @property
    def _splits(self) -> bool:
        return self.task.split and self.task.kind != "classify"

    def _window(self, model: Model) -> int | None:
        if model.engine == "llama_cpp":
            return min(self._settings.llama.context, model.context or self._settings.llama.context)
        return model.context

    def _text_for(self, model: Model, keys: Sequence[str]) -> str:
        """The text a model reads: all of it, or the lines around the candidates when closed fields are asked again."""
        asked = [self.offers[key] for key in keys if key in self.offers]
        again = len(keys) < len(self._fields) and not self.as_recorded
        if not again or not self._chooses(model) or not all(offer.closed or offer.read for offer in asked):
            return self.source.text
        lines = self.source.reading.texts
        near = {
            number
            for offer in asked
            for candidate in offer.candidates
            for number in range(candidate.line - _CONTEXT_LINES, candidate.line + _CONTEXT_LINES + 1)
        }
        kept = [text for number, text in enumerate(lines) if number in near]
        return "\n".join(kept) if 0 < len(kept) < len(lines) else self.source.text


def _is_small(model: Model) -> bool:
    """Say whether a model is known to have no more parameters than `_SMALL` billion."""
    found = _PARAMETERS.fullmatch(model.parameters or "")
    if found is None:
        return False
    return float(found.group(1)) / {"M": 1_000, "B": 1}[found.group(2)] <= _SMALL
