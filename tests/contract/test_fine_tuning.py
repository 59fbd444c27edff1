"""The official client uploads a chat file, has it fine-tuned, and asks the model that came of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI
from openai.types.fine_tuning import FineTuningJob

from support.fine_tuning_world import CLASSES, SYSTEM, Toy, chat_file, chat_line, reading, sorting
from support.served import Served, made_key, served

LADDER = '[ladder]\ndefault = ["fake/scripted"]'
SCRIPT = """
[[rules]]
when = "unheard of"
answer = { label = "other" }
[[rules]]
when = "beyond all"
answer = { label = "none of them" }
"""


@asynccontextmanager
async def client(folder: Path, toy: Toy | None = None) -> AsyncIterator[tuple[AsyncOpenAI, Served]]:
    async with (
        served(folder, SCRIPT, toml=LADDER, school=(toy or Toy()).school) as server,
        AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0, _strict_response_validation=True) as official,
    ):
        yield official, server


async def upload(official: AsyncOpenAI, lines: list[Any]) -> str:
    kept = await official.files.create(file=("train.jsonl", chat_file(lines)), purpose="fine-tune")
    return kept.id


async def done(official: AsyncOpenAI, server: Served, lines: list[Any], **more: Any) -> FineTuningJob:
    """Make a job and wait for its end."""
    file_id = await upload(official, lines)
    job = await official.fine_tuning.jobs.create(model="gpt-4o-mini", training_file=file_id, **more)
    await server.services.fine_tuning.ended(job.id)
    return await official.fine_tuning.jobs.retrieve(job.id)


def asked(text: str, system: str = SYSTEM) -> list[Any]:
    return [{"role": "system", "content": system}, {"role": "user", "content": text}]


async def test_a_file_becomes_a_model_that_answers_as_it_was_taught(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        job = await done(official, server, sorting(60), suffix="My Shop", seed=7)
        assert (job.status, job.error) == ("succeeded", None)
        assert job.model == "gpt-4o-mini-2024-07-18"
        name = f"ft:gpt-4o-mini-2024-07-18:firstline:my-shop:{job.id.removeprefix('ftjob-')}"
        assert (job.fine_tuned_model, job.seed) == (name, 7)
        assert job.trained_tokens is not None
        assert job.trained_tokens > 48 * 10
        assert name in [model.id async for model in official.models.list()]
        assert (await official.models.retrieve(name)).id == name
        for label, word in CLASSES.items():
            answer = await official.chat.completions.create(model=name, messages=asked(f"so {word} it is"))
            assert (answer.choices[0].message.content, answer.model) == (label, name)
            extra: Any = answer.model_extra
            assert extra["firstline"]["verdict"] == "accepted"
            assert [one["model"] for one in extra["firstline"]["attempts"]] == [f"student/ft-{name.rpartition(':')[2]}"]
            assert "notes" not in extra["firstline"] or extra["firstline"]["notes"] == []


async def test_a_content_is_written_to_the_letter(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        form = '{{ "category":"{0}" , "v":1 }}'
        job = await done(official, server, sorting(60, write=form.format))
        assert job.fine_tuned_model is not None
        answer = await official.chat.completions.create(model=job.fine_tuned_model, messages=asked("a refund"))
        assert answer.choices[0].message.content == form.format("refund")
        stream = await official.chat.completions.create(
            model=job.fine_tuned_model, messages=asked("a refund"), stream=True
        )
        pieces = [chunk.choices[0].delta.content or "" async for chunk in stream if chunk.choices]
        assert "".join(pieces) == form.format("refund")
        response = await official.responses.create(
            model=job.fine_tuned_model, instructions=SYSTEM, input="the order is late"
        )
        assert response.output_text == form.format("order")


async def test_an_extraction_is_written_as_the_json_that_was_taught(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        job = await done(official, server, reading(60))
        assert job.fine_tuned_model is not None, job.error
        for text, content in (
            ("name: Zara Quint order: A-1234", '{"name":"Zara","order":"A-1234"}'),
            ("here is name: Zara", '{"name":"Zara","order":null}'),
        ):
            answer = await official.chat.completions.create(
                model=job.fine_tuned_model, messages=asked(text, "Find name and order.")
            )
            assert answer.choices[0].message.content == content


async def test_what_the_student_is_not_sure_of_climbs_and_what_nobody_settles_is_reviewed(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        job = await done(official, server, sorting(60))
        assert job.fine_tuned_model is not None
        climbed = await official.chat.completions.create(
            model=job.fine_tuned_model, messages=asked("this is unheard of")
        )
        extra: Any = climbed.model_extra
        assert climbed.choices[0].message.content == "other"
        assert extra["firstline"]["verdict"] == "escalated"
        assert [one["model"] for one in extra["firstline"]["attempts"]][1:] == ["fake/scripted"]
        left = await official.chat.completions.create(model=job.fine_tuned_model, messages=asked("beyond all"))
        extra = left.model_extra
        assert extra["firstline"]["verdict"] == "review"
        view = await server.services.reviews.view(extra["firstline"]["review"]["id"], None)
        assert view.task is not None
        assert view.task.name.startswith("ft-")


async def test_events_and_checkpoints_tell_what_was_measured(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        job = await done(official, server, sorting(60))
        events = [event async for event in official.fine_tuning.jobs.list_events(job.id, limit=2)]
        messages = [event.message for event in reversed(events)]
        assert messages[0] == f"Created fine-tuning job: {job.id}"
        assert "a classification into 3 classes, 60 lines" in messages[2]
        assert messages[-1].startswith(f"New fine-tuned model created: {job.fine_tuned_model}")
        [metrics] = [event for event in events if event.type == "metrics"]
        data: Any = metrics.data
        assert (data["step"], data["held_out"]) == (48, 12)
        assert (data["held_out_accuracy"], data["held_out_exact"], data["fields"]) == (1.0, 1.0, {"label": 1.0})
        [checkpoint] = [one async for one in official.fine_tuning.jobs.checkpoints.list(job.id)]
        assert checkpoint.fine_tuned_model_checkpoint == job.fine_tuned_model
        assert (checkpoint.step_number, checkpoint.metrics.step) == (60, 60)


async def test_enough_lines_earn_a_certificate_of_what_the_student_answers_by_itself(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        job = await done(official, server, sorting(900))
        made: Any = job.model_extra
        assert made["firstline"]["certificate"] is not None, made["firstline"]["reason"]
        assert job.fine_tuned_model is not None
        served_by: list[Any] = []
        for text in ("a late refund", "this is unheard of"):
            answer = await official.chat.completions.create(model=job.fine_tuned_model, messages=asked(text))
            served_by.append(answer.model_extra)
        assert served_by[0]["firstline"]["certificate"] == made["firstline"]["certificate"]
        # The rung after the student was not certified: its answer is served by its checks, and says so.
        assert (served_by[1]["firstline"]["certificate"], served_by[1]["firstline"]["verdict"]) == (
            "uncertified",
            "escalated",
        )
        assert "fake/scripted is not part of what was certified" in " ".join(served_by[1]["firstline"]["notes"])


async def test_a_validation_file_is_what_is_held_out(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        held_out = await upload(official, sorting(30, seed=5))
        job = await done(official, server, sorting(60), validation_file=held_out)
        made: Any = job.model_extra
        assert (made["firstline"]["metrics"]["step"], made["firstline"]["metrics"]["held_out"]) == (60, 30)
        foreign = await upload(official, [*sorting(20), chat_line("what?", "a new class")])
        job = await done(official, server, sorting(60), validation_file=foreign)
        assert job.error is not None
        assert (job.status, job.error.code, job.error.param) == ("failed", "not_a_narrow_task", "validation_file")
        assert "line 21: “a new class”" in job.error.message


async def test_a_file_that_is_no_narrow_task_fails_with_counts_and_a_line(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        lines = [chat_line(f"tell me about {number}", f"a reply of its own, number {number}") for number in range(40)]
        job = await done(official, server, lines)
        assert (job.status, job.fine_tuned_model) == ("failed", None)
        assert job.error is not None
        assert (job.error.code, job.error.param) == ("not_a_narrow_task", "training_file")
        assert "40 different answers in 40 lines" in job.error.message
        assert "line 1: “a reply of its own, number 0”" in job.error.message
        events = await official.fine_tuning.jobs.list_events(job.id)
        assert events.data[0].level == "error"


async def test_what_cannot_be_asked_for_is_refused_in_words(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        file_id = await upload(official, sorting(20))
        other = await official.files.create(file=("a.txt", b"hello"), purpose="user_data")
        create: Any = official.fine_tuning.jobs.create
        for changes, param, words in (
            ({"model": "gpt-4.1-mini"}, "model", "cannot be fine-tuned here"),
            ({"model": "ft:gpt-4o-mini-2024-07-18:firstline:x:1"}, "model", "cannot be trained further"),
            ({"training_file": "file-nothing"}, "training_file", "there is no file"),
            ({"training_file": other.id}, "training_file", "has the purpose user_data"),
            ({"validation_file": "file-nothing"}, "validation_file", "there is no file"),
            ({"method": {"type": "dpo"}}, "method.type", "one right answer a line"),
            ({"method": {"type": "magic"}}, "method.type", "magic"),
            ({"hyperparameters": {"n_epochs": 0}}, "hyperparameters.n_epochs", "n_epochs"),
            ({"hyperparameters": {"warmth": 3}}, "hyperparameters", "warmth"),
            ({"integrations": [{"type": "wandb", "wandb": {"project": "x"}}]}, "integrations", "nothing is sent"),
            ({"suffix": "x" * 65}, "suffix", "suffix"),
            ({"seed": -1}, "seed", "seed"),
        ):
            with pytest.raises(openai.BadRequestError, match=words) as caught:
                await create(**{"model": "gpt-4o-mini", "training_file": file_id, **changes})
            assert caught.value.param == param
        assert (await official.fine_tuning.jobs.list()).data == []


async def test_what_a_trainer_elsewhere_needs_is_accepted_and_shown_again(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        method: Any = {"type": "supervised", "supervised": {"hyperparameters": {"n_epochs": 3}}}
        job = await done(
            official, server, sorting(30), method=method, integrations=[], metadata={"team": "support"}, suffix=None
        )
        assert job.status == "succeeded"
        assert (job.hyperparameters.n_epochs, job.hyperparameters.batch_size) == (3, "auto")
        assert job.fine_tuned_model is not None
        assert ":firstline::" in job.fine_tuned_model
        assert job.metadata == {"team": "support"}
        old: Any = {"n_epochs": "auto", "learning_rate_multiplier": 0.5}
        job = await done(official, server, sorting(30), hyperparameters=old)
        assert job.hyperparameters.learning_rate_multiplier == 0.5


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"not json", "line 1: not JSON"),
        (b"[1]", "line 1: not a JSON object"),
        (b"\n\n", "holds no lines"),
        (b"\xff\xfe", "the file is UTF-16 text"),
        (b"\x80", "line 1: not UTF-8"),
        (chat_file([{"prompt": "a", "completion": "b"}]), "line 1: this is the format of completions"),
        (chat_file([{"input": {}, "preferred_output": []}]), "line 1: this is the format of preferences"),
        (chat_file([chat_line("a", "b"), {"messages": []}]), "line 2: `messages` is a list of at least one"),
        (chat_file([{"messages": ["a"]}]), "line 1: message 1 is not a JSON object"),
        (chat_file([{"messages": [{"role": "boss", "content": "a"}]}]), "message 1: `role` is 'boss'"),
        (chat_file([{"messages": [{"role": "user"}]}]), "message 1: `content` is missing"),
        (chat_file([{"messages": [{"role": "user", "content": "a"}]}]), "the last message is not the assistant's"),
        (chat_file([{"messages": [{"role": "assistant", "content": "a"}]}]), "no message is the user's"),
        (chat_file([chat_line("a", "  ")]), "message 3: the assistant's `content` is empty"),
        (chat_file([chat_line("a", "b", colour="red")]), "line 1: there is no key 'colour' in a line"),
        (chat_file([chat_line([{"type": "sound"}], "b")]), "message 2: not a part of a content"),
        (b'{"messages": [{"role": "user", "content": "\\ud800"}, {"role": "assistant"}]}', "half a character"),
        (b'{"messages": ' + b"[" * 5000, "line 1: not JSON"),
        (b'{"messages": ' + b"1" * 5000 + b"}", "line 1: cannot be used: messages: the number 1"),
        (
            b'{"messages": [{"role": "user", "content": "a"}, '
            b'{"role": "assistant", "content": "{\\"a\\":1,\\"a\\":2}"}]}',
            "line 1: message 2: `content` cannot be used: a: stands twice, as 1 and as 2",
        ),
    ],
)
async def test_what_is_no_chat_file_is_refused_when_it_is_uploaded(tmp_path: Path, content: bytes, words: str) -> None:
    async with client(tmp_path) as (official, _):
        with pytest.raises(openai.BadRequestError) as caught:
            await official.files.create(file=("train.jsonl", content), purpose="fine-tune")
        assert words in caught.value.message
        assert caught.value.param == "file"
        assert (await official.files.list()).data == []


async def test_jobs_are_listed_in_pages_and_belong_to_their_key(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        may = ("models", "tasks", "files", "fine-tuning")
        secrets = [await made_key(server, name, rights=may) for name in ("a", "b")]
        one, two = (official.with_options(api_key=secret) for secret in secrets)
        jobs = [await done(one, server, sorting(20)) for _ in range(3)]
        listed = [job.id async for job in one.fine_tuning.jobs.list(limit=2)]
        assert listed == [job.id for job in reversed(jobs)]
        assert (await two.fine_tuning.jobs.list()).data == []
        name = jobs[0].fine_tuned_model
        assert name is not None
        assert name not in [model.id async for model in two.models.list()]
        for call in (two.fine_tuning.jobs.retrieve, two.fine_tuning.jobs.cancel, two.fine_tuning.jobs.list_events):
            with pytest.raises(openai.NotFoundError):
                await call(jobs[0].id)
        for model in (name, f"task/ft-{name.rpartition(':')[2]}"):
            for key in (one, two) if model != name else (two,):
                with pytest.raises(openai.NotFoundError):
                    await key.chat.completions.create(model=model, messages=asked("a refund"))
        narrow = official.with_options(api_key=await made_key(server, "c", scopes=("fake/*",), rights=may))
        with pytest.raises(openai.PermissionDeniedError):
            await narrow.chat.completions.create(model=name, messages=asked("a refund"))
        with pytest.raises(openai.PermissionDeniedError):
            await narrow.fine_tuning.jobs.create(model="gpt-4o-mini", training_file="file-x")


async def test_a_model_is_deleted_and_nothing_else_is(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        job = await done(official, server, sorting(20))
        name = job.fine_tuned_model
        assert name is not None
        gone = await official.models.delete(name)
        assert (gone.id, gone.deleted) == (name, True)
        assert name not in [model.id async for model in official.models.list()]
        with pytest.raises(openai.NotFoundError):
            await official.chat.completions.create(model=name, messages=asked("a refund"))
        with pytest.raises(openai.NotFoundError):
            await official.models.delete(name)
        assert await server.services.students.rows.in_charge() == ()
        shown = await official.fine_tuning.jobs.retrieve(job.id)
        assert (shown.status, shown.fine_tuned_model) == ("succeeded", None)
        assert (await official.fine_tuning.jobs.checkpoints.list(job.id)).data == []
        for other in ("gpt-4o-mini", "task/colour"):
            with pytest.raises(openai.BadRequestError, match="was not made by fine-tuning"):
                await official.models.delete(other)


async def test_a_job_is_not_paused(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        job = await done(official, server, sorting(20))
        for call in (official.fine_tuning.jobs.pause, official.fine_tuning.jobs.resume):
            with pytest.raises(openai.BadRequestError, match="cannot be paused or resumed"):
                await call(job.id)
        with pytest.raises(openai.BadRequestError, match="is done: it has succeeded"):
            await official.fine_tuning.jobs.cancel(job.id)
