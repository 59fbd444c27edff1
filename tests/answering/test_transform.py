"""Transformations through a real account: a scripted engine, a ledger on disk, and the tasks that are built in."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.resources import files
from pathlib import Path
from tempfile import mkdtemp

import pytest

from firstline.answering.answer import Draft
from firstline.answering.transform import allowed_elements, filled, transform, unwrapped
from firstline.catalog.model import FREE, Model
from firstline.checks.base import Subject
from firstline.engines.fake import Fake, Rule, Script
from firstline.engines.pool import Pool
from firstline.errors import EngineOutputError
from firstline.gateway.budget import Budget
from firstline.gateway.gateway import MeteredModel, ModelGateway
from firstline.ledger.store import Ledger
from firstline.tasks.task import Task
from firstline.tasks.task_file import task_from_text
from firstline.types import Completion, Json, ModelRequest

MODEL = Model(id="fake/writer", provider="fake", engine="fake", price=FREE)


def built_in(name: str) -> Task:
    """Read a task of the package."""
    return task_from_text(name, files("firstline.tasks").joinpath(f"{name}.toml").read_text(encoding="utf-8"))


@asynccontextmanager
async def account(engine: Fake, folder: Path) -> AsyncIterator[MeteredModel]:
    """Open an account whose calls go to the engine."""
    ledger = await Ledger.open(f"sqlite:///{mkdtemp(dir=folder)}/ledger.db")
    pool = Pool(lambda model: engine, max_local=1)
    try:
        await ledger.begin_run("run", "t", "t@1", "0", 0.0)
        yield ModelGateway(pool, ledger).account("run", 0, MODEL, Budget(limit=None, attempts=9, seconds=60))
    finally:
        await pool.close()
        await ledger.close()


def made(folder: Path, engine: Fake, task: Task, text: str, **given: Json) -> Draft:
    """Transform a text."""

    async def go() -> Draft:
        async with account(engine, folder) as opened:
            return await transform(opened, task, text, task.arguments(given))

    return asyncio.run(go())


def answering(answer: Json) -> Fake:
    """Make an engine that always gives one answer."""
    return Fake(Script(rules=(Rule(answer=answer),)), keep=True)


def findings(task: Task, draft: Draft, source: str, **given: Json) -> set[str]:
    """Return the names of the checks that object, for a model that no second reader has to confirm."""
    subject = Subject(answer=draft.values, source=source, parameters=task.arguments(given))
    checks = [check for check in task.checks if check.name != "agreement"]
    return {finding.check for check in checks for finding in check(subject)}


@pytest.mark.parametrize("name", ["translate", "rewrite"])
def test_a_small_models_text_whose_meaning_nobody_checked_is_never_accepted(name: str) -> None:
    subject = Subject(answer={"text": "Guten Tag"}, source="Good morning", parameters={"to": "German"})
    assert "agreement" in {finding.check for check in built_in(name).checks for finding in check(subject)}


def test_a_translation_tells_the_language_and_unwraps_the_answer(tmp_path: Path) -> None:
    engine = answering('Here is the translation:\n"Die Katze schläft seit 3 Stunden auf dem Sofa."')
    task = built_in("translate")
    source = "The cat has been asleep on the sofa for 3 hours."
    draft = made(tmp_path, engine, task, source, to="de")
    assert draft.values == {"text": "Die Katze schläft seit 3 Stunden auf dem Sofa."}
    assert findings(task, draft, source, to="de") == set()
    [request] = engine.requests
    assert "into German" in request.messages[-1].text
    assert source in request.messages[-1].text
    assert request.sampling.temperature == 0.0
    assert 0 < (request.sampling.max_tokens or 0) <= task.max_output_tokens


def test_a_translation_that_changes_a_number_or_stays_english_is_found(tmp_path: Path) -> None:
    task = built_in("translate")
    source = "The cat has been asleep on the sofa for 3 hours."
    draft = made(tmp_path, answering("The cat has been asleep on the sofa for 4 hours."), task, source, to="German")
    assert findings(task, draft, source, to="German") == {"preservation", "language"}


def test_a_summary_that_invents_is_found(tmp_path: Path) -> None:
    task = built_in("summarize")
    source = "Anna and Ben met in Rome on Friday. They talked about the new school and had dinner at the station."
    good = made(tmp_path, answering("Anna and Ben met in Rome and talked about the new school."), task, source)
    bad = made(tmp_path, answering("Anna and Ben paid 500 euros for a helicopter."), task, source)
    long = made(tmp_path, answering(f"{source} {source}"), task, source, max_words=5)
    assert findings(task, good, source) == set()
    assert {"preservation", "faithful"} <= findings(task, bad, source)
    assert findings(task, long, source, max_words=5) == {"rule"}


def test_tags_are_bound_by_what_the_run_sets(tmp_path: Path) -> None:
    engine = answering({"tags": ["sport", "Sport", "news"]})
    task = built_in("tag")
    draft = made(tmp_path, engine, task, "The team won.", max_tags=3, allowed=["sport", "news", "law"])
    assert draft.values == {"tags": ["sport", "news"]}
    schema = engine.requests[0].schema
    assert schema is not None
    tags = schema["properties"]["tags"]
    assert tags["maxItems"] == 3
    assert tags["items"] == {"type": "string", "enum": ["sport", "news", "law"]}
    assert findings(task, draft, "The team won.", allowed="sport, news") == set()
    assert findings(task, draft, "The team won.", allowed=["law"]) == {"rule"}
    assert findings(task, draft, "The team won.", max_tags=1) == {"rule"}


def test_keywords_stand_in_the_text(tmp_path: Path) -> None:
    task = built_in("keywords")
    source = "The harbour of Bremen opens a new lock."
    draft = made(tmp_path, answering({"keywords": ["harbour of Bremen", "airport"]}), task, source)
    assert findings(task, draft, source) == {"grounding"}


def test_a_rewriting_keeps_amounts(tmp_path: Path) -> None:
    task = built_in("rewrite")
    source = "pay me the 40 euros now"
    good = made(tmp_path, answering("Could you please pay me the 40 euros?"), task, source)
    bad = made(tmp_path, answering("Could you please pay me the 50 euros?"), task, source)
    assert findings(task, good, source) == set()
    assert findings(task, bad, source) == {"preservation"}


class Cut(Fake):
    """An engine whose answer is always cut."""

    async def complete(self, request: ModelRequest) -> Completion:
        """Return half an answer."""
        return Completion(text="Die Katze", finish_reason="length")


def test_a_cut_answer_and_an_empty_one_are_never_served(tmp_path: Path) -> None:
    with pytest.raises(EngineOutputError, match="cut"):
        made(tmp_path, Cut(), built_in("translate"), "The cat sleeps.", to="de")
    with pytest.raises(EngineOutputError, match="empty"):
        made(tmp_path, answering("```\n```"), built_in("translate"), "The cat sleeps.", to="de")


@pytest.mark.parametrize(
    ("answer", "source", "text"),
    [
        ('"Hallo."', "Hello.", "Hallo."),
        ('"Hallo"', '"Hello"', '"Hallo"'),
        ('"A" und "B"', "A and B", '"A" und "B"'),
        ("„Hallo“", "Hello", "Hallo"),
        ("```text\nHallo\n```", "Hello", "Hallo"),
        ("```py\nx = 1\n```", "```py\ny = 1\n```", "```py\nx = 1\n```"),
        ('"""\nHallo\n"""', "Hello", "Hallo"),
        ("Sure! Here is the summary: It rains.", "rain", "It rains."),
        ("The German translation: Hallo", "Hello", "Hallo"),
        ("Translation: Übersetzung", "Translation: what it is", "Translation: Übersetzung"),
        ("Here we go: it rains.", "it rains", "Here we go: it rains."),
    ],
)
def test_what_models_put_around_a_text_is_taken_off_and_nothing_else(answer: str, source: str, text: str) -> None:
    assert unwrapped(answer, source) == text


def test_parameters_fill_their_places() -> None:
    assert filled("Into {to}, {most} words, {other}", {"to": "German", "most": 5}) == "Into German, 5 words, {other}"
    assert allowed_elements(" a, b,,a ") == ("a", "b")
    assert allowed_elements(None) == ()
