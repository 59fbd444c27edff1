"""Server-sent events as a client reads them: bytes in, the data of each event out (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator

from firstline.errors import EngineOutputError

_DONE = b"[DONE]"


async def data_of(chunks: AsyncIterator[bytes], *, max_bytes: int) -> AsyncIterator[bytes]:
    """Yield the data of each event until `[DONE]` or the end; comments and other fields are skipped.

    Raises EngineOutputError past `max_bytes` in all.
    """
    rest: list[bytes] = []  # of the line that has begun; joined once it ends
    data: list[bytes] = []
    total = 0
    async for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise EngineOutputError(f"the answer is longer than {max_bytes} bytes")
        if b"\n" not in chunk:
            rest.append(chunk)
            continue
        *lines, last = b"".join([*rest, chunk]).split(b"\n")
        rest = [last]
        for line in (raw.removesuffix(b"\r") for raw in lines):
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif not line and data:
                event, data = b"\n".join(data), []
                if event == _DONE:
                    return
                yield event
    # The last event counts only when its blank line arrived: anything else is half an answer.
