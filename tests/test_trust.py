"""What a folder may do before its owner has allowed it, and that an allowance holds for exactly these bytes."""

from __future__ import annotations

import hashlib
import importlib.util
import marshal
import os
import stat
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline import settings
from firstline.allowances import Allowance, Allowances
from firstline.app.build import build
from firstline.catalog.catalog import Catalog
from firstline.errors import FolderNotAllowedError, SettingsError
from firstline.settings import Loaded, Settings, declared
from firstline.settings_tree import value_at
from firstline.trust import Trust, loopback
from support.served import client_of, served

REMOTE = '[models."acme/m"]\nbase_url = "https://llm.example/v1"\n'
KEY = '[models."acme/m"]\nbase_url = "http://127.0.0.1:9/v1"\napi_key_env = "AWS_SECRET_ACCESS_KEY"\n'
PYTHON = 'from firstline import TaskModel\nopen("RAN", "w").close()\nclass X(TaskModel):\n    "Read."\n    plate: str\n'


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    place = tmp_path / "strange"
    (place / "tasks").mkdir(parents=True)
    monkeypatch.chdir(place)
    return place


def trusted(folder: Path, toml: str = "", **environ: str) -> Trust:
    return Trust(loaded(folder, toml, **environ))


def loaded(folder: Path, toml: str = "", **environ: str) -> Loaded:
    (folder / "firstline.toml").write_text(toml)
    return settings.load(environ, cwd=folder)


def compiled(file: Path, program: str) -> None:
    """Write a task, and beside it other code as what it was compiled to, by hash and unchecked."""
    file.write_text(PYTHON)
    cached = Path(importlib.util.cache_from_source(str(file)))
    cached.parent.mkdir()
    head = importlib.util.MAGIC_NUMBER + (1).to_bytes(4, "little") + bytes(8)
    cached.write_bytes(head + marshal.dumps(compile(program, str(file), "exec")))


def words(trust: Trust) -> list[str]:
    return [ask.words for ask in trust.asks]


@pytest.mark.parametrize(
    "toml",
    [
        "",
        '[ladder]\ndefault = ["gpt-4o-mini", "openai/gpt-5.5"]\n',
        '[models."acme/m"]\nbase_url = "http://127.0.0.1:8000/v1"\ninput_usd_per_mtok = 1\noutput_usd_per_mtok = 1\n',
        '[models."acme/m"]\nbase_url = "http://localhost/v1"\n[models."acme/n"]\nbase_url = "https://[::1]:1/v1"\n',
        '[models."openai/gpt-5.4-mini"]\napi_key_env = "OPENAI_API_KEY"\ntimeout_s = 3\n',
        '[models."fake/scripted"]\nscript = "x.toml"\n[models."own/x"]\nfile = "x.gguf"\n',
        'data_dir = "data"\ntasks_dir = "/elsewhere"\n[server]\nhost = "127.0.0.2"\nport = 9\n',
        '[sources]\nhub = "http://127.0.0.1:9"\noffline = true\n',
        '[sources]\nhub = ""\nindex = ""\n',
        'data_dir = "data"\n[runs]\nkeep_days = 1\n',
        "[runs]\nkeep_days = 0\n",
    ],
)
def test_what_stays_here_or_goes_where_it_always_goes_works_at_once(folder: Path, toml: str) -> None:
    trust = trusted(folder, toml)
    assert trust.asks == ()
    assert trust.settings_allowed
    assert trust.problem() is None
    trust.require_settings()


@pytest.mark.parametrize(
    ("toml", "asked"),
    [
        (REMOTE, "send what acme/m is asked to https://llm.example/v1"),
        (KEY, "send AWS_SECRET_ACCESS_KEY of your environment to http://127.0.0.1:9/v1 for acme/m"),
        (
            '[models."openai/gpt-5.5"]\napi_key_env = "AWS_SECRET_ACCESS_KEY"\n',
            "send AWS_SECRET_ACCESS_KEY of your environment to https://api.openai.com/v1 for openai/gpt-5.5",
        ),
        ('[models."gpt-5.5"]\nbase_url = "https://evil.example/v1"\n', "send what gpt-5.5 is asked to https://evil.ex"),
        ('[models."openai/gpt-5.5"]\ninput_usd_per_mtok = 0\noutput_usd_per_mtok = 0\n', "at its own price"),
        ('data_dir = "/somewhere/else"\n', "keep its data in /somewhere/else"),
        ("[runs]\nkeep_days = 0.5\n", "purge your runs after 0.5 days"),
        ('data_dir = "data/../.."\n', "keep its data in data/../.."),
        ('[server]\nhost = "0.0.0.0"\n', "serve to others, at 0.0.0.0"),
        ('[server]\nhost = "::"\n', "serve to others, at ::"),
        ('[server]\nhost = "example.org"\n', "serve to others, at example.org"),
        ('[sources]\nhub = "https://hub.example"\n', "fetch models from https://hub.example"),
        ('[sources]\nindex = "https://index.example/simple"\n', "fetch models from https://index.example/simple"),
    ],
)
def test_what_leaves_the_machine_or_opens_it_asks(folder: Path, toml: str, asked: str) -> None:
    trust = trusted(folder, toml)
    (said,) = words(trust)
    assert asked in said
    assert not trust.settings_allowed
    problem = trust.problem()
    assert problem is not None
    assert said in problem.message
    assert f"firstline allow {folder}" in (problem.hint or "")


