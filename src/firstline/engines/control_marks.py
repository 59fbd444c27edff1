"""What a user wrote stays text: a model's control marks in it (`<|im_end|>`, `</s>`) are broken before they are read.

llama.cpp reads a rendered prompt's control marks wherever they stand, so a text that holds one could end its own turn
and begin another. Which marks there are is asked of the model's own tokenizer. An invisible character behind the first
one of a mark makes ordinary words of it; the same character is taken out of the answer, so that a copy stays exact.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from firstline.engines.llama_link import Link
from firstline.engines.openai_wire import Piece
from firstline.errors import EngineRefusedError
from firstline.types import Delta, Message, Text, TokenProb, Value

_BREAKERS = ("\u200b", "\u2060", "\u2063", "\u2064")
"""Invisible; the first that the texts do not hold is taken, so that nothing of theirs is lost from the answer."""
_OPENERS = ("<", "[", "\uff1c")
"""Every published model's control marks hold one of these; a text without any is not looked into."""
_ROUNDS = 8


class Unbroken(Value, frozen=True, kw_only=True):
    """Messages whose texts hold no control mark; `breaker` is what was put into them, empty where nothing was."""

    messages: tuple[Message, ...]
    breaker: str = ""

    def piece(self, piece: Piece) -> Piece:
        """Take the breaker out of a piece of the answer."""
        if not self.breaker:
            return piece
        text, logprobs = piece.text.replace(self.breaker, ""), self._probs(piece.logprobs)
        return msgspec.structs.replace(piece, text=text, logprobs=logprobs)

    def delta(self, delta: Delta) -> Delta:
        """Take the breaker out of a piece of an answer that may call tools."""
        if not self.breaker:
            return delta
        calls = tuple(
            (place, msgspec.structs.replace(call, arguments=call.arguments.replace(self.breaker, "")))
            for place, call in delta.calls
        )
        text, logprobs = delta.text.replace(self.breaker, ""), self._probs(delta.logprobs)
        return msgspec.structs.replace(delta, text=text, calls=calls, logprobs=logprobs)

    def _probs(self, probs: Iterable[TokenProb]) -> tuple[TokenProb, ...]:
        return tuple(msgspec.structs.replace(one, token=one.token.replace(self.breaker, "")) for one in probs)


async def without_marks(link: Link, messages: tuple[Message, ...]) -> Unbroken:
    """Break the control marks in the texts of messages. Raises EngineRefusedError where they cannot be broken."""
    texts = {part.text for message in messages for part in message.parts if isinstance(part, Text)}
    suspect = sorted(text for text in texts if any(opener in text for opener in _OPENERS))
    if not suspect:
        return Unbroken(messages=messages)
    whole = "".join(texts)
    breaker = next((one for one in _BREAKERS if one not in whole), "")
    mended = {text: await _mended(link, text, breaker) for text in suspect}
    if all(text == new for text, new in mended.items()):
        return Unbroken(messages=messages)
    return Unbroken(messages=tuple(_with(message, mended) for message in messages), breaker=breaker)


async def _mended(link: Link, text: str, breaker: str) -> str:
    for _ in range(_ROUNDS):
        if not await link.has_marks(text):
            return text
        if not breaker:
            break
        pieces = dict.fromkeys(piece for piece in await link.pieces(text) if len(piece) > 1 and piece in text)
        marks = [piece for piece in pieces if await link.has_marks(piece)]
        for mark in sorted(marks, key=len, reverse=True):
            text = text.replace(mark, mark[0] + breaker + mark[1:])
        if not marks:
            break
    raise EngineRefusedError("the text holds control marks of the model that cannot be made words", param="messages")


def _with(message: Message, mended: dict[str, str]) -> Message:
    parts = tuple(
        Text(text=mended.get(part.text, part.text)) if isinstance(part, Text) else part for part in message.parts
    )
    return msgspec.structs.replace(message, parts=parts)
