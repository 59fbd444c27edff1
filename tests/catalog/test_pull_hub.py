"""Pulling from a hub: a local server speaks its protocol, bytes travel over real connections."""

from __future__ import annotations

import hashlib
import json
import resource
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from firstline.catalog.model import HubSource, Model, WeightFile
from firstline.catalog.pull import Progress
from firstline.catalog.weights import WeightsStore
from firstline.errors import (
    WeightsDiskError,
    WeightsError,
    WeightsInvalidError,
    WeightsMismatchError,
    WeightsMissingError,
)
from firstline.settings_sections import SourceSettings
from support.hub_server import COMMIT, HubWorld, serve

REPO = "acme/tiny-GGUF"
NAME = "tiny-Q4_K_M.gguf"
DATA = b"GGUF" + (3).to_bytes(4, "little") + bytes(16) + b"\x01\x02\x03\x04" * 700_000
SHA256 = hashlib.sha256(DATA).hexdigest()


def model(*files: WeightFile) -> Model:
    return Model(id="acme/tiny", provider="acme", engine="llama_cpp", weights=files)


def file(*patterns: str, sha256: str | None = SHA256, bytes: int | None = len(DATA)) -> WeightFile:
    hub = HubSource(repo=REPO, file=patterns or (NAME,))
    return WeightFile(role="model", name=NAME, bytes=bytes, sha256=sha256, hub=hub)


def storage_gets(world: HubWorld) -> list[str | None]:
    return [range for command, path, range in world.requests if command == "GET" and path.startswith("/storage/")]


def test_a_file_comes_whole_and_lies_under_its_sha256(tmp_path: Path) -> None:
    seen: list[Progress] = []
    store = WeightsStore(tmp_path)
    with serve(HubWorld(REPO, {NAME: DATA})) as world:
        paths = store.pull(model(file()), sources=SourceSettings(hub=world.endpoint), progress=seen.append)
    assert paths == [tmp_path / f"sha256-{SHA256}" / NAME]
    assert paths[0].read_bytes() == DATA
    assert [status.state for status in store.status(model(file()))] == ["ready"]
    assert store.path(model(file())) == paths[0]
    assert seen[-1] == Progress(model="acme/tiny", file=NAME, done=len(DATA), total=len(DATA))
    done = [progress.done for progress in seen]
    assert done == sorted(done)
    assert sorted(paths[0].parent.iterdir()) == [*paths, paths[0].with_name(f"{NAME}.verified")]


def test_what_is_on_disk_is_not_asked_for_again(tmp_path: Path) -> None:
    store = WeightsStore(tmp_path)
    with serve(HubWorld(REPO, {NAME: DATA})) as world:
        store.pull(model(file()), sources=SourceSettings(hub=world.endpoint))
        world.requests.clear()
        store.pull(model(file()), sources=SourceSettings(hub=world.endpoint))
        assert world.requests == []


def test_a_cut_connection_is_resumed_where_it_broke(tmp_path: Path) -> None:
    with serve(HubWorld(REPO, {NAME: DATA})) as world:
        world.cut_after = [1_500_000, 700_000]
        paths = WeightsStore(tmp_path).pull(model(file()), sources=SourceSettings(hub=world.endpoint))
        first, *later = storage_gets(world)
    assert paths[0].read_bytes() == DATA
    assert first is None
    assert len(later) == 2
    assert all(range is not None for range in later)


def test_ctrl_c_leaves_a_part_that_the_next_pull_goes_on_from(tmp_path: Path) -> None:
    def stop(progress: Progress) -> None:
        if progress.done >= 1 << 20:
            raise KeyboardInterrupt

    store = WeightsStore(tmp_path)
    notes: list[str] = []
    with serve(HubWorld(REPO, {NAME: DATA})) as world:
        with pytest.raises(KeyboardInterrupt):
            store.pull(model(file()), sources=SourceSettings(hub=world.endpoint), progress=stop)
        status = store.status(model(file()))[0]
        assert (status.state, status.on_disk) == ("partial", 1 << 20)
        assert store.path(model(file())) is None
        store.pull(
            model(file()), sources=SourceSettings(hub=world.endpoint), progress=lambda at: notes.append(at.note or "")
        )
        assert storage_gets(world)[-1] == f"bytes={1 << 20}-"
    assert "going on after 1,048,576 bytes" in notes
    store.check(model(file()))


