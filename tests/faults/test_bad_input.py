"""What bad input gets, through the command line and the server: a stable code, words, a hint, and never a traceback."""

from __future__ import annotations

import base64
import io
import json
import struct
import zlib
from pathlib import Path
from typing import Any

import httpx2
import pytest
from PIL import Image as Pillow
from typer.testing import CliRunner, Result

from firstline.cli.main import app
from support.served import COLOUR, served

HEAD = 'kind = "extract"\ninstruction = "Which colour?"\nladder = ["fake/scripted"]\n'
TASKS = {
    "a wrong key": (HEAD + 'instructions = "x"\n[output.a]\n', "invalid_task"),
    "no TOML": ("kind = \n", "invalid_task"),
    "a rule that does not parse": (HEAD + '[output.a]\nchecks = [{ rule = "output.a >" }]\n', "invalid_task"),
    "a schema nothing can meet": (
        HEAD + '[output.a]\ntype = "object"\nschema = { type = "string", minLength = 3, maxLength = 2 }\n',
        "invalid_task",
    ),
    "a check nobody knows": (HEAD + '[output.a]\nchecks = ["grundet"]\n', "invalid_task"),
}
SETTINGS = 'data_dir = "data"\n{more}\n[models."fake/scripted"]\nscript = "script.toml"\n'


def picture(kind: str, **options: Any) -> bytes:
    out = io.BytesIO()
    Pillow.effect_noise((120, 90), 90).convert("RGB").save(out, kind, **options)
    return out.getvalue()


def promises(width: int, height: int) -> bytes:
    """A PNG of a few bytes that promises a size."""
    chunks = b""
    for name, data in (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(b"\0" * 9999)),
        (b"IEND", b""),
    ):
        chunks += struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
    return b"\x89PNG\r\n\x1a\n" + chunks


def pdf(trailer: str = "") -> bytes:
    """A PDF without a page, by hand."""
    out, places = b"%PDF-1.7\n", []
    for number, body in enumerate(("<< /Type /Catalog /Pages 2 0 R >>", "<< /Type /Pages /Kids [] /Count 0 >>"), 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{body}\nendobj\n".encode()
    rows = "".join(f"{place:010} 00000 n \n" for place in places)
    end = f"xref\n0 3\n0000000000 65535 f \n{rows}trailer\n<< /Size 3 /Root 1 0 R {trailer} >>\nstartxref\n{len(out)}"
    return out + f"{end}\n%%EOF".encode()


def animated() -> bytes:
    out = io.BytesIO()
    frames = [Pillow.new("RGB", (20, 20), colour) for colour in ("red", "blue")]
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:])
    return out.getvalue()


SECRET = "ab" * 32
ENCRYPTED = f"/Encrypt << /Filter /Standard /V 1 /R 2 /P -4 /O <{SECRET}> /U <{SECRET}> >> /ID [<00><00>]"
SVG = b'<?xml version="1.0"?>\n<svg xmlns="http://www.w3.org/2000/svg"><rect width="9" height="9"/></svg>'

