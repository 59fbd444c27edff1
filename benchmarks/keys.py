"""What API keys and money cost a request: the server in the process, with no key, with one, and with shared limits.

    python benchmarks/keys.py [--requests 1000] [--json]

Everything but the model and the socket is real: gate, limits, body, door to money, hold and settlement, ledger on disk
(in temporary folders). Three servers are asked in turn, one request each, so that what else the machine does meets
all of them; the added time is the median of the differences within a turn. `key`: scopes, requests and tokens a minute,
both budgets and a wallet, limits in memory (one worker). `shared`: the same, limits in the ledger (several workers).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2

from firstline import settings
from firstline.api.server import application
from firstline.app.build import build
from firstline.money import NanoUSD
from firstline.types import KeyTerms

BODY = {"model": "fake/quick", "messages": [{"role": "user", "content": "Which colour is the sky?"}]}
TERMS = KeyTerms(
    name="measured",
    scopes=("fake/*",),
    requests_per_minute=1_000_000,
    tokens_per_minute=1_000_000_000,
    day_nano_usd=NanoUSD(10**12),
    month_nano_usd=NanoUSD(10**13),
    prepaid=True,
)
WARM_UP = 50


def write_settings(folder: Path, workers: int) -> None:
    """Write the settings of one server, with a scripted model that has a price."""
    folder.mkdir()
    (folder / "quick.json").write_text(json.dumps({"rules": [{"answer": "blue"}]}))
    (folder / "firstline.toml").write_text(
        f'data_dir = "{folder}"\n[server]\nworkers = {workers}\n[models."fake/quick"]\n'
        f'script = "{folder / "quick.json"}"\ninput_usd_per_mtok = 1.0\noutput_usd_per_mtok = 2.0\n'
    )


async def client(stack: AsyncExitStack, folder: Path, *, workers: int, key: bool) -> httpx2.AsyncClient:
    """Make a server and give a client of it."""
    write_settings(folder, workers)
    services = (await stack.enter_async_context(build(settings.load({}, cwd=folder)))).services
    headers = {}
    if key:
        _, secret = await services.ledger.keys.create(TERMS, NanoUSD(10**12))
        headers["authorization"] = f"Bearer {secret}"
    transport = httpx2.ASGITransport(app=application(services))
    made = httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1", headers=headers)
    return await stack.enter_async_context(made)


async def measure(requests: int) -> dict[str, float]:
    """Time the requests. Gives milliseconds."""
    times: dict[str, list[float]] = {"no key": [], "key": [], "shared": []}
    with tempfile.TemporaryDirectory() as name:
        async with AsyncExitStack() as stack:
            clients = {
                "no key": await client(stack, Path(name) / "a", workers=1, key=False),
                "key": await client(stack, Path(name) / "b", workers=1, key=True),
                "shared": await client(stack, Path(name) / "c", workers=2, key=True),
            }
            for _ in range(requests + WARM_UP):
                for one, server in clients.items():
                    begun = time.perf_counter()
                    answer = await server.post("/v1/chat/completions", json=BODY)
                    times[one].append((time.perf_counter() - begun) * 1000)
                    assert answer.status_code == 200, answer.text
    kept = {one: found[WARM_UP:] for one, found in times.items()}
    report = {f"{one} p50_ms": round(statistics.median(found), 3) for one, found in kept.items()}
    for one in ("key", "shared"):
        added = [mine - bare for mine, bare in zip(kept[one], kept["no key"], strict=True)]
        report[f"{one} added_ms"] = round(statistics.median(added), 3)
    return report | {"requests": requests, "load": round(os.getloadavg()[0], 2)}


def main() -> None:
    """Read the words, measure, print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--requests", type=int, default=1000)
    words.add_argument("--json", action="store_true")
    given = words.parse_args()
    found = asyncio.run(measure(given.requests))
    print(json.dumps(found) if given.json else "\n".join(f"{name}: {value}" for name, value in found.items()))


if __name__ == "__main__":
    main()
