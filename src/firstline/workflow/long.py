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
from itertools import pairwise

import msgspec

from firstline import patterns
from firstline.errors import ContextLengthError, EngineOutputError
from firstline.types import Json
from firstline.workflow.answer import Draft
from firstline.workflow.task import Task

_BOUNDARIES = (
    patterns.compile(r"\n[^\S\n]*\n\s*"),
    patterns.compile(r"\n\s*"),
    patterns.compile(r"(?<=[.!?…])[\"'”’)\]]*\s+|[。！？]+[」』”]*\s*"),
    patterns.compile(r"\s+"),
)
"""Where a text may be parted, best first: after a paragraph, a line, a sentence, a word."""

_PIECE = patterns.compile(r"[A-Za-z]+|[^\W\d_]+|\d|_+|[^\w\s]|\s{2,}|[\n\t]")
_DENSE = patterns.compile(r"[\u0e00-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af\uf900-\ufaff]")
_CHARACTERS = 16
"""Characters that no text has for each of its tokens on the whole, unless it is blanks."""
_LEAST_PART = 64
"""Tokens of the least part that is worth working on."""
_LONGER = 0.6
"""Tokens of a part for one of the longest answer, where the answer is about as long as the part."""
_ROUNDS = 6

Work = Callable[[str], Awaitable[Draft]]
CountTokens = Callable[[str], Awaitable[int]]


def estimate_tokens(text: str) -> int:
    """Estimate how many tokens a text has, rather too many than too few, without a tokenizer."""
    return sum(map(_piece_tokens, _PIECE.findall(text)))


def estimate_within(text: str, most: int) -> int:
    """Return the estimated tokens of a text, or `most` where it has more, in work bounded by that."""
    return most if is_beyond(text, most) else estimate_tokens(text)


def is_beyond(text: str, limit_tokens: int) -> bool:
    """Say whether a text is estimated to have more tokens than that, in work bounded by the limit."""
    if len(text) > limit_tokens * _CHARACTERS:
        return True
    count = 0
    for piece in _PIECE.finditer(text):
        count += _piece_tokens(piece[0])
        if count > limit_tokens:
            return True
    return False


def split(text: str, *, limit_tokens: int, count: Callable[[str], int] = estimate_tokens) -> list[str]:
    """Part a text so that no part counts more than the limit; the parts joined are the text, character by character.

    Parts end after a paragraph where they can, else after a line, a sentence, a word, and only then inside a word.
    `count` must not count less for the pieces of a text than for the text. Raises ValueError for a limit below 1.
    """
    if limit_tokens < 1:
        raise ValueError("a part must have room for a token")
    return [part for part, _ in _packed(text, limit_tokens, count, 0)] if text else []


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


def _packed(text: str, limit: int, count: Callable[[str], int], level: int) -> list[tuple[str, int]]:
    """Give parts with their counts, filled as far as they go."""
    size = count(text)
    if size <= limit or len(text) == 1:
        return [(text, size)]
    out: list[tuple[list[str], int]] = []
    for piece in _pieces(text, level):
        cost = count(piece)
        if out and out[-1][1] + cost <= limit:
            out[-1][0].append(piece)
            out[-1] = (out[-1][0], out[-1][1] + cost)
        elif cost <= limit:
            out.append(([piece], cost))
        else:
            finer = _packed(piece, limit, count, min(level + 1, len(_BOUNDARIES)))
            out += [([part], size) for part, size in finer]
    return [("".join(pieces), size) for pieces, size in out]


def _pieces(text: str, level: int) -> list[str]:
    """Cut a text after each boundary of a level; beyond the last level in two."""
    if level == len(_BOUNDARIES):
        return [text[: len(text) // 2], text[len(text) // 2 :]]
    ends = [match.end() for match in _BOUNDARIES[level].finditer(text)]
    places = [0, *(end for end in ends if 0 < end < len(text)), len(text)]
    return [text[begin:end] for begin, end in pairwise(places)]


def _piece_tokens(piece: str) -> int:
    first = piece[0]
    if first.isascii():
        return 1 + (len(piece) - 1) // 4 if first.isalpha() else 1
    if not first.isalpha():
        return 2
    dense = len(_DENSE.findall(piece))
    return dense + (len(piece) - dense + 1) // 2


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
