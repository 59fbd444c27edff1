"""The child's side of `engines.piped`: messages in on standard input, answers out on standard output.

Knows nothing of what is asked, and loads nothing but Python's own library, so that scripts beside it can import it.
"""

from __future__ import annotations

import os
import queue
import struct
import sys
import threading
import time
from collections.abc import Callable
from typing import BinaryIO

if sys.platform != "win32":
    import resource


def serve(answer: Callable[[bytes], bytes], *, cpu_s: int | None = None) -> None:
    """Answer messages until the input ends: at once then, even in the midst of one, to never outlive the parent.

    One message may take `cpu_s` seconds of processor (None: as many as the parent waits for). Whatever libraries print
    goes to standard error.
    """
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    inbox: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, inbox), daemon=True).start()
    while True:
        message = inbox.get()
        if cpu_s is not None:
            _allow_cpu(cpu_s)
        body = answer(message)
        answers.write(struct.pack(">II", len(body), _held_mb()))
        answers.write(body)
        answers.flush()
        del message, body  # while it waits it holds neither


def _receive(stream: BinaryIO, inbox: queue.SimpleQueue[bytes]) -> None:
    while head := stream.read(4):
        inbox.put(stream.read(struct.unpack(">I", head)[0]))
    os._exit(0)


def _allow_cpu(seconds: int) -> None:
    """Let the kernel end this process after so many more seconds of processor."""
    if sys.platform != "win32":
        _, most = resource.getrlimit(resource.RLIMIT_CPU)
        resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + seconds + 1, most))


def _held_mb() -> int:
    """The megabytes that this process has held at most; 0 where the system does not say."""
    if sys.platform == "win32":
        return 0
    elif sys.platform == "linux":  # whose rusage counts what the parent held when it forked
        with open("/proc/self/status", "rb") as status:
            peak = next((line for line in status if line.startswith(b"VmHWM:")), b"VmHWM: 0 kB")
        return int(peak.split()[1]) // 1_000
    else:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // (1_000_000 if sys.platform == "darwin" else 1_000)
