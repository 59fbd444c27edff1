"""Renders a streamed reply as the events of OpenAI's responses, numbered in order.

A stream begins with its first piece, so that what goes wrong before is a plain error with its own status; what goes
wrong later is an `error` event and `response.failed`. Where an answer did not pass after a part of it had gone out, a
refusal takes the place of that part: its text is never called done, and the final message holds the refusal alone.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing

import msgspec

from firstline.api.chat.render import custom_input
from firstline.api.responses.conversation import named
from firstline.api.responses.render import (
    Head,
    begun,
    call_item,
    ended,
    failed,
    item_status,
    message_item,
    refusal_part,
    shown_logprobs,
    text_part,
)
from firstline.chat.conversation import Piece
from firstline.chat.task_reply import Rejected
from firstline.errors import FirstlineError
from firstline.types import FinishReason, Json, ToolCall, Usage
from firstline.views.run import wire_object

Event = dict[str, Json]


class _Message:
    """The message that is being written: its text, or the refusal in its stead."""

    def __init__(self, id: str, index: int) -> None:
        self.place: Event = {"item_id": id, "output_index": index, "content_index": 0}
        self.id = id
        self.kind = ""
        self.words = ""
        self.logprobs: list[Json] = []

    @property
    def part(self) -> Event:
        return refusal_part(self.words) if self.kind == "refusal" else text_part(self.words, self.logprobs)


class _Call:
    """The call that is being written."""

    def __init__(self, id: str, index: int, call: ToolCall) -> None:
        self.id = id
        self.call = call
        self.place: Event = {"item_id": id, "output_index": index}


class Events:
    """Makes the events of one stream."""

    def __init__(self, head: Head) -> None:
        self.begun = False
        self._head = head
        self._number = 0
        self._output: list[Event] = []
        self._message: _Message | None = None
        self._call: _Call | None = None
        self._reason: FinishReason = "stop"

    async def of(self, pieces: AsyncGenerator[Piece], clock: Callable[[], float]) -> AsyncGenerator[Event]:
        """Yield the events of a stream; the last but for an error holds the whole response.

        Raises what the pieces raise before the first of them.
        """
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    for event in self.piece(piece, clock):
                        yield event
        except (FirstlineError, Rejected) as caught:
            if not self.begun:
                raise
            for event in self.fail(caught.error if isinstance(caught, Rejected) else caught):
                yield event

    def piece(self, piece: Piece, clock: Callable[[], float]) -> Iterator[Event]:
        """Take a piece and give the events that it makes."""
        if not self.begun:
            self.begun = True
            yield self._event("response.created", response=begun(self._head))
            yield self._event("response.in_progress", response=begun(self._head))
        if piece.text or piece.logprobs:
            yield from self._text(piece)
        if piece.refusal:
            yield from self._refusal(piece.refusal)
        for _, call in piece.calls:
            yield from self._fragment(call)
        if piece.finish_reason is not None:
            self._reason = piece.finish_reason
            if not self._output and self._message is None and self._call is None:
                yield from self._open_part("output_text")
            yield from self._close()
        if piece.run is not None:
            made = ended(self._head, self._reason, self._output, piece.usage or Usage(), int(clock()))
            response = {**made, "firstline": wire_object(piece.run, piece.notes)}
            yield self._event(f"response.{response['status']}", response=response)

    def fail(self, error: FirstlineError) -> Iterator[Event]:
        """End the stream with an error."""
        error = named(error)
        yield self._event("error", code=error.code, message=error.message, param=error.param)
        yield self._event("response.failed", response=failed(self._head, self._output, error))

    def _text(self, piece: Piece) -> Iterator[Event]:
        yield from self._open_part("output_text")
        message = self._message
        if message is None:
            return
        logprobs = shown_logprobs(self._head, piece.logprobs)
        message.words += piece.text
        message.logprobs += logprobs
        yield self._event("response.output_text.delta", **message.place, delta=piece.text, logprobs=logprobs)

    def _refusal(self, words: str) -> Iterator[Event]:
        yield from self._open_part("refusal")
        message = self._message
        if message is None:
            return
        message.words += words
        yield self._event("response.refusal.delta", **message.place, delta=words)

    def _open_part(self, kind: str) -> Iterator[Event]:
        """Open a part of the message, which takes the place of another kind of part before it."""
        if self._message is None:
            yield from self._close()
            id, index = self._head.new_id("msg"), len(self._output)
            self._message = _Message(id, index)
            item = message_item(id, [], "in_progress")
            yield self._event("response.output_item.added", output_index=index, item=item)
        message = self._message
        if message.kind != kind:
            message.kind, message.words, message.logprobs = kind, "", []
            yield self._event("response.content_part.added", **message.place, part=message.part)

    def _fragment(self, call: ToolCall) -> Iterator[Event]:
        if call.name:
            yield from self._close()
            id, index = self._head.new_id("fc"), len(self._output)
            self._call = _Call(id, index, msgspec.structs.replace(call, arguments=""))
            item = call_item(self._head, id, self._call.call, "in_progress")
            yield self._event("response.output_item.added", output_index=index, item=item)
        if self._call is None or not call.arguments:
            return
        now = self._call.call
        self._call.call = msgspec.structs.replace(now, arguments=now.arguments + call.arguments)
        if not self._head.is_custom(now.name):
            place = self._call.place
            yield self._event("response.function_call_arguments.delta", **place, delta=call.arguments)

    def _close(self) -> Iterator[Event]:
        """Close the item that is being written."""
        if self._message is not None:
            yield from self._close_message(self._message)
        if self._call is not None:
            yield from self._close_call(self._call)
        self._message = self._call = None

    def _close_message(self, message: _Message) -> Iterator[Event]:
        if message.kind == "refusal":
            yield self._event("response.refusal.done", **message.place, refusal=message.words)
        else:
            done = {"text": message.words, "logprobs": message.logprobs}
            yield self._event("response.output_text.done", **message.place, **done)
        yield self._event("response.content_part.done", **message.place, part=message.part)
        yield self._item_done(message_item(message.id, [message.part], item_status(self._reason)))

    def _close_call(self, made: _Call) -> Iterator[Event]:
        call = made.call
        if self._head.is_custom(call.name):
            text = custom_input(call)  # its text is inside of the arguments, which are whole only now
            yield self._event("response.custom_tool_call_input.delta", **made.place, delta=text)
            yield self._event("response.custom_tool_call_input.done", **made.place, input=text)
        else:
            done = {"name": call.name, "arguments": call.arguments}
            yield self._event("response.function_call_arguments.done", **made.place, **done)
        yield self._item_done(call_item(self._head, made.id, call))

    def _item_done(self, item: Event) -> Event:
        event = self._event("response.output_item.done", output_index=len(self._output), item=item)
        self._output.append(item)
        return event

    def _event(self, type: str, **facts: Json) -> Event:
        event = {"type": type, "sequence_number": self._number, **facts}
        self._number += 1
        return event