def test_the_data_folder_may_not_be_a_link_out_of_the_folder(folder: Path) -> None:
    (folder / "data").symlink_to(folder.parent)
    assert words(trusted(folder, 'data_dir = "data"\n')) == ["keep its data in data"]


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1.evil.example/v1",
        "http://127.0.0.1@evil.example/v1",
        "http://evil.example#@127.0.0.1/v1",
        "http://127.0.0.1\\@evil.example/v1",
        "http://localhost.evil.example",
        "http://127.0.0.1:80@evil.example/",
        "http://[::1].evil.example/",
        "//127.0.0.1/v1",
        "http://10.0.0.5/v1",
        "http://0x7f.1/\tv1",
        "http://127.0.0.1/v1\n",
    ],
)
def test_an_address_that_only_looks_like_this_machine_is_elsewhere(address: str) -> None:
    assert not loopback(address)


def test_settings_of_the_environment_are_the_users_own(folder: Path) -> None:
    trust = trusted(folder, 'data_dir = "/evil"\n', FIRSTLINE_DATA_DIR="/mine", FIRSTLINE_SERVER_HOST="0.0.0.0")
    assert trust.asks == ()


def test_no_setting_asks_for_anything_at_its_default(folder: Path) -> None:
    for path, _ in declared():
        section, _, key = path.partition(".")
        value = value_at(Settings(), path)
        text = msgspec.json.encode(value).decode()
        toml = f"[{section}]\n{key} = {text}\n" if key else f"{section} = {text}\n"
        assert words(trusted(folder, toml)) == [], path


def test_an_allowance_holds_for_these_bytes_and_a_change_asks_again(folder: Path) -> None:
    trust = trusted(folder, KEY)
    kept = trust.allow(trust.files(), 1.0)
    assert kept.asks == tuple(words(trust))
    assert trusted(folder, KEY).settings_allowed
    changed = trusted(folder, KEY + "# seen\n")
    assert not changed.settings_allowed
    problem = changed.problem()
    assert problem is not None
    assert "has changed since it was allowed" in problem.message
    assert trusted(folder, KEY).settings_allowed


def test_an_allowance_is_the_users_alone_and_outside_of_the_folder(folder: Path) -> None:
    trust = trusted(folder, KEY)
    trust.allow(trust.files(), 1.0)
    place = loaded(folder, KEY).own_path / "allowed"
    assert not place.is_relative_to(folder)
    (file,) = place.iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.stat().st_mode) == 0o700
    file.chmod(0o622)  # anybody could have written it
    assert not trusted(folder, KEY).settings_allowed


def test_another_folder_with_the_same_files_is_not_allowed(folder: Path) -> None:
    trust = trusted(folder, KEY)
    trust.allow(trust.files(), 1.0)
    other = folder.parent / "other"
    other.mkdir()
    assert not trusted(other, KEY).settings_allowed
    Allowances(loaded(folder, KEY).own_path / "allowed").revoke(folder.resolve())
    assert not trusted(folder, KEY).settings_allowed


def test_a_file_that_changes_while_it_is_allowed_is_not(folder: Path) -> None:
    trust = trusted(folder, KEY)
    (folder / "firstline.toml").write_text(KEY.replace("127.0.0.1", "evil.example"))
    with pytest.raises(FolderNotAllowedError, match="changed this moment"):
        trust.allow(trust.files(), 1.0)


async def test_a_python_task_runs_once_it_is_allowed_and_only_as_it_was(folder: Path) -> None:
    file = folder / "tasks" / "plate.py"
    file.write_text(PYTHON)
    async with build(settings.load({}, cwd=folder)) as app:
        tasks = app.services.tasks
        assert "plate" in tasks.names()
        assert "plate" not in [task.name for task in await tasks.all()]
        with pytest.raises(FolderNotAllowedError, match="it is a program"):
            tasks.get("plate")
        with pytest.raises(FolderNotAllowedError, match="it is a program"):
            tasks.read(file)
        assert not (folder / "RAN").exists()
        trust = Trust(settings.load({}, cwd=folder))
        trust.allow(trust.files(), 1.0)
        assert tasks.get("plate").name == "plate"
        assert (folder / "RAN").exists()
        file.write_text(PYTHON.replace("plate", "number"))
        with pytest.raises(FolderNotAllowedError, match="has changed since"):
            tasks.get("plate")


