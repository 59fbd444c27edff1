"""Puts the chunks of a remote model's stream together, whatever order and names it has for tool calls.

What goes out is as OpenAI describes it: calls have places from 0 on, each its own id and its name in its first piece,
and a text has no half of a character.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from firstline import strict_json
from firstline.engines.openai_wire import Fragment, Piece, Pieces, chunk, deltas
from firstline.types import Completion, Delta, ToolCall, Usage


class Stream:
    """One streamed answer. `new_id` makes the ids of calls that came without one."""

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._pieces = Pieces()
        self._calls = _Calls(new_id)
        self._text, self._refusal = _Halves(), _Halves()
        self._begun = False
        self._done = False

    @property
    def usage(self) -> Usage | None:
        """What the answer cost, where it says so."""
        return self._pieces.usage

    def take(self, event: bytes) -> Iterable[Delta]:
        """Take an event's data and give what it adds. Raises EngineOutputError, also for an error in the stream."""
        piece, fragments = chunk(event, whole=not self._begun)
        self._begun = self._begun or bool(piece.text or piece.refusal or fragments)
        return self._add(
            msgspec.structs.replace(
                piece,
                text=self._text.joined(piece.text),
                refusal=self._refusal.joined(piece.refusal),
                calls=tuple(self._calls.placed(fragment) for fragment in fragments),
            )
        )

    def end(self) -> Iterable[Delta]:
        """Return what was held back for a second half that never came."""
        return self._add(Piece(text=self._text.rest(), refusal=self._refusal.rest()))

    def mark_done(self) -> None:
        """Hear that the stream says it is whole (`[DONE]`)."""
        self._done = True

    def completion(self) -> Completion:
        """Return the whole answer. Raises EngineOutputError when nothing says that this is its end."""
        if self._pieces.finish_reason is None and self._done:
            self._pieces.finish_reason = "stop"
        return self._pieces.completion()

    def _add(self, piece: Piece) -> Iterable[Delta]:
        self._pieces.add(piece)
        return deltas(piece)


class _Halves:
    """Holds back the first half of a character until the next piece brings the second."""

    def __init__(self) -> None:
        self._held = ""

    def joined(self, text: str) -> str:
        if not text:
            return ""
        text = self._held + text
        self._held = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        return strict_json.whole_characters(text.removesuffix(self._held) if self._held else text)

    def rest(self) -> str:
        held, self._held = self._held, ""
        return strict_json.whole_characters(held)


class _Calls:
    """Gives fragments of tool calls their places.

    Several calls may come under one index or none; a fragment with a new id and a name begins a new call, as does one
    that names a function again once the arguments before it are whole. Servers that send a new id with every fragment
    name the function in the first alone.
    """

    def __init__(self, new_id: Callable[[], str]) -> None:
        self._new_id = new_id
        self._made: list[ToolCall] = []
        self._ids: set[str] = set()
        self._places: dict[int | None, int] = {}
        self._last: int | None = None

    def placed(self, fragment: Fragment) -> tuple[int, ToolCall]:
        """Return a fragment's place, and what of it goes out: id and name with the first alone."""
        index, call = fragment
        place = self._places.get(index) if index is not None else self._last
        if place is None or _begins(self._made[place], call):
            place = len(self._made)
            given = call.id if call.id and call.id not in self._ids else self._new_id()
            self._ids.add(given)
            self._made.append(call)
            out = msgspec.structs.replace(call, id=given)
        else:
            old = self._made[place]
            name = "" if old.name else call.name
            self._made[place] = ToolCall(
                id=old.id or call.id, name=old.name or name, arguments=old.arguments + call.arguments
            )
            out = ToolCall(id="", name=name, arguments=call.arguments)
        self._places[index] = self._last = place
        return place, out


def _begins(old: ToolCall, new: ToolCall) -> bool:
    """Say whether a fragment begins another call than the one that its index led to."""
    if not new.name or not old.name or (new.id and new.id == old.id):
        return False
    opens = new.arguments.lstrip().startswith("{")
    if (new.id and old.id) or new.name != old.name:
        return opens or not old.arguments.strip() or _is_whole(old.arguments)
    return opens and _is_whole(old.arguments)


def _is_whole(arguments: str) -> bool:
    try:
        strict_json.read(arguments)
    except strict_json.NotJSONError:
        return False
    return True
