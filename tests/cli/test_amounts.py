"""Amounts of money on the command line: what is none, or too much, is refused in words before anything is written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from firstline.catalog.catalog import Catalog
from firstline.cli import times
from firstline.cli.key_commands import usd
from firstline.cli.main import app
from firstline.errors import SettingsError, TaskError, UsageError
from firstline.ledger.store import Ledger
from firstline.money import MOST
from firstline.settings import load
from firstline.tasks.task_file import task_from_text
from firstline.types import KeyTerms

SORT = 'kind = "classify"\ninstruction = "x"\n[labels.a]\n[labels.b]\n'


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


@pytest.mark.parametrize("text", ["1e-10", "0.0000000001", "1e-999"])
def test_an_amount_that_rounds_to_nothing_is_refused_and_nothing_itself_is_taken(text: str) -> None:
    with pytest.raises(UsageError, match="less than can be counted"):
        usd(text, "--day")
    assert usd("0", "--day") == usd("0.00", "--day") == 0


def options(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, Any, Any]]:
    """Return every option and argument of every command with a context to read it in."""
    for name, inner in getattr(command, "commands", {}).items():
        yield from options(inner, (*words, name))
    for param in () if getattr(command, "commands", None) else command.params:
        yield f"{' '.join(words)} {param.name}", typer.Context(command), param


NUMBERS = [
    "99999999999999999999",
    "1" + "0" * 400,
    "9223372036854775808",
    "-9223372036854775809",
    "1e400",
    "nan",
    "-inf",
]


@pytest.mark.parametrize("number", NUMBERS)
def test_no_option_takes_a_number_that_nothing_can_hold(number: str) -> None:
    taken, refused = [], 0
    for name, context, param in options(typer.main.get_command(app)):
        try:
            value = param.process_value(context, number)
        except typer.TyperException:
            refused += 1
            continue
        if isinstance(value, int | float) and not isinstance(value, bool) and not abs(value) < 2**62:
            taken.append(name)
    assert taken == []
    assert refused > 20  # those of numbers, at the least


@pytest.mark.parametrize("text", ["999999999w", "365001d", "9999-12-31", "9999-12-31T23:59:59-23:59"])
def test_no_time_is_so_far_away_that_it_cannot_be_shown(text: str) -> None:
    with pytest.raises(UsageError, match="--expires"):
        times.moment(text, "--expires", 1_800_000_000.0)
    assert times.moment("365000d", "--expires", 0.0) == 365_000 * 86_400


@pytest.mark.parametrize("amount", ["-1", "inf", "nan", "1e300", "1000001"])
def test_settings_and_tasks_take_no_amount_that_is_none_or_too_much(tmp_path: Path, amount: str) -> None:
    model = '[models."local/own"]\nscript = "a.toml"\ninput_usd_per_mtok = {0}\noutput_usd_per_mtok = {0}\n'
    for place in ("[budget]\nusd = {0}\n", "[audits]\nusd_per_day = {0}\n", "[worth]\nreview_usd = {0}\n"):
        (tmp_path / "firstline.toml").write_text(place.format(amount))
        with pytest.raises(SettingsError, match="usd"):
            load({}, cwd=tmp_path)
    (tmp_path / "firstline.toml").write_text(model.format(amount))
    with pytest.raises(SettingsError, match="a price is 0 to"):
        Catalog.load(load({}, cwd=tmp_path).settings.models)
    with pytest.raises(TaskError, match="usd"):
        task_from_text("t", f"{SORT}[budget]\nusd = {amount}\n")


@pytest.mark.parametrize("budget", ["attempts = 0", "attempts = -1", "seconds = 0", "attempts = 99999999999999999"])
def test_a_task_s_budget_that_would_mean_nothing_is_refused(budget: str) -> None:
    with pytest.raises(TaskError, match="budget"):
        task_from_text("t", f"{SORT}[budget]\n{budget}\n")