async def test_no_compiled_file_runs_in_the_place_of_what_was_allowed(folder: Path) -> None:
    """Python takes `__pycache__` for the file when times agree, or without a look where the file says so."""
    compiled(folder / "tasks" / "plate.py", 'open("PWNED", "w").close()')
    async with build(settings.load({"FIRSTLINE_ALLOW": str(folder)}, cwd=folder)) as app:
        assert app.services.tasks.get("plate").name == "plate"
    assert not (folder / "PWNED").exists()


async def test_a_model_that_may_not_be_asked_is_skipped_and_refused_by_name(folder: Path) -> None:
    async with build(loaded(folder, KEY + '[ladder]\ndefault = ["acme/m"]\n', AWS_SECRET_ACCESS_KEY="s")) as app:
        (rung,) = await app.services.runner.rungs(app.services.tasks.get("translate"))
        assert "is not allowed to send AWS_SECRET_ACCESS_KEY" in (rung.skipped or "")


async def test_the_wire_refuses_a_model_and_a_task_that_are_not_allowed(folder: Path) -> None:
    (folder / "tasks" / "plate.py").write_text(PYTHON)
    async with served(folder, toml=KEY, named=False) as server, client_of(server, None) as client:
        for model in ("acme/m", "task/plate"):
            asked = {"model": model, "messages": [{"role": "user", "content": "x"}]}
            for stream in (False, True):
                answer = await client.post("/v1/chat/completions", json={**asked, "stream": stream})
                assert (answer.status_code, answer.json()["error"]["code"]) == (403, "folder_not_allowed"), model
                assert answer.headers["x-should-retry"] == "false"
        assert "task/plate" not in [one["id"] for one in (await client.get("/v1/models")).json()["data"]]
        answer = await client.post("/v1/chat/completions", json={**asked, "model": "fake/echo"})
        assert answer.status_code == 200


async def test_a_setting_that_asks_keeps_the_product_from_being_built(folder: Path) -> None:
    with pytest.raises(FolderNotAllowedError, match="keep its data in"):
        async with build(loaded(folder, f'data_dir = "{folder.parent}/elsewhere"\n')):
            pass
    assert not (folder.parent / "elsewhere").exists()


def test_the_environment_allows_a_folder_or_names_the_file(folder: Path) -> None:
    assert trusted(folder, KEY, FIRSTLINE_ALLOW=f"/srv{os.pathsep}{folder}").settings_allowed
    assert not trusted(folder, KEY, FIRSTLINE_ALLOW="/srv").settings_allowed
    assert not trusted(folder, KEY, FIRSTLINE_ALLOW=str(folder.parent)).settings_allowed
    assert trusted(folder, KEY, FIRSTLINE_CONFIG=str(folder / "firstline.toml")).settings_allowed
    with pytest.raises(SettingsError, match="not absolute"):
        trusted(folder, KEY, FIRSTLINE_ALLOW=".")


def test_a_file_named_by_the_environment_does_not_allow_the_programs_of_whatever_folder(folder: Path) -> None:
    (folder.parent / "mine.toml").write_text(KEY)
    file = folder / "tasks" / "x.py"
    named = Trust(settings.load({"FIRSTLINE_CONFIG": str(folder.parent / "mine.toml")}, cwd=folder))
    with pytest.raises(FolderNotAllowedError):
        named.require_code(file, b"")
    with pytest.raises(FolderNotAllowedError):
        Trust(settings.load({"FIRSTLINE_TASKS_DIR": "tasks"}, cwd=folder)).require_code(file, b"")
    Trust(settings.load({"FIRSTLINE_TASKS_DIR": str(folder / "tasks")}, cwd=folder)).require_code(file, b"")


@given(st.binary(max_size=50), st.binary(max_size=50))
def test_no_other_bytes_are_allowed_with_some(
    tmp_path_factory: pytest.TempPathFactory, first: bytes, other: bytes
) -> None:
    kept = Allowances(tmp_path_factory.mktemp("own") / "allowed")
    digest = hashlib.sha256(first).hexdigest()
    kept.keep(Allowance(folder="/f", files={"/f/x.py": digest}, allowed=1.0))
    found = kept.of(Path("/f"))
    assert found is not None
    assert (found.files["/f/x.py"] == hashlib.sha256(other).hexdigest()) == (first == other)
    assert kept.of(Path("/g")) is None


def test_a_refused_model_is_found_by_its_alias(folder: Path) -> None:
    trust = trusted(folder, '[models."gpt-5.5"]\nbase_url = "https://evil.example/v1"\n')
    catalog = Catalog.load(trust._loaded.settings.models)
    assert list(trust.refused(catalog)) == [catalog.get("gpt-5.5").id]
