"""A child that dies, that never starts, whose parent dies: on a random model, so that each test takes a moment."""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from firstline.engines.child_log import ChildLog
from firstline.engines.confinement import in_force
from firstline.engines.llama_cpp import LlamaCpp
from firstline.engines.supervisor import ChildSpec, Supervisor
from firstline.errors import (
    EngineCrashedError,
    EngineTimeoutError,
    EngineUnavailableError,
    WeightsInvalidError,
    WeightsMissingError,
)
from firstline.types import ModelRequest, message
from support.tiny_gguf import write_text_model

ENDLESS = {"type": "array", "minItems": 500, "items": {"type": "array", "minItems": 500, "items": {"const": 1}}}
LONG = ModelRequest(messages=(message("user", "On and on"),), schema=ENDLESS)
SHORT = ModelRequest(messages=(message("user", "Hi"),), schema={"const": True})


def engine(
    gguf: Path, *, start_s: float = 60, call_s: float = 60, parallel: int = 2, log: Path | None = None
) -> LlamaCpp:
    return LlamaCpp(
        gguf, context=16_384, parallel=parallel, threads=1, gpu_layers=0, start_s=start_s, call_s=call_s, log_dir=log
    )


@pytest.fixture(scope="module")
def gguf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_text_model(tmp_path_factory.mktemp("weights") / "tiny.gguf", context=16_384)


@pytest_asyncio.fixture
async def tiny(gguf: Path) -> AsyncIterator[LlamaCpp]:
    runs = engine(gguf)
    yield runs
    await runs.close()


