"""A key is believed for a second, so that a revoked one stops soon and a busy server seldom asks the ledger."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstline.errors import AuthenticationError
from firstline.gateway.keyring import BELIEVED_S, Keyring
from firstline.ledger.store import Ledger
from firstline.types import KeyTerms
from support.ledgers import opened


class Clock:
    """A time that a test sets."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_a_key_switched_off_by_another_process_stops_within_two_seconds(tmp_path: Path) -> None:
    assert BELIEVED_S <= 2
    clock = Clock()
    async with opened(tmp_path) as ours, opened(tmp_path) as theirs:
        keyring = Keyring(ours.keys, clock=clock)
        key, secret = await theirs.keys.create(KeyTerms(name="shop"))
        assert (await keyring.caller(secret)).key_id == key.id
        for state in ("disabled", "revoked"):
            await theirs.keys.switch(key.id, "active" if state == "disabled" else "disabled")
            clock.now += BELIEVED_S
            if state == "disabled":
                await keyring.caller(secret)
            await theirs.keys.switch(key.id, "disabled" if state == "disabled" else "revoked")
            clock.now += BELIEVED_S
            with pytest.raises(AuthenticationError, match="disabled" if state == "disabled" else "Incorrect"):
                await keyring.caller(secret)


async def test_the_ledger_is_asked_once_a_second(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path) as ledger:
        keyring = Keyring(ledger.keys, clock=clock)
        assert not await keyring.needed()
        _, secret = await ledger.keys.create(KeyTerms(name="shop"))
        assert not await keyring.needed()
        clock.now += BELIEVED_S
        assert await keyring.needed()
        await keyring.caller(secret)
        await ledger.keys.switch("shop", "disabled")
        assert (await keyring.caller(secret)).name == "shop"  # still believed
        clock.now += BELIEVED_S
        with pytest.raises(AuthenticationError, match="disabled"):
            await keyring.caller(secret)


async def test_an_expired_key_and_a_replaced_secret_are_refused_with_the_reason(tmp_path: Path) -> None:
    clock, wall = Clock(), Clock()
    ledger = await Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}", clock=wall)
    try:
        keyring = Keyring(ledger.keys, clock=clock, now=wall)
        _, old = await ledger.keys.create(KeyTerms(name="shop"))
        _, new = await ledger.keys.rotate("shop", 60.0)
        for secret in (old, new):
            assert (await keyring.caller(secret)).name == "shop"
        wall.now += 60  # at once: what is believed of a key holds its end too
        with pytest.raises(AuthenticationError, match="replaced by another, and was accepted until 1970-01-01 00:02"):
            await keyring.caller(old)
        assert (await keyring.caller(new)).name == "shop"
        await ledger.keys.change("shop", expires=wall.now + 30)
        clock.now += BELIEVED_S
        assert (await keyring.caller(new)).name == "shop"
        wall.now += 30
        for secret in (new, old):
            with pytest.raises(AuthenticationError, match="has expired at" if secret == new else "replaced"):
                await keyring.caller(secret)
    finally:
        await ledger.close()


async def test_a_key_is_needed_for_good_once_one_was_made(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        key, secret = await ledger.keys.create(KeyTerms(name="shop"))
        await ledger.keys.switch(key.id, "revoked")
        keyring = Keyring(ledger.keys)
        assert await keyring.needed()
        for given in (None, "", secret, "fl-nothing"):
            with pytest.raises(AuthenticationError):
                await keyring.caller(given)
