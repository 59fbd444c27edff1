"""`firstline serve`: uvicorn with our application, one process or several."""

from __future__ import annotations

import asyncio
import gc
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from ipaddress import ip_address
from typing import Any, NoReturn

import typer
import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp
from uvicorn.supervisors import Multiprocess

from firstline import settings
from firstline.api import server
from firstline.api.connections import Config
from firstline.api.requests import JsonLines
from firstline.app.build import build
from firstline.app.witness import witness
from firstline.cli.console import DONE, FAILED, INTERRUPTED, Out
from firstline.errors import FirstlineError, SettingsError
from firstline.ledger.database import Database
from firstline.ledger.store import Ledger
from firstline.settings_sections import ServerSettings
from firstline.trust import Trust

if sys.platform != "win32":
    import resource

_CLOSE_S = 5
"""Seconds in which connections must close once nothing is under way any more."""
FACTORY = "firstline.cli.serving:serving_application"
"""Each worker is a process of its own, which can only be told what to make by name."""


def serve(out: Out, host: str | None, port: int | None, workers: int | None) -> NoReturn:
    """Serve until stopped. Settings and port are tried first, so that what is wrong is told before anything starts."""
    try:
        loaded = settings.load()
        trust = Trust(loaded)
        trust.require_settings()
        wanted = loaded.settings.server
        refuse_strangers(host or wanted.host, loaded.settings.ledger_url)
        listening = listen(host or wanted.host, wanted.port if port is None else port)
        workers = workers or wanted.workers
        settings.hand_on("server.workers", str(workers))
    except FirstlineError as error:
        raise typer.Exit(out.fail(error)) from None
    address, number = listening.getsockname()[:2]
    shown = f"[{address}]" if ":" in address else address
    if (problem := trust.problem()) is not None:
        out.fail(problem)
        out.note("it serves what needs no allowance")
    try:
        asyncio.run(_tell_gaps(out, loaded))
    except FirstlineError as error:
        listening.close()
        raise typer.Exit(out.fail(error)) from None
    out.note(f"Firstline serves http://{shown}:{number}/v1 (Ctrl-C stops it)")
    raise typer.Exit(_run(listening, workers, wanted))


def serving_application() -> ASGIApp:
    """Make the application of one process: it builds what it uses when it starts, and ends it when it stops."""
    sys.setswitchinterval(_SWITCH_S)

    @asynccontextmanager
    async def lifespan(application: Starlette) -> AsyncIterator[None]:
        try:
            loaded = settings.load()
            async with (
                build(loaded) as app,
                app.services.auditor.working(),
                app.services.fine_tuning.working(),
                app.services.retention.working(),
            ):
                await witness(app.services.ledger, loaded, app.services.tasks)
                application.state.services = app.services
                _settle_memory()
                limit = app.services.settings.server.shutdown_s
                with application.state.shutdown.on_signals(limit, app.services.door.close):
                    yield
        except FirstlineError as error:
            Out().fail(error)
            raise

    return server.application(lifespan=lifespan)


def refuse_strangers(host: str, ledger_url: str) -> None:
    """Raise SettingsError for an address that others can reach while nobody needs a key, and LedgerLostError where keys
    were made and the ledger has none."""
    try:
        loopback = host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        loopback = False
    if Database(ledger_url).marker.exists():
        # Opening tells it where keys were made and are lost: before a server starts, and not by each worker.
        asyncio.run(_keys_exist(ledger_url))
    elif not loopback and not asyncio.run(_keys_exist(ledger_url)):
        raise SettingsError(
            f"{host} can be reached from elsewhere, and there is no API key: everybody could ask",
            hint="make one with `firstline keys create NAME`, or listen on 127.0.0.1",
        )


async def _keys_exist(ledger_url: str) -> bool:
    ledger = await Ledger.open(ledger_url)
    try:
        return await ledger.keys.exist()
    finally:
        await ledger.close()


async def _tell_gaps(out: Out, loaded: settings.Loaded) -> None:
    """Warn of what cannot answer, before the first caller finds it out."""
    async with build(loaded) as app:
        for gap in await app.services.readiness.gaps():
            out.warn(gap.what, hint=gap.hint)


def _settle_memory() -> None:
    """Leave what was loaded by now out of the garbage collector's rounds, and let these come less often.

    With 700 new objects a round, as Python has it, a quarter of a busy server's time went into them.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


def listen(host: str, port: int) -> socket.socket:
    """Take the port. Raises SettingsError with a hint where that cannot be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # The protocol is named because asyncio sets TCP_NODELAY only then: without it an answer waits 40 ms for the
    # caller's delayed acknowledgement of its head.
    listening = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Without it a server that was stopped keeps its port for a minute. On Windows it would share a taken port.
        if sys.platform != "win32":
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
    except (OSError, TypeError, ValueError) as error:  # the last two: no address has these letters
        listening.close()
        raise SettingsError(
            f"{host}:{port} cannot be listened on: {getattr(error, 'strerror', None) or error}",
            hint="another program may use it: firstline serve --port 0 takes a free one",
        ) from None
    return listening


def raise_file_limit(connections: int) -> None:
    """Let this process and those it starts open a file for each connection and its call, as far as the system lets."""
    if sys.platform == "win32":
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * connections + 256
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


_SWITCH_S = 0.001
"""Seconds after which a thread that computes lets another have Python's lock; the event loop waits for it each time."""


def _run(listening: socket.socket, workers: int, limits: ServerSettings) -> int:
    raise_file_limit(limits.max_connections)
    config = Config(
        FACTORY,
        limits=limits,
        factory=True,
        workers=workers,
        log_config=log_config(),
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=_CLOSE_S,
    )
    serving = uvicorn.Server(config)
    try:
        if workers > 1:
            Workers(config, sockets=[listening]).run()
            return DONE
        serving.run(sockets=[listening])
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        listening.close()
    return DONE if serving.started else FAILED


class Workers(Multiprocess):
    """uvicorn's processes; a second signal reaches them too."""

    def join_all(self) -> None:
        """Wait for the processes to end, and hand on the signals that come meanwhile."""
        self.signal_queue.clear()
        while left := [one.process for one in self.processes if one.process.is_alive()]:
            left[0].join(0.1)
            if self.signal_queue:
                self.signal_queue.clear()
                for process in left:
                    process.terminate()


def log_config() -> dict[str, Any]:
    """Return the logging set-up: one line of JSON a record, on stderr."""
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": JsonLines}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json", "stream": "ext://sys.stderr"}},
        "loggers": {
            name: {"handlers": ["stderr"], "level": "INFO", "propagate": False} for name in ("uvicorn", "firstline")
        },
    }
