"""One rung's try at extraction: choose among what is on the page where that can be done, write only the rest.

A model that runs here is asked for one field after the other, each time choosing among the candidates found in the
source (the prompt is read once). A remote model, which would be paid for each question, and one that looks at the
picture itself, write all fields as one JSON object under the schema.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from firstline.answering import prompt
from firstline.answering.answer import Draft, parse_object, value_confidences
from firstline.answering.asker import Asker
from firstline.gateway.estimate import LEAST_OUTPUT
from firstline.reading.fields import Offer
from firstline.schema.field import Field, object_schema
from firstline.tasks.task import Task
from firstline.types import Finding, Image, Json, Message, ModelRequest, Sampling, Value

NONE = "none"


async def write(
    account: Asker,
    task: Task,
    fields: Sequence[Field],
    text: str,
    parameters: Mapping[str, Json],
    pictures: Sequence[Image] = (),
) -> Draft:
    """Have the model write the fields as one JSON object. Raises EngineError."""
    messages = prompt.with_question(
        prompt.about(task, text, pictures=pictures), prompt.object_question(fields, parameters)
    )
    completion = await account.ask(
        ModelRequest(
            messages=messages,
            schema=object_schema(tuple(fields)),
            schema_name=task.name.replace("-", "_"),
            sampling=Sampling(temperature=0.0, max_tokens=task.max_output_tokens),
            least_tokens=LEAST_OUTPUT,
            top_logprobs=1 if account.model.local or (account.model.remote and account.model.remote.logprobs) else 0,
        )
    )
    values, faults = parse_object(completion)
    known = {field.name: _present(values.get(field.name)) for field in fields}
    return Draft(values=known, confidences=value_confidences(completion, known), faults=faults)


async def choose(
    account: Asker,
    task: Task,
    offers: Sequence[Offer],
    text: str,
    parameters: Mapping[str, Json],
    *,
    partial: bool = False,
) -> Draft:
    """Have the model choose each field among its candidates; some are written, some read from the layout.

    `partial` says that the text is a part of a longer one: any field may then stand in another part, so that none
    has to be chosen here, and that a part offers nothing is not worth a note.
    """
    messages = prompt.about(task, text)
    values: dict[str, Json] = {}
    confidences: dict[str, float] = {}
    signals: dict[str, dict[str, float]] = {}
    notes: list[str] = []
    faults: tuple[Finding, ...] = ()
    open_fields: list[Field] = []
    for offer in offers:
        field = offer.field
        if offer.read:
            values[field.name] = offer.reading
        elif not offer.closed:
            open_fields.append(field)
        elif not offer.candidates:
            values[field.name] = None
            if not partial:
                notes.append(f"{field.name}: nothing on the page can be it")
        else:
            absent = partial or field.optional
            choice = await _choice(account, messages, offer, absent=absent)
            values[field.name], confidences[field.name] = choice.value, choice.probability
            signals[field.name] = {
                "lead": math.log(max(choice.probability, 1e-6) / max(choice.next_probability, 1e-6)),
                "candidates": math.log1p(len(offer.candidates)),
                "second_lead": offer.margin,
            }
    if open_fields:
        draft = await write(account, task, open_fields, text, parameters)
        values.update(draft.values)
        confidences.update(draft.confidences)
        faults = draft.faults
    return Draft(values=values, confidences=confidences, signals=signals, notes=tuple(notes), faults=faults)


def _present(value: Json) -> Json:
    """Take a blank text for what it is: no value. A check would find nothing wrong with it."""
    return None if isinstance(value, str) and not value.strip() else value


class _Choice(Value, frozen=True, kw_only=True):
    """A value chosen, its probability among the candidates, and that of the next likely other value."""

    value: Json
    probability: float
    next_probability: float = 0.0


async def _choice(account: Asker, messages: tuple[Message, ...], offer: Offer, *, absent: bool) -> _Choice:
    """Ask for one field, which may be `absent`."""
    field = offer.field
    texts: dict[str, Json] = {}
    for candidate in offer.candidates:
        texts.setdefault(candidate.text.replace('"', "'"), candidate.value)
    absent = absent and field.type != "boolean"
    if absent:
        texts.setdefault(NONE, None)
    question = prompt.field_question(field, may_be_absent=absent)
    if len(texts) == 1:
        return _Choice(value=next(iter(texts.values())), probability=1.0)
    completion = await account.ask(
        ModelRequest(
            messages=prompt.with_question(messages, question),
            choices=tuple(texts),
            prefill=f'{field.name.replace("_", " ")}: "',
            sampling=Sampling(temperature=0.0),
        )
    )
    shares: dict[str, float] = dict(zip(texts, completion.choice_probs or (), strict=False))
    best = completion.text if completion.text in texts else max(shares, key=lambda one: shares[one])
    same = sum(share for text, share in shares.items() if texts[text] == texts[best])
    other = max((share for text, share in shares.items() if texts[text] != texts[best]), default=0.0)
    return _Choice(value=texts[best], probability=float(same), next_probability=other)
