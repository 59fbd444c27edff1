"""API keys in the ledger: a secret is shown once and kept nowhere, a name is of one living key, a wallet adds up."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alembic import command
from alembic.config import Config
from sqlalchemy import create_engine

from firstline.errors import InsufficientBalanceError, NotFoundError, QuotaError, UsageError
from firstline.ledger.keys import Found, shown
from firstline.ledger.schema import MIGRATIONS
from firstline.ledger.store import Hold, Ledger
from firstline.ledger.tables import metadata
from firstline.money import NanoUSD
from firstline.rights import allows, only_own_reviews
from firstline.types import ApiKey, Attempt, KeyTerms, Usage

DAY = 86_400.0
NOON = 20_000 * DAY + DAY / 2  # 2024-10-04


class Clock:
    """A time that a test sets."""

    def __init__(self, now: float = NOON) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


@asynccontextmanager
async def opened(folder: Path, clock: Clock | None = None) -> AsyncIterator[Ledger]:
    ledger = await Ledger.open(f"sqlite:///{folder / 'ledger.db'}", clock=clock or Clock())
    try:
        yield ledger
    finally:
        await ledger.close()


def downgrade(path: Path, revision: str) -> None:
    """Make a ledger what an earlier version wrote."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    with create_engine(f"sqlite:///{path}").begin() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, revision)


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("ledger.db*") if path.is_file())


async def hold(ledger: Ledger, key: ApiKey, amount: int, run: str = "r") -> int:
    if run not in {one.id for one in await ledger.list_runs(100)}:
        await ledger.begin_run(run, "t", "t@1", "0" * 64, 1.0, key_id=key.id)
    return (await ledger.hold(run, 0, "m", NanoUSD(amount), key_id=key.id)).entry


def done(error: str | None = None) -> Attempt:
    return Attempt(model="m", passed=True, usage=Usage(prompt_tokens=3), error=error)


async def test_a_key_is_found_by_its_secret_and_kept_without_it(tmp_path: Path) -> None:
    terms = KeyTerms(name="shop", scopes=("gpt-4o-mini", "task/*"), requests_per_minute=3, day_nano_usd=NanoUSD(5))
    async with opened(tmp_path) as ledger:
        assert not await ledger.keys.exist()
        key, secret = await ledger.keys.create(terms)
        assert secret.startswith("fl-")
        assert len(secret) >= 43
        assert key.shown == shown(secret) == f"{secret[:5]}…{secret[-2:]}"
        assert await ledger.keys.exist()
        assert await ledger.keys.by_secret(secret) == Found(key=key, ends=None, rotated=False)
        assert await ledger.keys.by_secret(secret[:-1]) is None
        assert await ledger.keys.by_secret("\ud800") is None
        assert (key.scopes, key.requests_per_minute, key.day_nano_usd, key.state) == (terms.scopes, 3, 5, "active")
        assert await ledger.keys.get("shop") == await ledger.keys.get(key.id) == key
    assert secret.encode() not in everything_in(tmp_path)


