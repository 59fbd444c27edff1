"""One simulated world: servers on one ledger and one folder of files, an upstream that lies, and what goes wrong.

Everything is drawn from one seed. After each step of a ledger's writer the books are read with nothing but SQLite and
held to what must be true at any moment; when the world ends, to what must be true at rest.
"""

from __future__ import annotations

import asyncio
import contextvars
import errno
import hashlib
import random
import shutil
import sqlite3
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from firstline.catalog.catalog import Catalog
from firstline.catalog.model import Model
from firstline.engines.pool import Pool
from firstline.errors import (
    EngineAuthError,
    EngineCrashedError,
    EngineOutputError,
    EngineRateLimitError,
    EngineTimeoutError,
    FirstlineError,
    LedgerError,
)
from firstline.files.files import Files
from firstline.gateway.budget import Budget
from firstline.gateway.gateway import MeteredModel, ModelGateway, key_of
from firstline.ledger.store import Ledger
from firstline.money import NanoUSD
from firstline.settings_sections import FileSettings, ModelSettings
from firstline.types import (
    Caller,
    Completion,
    Delta,
    KeyTerms,
    Message,
    ModelRequest,
    Sampling,
    Usage,
    message,
)
from simulation.loop import ALIVE, Died, SimulatedLoop
from support.books import check_sums

NANO = 1_000_000_000
MODELS = Catalog.load(
    {
        "fake/cheap": ModelSettings(script="none", input_usd_per_mtok=1.0, output_usd_per_mtok=2.0),
        "fake/dear": ModelSettings(script="none", input_usd_per_mtok=10.0, output_usd_per_mtok=40.0),
        "fake/free": ModelSettings(script="none", input_usd_per_mtok=0.0, output_usd_per_mtok=0.0),
    }
)
NAMES = ("fake/cheap", "fake/dear", "fake/free")
LIES = (
    Usage(),
    Usage(prompt_tokens=10, completion_tokens=20),
    Usage(prompt_tokens=10, cached_tokens=10**6, completion_tokens=1),
    Usage(prompt_tokens=10**6, completion_tokens=10**6),
    Usage(prompt_tokens=2**62, completion_tokens=0),
    Usage(prompt_tokens=2**63 + 5, completion_tokens=2**63),
    Usage(prompt_tokens=9 * 10**15, completion_tokens=0, reasoning_tokens=10**9),
    Usage(prompt_tokens=10, completion_tokens=20, estimated=True),
)
FAILURES = (EngineAuthError, EngineRateLimitError, EngineTimeoutError, EngineCrashedError, EngineOutputError)
CONTENTS = tuple(bytes([number]) * (number + 1) for number in range(2))


ANSWERED: contextvars.ContextVar[list[bool]] = contextvars.ContextVar("ANSWERED")
"""Filled once the upstream has given its whole answer to the call of this task."""


def _answered() -> None:
    ANSWERED.get([]).append(True)


class Upstream:
    """Answers, fails or breaks off when it likes, and says what it likes of what it used."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    async def complete(self, request: ModelRequest) -> Completion:
        await asyncio.sleep(self._chance.choice((0, 0.01, 1, 30)))
        self._fail()
        _answered()
        return Completion(text="words", usage=self._chance.choice(LIES))

    async def stream(self, request: ModelRequest) -> AsyncIterator[Delta]:
        for _ in range(self._chance.randrange(4)):
            await asyncio.sleep(self._chance.choice((0, 0.01, 1)))
            self._fail(0.1)
            yield Delta(text="word " * self._chance.choice((1, 1, 5000)))
        if self._chance.random() < 0.1:
            return
        _answered()
        yield Delta(finish_reason="stop", usage=self._chance.choice((None, *LIES)))
        if self._chance.random() < 0.2:
            yield Delta(usage=self._chance.choice(LIES))

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        return 1

    async def close(self) -> None:
        """Nothing to end."""

    def _fail(self, share: float = 0.3) -> None:
        if self._chance.random() < share:
            raise self._chance.choice(FAILURES)("scripted")


class Server:
    """A process: its ledger, its files and its door to the models. `dead` once it was killed."""

    def __init__(self, ledger: Ledger, files: Files, door: ModelGateway) -> None:
        self.ledger = ledger
        self.files = files
        self.door = door
        self.dead = False

    def kill(self) -> None:
        """Die at once: what was asked for and is not written is never written, and the locks are let go."""
        self.dead = True
        writer: Any = self.ledger._writer
        writer._ask = _die
        while writer.waiting:
            for work in writer._queue.get():
                if work.future is not None and not work.future.done():
                    work.future.set_exception(Died())
        if writer._transaction is not None:
            writer._transaction.close()
        ledger: Any = self.ledger
        for engine in ledger._engines:
            engine.dispose()
        ledger._session._connection.close()


def session_of(server: Server) -> str:
    """Return the name under which a server's runs stand in the ledger."""
    ledger: Any = server.ledger
    return str(ledger._session.name)


