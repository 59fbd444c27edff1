"""Answers in OpenAI's shape, whole and in chunks; the official client's own models read both."""

from __future__ import annotations

from openai.types.chat import ChatCompletion, ChatCompletionChunk

from firstline.api.chat_answer import Answer, streamed, whole
from firstline.types import TokenProb, Usage

ANSWER = Answer(
    id="chatcmpl-1",
    created=5,
    model="task/receipt",
    content='{"total":1}',
    usage=Usage(prompt_tokens=10, cached_tokens=4, completion_tokens=3, reasoning_tokens=1),
    logprobs=(TokenProb(token="é", logprob=-0.5, top=(("é", -0.5), ("e", float("-inf")))),),
    firstline={"verdict": "accepted"},
)


def test_a_whole_answer_has_the_shape_of_the_official_client() -> None:
    read = ChatCompletion.model_validate(whole(ANSWER), strict=True)
    choice = read.choices[0]
    assert (choice.message.content, choice.message.refusal, choice.finish_reason) == ('{"total":1}', None, "stop")
    assert read.usage is not None
    assert (read.usage.total_tokens, read.usage.prompt_tokens_details.cached_tokens) == (13, 4)  # type: ignore[union-attr]
    assert choice.logprobs is not None
    token = (choice.logprobs.content or [])[0]
    assert (token.bytes, token.top_logprobs[1].logprob) == ([195, 169], -9999.0)
    assert (read.model_extra or {})["firstline"] == {"verdict": "accepted"}


def test_a_streamed_answer_is_role_then_text_then_end_then_usage() -> None:
    chunks = [ChatCompletionChunk.model_validate(one) for one in streamed(ANSWER, include_usage=True)]
    assert {(one.id, one.created, one.model) for one in chunks} == {("chatcmpl-1", 5, "task/receipt")}
    deltas = [one.choices[0].delta for one in chunks[:3]]
    assert (deltas[0].role, deltas[0].content, deltas[1].content, deltas[2].content) == (
        "assistant",
        "",
        '{"total":1}',
        None,
    )
    assert [one.choices[0].finish_reason for one in chunks[:3]] == [None, None, "stop"]
    assert [one.usage is None for one in chunks] == [True, True, True, False]
    assert chunks[3].choices == []
    assert (chunks[2].model_extra or {})["firstline"] == {"verdict": "accepted"}


def test_usage_comes_only_when_asked_for() -> None:
    chunks = list(streamed(ANSWER, include_usage=False))
    assert len(chunks) == 3
    assert all("usage" not in one for one in chunks)


def test_where_there_is_no_answer_a_refusal_says_why() -> None:
    nothing = Answer(id="c", created=1, model="m", content=None, refusal="every model failed")
    assert ChatCompletion.model_validate(whole(nothing)).choices[0].message.refusal == "every model failed"
    deltas = [one["choices"][0]["delta"] for one in streamed(nothing, include_usage=False)]
    assert deltas[1] == {"refusal": "every model failed"}
