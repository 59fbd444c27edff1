"""Ctrl-C reaches a command whose event loop sleeps, whichever thread the system gives the signal to."""

from __future__ import annotations

import subprocess
import sys

STRUCK = """
import asyncio, signal, threading, typer
from pathlib import Path
from firstline.cli.console import Out, perform

signal.signal(signal.SIGINT, signal.default_int_handler)  # ignored where the tests run in the background of a shell

def strike(sleeper):
    # The state of a thread that waits in the kernel is S: Python will not look for signals there by itself.
    while Path(f"/proc/self/task/{sleeper}/stat").read_text().rpartition(")")[2].split()[0] != "S":
        pass
    signal.pthread_kill(threading.get_ident(), signal.SIGINT)

async def work():
    threading.Thread(target=strike, args=(threading.get_native_id(),), daemon=True).start()
    await asyncio.sleep(3600)
    return 0

try:
    perform(Out(), work)
except typer.Exit as left:
    raise SystemExit(left.exit_code)
"""


def test_a_signal_to_another_thread_stops_a_command_that_sleeps() -> None:
    done = subprocess.run([sys.executable, "-c", STRUCK], capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "stopped\n")