FILES = {
    "truncated.png": (picture("PNG")[:4000], "invalid_image"),
    "mislabelled.png": (b"<!DOCTYPE html><html><body>404</body></html>", "invalid_image"),
    "wide.png": (promises(20_000, 20), "invalid_image"),
    "bomb.png": (promises(16_000, 16_000), "invalid_image"),
    "vector.svg": (SVG, "invalid_image"),
    "animated.gif": (animated(), "invalid_image"),
    "nothing.png": (b"", "invalid_image"),
    "encrypted.pdf": (pdf(ENCRYPTED), "invalid_document"),
    "empty.pdf": (pdf(), "invalid_document"),
    "no-bytes.pdf": (b"", "invalid_document"),
    "renamed.pdf": (b"just words", "invalid_document"),
    "long.txt": (b"red " * 1_000, "context_length_exceeded"),
    "latin.txt": ("größe".encode("latin-1"), "invalid_input"),
}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working folder with a task, a scripted model and a low limit on text."""
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "colour.toml").write_text(COLOUR)
    (tmp_path / "script.toml").write_text('[[rules]]\nanswer = { colour = "red" }')
    (tmp_path / "firstline.toml").write_text(SETTINGS.format(more="[limits]\ntext_tokens = 200"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def called(*words: str) -> Result:
    return CliRunner().invoke(app, list(words), env={"COLUMNS": "200"}, catch_exceptions=False)


def check_told(result: Result, code: str) -> None:
    assert result.exit_code == 2
    assert result.stdout == ""
    last = result.stderr.splitlines()[-1]
    if last.startswith("{"):  # with --json
        error = json.loads(last)["error"]
        assert (error["code"], bool(error["hint"])) == (code, True)
    else:
        assert f"error[{code}]: " in result.stderr
        assert "hint: " in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("what", TASKS)
def test_a_task_file_that_is_wrong(folder: Path, what: str) -> None:
    text, code = TASKS[what]
    (folder / "tasks" / "mine.toml").write_text(text)
    for words in (("tasks", "check", "tasks/mine.toml"), ("run", "mine", "red", "--json"), ("tasks", "show", "mine")):
        check_told(called(*words), code)


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_used(folder: Path, name: str) -> None:
    data, code = FILES[name]
    (folder / name).write_bytes(data)
    result = called("run", "colour", name, "--json")
    assert "Traceback" not in result.stderr
    if not result.stdout:
        check_told(result, code)
        return
    run = json.loads(result.stdout)
    assert result.exit_code == 2
    assert (run["verdict"], run["error_code"], run["attempts"]) == ("rejected", code, [])
    assert run["reason"]
    assert run["notes"]
    shown = called("run", "colour", name).stdout
    assert f"error[{code}]: " in shown


def test_a_model_nobody_knows(folder: Path) -> None:
    (folder / "tasks" / "mine.toml").write_text(COLOUR.replace("fake/scripted", "nobody/nothing"))
    for words in (("models", "show", "nobody/nothing"), ("models", "pull", "nobody/nothing"), ("run", "mine", "red")):
        check_told(called(*words), "model_not_found")


def test_a_gguf_that_is_not_one(folder: Path) -> None:
    (folder / "own.gguf").write_bytes(b"<html>not found</html>")
    (folder / "firstline.toml").write_text(SETTINGS.format(more='[models."my/own"]\nfile = "own.gguf"'))
    check_told(called("models", "pull", "my/own"), "weights_invalid")
    problems = json.loads(called("doctor", "--json").stdout)["problems"]
    assert "weights_invalid" in [problem["code"] for problem in problems]


def content(name: str, data: bytes) -> list[dict[str, Any]]:
    """A file as a part of an OpenAI message."""
    kind = {"pdf": "application/pdf", "svg": "image/svg+xml"}.get(name[-3:], f"image/{name[-3:]}")
    uri = f"data:{kind};base64,{base64.b64encode(data).decode()}"
    if name.endswith(".pdf"):
        return [{"type": "file", "file": {"filename": name, "file_data": uri}}]
    return [{"type": "image_url", "image_url": {"url": uri}}]


async def test_the_server_says_the_same(tmp_path: Path) -> None:
    async with (
        served(tmp_path, toml="[limits]\ntext_tokens = 200") as server,
        httpx2.AsyncClient(base_url=server.url) as client,
    ):

        async def refused(model: str, said: Any) -> tuple[int, dict[str, Any]]:
            body = {"model": model, "messages": [{"role": "user", "content": said}]}
            answer = await client.post("/chat/completions", json=body)
            return answer.status_code, answer.json()["error"]

        for name, (data, code) in FILES.items():
            if name.endswith(".txt") or not data:
                continue
            status, error = await refused("task/colour", content(name, data))
            assert (name, status, error["code"]) == (name, 400, code)
            assert error["hint"]
        status, error = await refused("task/colour", "red " * 1_000)
        assert (status, error["code"], bool(error.get("hint"))) == (400, "context_length_exceeded", True)
        status, error = await refused("nobody/nothing", "red")
        assert (status, error["code"], bool(error.get("hint"))) == (404, "model_not_found", True)
        for number, (text, code) in enumerate(TASKS.values()):
            (tmp_path / "tasks" / f"mine{number}.toml").write_text(text)
            status, error = await refused(f"task/mine{number}", "red")
            assert (text, status, error["code"]) == (text, 400, code)
            assert error["hint"]


async def test_the_images_of_a_request_have_a_limit_together(tmp_path: Path) -> None:
    data = picture("PNG")
    most = f"{1.5 * len(data) / 1e6:.4f}"
    async with (
        served(tmp_path, toml=f"[limits]\nimages_mb = {most}", model="vision = true") as server,
        httpx2.AsyncClient(base_url=server.url) as client,
    ):
        for model, count, status in (("fake/scripted", 1, 200), ("fake/scripted", 2, 400), ("task/colour", 2, 400)):
            body = {"model": model, "messages": [{"role": "user", "content": content("noise.png", data) * count}]}
            answer = await client.post("/chat/completions", json=body)
            assert (model, count, answer.status_code) == (model, count, status), answer.text
            assert status == 200 or "have more than 0.0" in answer.json()["error"]["message"]
