"""What lies on disk: status, verification and a user's own files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any

import pytest

from firstline.catalog.catalog import Catalog
from firstline.catalog.model import Model, WeightFile
from firstline.catalog.weights import WeightsStore
from firstline.errors import WeightsError, WeightsInvalidError, WeightsMismatchError, WeightsMissingError
from firstline.settings_sections import ModelSettings, SourceSettings

GGUF = b"GGUF" + (3).to_bytes(4, "little") + bytes(16) + b"weights"
SHA256 = hashlib.sha256(GGUF).hexdigest()


def known(size: int | None = len(GGUF)) -> Model:
    file = WeightFile(role="model", name="a.gguf", bytes=size, sha256=SHA256)
    return Model(id="acme/a", provider="acme", engine="llama_cpp", weights=(file,))


def put(store: WeightsStore, data: bytes) -> Path:
    path = store.root / f"sha256-{SHA256}" / "a.gguf"
    path.parent.mkdir(parents=True)
    path.write_bytes(data)
    return path


def test_a_missing_file_has_no_path_and_a_hint(tmp_path: Path) -> None:
    store = WeightsStore(tmp_path)
    assert store.path(known()) is None
    assert not store.ready(known())
    assert store.sha256(known()) == SHA256
    with pytest.raises(WeightsMissingError) as caught:
        store.require(known())
    assert caught.value.hint is not None
    assert "firstline models pull acme/a" in caught.value.hint


def test_a_file_of_the_wrong_size_is_not_ready(tmp_path: Path) -> None:
    store = WeightsStore(tmp_path)
    put(store, GGUF[:-1])
    assert store.status(known())[0].state == "missing"
    assert store.path(known()) is None


def test_damaged_weights_are_refused_until_they_are_fetched_again(tmp_path: Path) -> None:
    store = WeightsStore(tmp_path)
    path = put(store, GGUF)
    store.check(known())
    before = path.stat()
    path.write_bytes(GGUF[:-1] + b"!")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    for again in (store, WeightsStore(tmp_path)):
        with pytest.raises(WeightsMismatchError, match=r"a\.gguf is damaged") as told:
            again.check(known())
        assert "firstline models pull acme/a" in (told.value.hint or "")
    with pytest.raises(WeightsError):
        store.pull(known(), sources=SourceSettings(hub=""))
    assert not path.exists()  # what is damaged does not keep a pull from fetching it


def test_weights_are_read_once_a_change(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(WeightsStore(tmp_path), GGUF)
    WeightsStore(tmp_path).check(known())
    reads: list[Path] = []
    real = hashlib.file_digest

    def counted(file: Any, name: str) -> Any:
        reads.append(Path(file.name))
        return real(file, name)

    monkeypatch.setattr(hashlib, "file_digest", counted)
    later = WeightsStore(tmp_path)
    later.check(known())
    assert reads == []
    later.check(known(), fresh=True)
    os.utime(path)
    later.check(known())
    later.check(known())
    assert reads == [path, path]


def test_what_is_absent_is_not_damaged(tmp_path: Path) -> None:
    WeightsStore(tmp_path).check(known())


def test_an_own_file_is_used_where_it_lies(tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(GGUF)
    store = WeightsStore(tmp_path / "models")
    model = Catalog.load({}).get(f"file:{mine}")
    assert store.path(model) == mine
    assert store.sha256(model) == SHA256
    assert store.pull(model, sources=SourceSettings(hub="")) == [mine]
    mine.write_bytes(GGUF + b"more")
    assert store.sha256(model) == hashlib.sha256(GGUF + b"more").hexdigest()


def test_an_own_file_that_is_not_there_is_missing(tmp_path: Path) -> None:
    store = WeightsStore(tmp_path / "models")
    model = Catalog.load({"mine/a": ModelSettings(file=str(tmp_path / "no.gguf"))}).get("mine/a")
    assert store.path(model) is None
    assert store.sha256(model) is None
    with pytest.raises(WeightsMissingError, match=r"no\.gguf does not exist"):
        store.pull(model, sources=SourceSettings(hub=""))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"PK\x03\x04 an archive", "is not a GGUF file"),
        (b"", "is not a GGUF file"),
        (b"GGUF", "cannot be read"),
        (b"GGUF" + (99).to_bytes(4, "little") + bytes(16), "version 99"),
        (b"GGUF" + (3).to_bytes(4, "big") + bytes(16), "cannot be read"),
    ],
)
def test_an_own_file_that_is_no_gguf_is_refused_and_left_alone(tmp_path: Path, data: bytes, words: str) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(data)
    store = WeightsStore(tmp_path / "models")
    model = Catalog.load({}).get(f"file:{mine}")
    with pytest.raises(WeightsInvalidError, match=words):
        store.path(model)
    with pytest.raises(WeightsInvalidError):
        store.require(model)
    assert mine.read_bytes() == data


def test_a_lock_file_that_is_damaged_is_said(tmp_path: Path) -> None:
    (tmp_path / "pins.json").write_text("{ half")
    file = WeightFile(role="model", name="a.gguf")
    model = Model(id="acme/a", provider="acme", engine="llama_cpp", weights=(file,))
    with pytest.raises(WeightsError, match=r"pins\.json cannot be read"):
        WeightsStore(tmp_path).status(model)


def test_a_models_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "models").write_text("a file where the folder should be")
    file = WeightFile(role="model", name="a.gguf", sha256=SHA256)
    model = Model(id="acme/a", provider="acme", engine="llama_cpp", weights=(file,))
    with pytest.raises(WeightsError, match="cannot be written to"):
        WeightsStore(tmp_path / "models").pull(model, sources=SourceSettings(hub=""))


def test_removing_takes_what_was_fetched_whole_or_in_part(tmp_path: Path) -> None:
    store = WeightsStore(tmp_path)
    path = put(store, GGUF)
    path.with_name("a.gguf.part").write_bytes(b"half")
    assert store.remove(known(), keep=[known()]) == len(GGUF) + 4
    assert not path.parent.exists()
    assert store.status(known())[0].state == "missing"
    with pytest.raises(WeightsError, match="nothing was fetched of acme/a"):
        store.remove(known())


def test_removing_leaves_what_another_model_uses(tmp_path: Path) -> None:
    store = WeightsStore(tmp_path)
    path = put(store, GGUF)
    other = Model(id="acme/b", provider="acme", engine="llama_cpp", weights=known().weights)
    with pytest.raises(WeightsError, match="another model uses"):
        store.remove(known(), keep=[known(), other])
    assert path.read_bytes() == GGUF


def test_removing_leaves_a_file_of_the_user(tmp_path: Path) -> None:
    mine = tmp_path / "mine.gguf"
    mine.write_bytes(GGUF)
    file = WeightFile(role="model", name="mine.gguf", path=str(mine))
    own = Model(id="my/own", provider="me", engine="llama_cpp", weights=(file,))
    with pytest.raises(WeightsError, match="nothing was fetched") as told:
        WeightsStore(tmp_path / "models").remove(own)
    assert "your own file" in (told.value.hint or "")
    assert mine.read_bytes() == GGUF
