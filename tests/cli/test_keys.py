"""`firstline keys`: the secret is printed once, and every command speaks JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from firstline.cli.main import app
from firstline.cli.serving import refuse_strangers
from support.served import COLOUR


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a data folder of its own."""
    (tmp_path / "firstline.toml").write_text('data_dir = "data"\n[models."fake/echo"]\n')
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*words: str) -> Result:
    return CliRunner().invoke(app, ["keys", *words], catch_exceptions=False)


def read(*words: str) -> Any:
    result = called(*words, "--json")
    assert result.exit_code == 0, result.stderr
    return json.loads(result.stdout)


def test_a_key_is_made_with_its_terms_and_shown_without_its_secret() -> None:
    words = ("--scope", "task/*", "--scope", "gpt-4o-mini", "--requests", "60", "--tokens", "9000", "--day", "0.5")
    made = read("create", "shop", *words, "--month", "12.50", "--prepaid", "--credit", "3")
    secret = made.pop("key")
    assert secret.startswith("fl-")
    assert (made["name"], made["scopes"], made["state"]) == ("shop", ["task/*", "gpt-4o-mini"], "active")
    assert (made["requests_per_minute"], made["tokens_per_minute"]) == (60, 9000)
    assert (made["budget_day_nano_usd"], made["budget_month_nano_usd"]) == (500_000_000, 12_500_000_000)
    assert (made["granted_nano_usd"], made["available_nano_usd"]) == (3_000_000_000, 3_000_000_000)
    assert read("list") == {"object": "list", "data": [made]}
    assert read("show", "shop") == read("show", made["id"]) == {**made, "stored_bytes": 0}
    assert secret not in called("list").stdout + called("show", "shop").stdout


def test_the_secret_is_the_only_line_on_stdout() -> None:
    result = called("create", "shop")
    assert result.stdout.startswith("fl-")
    assert len(result.stdout.split()) == 1
    assert "shown this once" in result.stderr


def test_states_and_credit() -> None:
    read("create", "shop", "--prepaid")
    assert read("disable", "shop")["state"] == "disabled"
    assert read("enable", "shop")["state"] == "active"
    assert read("credit", "shop", "0.000000001", "--note", "a nano")["balance_nano_usd"] == 1
    assert "no wallet" not in called("list").stdout
    assert read("revoke", "shop")["state"] == "revoked"
    assert called("show", "shop").exit_code == 2


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("create", "shop", "--day", "much"), "no amount of US dollars"),
        (("create", "shop", "--day", "-1"), "no amount of US dollars"),
        (("create", "shop", "--credit", "1"), "--prepaid"),
        (("create", ""), "1 to 100"),
        (("create", "shop", "--right", "review"), "did you mean reviews?"),
        (("create", "shop", "--expires", "soon"), "is no time"),
        (("create", "shop", "--expires", "2001-01-01"), "in the past"),
        (("change", "nobody", "--right", "files"), "no key 'nobody'"),
        (("change", "nobody"), "say what to change"),
        (("rotate", "nobody"), "no key 'nobody'"),
        (("rotate", "nobody", "--grace", "a while"), "no span of time"),
        (("credit", "nobody", "1"), "no key 'nobody'"),
        (("revoke", "nobody"), "keys list"),
    ],
)
def test_wrong_words_leave_with_2(words: tuple[str, ...], told: str) -> None:
    result = called(*words)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_rights_and_an_end_are_given_and_changed() -> None:
    made = read("create", "shop", "--scope", "gpt-4o-mini")
    assert (made["rights"], made["expires_at"]) == (["models", "runs", "usage"], None)
    words = ("--right", "reviews", "--right", "audits:read", "--expires", "90d", "--requests", "7", "--storage", "3")
    changed = read("change", "shop", *words)
    assert changed["rights"] == ["reviews", "audits:read"]
    assert changed["storage_bytes"] == 3_000_000
    assert read("change", "shop", "--reads", "5")["reads_per_minute"] == 5
    assert "0.0 MB kept of 3 MB" in called("show", "shop").stdout
    assert (changed["scopes"], changed["requests_per_minute"]) == (["gpt-4o-mini"], 7)
    assert 89 < (changed["expires_at"] - made["created_at"]) / 86_400 < 91
    assert "reviews, audits:read" in called("show", "shop").stdout
    assert read("change", "shop", "--expires", "never", "--scope", "*")["scopes"] == []
    assert read("create", "until", "--expires", "2999-01-31")["expires_at"] == 32_474_736_000


