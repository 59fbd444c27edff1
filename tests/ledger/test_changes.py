"""The audit log: each change is written with who made it, in one transaction, for good, and without a secret."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from firstline import settings
from firstline.app.witness import settings_of, witness
from firstline.errors import NotFoundError, UsageError
from firstline.ledger.actor import Actor, this_user
from firstline.ledger.store import Ledger
from firstline.money import NanoUSD
from firstline.tasks.registry import Tasks
from firstline.types import KeyTerms
from support.ledgers import opened
from support.review_world import leave, said

DESK = Actor(kind="key", id="key_7", name="desk")


async def logged(ledger: Ledger, **words: str) -> list[tuple[str, str]]:
    """Return action and actor of each line, oldest first."""
    return [(one.action, one.actor.id) for one in reversed(await ledger.changes.list(100, **words))]  # type: ignore[arg-type]


async def test_each_change_of_a_key_is_logged_without_its_secret(tmp_path: Path) -> None:
    me = this_user()
    async with opened(tmp_path) as ledger:
        keys = ledger.keys
        key, first = await keys.create(KeyTerms(name="shop", prepaid=True), NanoUSD(5))
        _, second = await keys.rotate("shop", 60.0)
        await keys.change("shop", rights=("audits",), requests_per_minute=3)
        for state in ("disabled", "disabled", "active", "revoked"):
            await keys.switch(key.id, state)
        with pytest.raises(UsageError):
            await keys.change(key.id, rights=("files",))
        with pytest.raises(UsageError):
            await keys.create(KeyTerms(name="shop2"), NanoUSD(5))
        found = await ledger.changes.list(100, subject=key.id)
        actions = [one.action for one in reversed(found)]
        assert actions == [
            "key.create", "key.credit", "key.rotate", "key.change", "key.disable", "key.enable", "key.revoke"
        ]  # fmt: skip
        assert {one.actor for one in found} == {me}
        assert found == await ledger.changes.list(100, action="key.")
        change = found[3].details
        assert change["name"] == "shop"
        assert change["terms"] == {
            "rights": [["models", "tasks", "files", "runs", "usage", "certificates"], ["audits"]],
            "requests_per_minute": [None, 3],
        }
        for secret in (first, second):
            assert secret not in repr(found)
        assert [one.id for one in await ledger.changes.list(2, before=found[2].id)] == [found[3].id, found[4].id]
        with pytest.raises(NotFoundError):
            await ledger.changes.list(2, before=99)


async def test_who_answered_a_review_is_the_key_and_not_only_the_name_it_gave(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        one, two = await leave(ledger, "r1", 1.0), await leave(ledger, "r2", 2.0)
        await ledger.reviews.take(one, "anna", 60.0)
        for _ in range(2):  # the same again changes nothing
            await ledger.reviews.answer(one, "anna", said(12.5), by=DESK)
        await ledger.reviews.reject(two, "ben", "half a page", error_code="invalid_input")
        assert await logged(ledger) == [("review.answer", "key_7"), ("review.reject", this_user().id)]
        (answer,) = await ledger.changes.list(1, subject=one)
        assert answer.details == {"reviewer": "anna", "task": "receipt", "run": "r1", "fields": ["total"]}


async def test_the_log_cannot_be_altered_and_what_fails_leaves_no_line(tmp_path: Path) -> None:
    async with opened(tmp_path) as ledger:
        await ledger.keys.create(KeyTerms(name="shop"))
        with pytest.raises(UsageError):
            await ledger.keys.create(KeyTerms(name="shop"))
        assert await logged(ledger) == [("key.create", this_user().id)]
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as connection:
        for statement in ("UPDATE changes SET actor_name = 'boss'", "DELETE FROM changes"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                connection.execute(statement)


async def test_settings_and_tasks_that_changed_between_two_starts_are_logged(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    own = tmp_path / "tasks" / "colour.toml"
    own.write_text('kind = "classify"\ninstruction = "x"\nladder = ["fake/echo"]\n[labels.a]\n[labels.b]\n')

    async def start(toml: str) -> list[tuple[str, object, object]]:
        (tmp_path / "firstline.toml").write_text(toml)
        loaded = settings.load({}, cwd=tmp_path)
        async with opened(tmp_path) as ledger:
            before = len(await ledger.changes.list(100))
            await witness(ledger, loaded, Tasks(tmp_path / "tasks"))
            found = await ledger.changes.list(100)
            new = reversed(found[: len(found) - before])
            return [(one.subject, one.details["before"], one.details["now"]) for one in new]

    hub = 'sources.hub = "https://ann:secret@hub.example/x"\n'
    (first, task) = await start(hub)
    assert first == ("sources.hub", None, "https://…@hub.example/x")
    assert (task[0], task[1]) == ("colour", None)
    assert await start(hub) == []
    own.write_text(own.read_text().replace('"x"', '"y"'))
    (port, changed) = await start(hub + "server.port = 9\n")
    assert port == ("server.port", None, 9)
    assert (changed[0], changed[1]) == ("colour", task[2])
    own.write_text("kind = ")
    assert [one[0] for one in await start("")] == ["server.port", "sources.hub", "colour"]
    assert b"secret@" not in (tmp_path / "ledger.db").read_bytes()


def test_a_list_of_addresses_loses_its_logins_too(tmp_path: Path) -> None:
    (tmp_path / "firstline.toml").write_text('[ladder]\ndefault = ["https://a:b@c/d"]\n')
    assert settings_of(settings.load({}, cwd=tmp_path)) == {"ladder.default": ["https://…@c/d"]}
