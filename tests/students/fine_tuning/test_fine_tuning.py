"""Jobs of fine-tuning while things go wrong: cancelled, cut off, a full disk, a removed file, a training that fails."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from firstline.app.build import App, build
from firstline.errors import EngineCrashedError, UsageError
from firstline.ledger.fine_tuning import JobRow
from firstline.settings import load
from firstline.students.fine_tuning.jobs import FineTuning
from firstline.students.fine_tuning.loop import Asked
from support.fine_tuning_world import Toy, chat_file, chat_line, sorting


@asynccontextmanager
async def product(folder: Path, toy: Toy) -> AsyncIterator[App]:
    """The product in a folder, not yet doing jobs."""
    (folder / "firstline.toml").write_text(
        f'data_dir = "{folder / "data"}"\n[ladder]\ndefault = ["fake/echo"]\n[fake]\nenabled = true\n'
    )
    async with build(load({}, cwd=folder), school=toy.school) as app:
        yield app


async def upload(app: App, lines: list[Any]) -> str:
    files = app.services.files
    async with files.receiving() as receiving:
        await receiving.write(chat_file(lines))
        kept = await files.keep(receiving, filename="train.jsonl", purpose="fine-tune", expires_s=None, caller=None)
    return kept.id


async def created(app: App, lines: list[Any], **more: Any) -> JobRow:
    asked = Asked(training_file=await upload(app, lines), **more)
    return await app.services.fine_tuning.create("gpt-4o-mini", asked, None)


async def messages(jobs: FineTuning, job: JobRow) -> list[str]:
    return [event.message for event in reversed(await jobs.rows.events(job.id, 100))]


def promoted(folder: Path) -> list[Path]:
    return [*(folder / "data" / "taught").glob("*")]


async def test_a_job_is_cancelled_while_it_is_trained_and_the_next_is_done(tmp_path: Path) -> None:
    toy = Toy(held_up=True)
    async with product(tmp_path, toy) as app, app.services.fine_tuning.working():
        jobs = app.services.fine_tuning
        first, second = await created(app, sorting(30)), await created(app, sorting(30))
        await toy.began.wait()
        cancelled = await jobs.cancel(first.id, None)
        toy.gate.set()
        done = await jobs.ended(second.id)
        assert (cancelled.state, done.state, toy.trained) == ("cancelled", "succeeded", 2)
        assert [row.task for row in await app.services.students.rows.latest()] == [f"ft-{second.id[6:]}"]
        assert (await messages(jobs, first))[-1] == "The job was cancelled; nothing was promoted"
        assert (await jobs.get(first.id, None)).state == "cancelled"
    assert [path.stem for path in promoted(tmp_path)] == [f"ft-{second.id[6:]}"]


async def test_a_job_that_waits_is_cancelled(tmp_path: Path) -> None:
    async with product(tmp_path, Toy()) as app:
        job = await created(app, sorting(30))
        assert (await app.services.fine_tuning.cancel(job.id, None)).state == "cancelled"
        with pytest.raises(UsageError, match="it has cancelled"):
            await app.services.fine_tuning.cancel(job.id, None)
        async with app.services.fine_tuning.working():
            other = await created(app, sorting(30))
            assert (await app.services.fine_tuning.ended(other.id)).state == "succeeded"
        assert (await app.services.fine_tuning.get(job.id, None)).state == "cancelled"


async def test_a_job_that_another_process_cancels_ends(tmp_path: Path) -> None:
    toy = Toy(held_up=True)
    async with product(tmp_path, toy) as app, app.services.fine_tuning.working():
        job = await created(app, sorting(30))
        await toy.began.wait()
        async with build(load({}, cwd=tmp_path), school=Toy().school) as other:
            await other.services.fine_tuning.cancel(job.id, None)
        assert (await app.services.fine_tuning.ended(job.id)).state == "cancelled"
        assert await app.services.students.rows.latest() == ()


async def test_a_server_that_is_started_again_goes_on(tmp_path: Path) -> None:
    held_up = Toy(held_up=True)
    async with product(tmp_path, held_up) as app, app.services.fine_tuning.working():
        running, queued = await created(app, sorting(30)), await created(app, sorting(30, seed=1))
        await held_up.began.wait()
    async with product(tmp_path, Toy()) as app:
        unseen = await created(app, sorting(30, seed=2))
        jobs = app.services.fine_tuning
        async with jobs.working():
            ended = [await jobs.ended(job.id) for job in (running, queued, unseen)]
        assert [job.state for job in ended] == ["succeeded"] * 3
        told = await messages(jobs, running)
        assert "Fine-tuning job started again, from the beginning: its process has ended" in told
        assert ended[0].finished is not None
        assert ended[1].finished is not None
        assert ended[0].finished <= ended[1].finished


async def test_one_job_at_a_time_whatever_process(tmp_path: Path) -> None:
    toy, other_toy = Toy(held_up=True), Toy()
    async with product(tmp_path, toy) as app, app.services.fine_tuning.working():
        await created(app, sorting(30))
        second = await created(app, sorting(30))
        await toy.began.wait()
        async with build(load({}, cwd=tmp_path), school=other_toy.school) as other:
            assert await other.services.fine_tuning.rows.claim() is None
        toy.gate.set()
        assert (await app.services.fine_tuning.ended(second.id)).state == "succeeded"
    assert (toy.trained, other_toy.trained) == (4, 0)  # twice a job: to be measured, then on all lines


async def test_the_same_file_and_seed_make_the_same_student(tmp_path: Path) -> None:
    async with product(tmp_path, Toy()) as app, app.services.fine_tuning.working():
        jobs = app.services.fine_tuning
        made = [(await jobs.ended((await created(app, sorting(30))).id)).made for _ in range(2)]
    assert made[0] is not None
    assert made[1] is not None
    assert made[0]["student"] == made[1]["student"]


async def test_a_training_that_fails_fails_its_job_alone(tmp_path: Path) -> None:
    toy = Toy(error=EngineCrashedError("the teacher is gone", hint="start it again"))
    async with product(tmp_path, toy) as app, app.services.fine_tuning.working():
        job = await app.services.fine_tuning.ended((await created(app, sorting(30))).id)
    assert job.error == {"code": "engine_crashed", "message": "the teacher is gone (start it again)", "param": None}
    assert (job.state, job.model, promoted(tmp_path)) == ("failed", None, [])


async def test_a_fault_of_ours_is_told_without_its_insides(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with product(tmp_path, Toy(error=ZeroDivisionError("secret"))) as app, app.services.fine_tuning.working():
        job = await app.services.fine_tuning.ended((await created(app, sorting(30))).id)
        assert job.error is not None
        assert (job.state, job.error["code"]) == ("failed", "internal_error")
        assert "secret" not in " ".join(await messages(app.services.fine_tuning, job))
    assert "ZeroDivisionError" in caplog.text


async def test_a_disk_that_takes_nothing_fails_the_job_and_promotes_nothing(tmp_path: Path) -> None:
    async with product(tmp_path, Toy()) as app, app.services.fine_tuning.working():
        # Where students are kept a file lies in the way: as with a full disk, nothing can be written there.
        (tmp_path / "data" / "students").write_text("")
        job = await app.services.fine_tuning.ended((await created(app, sorting(30))).id)
        assert await app.services.students.rows.latest() == ()
    assert job.error is not None
    assert (job.state, job.error["code"]) == ("failed", "ledger_unavailable")
    assert "nothing was promoted" in job.error["message"]
    assert promoted(tmp_path) == []


async def test_a_file_that_was_removed_fails_the_job(tmp_path: Path) -> None:
    async with product(tmp_path, Toy()) as app:
        job = await created(app, sorting(30))
        await app.services.files.delete(job.request["training_file"], None)
        async with app.services.fine_tuning.working():
            ended = await app.services.fine_tuning.ended(job.id)
    assert ended.error is not None
    assert (ended.state, ended.error["code"], ended.error["param"]) == ("failed", "not_found", "training_file")


async def test_a_student_that_learned_nothing_is_not_put_in_charge(tmp_path: Path) -> None:
    lines = [chat_line(f"message {number}", "yes" if number % 3 else "no") for number in range(150)]
    async with product(tmp_path, Toy()) as app, app.services.fine_tuning.working():
        job = await app.services.fine_tuning.ended((await created(app, lines)).id)
        assert await app.services.students.rows.in_charge() == ()
    assert job.error is not None
    assert job.error["code"] == "nothing_learned"
    assert "always saying 'yes' would be right in" in job.error["message"]
