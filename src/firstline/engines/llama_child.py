"""The child process that runs one GGUF model with llama.cpp's own server, embedded by xllamacpp.

Started by `firstline.engines.supervisor`, as a script, with nothing of the model on its command line. It reads one
line of JSON from its input (`model`, `mmproj`, `context`, `parallel`, `threads`, `gpu_layers`, `key`, `parent`),
loads, and writes one line to its output: `{"address": "http://127.0.0.1:PORT"}` or `{"error": "why"}`. Everything
llama.cpp prints goes to its standard error. Its address asks for the key.

It ends with its parent, however that ends: its input stays open as long as the parent lives, and a thread waits
for its end; on Linux the kernel is asked for a signal as well, which also works while llama.cpp loads.

It gives up what it does not need before it loads anything: files but the weights, connections to elsewhere, other
programs (`confinement`). Its memory has no limit: the weights are mapped, and what the context takes is a setting.

Imports nothing else of Firstline, so that it starts fast and holds only the model.
"""

from __future__ import annotations

import ctypes
import glob
import json
import os
import signal
import sys
import threading
from importlib import import_module
from typing import Any

from firstline.engines.confinement import close_others, confine

_PR_SET_PDEATHSIG = 1
_PROMPT_BATCH = 256
"""Tokens of a prompt read in one step. Between steps other requests get their turn and a cancelled one is dropped:
small enough for both to happen soon on a processor, large enough to cost no speed there."""

_LOG_S = 0.5
"""llama.cpp writes its log from a thread of its own, and what it says last is why a model cannot be loaded."""


def main() -> None:
    """Load the model, report the address, serve until the parent is gone."""
    close_others()
    report = os.dup(1)
    os.dup2(2, 1)
    spec = json.loads(sys.stdin.buffer.readline())
    _end_with(spec["parent"])
    read, write = _paths(spec)
    confine(network="listens", read=read, write=write)
    xllamacpp = import_module("xllamacpp")
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole terminal group; the parent decides
    threading.Thread(target=_watch, daemon=True).start()
    try:
        server = xllamacpp.Server(_parameters(spec, xllamacpp.CommonParams()))
    except RuntimeError as error:
        threading.Event().wait(_LOG_S)
        _write(report, {"error": str(error)})
        os._exit(1)
    _write(report, {"address": server.listening_address})
    os.close(report)
    threading.Event().wait()


def _paths(spec: dict[str, Any]) -> tuple[list[str], list[str]]:
    """What it reads and what it writes: the weights and the system's own, and where there is one a graphics processor's
    devices, drivers and cache."""
    weights = [os.path.dirname(os.path.realpath(path)) for path in (spec["model"], spec["mmproj"]) if path]
    read = [*weights, "/proc", "/sys"]
    devices = [found for name in ("nvidia*", "dri", "kfd", "dxg") for found in glob.glob(f"/dev/{name}")]
    if not devices or not spec["gpu_layers"]:
        return read, []
    caches = [os.path.expanduser(path) for path in ("~/.nv", "~/.cache")]
    shared = "/dev/shm"  # noqa: S108 (memory that drivers share)
    return [*read, "/etc", "/opt", "/usr/local", "/usr/share"], [*devices, shared, *caches]


def _parameters(spec: dict[str, Any], params: Any) -> Any:
    """Write the spec into llama.cpp's parameters; each of `parallel` slots has `context` tokens of its own."""
    params.model.path = spec["model"]
    if spec["mmproj"]:
        params.mmproj.path = spec["mmproj"]
    params.n_ctx = spec["context"] * spec["parallel"]
    params.kv_unified = False
    params.n_parallel = spec["parallel"]
    params.n_batch = params.n_ubatch = _PROMPT_BATCH
    params.n_gpu_layers = spec["gpu_layers"]
    for threads in (params.cpuparams, params.cpuparams_batch):
        threads.n_threads = spec["threads"]
        threads.poll = 0  # idle threads sleep: the OCR and the server share these cores
    params.cont_batching = True
    params.cache_prompt = True
    params.cache_ram_mib = 0  # the slots' own caches are the cache; the supervisor picks the slot
    params.use_jinja = True
    params.default_template_kwargs = {"enable_thinking": "false"}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.api_keys = [spec["key"]]
    params.ui = False
    params.endpoint_slots = False
    params.sse_ping_interval = 1
    params.verbosity = 2  # warnings and errors: no line of a prompt or an answer gets into the log
    return params


def _end_with(parent: int) -> None:
    if sys.platform != "linux":
        return
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(0)


def _watch() -> None:
    while os.read(0, 4096):
        pass
    os._exit(0)


def _write(report: int, line: dict[str, str]) -> None:
    os.write(report, json.dumps(line).encode() + b"\n")


if __name__ == "__main__":
    main()
