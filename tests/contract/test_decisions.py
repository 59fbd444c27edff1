"""The official client asks for decisions; the scripted model weighs."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI

from support.served import Served, served

SCRIPT = """
[[rules]]
when = "is lost"
choice = "yes"
confidence = 0.9
[[rules]]
when = "How angry"
choice = "furious"
confidence = 0.6
[[rules]]
when = "Which department"
choice = "cards"
confidence = 0.7
[[rules]]
when = "a boolean"
choice = "true (boolean)"
[[rules]]
when = "crash"
error = "engine_crashed"
[[rules]]
when = "nonsense"
error = "engine_bad_output"
"""
LOST: Any = {"type": "predicate", "instructions": "The card is lost.", "name": "lost"}
ANGER: Any = {
    "type": "score",
    "instructions": "How angry is the writer?",
    "levels": [{"label": "calm"}, {"label": "annoyed"}, {"label": "furious", "description": "shouting"}],
}
WHERE: Any = {
    "type": "choice",
    "instructions": [{"type": "input_text", "text": "Which department?"}],
    "choices": [{"value": "cards"}, {"value": "loans", "description": "credit"}, {"value": False}],
}


@asynccontextmanager
async def client(folder: Path, *, toml: str = "") -> AsyncIterator[tuple[AsyncOpenAI, Served]]:
    async with (
        served(folder, SCRIPT, toml=toml) as server,
        AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0, _strict_response_validation=True) as official,
    ):
        yield official, server


async def test_each_kind_of_question_has_its_answer(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, server):
        decision = await official.decisions.create(
            model="fake/scripted", input="Where is my card?!", questions=[LOST, ANGER, WHERE], prompt_cache_key="k"
        )
        lost, anger, where = decision.answers
        assert lost.type == "predicate"
        assert lost.name == "lost"
        assert lost.probability == pytest.approx(0.9)
        assert anger.type == "score"
        assert [one.label for one in anger.probabilities] == ["calm", "annoyed", "furious"]
        assert [one.value for one in anger.probabilities] == [0, 1, 2]
        assert sum(one.probability for one in anger.probabilities) == pytest.approx(1)
        assert anger.confidence == pytest.approx(0.6)
        assert anger.score == pytest.approx(2 * 0.6 + 0.2)
        assert where.type == "choice"
        assert where.choice == "cards"
        assert where.confidence == pytest.approx(0.7)
        assert [one.value for one in where.probabilities] == ["cards", "loans", False]
        assert decision.model == "fake/scripted"
        assert decision.usage.total_tokens == decision.usage.input_tokens + decision.usage.output_tokens > 0
        run = (decision.model_extra or {})["firstline"]
        assert run["verdict"] is None
        assert (await server.services.ledger.get_run(run["id"])).task == "decisions"


async def test_the_word_true_and_the_boolean_are_two_answers(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        question: Any = {
            "type": "choice",
            "instructions": "Is it a boolean?",
            "choices": [{"value": "true"}, {"value": True}],
        }
        decision = await official.decisions.create(model="fake/scripted", input="x", questions=[question])
        assert decision.answers[0].type == "choice"
        assert decision.answers[0].choice is True


async def test_a_conversation_with_tools_and_json_is_an_input(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        items: Any = [
            {"role": "developer", "content": "Bank."},
            {"role": "user", "content": [{"type": "input_json", "data": {"card": "lost"}}]},
            {"type": "function_call", "call_id": "c", "name": "find", "arguments": "{}"},
            {"type": "function_call_output", "call_id": "c", "output": "nothing found"},
            {"role": "assistant", "content": [{"type": "output_text", "text": "Sorry."}]},
        ]
        decision = await official.decisions.create(model="fake/scripted", input=items, questions=[LOST])
        assert decision.answers[0].type == "predicate"


async def test_a_question_that_is_not_answered_is_refused_alone(tmp_path: Path) -> None:
    async with client(tmp_path) as (official, _):
        nonsense: Any = {"type": "predicate", "instructions": "This is nonsense."}
        decision = await official.decisions.create(model="fake/scripted", input="x", questions=[nonsense, LOST])
        assert [answer.type for answer in decision.answers] == ["refusal", "predicate"]
        with pytest.raises(openai.InternalServerError):
            await official.decisions.create(
                model="fake/scripted", input="x", questions=[{"type": "predicate", "instructions": "crash"}]
            )


@pytest.mark.parametrize(
    ("questions", "param"),
    [
        ([], "questions"),
        ([LOST] * 401, "questions"),
        ([{"type": "predicate"}], "questions[0].instructions"),
        ([{"type": "predicate", "instructions": " "}], "questions[0].instructions"),
        ([{"type": "choice", "instructions": "x"}], "questions[0].choices"),
        ([{"type": "choice", "instructions": "x", "choices": [{"value": "a"}]}], "questions[0].choices"),
        ([{"type": "choice", "instructions": "x", "choices": [{"value": "a"}] * 2}], "questions[0]"),
        ([{"type": "score", "instructions": "x"}], "questions[0].levels"),
        ([{"type": "rank", "instructions": "x"}], "questions[0].type"),
    ],
)
async def test_a_wrong_question_is_refused_by_its_place(tmp_path: Path, questions: Any, param: str) -> None:
    async with client(tmp_path) as (official, _):
        with pytest.raises(openai.BadRequestError) as caught:
            await official.decisions.create(model="fake/scripted", input="x", questions=questions)
        assert caught.value.param == param


async def test_a_model_without_probabilities_is_refused_before_it_is_paid(tmp_path: Path) -> None:
    toml = '[models."far/away"]\nbase_url = "http://127.0.0.1:9/v1"\n'
    async with client(tmp_path, toml=toml) as (official, server):
        with pytest.raises(openai.BadRequestError, match="no probabilities") as caught:
            await official.decisions.create(model="far/away", input="x", questions=[LOST])
        assert caught.value.param == "model"
        assert await server.services.ledger.list_runs() == ()
