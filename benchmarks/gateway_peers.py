"""Starts what `gateway.py` compares: each in a process of its own, held to one core.

A peer that is no part of this project lives in an environment of its own in the cache folder, made the first time.
"""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
START_S = 120.0
MODEL = "bench/upstream"


@dataclass(frozen=True, kw_only=True)
class Peer:
    """A running server: what the load generator asks for, and with which key."""

    name: str
    port: int
    model: str
    key: str
    pid: int
    streams: bool = True


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What peers stand on: their folder, the cache of environments, the upstream's port and the server's core."""

    folder: Path
    cache: Path
    upstream: int
    core: int | None


Start = Callable[[Ground, ExitStack], Peer]


def upstream(core: int | None, stack: ExitStack) -> Peer:
    """Start the scripted upstream."""
    process = _start([sys.executable, str(HERE / "gateway_upstream.py")], core, stack, stdout=subprocess.PIPE)
    assert process.stdout is not None
    port = int(process.stdout.readline())
    return Peer(name="upstream", port=port, model="upstream", key="none", pid=process.pid)


def firstline(ground: Ground, stack: ExitStack) -> Peer:
    """This server, with one worker: a key with limits, budgets and a wallet; price, ledger and verification on."""
    folder = ground.folder / "firstline"
    folder.mkdir()
    (folder / "firstline.toml").write_text(
        f'data_dir = "{folder}"\n[models."{MODEL}"]\nbase_url = "http://127.0.0.1:{ground.upstream}/v1"\n'
        "input_usd_per_mtok = 0.15\noutput_usd_per_mtok = 0.6\nvision = true\ncontext = 128000\nmax_output = 16384\n"
    )
    env = os.environ | {"FIRSTLINE_CONFIG": str(folder / "firstline.toml")}
    program = str(Path(sys.executable).with_name("firstline"))
    terms = "--prepaid --credit 1000000 --day 1000000 --month 1000000 --requests 100000000 --tokens 1000000000"
    made = subprocess.run(
        [program, "keys", "create", "bench", *terms.split(), "--json"], env=env, capture_output=True, check=True
    )
    key = json.loads(made.stdout)["key"]
    log = folder / "log"
    process = _start([program, "serve", "--port", "0"], ground.core, stack, log=log, env=env)
    port = int(_wait_for(log, rb"serves http://[^:]+:(\d+)/v1"))
    return _up(Peer(name="firstline", port=port, model=MODEL, key=key, pid=process.pid), "/health", log)


def bare(ground: Ground, stack: ExitStack) -> Peer:
    """The bare pass-through, under the same server (uvicorn) with the same loop."""
    port = _free_port()
    command = [sys.executable, "-m", "uvicorn", "gateway_bare:app", "--port", str(port), "--no-access-log"]
    env = os.environ | {"UPSTREAM": f"http://127.0.0.1:{ground.upstream}/v1", "PYTHONPATH": str(HERE)}
    log = ground.folder / "bare.log"
    process = _start(command, ground.core, stack, log=log, env=env)
    return _up(Peer(name="bare", port=port, model="upstream", key="none", pid=process.pid), "/", log)


def firstpass(ground: Ground, stack: ExitStack) -> Peer:
    """firstpass 0.9 (Rust): enforce mode, one rung, the gate `json-valid`."""
    program = _environment(ground, "firstpass", "firstpass==0.9.0") / "firstpass"
    port, folder = _free_port(), ground.folder / "firstpass"
    folder.mkdir()
    (folder / "firstpass.toml").write_text(
        '[[route]]\nmatch = {}\nmode = "enforce"\nladder = ["openai/gpt-4o-mini"]\ngates = ["json-valid"]\n'
        "[escalation]\nenforce_structured = true\n"
        '[[price]]\nmodel = "openai/gpt-4o-mini"\ninput_per_mtok = 0.15\noutput_per_mtok = 0.6\n'
    )
    env = os.environ | {
        "FIRSTPASS_MODE": "enforce",
        "FIRSTPASS_BIND": f"127.0.0.1:{port}",
        "FIRSTPASS_CONFIG": str(folder / "firstpass.toml"),
        "FIRSTPASS_DB": str(folder / "firstpass.db"),
        "FIRSTPASS_UPSTREAM_OPENAI": f"http://127.0.0.1:{ground.upstream}",
        "FIRSTPASS_PROMPT_SALT": "bench",
        "RUST_LOG": "error",
    }
    process = _start([str(program), "up"], ground.core, stack, log=folder / "log", env=env)
    # A stream in enforce mode is a whole answer in one piece: there is no first one to time.
    peer = Peer(name="firstpass", port=port, model="gpt-4o-mini", key="none", pid=process.pid, streams=False)
    return _up(peer, "/", folder / "log")


def litellm(ground: Ground, stack: ExitStack) -> Peer:
    """LiteLLM's proxy: one worker, a master key, no database."""
    program = _environment(ground, "litellm", "litellm[proxy]") / "litellm"
    port, folder = _free_port(), ground.folder / "litellm"
    folder.mkdir()
    (folder / "config.yaml").write_text(
        "model_list:\n  - model_name: bench\n    litellm_params:\n      model: openai/gpt-4o-mini\n"
        f"      api_base: http://127.0.0.1:{ground.upstream}/v1\n      api_key: none\n"
        "general_settings:\n  master_key: sk-bench\n"
    )
    env = os.environ | {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_TELEMETRY": "False"}
    command = [str(program), "--config", str(folder / "config.yaml"), "--port", str(port), "--host", "127.0.0.1"]
    process = _start(command, ground.core, stack, log=folder / "log", env=env)
    peer = Peer(name="litellm", port=port, model="bench", key="sk-bench", pid=process.pid)
    return _up(peer, "/health/liveliness", folder / "log")


STARTS: dict[str, Start] = {"bare": bare, "firstline": firstline, "firstpass": firstpass, "litellm": litellm}


@contextmanager
def held(core: int | None) -> Iterator[None]:
    """Hold this process, and what it starts meanwhile, to one core; None (not on Linux) leaves it alone."""
    if core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _start(
    command: list[str],
    core: int | None,
    stack: ExitStack,
    *,
    stdout: int | None = None,
    log: Path | None = None,
    env: dict[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    # What runs inside is kept to one thread where a library would start one a core.
    env = {**(os.environ if env is None else env), "OMP_NUM_THREADS": "1"}
    with held(core):
        if log is None:
            process = subprocess.Popen(command, stdout=stdout, env=env)
        else:
            file = stack.enter_context(log.open("wb"))
            process = subprocess.Popen(command, stdout=file, stderr=file, env=env, cwd=log.parent)
    stack.callback(_end, process)
    return process


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()


def _wait_for(log: Path, pattern: bytes) -> bytes:
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        if found := re.search(pattern, log.read_bytes()):
            return found[1]
        time.sleep(0.05)
    sys.exit(f"it did not start: {log.read_text(errors='replace')[-2000:]}")


def _up(peer: Peer, path: str, log: Path) -> Peer:
    """Wait until a server answers at all."""
    ends = time.monotonic() + START_S
    while time.monotonic() < ends:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{peer.port}{path}", timeout=5).close()
        except urllib.error.HTTPError:
            return peer
        except OSError:
            time.sleep(0.1)
        else:
            return peer
    sys.exit(f"{peer.name} did not start: {log.read_text(errors='replace')[-2000:]}")


def _environment(ground: Ground, name: str, requirement: str) -> Path:
    """Make the environment of a peer, once; gives the folder of its programs."""
    home = ground.cache / name
    programs = home / ("Scripts" if os.name == "nt" else "bin")
    if not (home / "made").exists():
        print(f"making the environment of {name}: {requirement}", file=sys.stderr)
        venv.create(home, with_pip=True, clear=True)
        command = [str(programs / "python"), "-m", "pip", "install", "--quiet", requirement]
        subprocess.run(command, check=True, stdout=sys.stderr)
        (home / "made").write_text(requirement)
    return programs


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
