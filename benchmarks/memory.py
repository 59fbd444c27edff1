"""Memory of the server process while it answers: flat, or a leak.

    python benchmarks/memory.py [--requests 100000] [--step 5000] [--json] [--plot FILE.png]

The same server, key, request and scripted model as in `gateway.py`, 32 clients; the resident memory is read from the
process (Linux) after every step. The slope is that of the second half, by which caches and pools are full.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from gateway_load import body, load, request
from gateway_peers import Ground, firstline, upstream

CLIENTS = 32


def resident_mb(pid: int) -> float:
    """Return what of a process lies in memory."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(requests: int, step: int) -> list[tuple[int, float]]:
    """Ask, and read the memory after every step. Gives answers so far and MB."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        model = upstream(None, stack)
        peer = firstline(Ground(folder=folder, cache=folder, upstream=model.port, core=None), stack)
        sent = request(body(peer.model), port=peer.port, key=peer.key)
        done, found = 0, [(0, round(resident_mb(peer.pid), 1))]
        while done < requests:
            one = asyncio.run(
                load(
                    peer.port, sent, clients=CLIENTS, seconds=3600, expected=b"Contoso", most=min(step, requests - done)
                )
            )
            if one.failed:
                sys.exit(f"{one.failed} requests failed: {one.error!r}")
            done += len(one.seconds)
            found.append((done, round(resident_mb(peer.pid), 1)))
            print(f"{done} requests: {found[-1][1]} MB, {one.rate:.0f} requests/s", file=sys.stderr)
    return found


def slope(found: list[tuple[int, float]]) -> float:
    """Return the growth in the second half: kB for 1,000 requests, by least squares."""
    half = found[len(found) // 2 :]
    return round(statistics.linear_regression([at for at, _ in half], [mb for _, mb in half]).slope * 1e6, 1)


def plot(found: list[tuple[int, float]], path: Path) -> None:
    """Draw the memory over the requests."""
    from matplotlib import pyplot  # the benchmarks' own extra: only --plot needs it

    figure, axis = pyplot.subplots(figsize=(6, 3))
    axis.plot([at for at, _ in found], [mb for _, mb in found], marker=".")
    axis.set(xlabel="requests", ylabel="resident MB", ylim=(0, None))
    figure.tight_layout()
    figure.savefig(path, dpi=150)


def main() -> None:
    """Read the words, measure, print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--requests", type=int, default=100_000)
    words.add_argument("--step", type=int, default=5_000)
    words.add_argument("--json", action="store_true")
    words.add_argument("--plot", type=Path)
    given = words.parse_args()
    found = measure(given.requests, given.step)
    if given.json:
        print(json.dumps({"resident_mb": found, "kb_per_1000_requests": slope(found)}))
    else:
        rows = "\n".join(f"| {at:,} | {mb} |" for at, mb in found)
        print(f"| requests | resident MB |\n|---|---|\n{rows}\n\nsecond half: {slope(found)} kB for 1,000 requests")
    if given.plot:
        plot(found, given.plot)


if __name__ == "__main__":
    main()
