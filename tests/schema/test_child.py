"""Children that work on schemas: each is bounded in time and memory, and the next question gets a new one."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from firstline.engines.confinement import in_force
from firstline.schema.child import SchemaChildren, SchemaJob
from support.processes import children

ENDLESS = {"allOf": [{"not": {"const": at}} for at in range(600)]}
WORKER = "schema_worker"


def job(schema: object) -> SchemaJob:
    return SchemaJob(kind="conflict", schema=msgspec.json.encode(schema))


def pids() -> list[int]:
    return children(os.getpid(), WORKER)


@pytest.fixture
def some() -> Iterator[SchemaChildren]:
    one = SchemaChildren(count=1)
    one.ask(job({}), seconds=20)
    yield one
    one.end()


def test_a_child_answers_one_question_after_the_other_and_leaves_with_its_end(some: SchemaChildren) -> None:
    assert some.ask(job({"type": "string", "minLength": 3, "maxLength": 2}), seconds=20).words
    assert (before := pids())
    assert some.ask(job({"type": "string"}), seconds=20).words == ""
    assert some.ask(SchemaJob(kind="compile", schema=b'{"type": "no such"}'), seconds=20).error
    assert pids() == before
    some.end()
    assert len(pids()) == len(before) - 1


def test_one_that_takes_too_long_is_ended_and_the_next_question_is_answered(some: SchemaChildren) -> None:
    begun = time.perf_counter()
    with pytest.raises(TimeoutError, match="longer than"):
        some.ask(job(ENDLESS), seconds=0.3)
    assert time.perf_counter() - begun < 3.0
    assert some.ask(job({"allOf": [{"type": "string"}, {"type": "null"}]}), seconds=20).words


def test_who_waits_for_a_child_waits_no_longer_than_allowed(some: SchemaChildren) -> None:

    def endless() -> None:
        with suppress(TimeoutError):
            some.ask(job(ENDLESS), seconds=2.0)

    other = threading.Thread(target=endless)
    other.start()
    time.sleep(0.1)
    with pytest.raises(TimeoutError, match="no process is free"):
        some.ask(job({}), seconds=0.1)
    other.join()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_child_sees_no_secret_and_has_a_limit_of_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MY_SECRET", "s")
    monkeypatch.setenv("PYTHONHASHSEED", "7")
    some = SchemaChildren(count=1)
    before = set(pids())
    some.ask(job({}), seconds=20)
    (pid,) = set(pids()) - before
    names = {line.partition(b"=")[0] for line in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")}
    assert b"PATH" in names
    assert {b"MY_SECRET", b"PYTHONHASHSEED"}.isdisjoint(names)
    limits = Path(f"/proc/{pid}/limits").read_text()
    assert next(line for line in limits.splitlines() if "data size" in line).split()[3] == str(2**30)
    assert f"Seccomp:\t{2 if in_force().seccomp else 0}\n" in Path(f"/proc/{pid}/status").read_text()
    some.end()