def test_a_server_without_ranges_starts_over(tmp_path: Path) -> None:
    with serve(HubWorld(REPO, {NAME: DATA})) as world:
        world.ranges = False
        world.cut_after = [1_200_000]
        paths = WeightsStore(tmp_path).pull(model(file()), sources=SourceSettings(hub=world.endpoint))
    assert paths[0].read_bytes() == DATA


def test_a_damaged_part_is_thrown_away_once(tmp_path: Path) -> None:
    part = tmp_path / f"sha256-{SHA256}" / f"{NAME}.part"
    part.parent.mkdir()
    part.write_bytes(bytes(100_000))
    with serve(HubWorld(REPO, {NAME: DATA})) as world:
        paths = WeightsStore(tmp_path).pull(model(file()), sources=SourceSettings(hub=world.endpoint))
    assert paths[0].read_bytes() == DATA


def test_other_bytes_than_stated_are_refused_and_removed(tmp_path: Path) -> None:
    with serve(HubWorld(REPO, {NAME: DATA[:-1] + b"!"})) as world:
        world.states[NAME] = SHA256
        with pytest.raises(WeightsMismatchError, match=SHA256):
            WeightsStore(tmp_path).pull(model(file()), sources=SourceSettings(hub=world.endpoint))
    assert list((tmp_path / f"sha256-{SHA256}").iterdir()) == []


def test_more_bytes_than_there_can_be_are_refused_and_removed(tmp_path: Path) -> None:
    with serve(HubWorld(REPO, {NAME: DATA})) as world:
        world.states[NAME] = SHA256
        with pytest.raises(WeightsMismatchError, match="longer than"):
            WeightsStore(tmp_path).pull(model(file(bytes=1_500_000)), sources=SourceSettings(hub=world.endpoint))
    assert list((tmp_path / f"sha256-{SHA256}").iterdir()) == []


def test_a_hub_that_states_another_sha256_is_not_downloaded_from(tmp_path: Path) -> None:
    with serve(HubWorld(REPO, {NAME: DATA + b"newer"})) as world:
        with pytest.raises(WeightsMismatchError, match="was not fetched"):
            WeightsStore(tmp_path).pull(model(file()), sources=SourceSettings(hub=world.endpoint))
        assert storage_gets(world) == []


def test_the_first_pull_pins_what_the_hub_states(tmp_path: Path) -> None:
    notes: list[str | None] = []
    store = WeightsStore(tmp_path)
    unpinned = model(file("tiny-*Q4_K_M.gguf", sha256=None, bytes=None))
    with serve(HubWorld(REPO, {NAME: DATA, "mmproj-F16.gguf": b"x", "README.md": b"y"})) as world:
        store.pull(unpinned, sources=SourceSettings(hub=world.endpoint), progress=lambda at: notes.append(at.note))
        assert notes[-1] == f"first use: pinned sha256 {SHA256}"
        pin = json.loads((tmp_path / "pins.json").read_text())["acme/tiny"]["model"]
        assert pin == {"name": NAME, "bytes": len(DATA), "sha256": SHA256, "repo": REPO, "revision": COMMIT}
        assert store.sha256(unpinned) == SHA256
        assert store.ready(unpinned)

        # The repository serves other bytes now; the pin holds against them.
        store.require(unpinned).unlink()
        world.files[NAME] = DATA + b"newer"
        with pytest.raises(WeightsMismatchError, match="was not fetched") as caught:
            store.pull(unpinned, sources=SourceSettings(hub=world.endpoint))
        assert caught.value.hint is not None
        assert "pins.json" in caught.value.hint
        assert any(f"/resolve/{COMMIT}/" in path for _, path, _ in world.requests)


def test_without_a_stated_sha256_nothing_is_pinned_or_fetched(tmp_path: Path) -> None:
    with serve(HubWorld(REPO, {NAME: DATA})) as world:
        world.states[NAME] = None
        with pytest.raises(WeightsError, match="states no sha256"):
            WeightsStore(tmp_path).pull(model(file(sha256=None)), sources=SourceSettings(hub=world.endpoint))
        assert storage_gets(world) == []
    assert not (tmp_path / "pins.json").exists()