def test_a_key_is_rotated_and_keeps_its_name() -> None:
    made = read("create", "shop")
    rotated = read("rotate", "shop", "--grace", "2h")
    assert rotated["id"] == made["id"]
    assert rotated["key"] != made["key"]
    result = called("rotate", "shop", "--grace", "0")
    assert len(result.stdout.split()) == 1
    assert "refused from now on" in result.stderr


def test_the_log_says_who_changed_what() -> None:
    assert "nothing was changed" in CliRunner().invoke(app, ["audit-log"], catch_exceptions=False).stderr
    made = read("create", "shop")
    read("rotate", "shop")
    read("create", "other")
    lines = read("log", "shop")["data"]
    assert [one["action"] for one in lines] == ["key.rotate", "key.create"]
    assert {one["subject"] for one in lines} == {made["id"]}
    assert made["key"] not in json.dumps(lines)
    words = ["audit-log", "--action", "key.create", "--json"]
    log = json.loads(CliRunner().invoke(app, words, catch_exceptions=False).stdout)["data"]
    assert [one["details"]["name"] for one in log] == ["other", "shop"]
    shown = CliRunner().invoke(app, ["audit-log"], env={"COLUMNS": "160"}, catch_exceptions=False).stdout
    assert "key.rotate" in shown
    assert "grace_s 86400" in shown


@pytest.mark.parametrize(
    ("scope", "hint"),
    [("gpt-4o-min", "did you mean gpt-4o-mini?"), ("task/reciept", "did you mean task/receipt?"), ("~", "such as")],
)
def test_a_scope_that_matches_nothing_is_refused(scope: str, hint: str) -> None:
    for words in (("create", "shop", "--scope", scope), ("change", "shop", "--scope", "local/*", "--scope", scope)):
        result = called(*words)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "matches no model" in result.stderr
        assert hint in result.stderr
    for known in (
        "gpt-4o-mini-2024-07-18",
        "fake/echo",
        "local/*",
        "task/rec*",
        "text-embedding-3-small",
        "ft:gpt-4o-mini*",
        "*",
    ):
        assert called("create", known, "--scope", known).exit_code == 0, known


def test_without_keys_the_list_says_what_that_means() -> None:
    assert read("list")["data"] == []
    assert "loopback" in called("list").stderr


def test_without_keys_the_server_listens_on_the_loopback_only() -> None:
    for host in ("0.0.0.0", "::", "example.com", "192.0.2.1"):
        result = CliRunner().invoke(app, ["serve", "--host", host, "--port", "0"], catch_exceptions=False)
        assert result.exit_code == 2
        assert "firstline keys create" in result.stderr


def test_with_a_key_it_listens_wherever_it_is_told(folder: Path) -> None:
    url = f"sqlite:///{folder / 'data' / 'ledger.db'}"
    refuse_strangers("127.0.0.1", url)
    refuse_strangers("::1", url)
    refuse_strangers("localhost", url)
    read("create", "shop")
    refuse_strangers("0.0.0.0", url)


def test_usage_is_shown_by_day(folder: Path) -> None:
    def usage(*words: str) -> Result:
        return CliRunner().invoke(app, ["usage", *words], env={"COLUMNS": "100"}, catch_exceptions=False)

    assert "nothing was asked" in usage().stderr
    (folder / "tasks").mkdir()
    (folder / "tasks" / "colour.toml").write_text(COLOUR.replace("fake/scripted", "fake/echo"))
    assert CliRunner().invoke(app, ["run", "colour", "red"], catch_exceptions=False).exit_code == 0
    days = json.loads(usage("--json", "--days", "2", "--by", "model,task,key").stdout)["data"]
    assert len(days) == 2
    (result,) = days[1]["results"]
    assert (result["model"], result["task"], result["api_key_id"]) == ("fake/echo", "colour", None)
    assert "fake/echo" in usage("--by", "key,model").stdout
    assert usage("--by", "colour").exit_code == 2
    assert usage("--key", "nobody").exit_code == 2
