"""What is wrong in settings or a task is said in words, with the line and the key."""

from __future__ import annotations

from pathlib import Path
from typing import get_args, get_origin

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.declared_mistakes import line_of
from firstline.errors import SettingsError, TaskError
from firstline.settings import declared, load
from firstline.tasks.task_file import task_from_text

TASK = 'kind = "classify"\ninstruction = "What?"\n[labels.a]\n[labels.b]\n'


def refused(folder: Path, text: str, **env: str) -> SettingsError:
    (folder / "firstline.toml").write_text(text)
    with pytest.raises(SettingsError) as caught:
        load(env, cwd=folder)
    return caught.value


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("[server]\nprot = 1\n", "firstline.toml:2: server.prot: there is no such key", "did you mean `port`?"),
        ("\n[severs]\nport = 1\n", "firstline.toml:2: severs: there is no such key", "did you mean `server`?"),
        (
            '[server]\nport = "abc"\n',
            "firstline.toml:2: server.port: must be a whole number, not the text 'abc'",
            "`firstline doctor` lists every setting",
        ),
        (
            "[server]\n\nport = 70000\n",
            "firstline.toml:3: server.port: must be at least 0 and at most 65535, it is 70000",
            "`firstline doctor` lists every setting",
        ),
        (
            '[reviews]\nkeep = "al"\n',
            "firstline.toml:2: reviews.keep: 'al' is none of its values",
            "did you mean `all`?",
        ),
        (
            '[ladder]\ndefault = "local/x"\n',
            "firstline.toml:2: ladder.default: must be a list, not the text 'local/x'",
            "`firstline doctor` lists every setting",
        ),
        (
            '[models."ollama/qwen3.5"]\nbase_ulr = "x"\n',
            'firstline.toml:2: models."ollama/qwen3.5".base_ulr: there is no such key',
            "did you mean `base_url`?",
        ),
        ("server = 3\n", "firstline.toml:1: server: must be a table, not 3", "`firstline doctor` lists every setting"),
    ],
)
def test_a_mistake_in_the_settings_has_file_line_and_key(tmp_path: Path, text: str, message: str, hint: str) -> None:
    error = refused(tmp_path, text)
    assert (error.message, error.hint) == (message, hint)


def test_a_mistake_in_the_environment_names_its_variable(tmp_path: Path) -> None:
    error = refused(tmp_path, "", FIRSTLINE_SERVER_PORT="abc")
    assert error.message == "FIRSTLINE_SERVER_PORT: must be a whole number, not the text 'abc'"
    error = refused(tmp_path, "", FIRSTLINE_SERVER_PORT="70000")
    assert error.message == "FIRSTLINE_SERVER_PORT: must be at least 0 and at most 65535, it is 70000"


def test_every_setting_of_the_wrong_kind_is_told_in_words_with_its_line(tmp_path: Path) -> None:
    for path, _hint in declared():
        section, _, key = path.rpartition(".")
        text = f"[{section}]\n{key} = {{ a = 1 }}\n" if section else f"{key} = {{ a = 1 }}\n"
        error = refused(tmp_path, text)
        assert error.message.startswith(f"firstline.toml:{2 if section else 1}: {path}: must be "), error.message
        assert error.message.endswith(", not a table"), error.message


def test_every_setting_that_takes_words_names_the_nearest(tmp_path: Path) -> None:
    checked = 0
    for path, hint in declared():
        base = get_args(hint)[0]
        words = [word for word in get_args(base) if isinstance(word, str)] if get_origin(base) is not None else []
        if not words or get_origin(base) in (tuple, list):
            continue
        section, _, key = path.rpartition(".")
        error = refused(tmp_path, f'[{section}]\n{key} = "{words[0]}x"\n')
        assert error.hint == f"did you mean `{words[0]}`?"
        checked += 1
    assert checked


@pytest.mark.parametrize(
    ("was", "now", "message"),
    [
        ('instruction = "What?"', "instruction = 3", "t.toml:2: instruction: must be text in quotes, not 3"),
        ('instruction = "What?"', 'instruction = ""', "t.toml:2: instruction: must not be empty"),
        ('instruction = "What?"', "", "t.toml: the key `instruction` is missing"),
        ("[labels.a]", "[fields.a]", "t.toml:3: fields: there is no such key"),
        ("[labels.a]", '[labels.a]\nexamples = "x"', "t.toml:4: labels.a.examples: must be a list, not the text 'x'"),
        ("[labels.a]", "[target]\nmax_eror = 0.1\n[labels.a]", "t.toml:4: target.max_eror: there is no such key"),
    ],
)
def test_a_mistake_in_a_task_has_file_line_and_key(was: str, now: str, message: str) -> None:
    with pytest.raises(TaskError) as caught:
        task_from_text("t", TASK.replace(was, now), origin="t.toml")
    assert caught.value.message == message


@given(st.lists(st.sampled_from(["a", '"b.c"', "'d e'", "f-1"]), min_size=1, max_size=3), st.integers(0, 5))
def test_the_line_of_a_key_is_found_under_its_table(names: list[str], blank: int) -> None:
    header = ".".join(names)
    text = "\n" * blank + f'[{header}]\nother = """\nkey = 1\n"""\nkey = 2\n'
    assert line_of(text, f"{header}.key") == blank + 5
    assert line_of(text, f"{header}.no") == blank + 1