async def test_states_and_names(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        keys = ledger.keys
        first, secret = await keys.create(KeyTerms(name="shop"))
        with pytest.raises(UsageError, match="already"):
            await keys.create(KeyTerms(name="shop"))
        assert (await keys.switch("shop", "disabled")).state == "disabled"
        assert (await keys.switch("shop", "active")).state == "active"
        assert (await keys.switch(first.id, "revoked")).state == "revoked"
        again, _ = await keys.create(KeyTerms(name="shop"))
        assert (await keys.get("shop")).id == again.id
        with pytest.raises(UsageError, match="for good"):
            await keys.switch(first.id, "active")
        found = await keys.by_secret(secret)
        assert found is not None
        assert found.key.state == "revoked"
        assert {key.id for key in await keys.list()} == {first.id, again.id}
        for name in ("nothing", "key_nothing"):
            with pytest.raises(NotFoundError):
                await keys.get(name)


@pytest.mark.parametrize(
    "terms",
    [
        KeyTerms(name=" "),
        KeyTerms(name="a\x1b[31m"),
        KeyTerms(name="key_1"),
        KeyTerms(name="a", scopes=("",)),
        KeyTerms(name="a", requests_per_minute=0),
        KeyTerms(name="a", tokens_per_minute=-1),
    ],
)
async def test_wrong_terms_are_refused(tmp_path: Path, terms: KeyTerms) -> None:
    async with opened(tmp_path) as ledger:
        with pytest.raises(UsageError):
            await ledger.keys.create(terms)
        assert await ledger.keys.list() == ()


async def test_a_wallet_is_held_settled_and_never_overdrawn_by_holds(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        key, _ = await ledger.keys.create(KeyTerms(name="shop", prepaid=True), NanoUSD(100))
        entry = await hold(ledger, key, 60)
        with pytest.raises(InsufficientBalanceError):
            await hold(ledger, key, 41)
        other = await hold(ledger, key, 40)
        ledger.settle(entry, done(), NanoUSD(25))
        ledger.settle(other, done("engine_timeout"), NanoUSD(0))
        key = await ledger.keys.get("shop")
        assert (key.granted_nano_usd, key.spent_nano_usd, key.held_nano_usd, key.available) == (100, 25, 0, 75)
        ledger.settle(entry, done(), NanoUSD(25))  # once and for all: this is only in the log
        await ledger.keys.credit("shop", NanoUSD(5), "thanks")
        assert (await ledger.keys.get("shop")).available == 80


async def test_an_empty_wallet_buys_nothing_not_even_what_is_free(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        key, _ = await ledger.keys.create(KeyTerms(name="shop", prepaid=True))
        with pytest.raises(InsufficientBalanceError):
            await hold(ledger, key, 0)
        with pytest.raises(UsageError, match="wallet"):
            await ledger.keys.create(KeyTerms(name="other"), NanoUSD(1))
        await ledger.keys.create(KeyTerms(name="third"))
        with pytest.raises(UsageError, match="wallet"):
            await ledger.keys.credit("third", NanoUSD(1))
        with pytest.raises(UsageError):
            await ledger.keys.credit("shop", NanoUSD(0))


async def test_holds_at_the_same_time_from_two_processes_share_one_wallet(tmp_path: Path) -> None:
    async with opened(tmp_path) as first, opened(tmp_path) as second:
        key, _ = await first.keys.create(KeyTerms(name="shop", prepaid=True), NanoUSD(100))
        await first.begin_run("r", "t", "t@1", "0" * 64, 1.0, key_id=key.id)
        await first.get_run("r")  # written: a run is of one process, and only this test lets another one see it
        tries = [one.hold("r", 0, "m", NanoUSD(30), key_id=key.id) for one in (first, second) for _ in range(5)]
        results = await asyncio.gather(*tries, return_exceptions=True)
        assert sum(isinstance(one, Hold) for one in results) == 3
        assert sum(isinstance(one, InsufficientBalanceError) for one in results) == 7
        assert (await second.keys.get("shop")).available == 10


async def test_budgets_count_holds_and_begin_anew(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger:
        terms = KeyTerms(name="shop", day_nano_usd=NanoUSD(100), month_nano_usd=NanoUSD(150))
        key, _ = await ledger.keys.create(terms)
        late = await hold(ledger, key, 100)
        with pytest.raises(QuotaError, match="the day's budget"):
            await hold(ledger, key, 1)
        await hold(ledger, key, 0)  # what is free goes on
        clock.now += DAY
        await hold(ledger, key, 50)
        with pytest.raises(QuotaError, match="the month's budget"):
            await hold(ledger, key, 1)
        ledger.settle(late, done(), NanoUSD(40))  # counts on the day it was begun
        await hold(ledger, key, 50)
        clock.now = 20_028 * DAY  # the first of November
        failed = await hold(ledger, key, 100)
        ledger.settle(failed, done("engine_timeout"), NanoUSD(0))
        with pytest.raises(QuotaError, match="the day's budget"):
            await hold(ledger, key, 1)  # it may have been charged
        clock.now += DAY
        refused = await hold(ledger, key, 50)
        ledger.settle(refused, done("engine_auth"), NanoUSD(0), outcome="refused")
        await hold(ledger, key, 50)


async def test_what_a_dead_process_held_goes_back_to_the_wallet_and_stays_on_the_budget(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        terms = KeyTerms(name="shop", prepaid=True, day_nano_usd=NanoUSD(70))
        key, _ = await ledger.keys.create(terms, NanoUSD(100))
        await hold(ledger, key, 60)
    async with opened(tmp_path) as ledger:
        key = await ledger.keys.get("shop")
        assert (key.spent_nano_usd, key.held_nano_usd, key.available) == (0, 0, 100)
        with pytest.raises(QuotaError):
            await hold(ledger, key, 11)
        assert "may have been charged" in ((await ledger.get_run("r")).attempts[0].error or "")


async def test_a_rotated_key_is_the_same_key_and_its_secret_before_ends(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger:
        keys = ledger.keys
        first, old = await keys.create(KeyTerms(name="shop", requests_per_minute=3))
        rotated, new = await keys.rotate("shop", 60.0)
        assert (rotated.id, rotated.requests_per_minute, rotated.shown) == (first.id, 3, shown(new))
        assert new != old
        assert await keys.by_secret(new) == Found(key=rotated, ends=None, rotated=False)
        assert await keys.by_secret(old) == Found(key=rotated, ends=clock.now + 60, rotated=True)
        await keys.change("shop", expires=clock.now + 30)
        for secret, is_old in ((new, False), (old, True)):
            found = await keys.by_secret(secret)
            assert found is not None
            assert (found.ends, found.rotated) == (clock.now + 30, is_old)
        again, newest = await keys.rotate("shop")
        assert await keys.by_secret(old) is None  # only the one before is known
        before = await keys.by_secret(new)
        assert before == Found(key=again, ends=clock.now, rotated=True)
        await keys.switch("shop", "revoked")
        with pytest.raises(UsageError, match="for good"):
            await keys.rotate(first.id)
    for secret in (old, new, newest):
        assert secret.encode() not in everything_in(tmp_path)


async def test_terms_are_changed_one_by_one_and_checked(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock) as ledger:
        keys = ledger.keys
        key, secret = await keys.create(KeyTerms(name="shop", scopes=("gpt-4o-mini",), tokens_per_minute=9))
        assert key.rights == ("models", "runs", "usage")
        changed = await keys.change("shop", rights=("reviews", "audits"), expires=clock.now + 5)
        assert changed == msgspec.structs.replace(key, rights=("reviews", "audits"), expires=clock.now + 5)
        clock.now += 10
        assert (await keys.change("shop", scopes=("task/*",))).scopes == ("task/*",)
        assert (await keys.change("shop", expires=None)).expires is None
        wrong: tuple[dict[str, Any], ...] = (
            {"rights": ("review",)},
            {"rights": ()},
            {"expires": clock.now},
            {"requests_per_minute": 0},
        )
        for terms in wrong:
            with pytest.raises(UsageError):
                await keys.change("shop", **terms)
        found = await keys.by_secret(secret)
        assert found is not None
        assert found.key == await keys.get("shop")
        for terms in ({"rights": ("review",)}, {"expires": clock.now}):
            with pytest.raises(UsageError):
                await keys.create(KeyTerms(name="third", **terms))


async def test_keys_of_before_keep_what_they_could_do_but_judge_only_their_own(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    async with opened(tmp_path) as ledger:
        key, _ = await ledger.keys.create(KeyTerms(name="shop", scopes=("gpt-4o-mini",)))
    downgrade(path, "0012")
    async with opened(tmp_path) as ledger:
        rights = (await ledger.keys.get(key.id)).rights
        for right in ("models", "tasks", "files", "runs", "usage", "certificates", "fine-tuning", "reviews"):
            assert allows(rights, right)
        assert only_own_reviews(rights)
        assert not allows(rights, "audits", reads=True)
        assert not allows(rights, "admin", reads=True)


async def test_a_ledger_of_the_first_version_is_migrated_with_its_runs(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await ledger.begin_run("old", "t", "t@1", "0" * 64, 1.0)
        await ledger.drop_run("old", "the caller left")
    downgrade(tmp_path / "ledger.db", "0016")
    with sqlite3.connect(tmp_path / "ledger.db") as connection:
        for table in ("runs", "entries"):
            connection.execute(f"DROP INDEX ix_{table}_key_id_created")
            connection.execute(f"ALTER TABLE {table} DROP COLUMN key_id")
        connection.execute("DROP INDEX ix_runs_claim")
        for column in ("certificate", "parameters", "audit_of", "claim"):
            connection.execute(f"ALTER TABLE runs DROP COLUMN {column}")
        connection.execute("ALTER TABLE attempts DROP COLUMN signals")
        connection.execute("DROP INDEX ix_entries_state_held")
        first = {"runs", "attempts", "entries", "alembic_version"}
        later = [table.name for table in reversed(metadata.sorted_tables) if table.name not in first]
        assert {"api_keys", "credits", "key_days"} < set(later)
        for name in later:
            connection.execute(f"DROP TABLE {name}")
        connection.execute("UPDATE alembic_version SET version_num = '0001'")
    connection.close()
    async with opened(tmp_path) as ledger:
        assert (await ledger.get_run("old")).reason == "the caller left"
        assert await ledger.keys.list() == ()
