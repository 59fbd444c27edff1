"""Server-sent events as a client reads them: bytes in, the data of each event out (WHATWG HTML, section 9.2)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

from firstline.errors import EngineOutputError

_DONE = b"[DONE]"
_BOM = b"\xef\xbb\xbf"


async def data_of(
    chunks: AsyncIterator[bytes], *, max_bytes: int, done: Callable[[], None] = lambda: None
) -> AsyncIterator[bytes]:
    """Yield the data of each event until `[DONE]`, at which `done` is called, or the end.

    Comments and other fields are skipped, and a byte order mark. The last event needs no blank line behind it: what is
    read from it says whether it is whole. Raises EngineOutputError past `max_bytes` in all.
    """
    rest: list[bytes] = []  # of the line that has begun; joined once it ends
    data: list[bytes] = []
    total, first = 0, True
    async for chunk in chunks:
        total += len(chunk)
        if total > max_bytes:
            raise EngineOutputError(f"the answer is longer than {max_bytes} bytes")
        if b"\n" not in chunk:
            rest.append(chunk)
            continue
        *lines, last = b"".join([*rest, chunk]).split(b"\n")
        rest = [last]
        if first:
            lines[0] = lines[0].removeprefix(_BOM)
            first = False
        for line in (raw.removesuffix(b"\r") for raw in lines):
            if line.startswith(b"data:"):
                data.append(line[5:].removeprefix(b" "))
            elif not line and data:
                event, data = b"\n".join(data), []
                if event.strip() == _DONE:
                    done()
                    return
                yield event
    last = b"".join(rest).removesuffix(b"\r")
    if last.startswith(b"data:"):
        data.append(last[5:].removeprefix(b" "))
    if (event := b"\n".join(data)).strip() == _DONE:
        done()
    elif event:
        yield event
