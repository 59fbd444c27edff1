"""Amounts of money on the command line: what is none, or too much, is refused in words before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstline.cli.key_commands import usd
from firstline.errors import UsageError
from firstline.ledger.store import Ledger
from firstline.money import MOST
from firstline.types import KeyTerms


@pytest.mark.parametrize("text", ["1e30", "5e9", "1000000.01", "inf", "-inf", "nan", "-1", "1e999999999", "", "ten"])
def test_an_amount_that_is_none_or_too_much_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--day"):
        usd(text, "--day")


def test_an_amount_up_to_a_million_is_taken_exactly() -> None:
    assert usd("1000000", "USD") == MOST
    assert usd("0.000000001", "USD") == 1


async def test_credits_never_add_up_to_more_than_one_amount_may_be(tmp_path: Path) -> None:
    ledger = await Ledger.open(f"sqlite:///{tmp_path / 'ledger.db'}")
    try:
        await ledger.keys.create(KeyTerms(name="shop", prepaid=True), MOST)
        with pytest.raises(UsageError, match="at the most"):
            await ledger.keys.credit("shop", usd("0.01", "USD"))
        assert (await ledger.keys.get("shop")).granted_nano_usd == MOST
        with pytest.raises(UsageError, match="a budget is"):
            await ledger.keys.create(KeyTerms(name="other", day_nano_usd=usd("1000000", "--day") * 2))  # type: ignore[arg-type]
    finally:
        await ledger.close()
