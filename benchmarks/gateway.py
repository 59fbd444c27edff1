"""What a gateway costs: requests a second and milliseconds, of this server and its peers before one scripted model.

    python benchmarks/gateway.py [--rounds 5] [--seconds 2] [--peers bare,firstline,firstpass,litellm] [--json]
                                 [--plot FILE.png] [--cache DIR]

All servers run at the same time, each with one worker and all on the first core; the load and the scripted model share
the second. Every round asks each server in turn, so that what else the machine does meets all of them, and the table
gives medians over the rounds, ratios paired by round. `CPU µs` is what the server process spent on a request (Linux),
which hardly depends on what else the machine does. Cases: a request with a JSON schema by 1 and by 32 clients; the
same with a picture of 1 MB; and the time to the first piece of a stream whose model takes 50 ms to it.

`firstline` checks the schema, knows the price and keeps its ledger; `bare` is Starlette with msgspec and aiohttp that
only passes on; `firstpass` (Rust) and `litellm` are installed into the cache folder the first time, and are no part of
this project; `upstream` is the model itself, asked without a gateway, which is also what the load can reach at most.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import os
import random
import statistics
import struct
import sys
import tempfile
import zlib
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gateway_load import FIRST_PIECE, Load, body, load, request
from gateway_peers import STARTS, Ground, Peer, held, upstream

EXPECTED = b"Contoso"


@dataclass(frozen=True, kw_only=True)
class Case:
    """One kind of load."""

    name: str
    clients: int
    image: bool = False
    stream: bool = False


CASES = (
    Case(name="1 client", clients=1),
    Case(name="32 clients", clients=32),
    Case(name="1 client, picture of 1 MB", clients=1, image=True),
    Case(name="1 client, first piece of a stream", clients=1, stream=True),
)


def picture(size: int) -> str:
    """Return a PNG of about `size` bytes, as a data URI: noise, which does not compress."""
    side = int((size / 3) ** 0.5)
    noise = random.Random(7).randbytes(side * side * 3)
    rows = b"".join(b"\0" + noise[at : at + side * 3] for at in range(0, len(noise), side * 3))
    out = b"\x89PNG\r\n\x1a\n"
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    for name, data in ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 1)), (b"IEND", b"")):
        out += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return "data:image/png;base64," + base64.b64encode(out).decode()


def ask(peer: Peer, case: Case, image: str, seconds: float) -> Load:
    """Put one load on one server."""
    what = body(peer.model, image=image if case.image else None, stream=case.stream)
    expected = FIRST_PIECE if case.stream else EXPECTED
    sent = request(what, port=peer.port, key=peer.key)
    return asyncio.run(load(peer.port, sent, clients=case.clients, seconds=seconds, expected=expected))


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, all its threads; 0 where that is not told."""
    stat = Path(f"/proc/{pid}/stat")
    if not stat.exists():
        return 0.0
    user, system = stat.read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def measure(names: list[str], *, rounds: int, seconds: float, cache: Path) -> list[dict[str, Any]]:
    """Start all, ask all in turn, end all. Gives a line for each case and server."""
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    server_core, load_core = (cores[0], cores[1]) if len(cores) > 1 else (None, None)
    image = picture(1_000_000)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = upstream(load_core, stack)
        ground = Ground(folder=folder, cache=cache, upstream=model.port, core=server_core)
        peers = [model, *(STARTS[name](ground, stack) for name in names)]
        stack.enter_context(held(load_core))
        found: dict[tuple[str, str], list[Load]] = {}
        turns = [(case, peer) for case in CASES for peer in peers if peer.streams or not case.stream]
        for case, peer in turns:  # connections, caches and lazy imports are not what is measured
            ask(peer, case, image, 0.5)
        for number in range(rounds):
            for case, peer in turns:
                before = cpu_seconds(peer.pid)
                one = ask(peer, case, image, seconds)
                one.cpu = cpu_seconds(peer.pid) - before
                found.setdefault((case.name, peer.name), []).append(one)
                if one.failed or not one.seconds:
                    print(f"{peer.name}, {case.name}: {one.failed} failed: {one.error!r}", file=sys.stderr)
            print(f"round {number + 1} of {rounds}, load {os.getloadavg()[0]:.1f}", file=sys.stderr)
    return [_line(case, peer.name, found) for case, peer in turns]


def _line(case: Case, name: str, found: dict[tuple[str, str], list[Load]]) -> dict[str, Any]:
    loads = [one for one in found[case.name, name] if one.seconds]
    line: dict[str, Any] = {"case": case.name, "server": name, "failed": sum(o.failed for o in found[case.name, name])}
    if not loads:
        return line
    line |= {
        "requests_per_s": round(statistics.median(one.rate for one in loads), 1),
        "p50_ms": round(statistics.median(one.ms(0.50) for one in loads), 2),
        "p99_ms": round(statistics.median(one.ms(0.99) for one in loads), 2),
        "cpu_us": round(statistics.median(one.cpu / len(one.seconds) for one in loads) * 1e6),
    }
    pairs = [(a, b) for a, b in zip(loads, found.get((case.name, "bare"), []), strict=False) if b.seconds]
    if pairs and name != "upstream":
        line["rate_of_bare"] = round(statistics.median(a.rate / b.rate for a, b in pairs), 2)
        line["p50_of_bare"] = round(statistics.median(a.ms(0.5) / b.ms(0.5) for a, b in pairs), 2)
    return line


def show(lines: list[dict[str, Any]]) -> str:
    """Write the table, as it stands in the documentation."""
    out = []
    for case in CASES:
        out += [
            f"\n{case.name}\n",
            "| server | requests/s | p50 ms | p99 ms | CPU µs | rate, of bare | p50, of bare | failed |",
            "|---|---|---|---|---|---|---|---|",
        ]
        keys = ("server", "requests_per_s", "p50_ms", "p99_ms", "cpu_us", "rate_of_bare", "p50_of_bare", "failed")
        mine = [line for line in lines if line["case"] == case.name]
        out += ["| " + " | ".join(str(line.get(key, "–")) for key in keys) + " |" for line in mine]
    return "\n".join(out)


def plot(lines: list[dict[str, Any]], path: Path) -> None:
    """Draw the rates by 1 and by 32 clients."""
    from matplotlib import pyplot  # the benchmarks' own extra: only --plot needs it

    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3), sharey=True)
    for axis, case in zip(axes, CASES[:2], strict=True):
        mine = [line for line in lines if line["case"] == case.name and line["server"] != "upstream"]
        bars = axis.barh([line["server"] for line in mine], [line.get("requests_per_s", 0) for line in mine])
        axis.bar_label(bars, padding=3)
        axis.set_title(f"requests/s, {case.name}")
        axis.margins(x=0.15)
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def main() -> None:
    """Read the words, measure, print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--rounds", type=int, default=5)
    words.add_argument("--seconds", type=float, default=2.0)
    words.add_argument("--peers", default=",".join(STARTS))
    words.add_argument("--json", action="store_true")
    words.add_argument("--plot", type=Path)
    words.add_argument("--cache", type=Path, default=Path.home() / ".cache" / "firstline-bench")
    given = words.parse_args()
    names = [name for name in given.peers.split(",") if name]
    if unknown := set(names) - set(STARTS):
        words.error(f"no such peer: {', '.join(sorted(unknown))}; there are {', '.join(STARTS)}")
    lines = measure(names, rounds=given.rounds, seconds=given.seconds, cache=given.cache)
    print(json.dumps(lines) if given.json else show(lines))
    if given.plot:
        plot(lines, given.plot)


if __name__ == "__main__":
    main()
