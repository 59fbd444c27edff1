"""Text longer than a model's window: split, worked on part by part, merged; never cut.

How parts become one answer again:

- a new text of the same extent (translate, rewrite): the parts' texts in order, the blank space between them
  as it was;
- a shorter text (`merge = "again"`, summarize): the parts' texts are worked on again together, until one remains;
- lists of texts (tags, keywords): what most parts name comes first, and no more than the longest list of a part;
- other lists (the lines of an invoice): one after the other;
- single values: of those found the one held most probable, with a note where parts differ.

A class is a matter of the whole text: a classify task is refused.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

import msgspec

from firstline.answering.answer import Draft
from firstline.errors import ContextLengthError, EngineOutputError
from firstline.reading.extent import estimate_tokens, split
from firstline.tasks.task import Task
from firstline.types import Json

_LEAST_PART = 64
"""Tokens of the least part that is worth working on."""
_LONGER = 0.6
"""Tokens of a part for one of the longest answer, where the answer is about as long as the part."""
_ROUNDS = 6

Work = Callable[[str], Awaitable[Draft]]
CountTokens = Callable[[str], Awaitable[int]]


async def worked_in_parts(
    text: str,
    *,
    window: int,
    reserve: int,
    count_tokens: CountTokens,
    work: Work,
    task: Task,
    again: Work | None = None,
) -> Draft:
    """Work on a text that does not fit into a model's window part by part, one after the other, and merge the answers.

    `window` and `reserve` are tokens: what the model holds, and what of it instruction and answer need. `again` works
    on the parts' texts put together (None: `work` does). The draft's notes say how many parts there were.

    Raises ContextLengthError where no part would fit, or the task needs the whole text, EngineOutputError when the
    parts' texts do not get shorter, and what `work` raises.
    """
    if task.kind == "classify":
        raise ContextLengthError("a class needs the whole text, which does not fit into the model's context")
    limit = _room(task, window - reserve)
    if limit < _LEAST_PART:
        raise ContextLengthError(f"the model's context of {window:,} tokens leaves no room for a part of the text")
    parts = await _parts(text, limit, count_tokens)
    drafts = [(part, await work(part.strip())) for part in parts if part.strip()]
    note = f"the text was worked on in {len(drafts)} parts"
    if task.kind != "transform" or task.fields:
        merged = merge_fields([draft for _, draft in drafts], lists_by_frequency=task.kind == "transform")
    elif task.merge == "again":
        room = window - reserve
        merged = await _reduced([draft for _, draft in drafts], room, count_tokens, again or work)
    else:
        merged = merge_texts(parts, [draft for _, draft in drafts])
    return msgspec.structs.replace(merged, notes=(note, *merged.notes))


def merge_texts(parts: Sequence[str], drafts: Sequence[Draft]) -> Draft:
    """Join the texts made of parts, with the blank space around each part as it was; blank parts have no draft."""
    left = iter(drafts)
    out: list[str] = []
    for part in parts:
        body = part.strip()
        if not body:
            out.append(part)
            continue
        lead = part[: len(part) - len(part.lstrip())]
        trail = part[len(part.rstrip()) :]
        out.append(f"{lead}{_text(next(left))}{trail}")
    return Draft(values={"text": "".join(out)}, notes=_notes(drafts))


def merge_fields(drafts: Sequence[Draft], *, lists_by_frequency: bool) -> Draft:
    """Merge the fields found in parts: lists are put together, of single values the most probable one is kept."""
    values: dict[str, Json] = {}
    confidences: dict[str, float] = {}
    notes: list[str] = []
    for key in dict.fromkeys(key for draft in drafts for key in draft.values):
        found = [draft for draft in drafts if draft.values.get(key) is not None]
        lists = [draft.values[key] for draft in found if isinstance(draft.values[key], list)]
        if lists and len(lists) == len(found):
            values[key] = _united(lists, by_frequency=lists_by_frequency)
            shares = [draft.confidences[key] for draft in found if key in draft.confidences]
        else:
            kept = max(found, key=lambda draft: draft.confidences.get(key, 0.0), default=None)
            values[key] = kept.values[key] if kept else None
            if len({repr(draft.values[key]) for draft in found}) > 1:
                notes.append(f"{key}: parts of the text differ; the most probable value was kept")
            shares = _shares(kept, drafts, key)
        if shares:
            confidences[key] = min(shares)
    faults = tuple(dict.fromkeys(fault for draft in drafts for fault in draft.faults))
    return Draft(values=values, confidences=confidences, notes=(*notes, *_notes(drafts)), faults=faults)


async def _reduced(drafts: Sequence[Draft], room: int, count_tokens: CountTokens, again: Work) -> Draft:
    """Work on the texts of parts together until one remains."""
    notes = _notes(drafts)
    texts = [_text(draft) for draft in drafts]
    for _ in range(_ROUNDS):
        if len(texts) == 1:
            return Draft(values={"text": texts[0]}, notes=notes)
        groups = await _parts("\n\n".join(texts), room, count_tokens)
        if len(groups) >= len(texts):
            break
        texts = [_text(await again(group.strip())) for group in groups]
    raise EngineOutputError("the texts made of the parts do not get shorter, so they cannot become one")


async def _parts(text: str, limit: int, count_tokens: CountTokens) -> list[str]:
    """Part a text by the model's own count: parted by the estimate, scaled to the model, and counted."""
    counted = await count_tokens(text)
    if counted <= limit:
        return [text]

    def first_parts() -> list[str]:
        return split(text, limit_tokens=max(1, round(limit * estimate_tokens(text) / counted * 0.95)))

    done: list[str] = []
    open_parts = (await asyncio.to_thread(first_parts))[::-1]
    while open_parts:
        part = open_parts.pop()
        if await count_tokens(part) <= limit:
            done.append(part)
        elif len(part) == 1:
            raise ContextLengthError("not even one character of the text fits into the model's context")
        else:
            open_parts += _halved(part)[::-1]
    return done


def _halved(part: str) -> list[str]:
    halves = split(part, limit_tokens=max(1, estimate_tokens(part) // 2 + 1))
    return halves if len(halves) > 1 else [part[: len(part) // 2], part[len(part) // 2 :]]


def _room(task: Task, room: int) -> int:
    """The most tokens of a part: where the answer is about as long as it, what the longest answer can hold."""
    if task.kind == "transform" and not task.fields and task.merge == "join":
        return min(room, int(task.max_output_tokens * _LONGER))
    return room


def _united(lists: Iterable[list[Json]], *, by_frequency: bool) -> list[Json]:
    every = [list(one) for one in lists]
    flat = [item for one in every for item in one]
    if not by_frequency or not all(isinstance(item, str) for item in flat):
        return flat
    times = Counter(key for one in every for key in {item.strip().casefold() for item in one})
    first: dict[str, Json] = {}
    for item in flat:
        first.setdefault(item.strip().casefold(), item)
    ranked = sorted(first, key=lambda key: -times[key])
    return [first[key] for key in ranked[: max(map(len, every))]]


def _shares(kept: Draft | None, drafts: Sequence[Draft], key: str) -> list[float]:
    """The probability of a value; of a field that no part has, the least of theirs."""
    asked: Iterable[Mapping[str, float]] = [kept.confidences] if kept else [draft.confidences for draft in drafts]
    return [one[key] for one in asked if key in one]


def _text(draft: Draft) -> str:
    value = draft.values.get("text")
    return value.strip() if isinstance(value, str) else ""


def _notes(drafts: Sequence[Draft]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(note for draft in drafts for note in draft.notes))
