"""The official client uploads, lists, shows, fetches and deletes files, and asks about them."""

from __future__ import annotations

import base64
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
from openai import AsyncOpenAI
from PIL import Image

from firstline.types import KeyTerms
from support.error_shapes import check_error
from support.served import Served, served

UNTYPED = "unsupported_content_type"


@asynccontextmanager
async def client(folder: Path, *, toml: str = "") -> AsyncIterator[tuple[AsyncOpenAI, Served]]:
    async with (
        served(folder, toml=toml) as server,
        AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0, _strict_response_validation=True) as official,
    ):
        yield official, server


def on_disk(folder: Path) -> list[Path]:
    return sorted(path for path in (folder / "data" / "files").rglob("*") if path.is_file())


async def test_a_file_is_kept_shown_fetched_and_deleted(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        data = bytes(range(256)) * 10_000
        kept = await official.files.create(file=("../../etc/pass wörd.bin", data), purpose="user_data")
        assert kept.id.startswith("file-")
        assert (kept.bytes, kept.filename, kept.purpose) == (len(data), "../../etc/pass wörd.bin", "user_data")
        assert (kept.status, kept.expires_at) == ("processed", None)
        assert await official.files.retrieve(kept.id) == kept
        answer = await official.files.content(kept.id)
        assert answer.content == data
        assert answer.response.headers["content-type"] == "application/octet-stream"
        assert answer.response.headers["content-disposition"].startswith("attachment")
        [path] = on_disk(tmp_path)
        assert path.name == path.parent.name + path.name[2:]  # named by its content, below its first two digits
        gone = await official.files.delete(kept.id)
        assert (gone.id, gone.deleted) == (kept.id, True)
        assert on_disk(tmp_path) == []
        for call in (official.files.retrieve, official.files.delete, official.files.content):
            with pytest.raises(openai.NotFoundError):
                await call(kept.id)


async def test_a_file_is_sent_whole_whatever_part_is_asked_for(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        kept = await official.files.create(file=("a.txt", b"hello"), purpose="user_data")
        for part in ("bytes=1-2", "bytes=9-", "lines=1"):
            answer = await official.files.content(kept.id, extra_headers={"range": part})
            assert (answer.response.status_code, answer.content) == (200, b"hello")
        [path] = on_disk(tmp_path)
        path.unlink()
        with pytest.raises(openai.NotFoundError, match="are gone"):
            await official.files.content(kept.id)


async def test_the_same_bytes_lie_on_disk_once(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        one = await official.files.create(file=("a.txt", b"hello"), purpose="user_data")
        two = await official.files.create(file=("b.txt", b"hello"), purpose="vision")
        assert len(on_disk(tmp_path)) == 1
        await official.files.delete(one.id)
        assert (await official.files.content(two.id)).content == b"hello"


async def test_files_are_listed_in_pages(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        made = [
            await official.files.create(file=(f"{number}.txt", b"x"), purpose="vision" if number == 2 else "user_data")
            for number in range(5)
        ]
        newest = [file.id async for file in official.files.list(limit=2)]
        assert newest == [file.id for file in reversed(made)]
        page = await official.files.list(limit=2, order="asc")
        assert ([file.id for file in page.data], page.has_more) == ([made[0].id, made[1].id], True)
        rest = await official.files.list(after=made[3].id, order="asc")
        assert ([file.id for file in rest.data], rest.has_more) == ([made[4].id], False)
        assert [file.id for file in (await official.files.list(purpose="vision")).data] == [made[2].id]
        assert (await official.files.list(purpose="nothing")).data == []


async def test_a_file_may_expire(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        kept = await official.files.create(
            file=("a.txt", b"x"), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 3600}
        )
        assert kept.expires_at == kept.created_at + 3600
        batch = await official.files.create(file=("a.jsonl", b"{}"), purpose="batch")
        assert batch.expires_at == batch.created_at + 30 * 86_400
        with pytest.raises(openai.BadRequestError) as caught:
            await official.files.create(
                file=("a.txt", b"x"), purpose="user_data", expires_after={"anchor": "created_at", "seconds": 60}
            )
        assert caught.value.param == "expires_after[seconds]"


async def test_an_upload_past_the_limit_leaves_nothing(tmp_path: Path) -> None:
    async with client(tmp_path, toml="[files]\nmax_mb = 0.5") as (official, _):
        with pytest.raises(openai.BadRequestError, match=r"0\.5 MB"):
            await official.files.create(file=("a.bin", bytes(600_000)), purpose="user_data")
        assert on_disk(tmp_path) == []


@pytest.mark.parametrize(
    ("content_type", "content", "param"),
    [
        ("application/json", b"{}", None),
        ("multipart/form-data", b"", None),
        ("multipart/form-data; boundary=x", b"", None),
        ("multipart/form-data; boundary=x", b"nothing of a form", None),
        ("multipart/form-data; boundary=x", b"--x\r\n\r\nabc\r\n--x--\r\n", None),
        ("multipart/form-data; boundary=x", b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nba', None),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\nuser_data\r\n--x--\r\n',
            "file",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nabc\r\n--x--\r\n',
            "purpose",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="purpose"\r\n\r\n' + b"a" * 20_000 + b"\r\n--x--\r\n",
            "purpose",
        ),
        (
            "multipart/form-data; boundary=x",
            b'--x\r\nContent-Disposition: form-data; name="a"\r\n\r\n1\r\n' * 100 + b"--x--\r\n",
            None,
        ),
        ("multipart/form-data; boundary=" + "x" * 10_000, b"--x", None),
    ],
)
async def test_what_is_no_upload_is_refused(
    tmp_path: Path, content_type: str, content: bytes, param: str | None
) -> None:
    async with served(tmp_path) as server, httpx2.AsyncClient(base_url=server.url) as client:
        answer = await client.post("/files", content=content, headers={"content-type": content_type})
        told = (400, "invalid_request") if content_type.startswith("multipart/form-data") else (415, UNTYPED)
        assert check_error(answer, *told)["param"] == param
        assert on_disk(tmp_path) == []


async def test_a_key_sees_its_own_files_only(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        secrets = [(await server.services.ledger.keys.create(KeyTerms(name=name)))[1] for name in ("a", "b")]
        server.services.keyring.forget()
        one, two = (official.with_options(api_key=secret) for secret in secrets)
        kept = await one.files.create(file=("a.txt", b"x"), purpose="user_data")
        assert [file.id for file in (await one.files.list()).data] == [kept.id]
        assert (await two.files.list()).data == []
        for call in (two.files.retrieve, two.files.delete, two.files.content):
            with pytest.raises(openai.NotFoundError):
                await call(kept.id)
        parts: list[Any] = [{"type": "file", "file": {"file_id": kept.id}}]
        with pytest.raises(openai.NotFoundError):
            await two.chat.completions.create(model="fake/echo", messages=[{"role": "user", "content": parts}])


async def test_an_uploaded_picture_is_asked_about_by_its_id(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        data = io.BytesIO()
        Image.new("RGB", (8, 8), "red").save(data, "PNG")
        kept = await official.files.create(file=("red.png", data.getvalue()), purpose="vision")

        async def ask(part: Any) -> Any:
            messages: list[Any] = [{"role": "user", "content": [{"type": "text", "text": "what is it?"}, part]}]
            return await official.chat.completions.create(model="fake/echo", messages=messages)

        uri = f"data:image/png;base64,{base64.b64encode(data.getvalue()).decode()}"
        named = await ask({"type": "file", "file": {"file_id": kept.id}})
        inline = await ask({"type": "image_url", "image_url": {"url": uri}})
        assert named.choices[0].message.content == inline.choices[0].message.content == "what is it?"
        text = await official.files.create(file=("a.txt", b"hello"), purpose="user_data")
        with pytest.raises(openai.BadRequestError) as caught:
            await ask({"type": "file", "file": {"file_id": text.id}})
        assert (caught.value.code, caught.value.param) == ("invalid_document", "messages[0].content[1]")
        with pytest.raises(openai.NotFoundError) as missing:
            await ask({"type": "file", "file": {"file_id": "file-nothing"}})
        assert missing.value.param == "messages[0].content[1]"


async def test_an_uploaded_pdf_is_read_by_a_task(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        broken = await official.files.create(file=("a.pdf", b"%PDF-1.7 broken"), purpose="user_data")
        parts: list[Any] = [{"type": "file", "file": {"file_id": broken.id}}]
        with pytest.raises(openai.BadRequestError) as caught:
            await official.chat.completions.create(model="task/colour", messages=[{"role": "user", "content": parts}])
        assert caught.value.code == "invalid_document"