@pytest.mark.parametrize(
    ("patterns", "words"),
    [
        (("tiny-*.gguf",), "names several files"),
        (("big-*.gguf", "huge.gguf"), "has no file big"),
        (("no.gguf",), "404"),
    ],
)
def test_a_file_that_is_not_there_or_not_one_is_an_error(tmp_path: Path, patterns: tuple[str, ...], words: str) -> None:
    with serve(HubWorld(REPO, {NAME: DATA, "tiny-Q8_0.gguf": DATA})) as world, pytest.raises(WeightsError, match=words):
        WeightsStore(tmp_path).pull(model(file(*patterns, sha256=None)), sources=SourceSettings(hub=world.endpoint))


def test_a_file_that_is_no_gguf_is_refused_and_removed(tmp_path: Path) -> None:
    page = b"<!DOCTYPE html><title>Not found</title>"
    sha256 = hashlib.sha256(page).hexdigest()
    with serve(HubWorld(REPO, {NAME: page})) as world, pytest.raises(WeightsInvalidError, match="is not a GGUF file"):
        WeightsStore(tmp_path).pull(model(file(sha256=None, bytes=None)), sources=SourceSettings(hub=world.endpoint))
    assert list((tmp_path / f"sha256-{sha256}").iterdir()) == []
    assert not (tmp_path / "pins.json").exists()


def test_two_pulls_at_once_fetch_once(tmp_path: Path) -> None:
    results: list[list[Path]] = []
    with serve(HubWorld(REPO, {NAME: DATA})) as world:
        world.gate.clear()
        fetching = threading.Event()

        def pull(store: WeightsStore) -> None:
            def news(progress: Progress) -> None:
                # The storage sends nothing until one of the two says that it waits for the other.
                if progress.note == "waiting for another pull to end":
                    world.gate.set()

            fetching.set()
            results.append(store.pull(model(file()), sources=SourceSettings(hub=world.endpoint), progress=news))

        threads = [threading.Thread(target=pull, args=(WeightsStore(tmp_path),)) for _ in range(2)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
        assert world.gate.is_set()
        assert len(storage_gets(world)) == 1
    assert results[0] == results[1]
    assert results[0][0].read_bytes() == DATA


def test_a_disk_that_fills_up_is_said_and_gone_on_from(tmp_path: Path) -> None:
    store = WeightsStore(tmp_path)
    with serve(HubWorld(REPO, {NAME: DATA})) as world:
        with file_size_limit(1 << 20), pytest.raises(WeightsDiskError, match="is full") as caught:
            store.pull(model(file()), sources=SourceSettings(hub=world.endpoint))
        assert caught.value.hint is not None
        assert "pull again" in caught.value.hint
        left = [path.name for path in (tmp_path / f"sha256-{SHA256}").iterdir()]
        assert left == [f"{NAME}.part"]
        assert store.pull(model(file()), sources=SourceSettings(hub=world.endpoint))[0].read_bytes() == DATA


def test_a_file_larger_than_the_disk_is_not_begun(tmp_path: Path) -> None:
    with serve(HubWorld(REPO, {NAME: DATA})) as world:
        with pytest.raises(WeightsDiskError, match="MB more are needed"):
            WeightsStore(tmp_path).pull(model(file(bytes=10**16)), sources=SourceSettings(hub=world.endpoint))
        assert storage_gets(world) == []


def test_offline_fetches_nothing(tmp_path: Path) -> None:
    with serve(HubWorld(REPO, {NAME: DATA})) as world:
        with pytest.raises(WeightsMissingError) as caught:
            WeightsStore(tmp_path).pull(model(file()), sources=SourceSettings(hub=world.endpoint, offline=True))
        assert world.requests == []
    assert caught.value.hint is not None
    assert "sources.offline" in caught.value.hint


def test_a_hub_that_nobody_answers_at_is_named(tmp_path: Path) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{held.getsockname()[1]}"
        with pytest.raises(WeightsError, match="cannot be reached"):
            WeightsStore(tmp_path).pull(model(file()), sources=SourceSettings(hub=closed))


def test_a_model_that_runs_elsewhere_has_nothing_to_pull(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="no weights to fetch"):
        WeightsStore(tmp_path).pull(model(), sources=SourceSettings())


@contextmanager
def file_size_limit(limit: int) -> Iterator[None]:
    """Let no file of this process grow past a size: the system then refuses to write as on a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
