"""The child's side of `engines.piped`: messages in on standard input, answers out on standard output.

Knows nothing of what is asked, and loads nothing but Python's own library, so that scripts beside it can import it.
"""

from __future__ import annotations

import os
import queue
import struct
import sys
import threading
from collections.abc import Callable
from typing import BinaryIO


def serve(answer: Callable[[bytes], bytes]) -> None:
    """Answer messages until the input ends: at once then, even in the midst of one, to never outlive the parent.

    Whatever libraries print goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, inbox), daemon=True).start()
    while True:
        body = answer(inbox.get())
        answers.write(struct.pack(">I", len(body)) + body)
        answers.flush()


def _receive(stream: BinaryIO, inbox: queue.SimpleQueue[bytes]) -> None:
    while head := stream.read(4):
        inbox.put(stream.read(struct.unpack(">I", head)[0]))
    os._exit(0)