def gone(pid: int, within_s: float) -> bool:
    """Wait until a process, ours or not, has ended."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], within_s)[0])
    finally:
        os.close(handle)


def seen(pid: int | None, what: str) -> bytes:
    """Read what the system knows of a process."""
    return Path(f"/proc/{pid}/{what}").read_bytes()


def children_of_mine() -> list[int]:
    """The llama.cpp processes of this one."""
    found = seen(os.getpid(), f"task/{os.getpid()}/children").split()
    return [int(pid) for pid in found if b"llama_child" in seen(int(pid), "cmdline")]


async def first_word(runs: LlamaCpp, request: ModelRequest) -> asyncio.Task[None]:
    """Start a long answer, give it back once its first piece is there."""
    begun = asyncio.Event()

    async def read() -> None:
        async for _ in runs.stream(request):
            begun.set()

    task = asyncio.create_task(read())
    waits = asyncio.create_task(begun.wait())
    await asyncio.wait([task, waits], return_when=asyncio.FIRST_COMPLETED)
    assert begun.is_set()
    return task


async def test_calls_that_come_together_start_one_child(tiny: LlamaCpp) -> None:
    answers = await asyncio.gather(*(tiny.complete(SHORT) for _ in range(6)))
    assert [answer.text for answer in answers] == ["true"] * 6
    assert children_of_mine() == [tiny.pid]


async def test_killing_the_child_fails_the_calls_under_way_and_the_next_one_works(tiny: LlamaCpp) -> None:
    calls = [await first_word(tiny, LONG), asyncio.create_task(tiny.complete(LONG))]
    first = tiny.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    for call in calls:
        with pytest.raises(EngineCrashedError, match="signal 9") as caught:
            await call
        assert caught.value.retryable
    assert (await tiny.complete(SHORT)).text == "true"
    assert tiny.pid != first


async def test_killing_an_idle_child_is_not_noticed_by_the_next_call(tiny: LlamaCpp) -> None:
    await tiny.complete(SHORT)
    child = (await tiny._link()).child
    os.kill(child.pid, signal.SIGKILL)
    assert await tiny._supervisor.died(child) == "signal 9"
    assert (await tiny.complete(SHORT)).text == "true"


async def test_a_child_that_keeps_dying_is_given_a_pause(gguf: Path) -> None:
    now = 0.0
    spec = ChildSpec(model=str(gguf), mmproj=None, context=256, parallel=1, threads=1, gpu_layers=0)
    watch = Supervisor(spec, start_s=60, log=ChildLog(None), clock=lambda: now)
    for _ in range(3):
        child = await watch.running()
        os.kill(child.pid, signal.SIGKILL)
        assert await watch.died(child) == "signal 9"
        watch.crashed(child)
        watch.crashed(child)  # a second call that died with it
    with pytest.raises(EngineUnavailableError, match="3 times in a row; next try in 2 s"):
        await watch.running()
    now = 3.0
    await watch.running()
    watch.served()
    await watch.close()


async def test_a_cancelled_call_stops_the_work(gguf: Path) -> None:
    """With one slot, a call that went on would keep the next one waiting for its 250,000 numbers."""
    runs = engine(gguf, parallel=1)
    call = await first_word(runs, LONG)
    call.cancel()
    await asyncio.wait([call])
    begin = time.monotonic()
    await runs.complete(SHORT)
    assert time.monotonic() - begin < 3.0
    await runs.close()


async def test_an_answer_past_its_time_is_a_timeout_and_the_child_lives(gguf: Path) -> None:
    runs = engine(gguf, call_s=0.5)
    with pytest.raises(EngineTimeoutError, match=r"0\.5 s"):
        await runs.complete(LONG)
    child = runs.pid
    assert (await runs.complete(SHORT)).text == "true"
    assert runs.pid == child
    hurried = ModelRequest(messages=LONG.messages, schema=LONG.schema, timeout_s=0.3)
    with pytest.raises(EngineTimeoutError, match=r"0\.3 s"):
        await runs.complete(hurried)
    await runs.close()


async def test_a_model_that_does_not_load_in_time_is_a_timeout(gguf: Path) -> None:
    runs = engine(gguf, start_s=0.01)
    with pytest.raises(EngineTimeoutError, match=r"did not load in 0\.01 s") as caught:
        await runs.complete(SHORT)
    assert caught.value.hint
    await runs.close()


async def test_files_that_are_no_models_are_refused_at_once(gguf: Path, tmp_path: Path) -> None:
    text, half, future = tmp_path / "text.gguf", tmp_path / "half.gguf", tmp_path / "future.gguf"
    whole = await asyncio.to_thread(gguf.read_bytes)
    text.write_bytes(b"This is a letter to my bank.")
    half.write_bytes(whole[:100_000])
    future.write_bytes(whole.replace(b"llama", b"lxama"))
    for path, why in ((text, "not a GGUF"), (half, "corrupted or incomplete"), (future, "architecture")):
        runs = engine(path, log=tmp_path / "logs")
        begin = time.monotonic()
        with pytest.raises(WeightsInvalidError, match=why) as caught:
            await runs.complete(SHORT)
        assert time.monotonic() - begin < 20
        assert caught.value.hint
        assert path.name in caught.value.message
        await runs.close()
    missing = engine(tmp_path / "none.gguf")
    with pytest.raises(WeightsMissingError):
        await missing.complete(SHORT)


async def test_the_child_asks_for_its_key_which_is_not_on_its_command_line(tiny: LlamaCpp) -> None:
    await tiny.complete(SHORT)
    child = (await tiny._link()).child
    asked = f"{child.address}/v1/models"
    from_outside = await asyncio.create_subprocess_exec(
        sys.executable, "-c", f"import urllib.request; urllib.request.urlopen({asked!r}+'/x')", stderr=subprocess.PIPE
    )
    _, said = await from_outside.communicate()
    assert b"401" in said
    assert child.key.encode() not in seen(child.pid, "cmdline")
    assert child.key.encode() not in seen(child.pid, "environ")


def test_the_log_is_bounded(tmp_path: Path) -> None:
    log = ChildLog(tmp_path / "model.log")
    end = log.open()
    line = b"0.01 E something failed " + b"x" * 1000 + b"\n"
    for _ in range(3000):
        os.write(end, line)
    os.close(end)
    log.settle()
    assert sum(path.stat().st_size for path in tmp_path.iterdir()) < 2_200_000
    assert len(log.lines) == 40


PARENT = """
    import asyncio, sys
    from pathlib import Path
    from firstline.cli.interrupts import awake
    from firstline.engines.llama_cpp import LlamaCpp
    from firstline.types import ModelRequest, Sampling, message

    async def main():
        runs = LlamaCpp(Path(sys.argv[1]), context=16384, parallel=1, threads=1, gpu_layers=0, start_s=60, call_s=60,
                        log_dir=None)
        await runs.complete(ModelRequest(messages=(message("user", "Hi"),), sampling=Sampling(max_tokens=1)))
        print(runs.pid, flush=True)
        if sys.argv[2] == "ends":
            return
        row = {"type": "array", "minItems": 500, "items": {"const": 1}}
        endless = {"type": "array", "minItems": 500, "items": row}
        await runs.complete(ModelRequest(messages=(message("user", "Hi"),), schema=endless))

    asyncio.run(awake(main()))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("does", "sent"), [("works", signal.SIGKILL), ("works", signal.SIGTERM), ("works", signal.SIGINT), ("ends", None)]
)
def test_no_child_is_left_behind_its_parent(gguf: Path, does: str, sent: signal.Signals | None) -> None:
    """The parent leaves without closing its engine: killed, asked to end, interrupted, or at the end of its program."""
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(PARENT), str(gguf), does],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        if sent is not None:
            assert not gone(child, 0.0)
            parent.send_signal(sent)
        parent.wait(90)
    assert gone(child, 10.0)


async def test_the_child_has_no_secret_of_the_environment_and_gave_up_what_it_does_not_need(
    tiny: LlamaCpp, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("OPENAI_API_KEY", "FIRSTLINE_SERVER_PORT", "HF_TOKEN"):
        monkeypatch.setenv(name, "secret")
    assert (await tiny.complete(SHORT)).text == "true"
    assert b"secret" not in seen(tiny.pid, "environ")
    have, status = in_force(), seen(tiny.pid, "status").decode()
    assert f"NoNewPrivs:\t{int(have.landlock > 0 or have.seccomp)}\n" in status
    assert f"Seccomp:\t{2 if have.seccomp else 0}\n" in status
    assert seen(tiny.pid, "limits").partition(b"Max core file size")[2].split()[0] == b"0"


def test_a_child_ends_with_its_input_where_no_signal_tells_it(gguf: Path) -> None:
    """What other systems rely on: the end of the child's input, its parent being alive all the while."""
    script = Path(sys.modules[LlamaCpp.__module__].__file__ or "").with_name("llama_child.py")
    spec = (
        f'{{"model": "{gguf}", "mmproj": null, "context": 256, "parallel": 1, "threads": 1, "gpu_layers": 0, '
        f'"key": "k", "parent": {os.getpid()}}}\n'
    )
    with subprocess.Popen(
        [sys.executable, "-P", str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.write(spec.encode())
        child.stdin.flush()
        assert b"127.0.0.1" in child.stdout.readline()
        child.stdin.close()
        assert child.wait(10) == 0