def _die(_work: object) -> None:
    raise Died


class World:
    """A folder, servers in it, and keys. `log` tells what happened, for who looks into a failure."""

    def __init__(self, seed: int, loop: SimulatedLoop, folder: Path) -> None:
        self.chance = random.Random(seed)  # noqa: S311 - a history is drawn from its seed
        self.loop = loop
        self.folder = folder
        self.path = folder / "ledger.db"
        self.servers: list[Server] = []
        self.callers: list[Caller | None] = [None]
        self.log: list[str] = []
        self.tasks: set[asyncio.Task[None]] = set()
        self.disk_full = False
        self._calm = False
        self.failure: BaseException | None = None
        self._runs = 0
        self._locker: sqlite3.Connection | None = None
        self._books: sqlite3.Connection | None = None

    def say(self, words: str) -> None:
        self.log.append(f"{self.loop.time():10.2f} {words}")

    async def start(self) -> Server:
        """Start a server on the folder, as a process that finds what others left there."""
        ledger = await Ledger.open(f"sqlite:///{self.path}", clock=self.loop.wall, busy_s=0, threaded=False)
        upstream = Upstream(self.chance)
        pool = Pool(lambda name: upstream, max_local=1)
        door = ModelGateway(pool, ledger, clock=self.loop.wall, timer=self.loop.time)
        files = Files(ledger.files, self.folder / "files", FileSettings(), clock=self.loop.wall, new_id=self._file_id)
        server = Server(ledger, files, door)
        self.servers.append(server)
        writer: Any = ledger._writer
        ask = writer._ask

        def ask_and_step(work: Any) -> None:
            ask(work)
            self.loop.call_later(self.chance.choice((0, 0.001, 0.01, 0.1)), self._turn, server)

        writer._ask = ask_and_step
        self.within(server, files.tidy())
        return server

    def within(self, server: Server, work: Coroutine[Any, Any, None]) -> None:
        """Do work as a part of a server's process: it stops for ever when that dies."""
        context = contextvars.copy_context()
        context.run(ALIVE.set, lambda: not server.dead)
        task = self.loop.create_task(self._guarded(server, work), context=context)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def _guarded(self, server: Server, work: Coroutine[Any, Any, None]) -> None:
        try:
            await work
        except Died:
            pass
        except FirstlineError as error:
            self.say(f"refused: {error.code}: {error}")
        except BaseException as error:
            self.failure = self.failure or error
            raise

    def _turn(self, server: Server) -> None:
        """Let the writer of a server take a step, if there is something to write."""
        if server.dead or not server.ledger._writer.waiting:
            return
        server.ledger._writer.step()
        self.check()
        if self.chance.random() < 0.01 and not self._calm:
            self.kill(server, "with what it wrote untold")

    def kill(self, server: Server, when: str) -> None:
        self.say(f"killed {when}")
        server.kill()
        self.servers.remove(server)

    def _file_id(self) -> str:
        self._runs += 1
        return f"file-{self._runs}"

    # What callers do.

    async def call(self, server: Server, caller: Caller | None) -> None:
        """Make a run of a few calls on one budget, some of them at the same time, and perhaps leave in the middle."""
        self._runs += 1
        run = f"run{self._runs}"
        await server.ledger.begin_run(run, "t", "t@1", "0" * 64, self.loop.wall(), key_id=key_of(caller))
        limit = self.chance.choice((None, None, 0, 5_000_000, NANO))
        purse = Budget(
            limit=None if limit is None else NanoUSD(limit),
            attempts=9,
            seconds=self.chance.choice((1, 600)),
            caller=caller,
            clock=self.loop.time,
        )
        asked = [self._ask(server, run, place, purse) for place in range(self.chance.randrange(1, 4))]
        work = asyncio.gather(*asked)
        try:
            async with asyncio.timeout(self.chance.choice((None, None, 0, 0.05, 2))):
                await work
        except TimeoutError:
            self.say(f"{run}: the caller left")
        assert limit is None or purse.spent <= limit, f"{run} spent {purse.spent} of {limit}"
        assert purse.held >= 0

    async def _ask(self, server: Server, run: str, place: int, purse: Budget) -> None:
        account = server.door.account(run, place, self._model(), purse)
        longest = self.chance.choice((None, 1, 100, 5_000))
        request = ModelRequest(messages=(message("user", "hello"),), sampling=Sampling(max_tokens=longest))
        answered: list[bool] = []
        ANSWERED.set(answered)
        try:
            if self.chance.random() < 0.5:
                await account.ask(request)
            else:
                await self._read(account, request)
        except LedgerError as error:
            if answered:
                raise AssertionError(f"an answer that was paid was lost: {error}") from error
            raise

    async def _read(self, account: MeteredModel, request: ModelRequest) -> None:
        pieces = account.ask_piecewise(request)
        until = self.chance.choice((1, 2, 99))
        try:
            async for _ in pieces:
                until -= 1
                if not until:
                    break
        finally:
            await pieces.aclose()

    def _model(self) -> Model:
        return MODELS.get(self.chance.choice(NAMES))

    async def upload(self, server: Server, caller: Caller | None) -> None:
        """Upload one of a few contents, read it, and perhaps delete it."""
        data = self.chance.choice(CONTENTS)
        async with server.files.receiving() as upload:
            await upload.write(data)
            await asyncio.sleep(self.chance.choice((0, 0.01, 1)))
            expires = self.chance.choice((None, 60))
            kept = await server.files.keep(upload, filename="a", purpose="user_data", expires_s=expires, caller=caller)
        await asyncio.sleep(self.chance.choice((0, 0.01, 0.1, 40)))
        assert await server.files.read(kept.id, caller, most=100) == data
        if self.chance.random() < 0.6:
            await server.files.delete(kept.id, caller)

    # What goes wrong.

    def lock(self) -> None:
        """Lock the ledger as another process would, or let it go."""
        if self._locker is not None:
            self._locker.close()
            self._locker = None
            self.say("the ledger is free")
            return
        self._locker = sqlite3.connect(self.path, timeout=0, isolation_level=None)
        try:
            self._locker.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError:
            self._locker.close()
            self._locker = None
        else:
            self.say("the ledger is locked")

    def fill(self, full: bool) -> None:
        """Fill the disk, or make room: no database grows and no file is written meanwhile."""
        self.disk_full = full
        self.say("the disk is full" if full else "the disk has room")
        for server in self.servers:
            self._bound(server)

    def _bound(self, server: Server) -> None:
        writer: Any = server.ledger._writer
        if writer._transaction is not None:
            driver = writer._transaction.connection.connection.driver_connection
            pages = driver.execute("PRAGMA page_count").fetchone()[0] if self.disk_full else 1_000_000
            driver.execute(f"PRAGMA max_page_count = {pages}")

    def opened(self, open_new: Callable[[Path], Any]) -> Callable[[Path], Any]:
        """Wrap what opens a new file: a full disk takes none."""

        def open_or_fail(path: Path) -> Any:
            if self.disk_full:
                raise OSError(errno.ENOSPC, "No space left on device", str(path))
            return open_new(path)

        return open_or_fail

    # What must be true.

    def check(self, *, at_rest: bool = False) -> None:
        """Hold the ledger and the folder to what is true at any moment, or when no call is under way."""
        self._books = self._books or sqlite3.connect(self.path, isolation_level=None)
        connection = self._books
        check_sums(connection, at_rest=at_rest)
        over = connection.execute(
            "SELECT id, cost_nano_usd, hold_nano_usd FROM entries WHERE cost_nano_usd > hold_nano_usd"
        ).fetchall()
        assert not over, f"calls that cost more than they hold: {over}"
        budgets = connection.execute(
            "SELECT k.id, k.day_nano_usd, d.counted_nano_usd FROM api_keys k JOIN key_days d ON d.key_id = k.id"
            " WHERE d.counted_nano_usd > k.day_nano_usd"
        ).fetchall()
        assert not budgets, f"budgets that were passed: {budgets}"
        for sha256 in self._named():
            found = self.folder / "files" / sha256[:2] / sha256
            assert hashlib.sha256(found.read_bytes()).hexdigest() == sha256

    def _named(self) -> set[str]:
        assert self._books is not None
        return {row[0] for row in self._books.execute("SELECT DISTINCT sha256 FROM files")}

    async def rest(self) -> None:
        """Let everything end, die and start anew; then hold the ledger and the folder to what is true at rest."""
        if self._locker is not None:
            self.lock()
        self.fill(False)
        self._calm = True
        await asyncio.sleep(3600)
        if self.failure is not None:
            raise self.failure
        self.check()
        self._check_settled()
        for server in list(self.servers):
            self.kill(server, "at the end")
        last = await self.start()
        await asyncio.sleep(3600)
        self.check(at_rest=True)
        lying = {path.name for path in (self.folder / "files").glob("**/*") if path.is_file()}
        assert lying == self._named(), "bytes without a row"
        self.kill(last, "as all things")

    def _check_settled(self) -> None:
        """Check that servers which live have settled all that they held, now that nothing keeps them from it."""
        assert self._books is not None
        query = "SELECT e.id, r.session FROM entries e JOIN runs r ON r.id = e.run_id WHERE e.state = 'held'"
        alive = {session_of(server) for server in self.servers}
        left = [entry for entry, session in self._books.execute(query) if session in alive]
        assert not left, f"holds that nobody settled: {left}"

    def close(self) -> None:
        """Let go of what the world itself has open."""
        for connection in (self._books, self._locker):
            if connection is not None:
                connection.close()


async def live(world: World, template: Path, *, events: int) -> None:
    """Let a world live through some events."""
    shutil.copytree(template, world.folder, dirs_exist_ok=True)
    with closing(sqlite3.connect(world.path)) as connection:
        names = connection.execute("SELECT id, name FROM api_keys ORDER BY name").fetchall()
    world.callers += [Caller(key_id=key, name=name) for key, name in names]
    chance = world.chance
    for _ in range(chance.choice((1, 1, 2))):
        await world.start()
    for _ in range(events):
        await asyncio.sleep(chance.choice((0, 0.005, 0.1, 5)))
        if not world.servers:
            with suppress(LedgerError):  # locked by another: the operator tries again
                await world.start()
            continue
        server, caller = chance.choice(world.servers), chance.choice(world.callers)
        match chance.choices(("call", "upload", "kill", "lock", "full", "time"), (50, 20, 4, 6, 6, 2))[0]:
            case "call":
                for _ in range(chance.choice((1, 1, 5))):
                    world.within(server, world.call(server, caller))
            case "upload":
                for _ in range(chance.choice((1, 1, 6))):
                    world.within(server, world.upload(server, caller))
            case "kill":
                world.kill(server, "at any moment")
            case "lock":
                world.lock()
            case "full":
                world.fill(not world.disk_full)
            case "time":
                await asyncio.sleep(chance.choice((120, 86_400)))
    await world.rest()


async def make_template(folder: Path) -> None:
    """Make the ledger that worlds begin with, in a folder that exists: a wallet, a key with budgets, one with both."""
    ledger = await Ledger.open(f"sqlite:///{folder}/ledger.db", clock=lambda: 0.0)
    day, month = NanoUSD(40_000_000), NanoUSD(100_000_000)
    await ledger.keys.create(KeyTerms(name="a-wallet", prepaid=True), NanoUSD(30_000_000))
    await ledger.keys.create(KeyTerms(name="b-budgets", day_nano_usd=day, month_nano_usd=month))
    await ledger.keys.create(
        KeyTerms(name="c-both", prepaid=True, day_nano_usd=day, month_nano_usd=month), NanoUSD(NANO)
    )
    await ledger.close()
