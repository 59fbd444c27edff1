from __future__ import annotations

import base64

import msgspec
import pytest

from firstline.engines import openai_wire as wire
from firstline.engines.openai_choice import odds
from firstline.errors import EngineOutputError
from firstline.types import MOST_TOKENS, Image, Message, Sampling, Text, TokenProb, ToolCall, Usage, message


def body(**choice: object) -> bytes:
    return msgspec.json.encode({"choices": [choice], "usage": {"prompt_tokens": 5, "completion_tokens": 2}})


def test_messages_become_what_openai_describes() -> None:
    picture = Image(data=b"\x89PNG", media_type="image/png", width=1, height=1, detail="low")
    call = ToolCall(id="c1", name="f", arguments="{}")
    written = wire.messages_json(
        (
            message("system", "Be brief."),
            Message(role="user", parts=(Text(text="What?"), picture), name="ann"),
            Message(role="assistant", tool_calls=(call,)),
            Message(role="tool", parts=(Text(text="42"),), tool_call_id="c1"),
        )
    )
    uri = "data:image/png;base64," + base64.b64encode(b"\x89PNG").decode()
    assert written == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "name": "ann",
            "content": [
                {"type": "text", "text": "What?"},
                {"type": "image_url", "image_url": {"url": uri, "detail": "low"}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "42", "tool_call_id": "c1"},
    ]


def test_only_what_is_set_of_a_sampling_is_sent() -> None:
    assert wire.sampling_json(Sampling()) == {}
    sampling = Sampling(temperature=0.0, max_tokens=5, stop=("x",), seed=1)
    assert wire.sampling_json(sampling, max_tokens_key="max_completion_tokens") == {
        "temperature": 0.0,
        "max_completion_tokens": 5,
        "stop": ["x"],
        "seed": 1,
    }


def test_an_answer_is_read_with_its_usage_and_probabilities() -> None:
    raw = msgspec.json.encode(
        {
            "choices": [
                {
                    "message": {"role": "assistant", "content": "hi", "annotations": []},
                    "finish_reason": "length",
                    "logprobs": {
                        "content": [
                            {
                                "token": "hi",
                                "logprob": -0.1,
                                "bytes": [104, 105],
                                "top_logprobs": [{"token": "hi", "logprob": -0.1, "bytes": None}],
                            }
                        ]
                    },
                }
            ],
            "usage": {
                "prompt_tokens": 9,
                "completion_tokens": 3,
                "total_tokens": 12,
                "prompt_tokens_details": {"cached_tokens": 4, "audio_tokens": 0},
                "completion_tokens_details": {"reasoning_tokens": 2},
            },
        }
    )
    answer, told = wire.completion(raw)
    assert told
    assert (answer.text, answer.finish_reason) == ("hi", "length")
    assert answer.usage == Usage(prompt_tokens=9, cached_tokens=4, completion_tokens=3, reasoning_tokens=2)
    assert answer.logprobs == (TokenProb(token="hi", logprob=-0.1, top=(("hi", -0.1),)),)


def test_a_refusal_is_an_answer_without_text() -> None:
    answer, _ = wire.completion(body(message={"content": None, "refusal": "I cannot."}, finish_reason="stop"))
    assert (answer.text, answer.refusal, answer.finish_reason) == ("", "I cannot.", "stop")


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "not whole JSON"),
        (b'{"choices":[{"mess', "not whole JSON"),
        (b"\xff\xfe", "not whole JSON"),
        (b"[]", "not in the shape"),
        (b"{}", "no choices"),
        (b'{"choices":[]}', "no choices"),
        (b'{"choices":[{"message":{"content":7}}]}', "not in the shape"),
        (b'{"choices":[{"message":{"content":null}}]}', "no content"),
        (b'{"error":{"message":"overloaded"}}', "overloaded"),
    ],
)
def test_what_is_no_answer_is_refused(raw: bytes, why: str) -> None:
    with pytest.raises(EngineOutputError, match=why):
        wire.completion(raw)


def test_pieces_make_the_whole() -> None:
    pieces = wire.Pieces()
    call: dict[str, object] = {"index": 0, "id": "c1", "function": {"name": "f", "arguments": '{"a"'}}
    for chunk in (
        {"choices": [{"delta": {"role": "assistant", "content": ""}}], "usage": None},
        {"choices": [{"delta": {"content": "he"}}]},
        {"choices": [{"delta": {"content": "y", "tool_calls": [call]}}]},
        {"choices": [{"delta": {"tool_calls": [{"index": 0, "function": {"arguments": ":1}"}}]}}]},
        {"choices": [{"delta": {}, "finish_reason": "tool_calls"}]},
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 4}},
    ):
        pieces.add(wire.piece(msgspec.json.encode(chunk)))
    whole = pieces.completion()
    assert whole.text == "hey"
    assert whole.tool_calls == (ToolCall(id="c1", name="f", arguments='{"a":1}'),)
    assert whole.finish_reason == "tool_calls"
    assert whole.usage == Usage(prompt_tokens=3, completion_tokens=4)


def test_half_a_stream_is_no_answer() -> None:
    pieces = wire.Pieces()
    pieces.add(wire.piece(b'{"choices":[{"delta":{"content":"he"}}]}'))
    with pytest.raises(EngineOutputError, match="broke off"):
        pieces.completion()
    with pytest.raises(EngineOutputError, match="overloaded"):
        wire.piece(b'{"error":{"message":"overloaded"}}')


def test_error_bodies_of_all_kinds_are_read() -> None:
    known = b'{"error":{"message":"no","type":"t","param":null,"code":400}}'
    assert wire.complaint(known) == wire.Complaint(message="no", type="t", code="400")
    assert wire.complaint(b'{"error":"no"}') == wire.Complaint(message="no")
    assert wire.complaint(b"<html>") == wire.complaint(b"\xff") == wire.Complaint()


def token(text: str, logprob: float = 0.0, **others: float) -> TokenProb:
    return TokenProb(token=text, logprob=logprob, top=((text, logprob), *others.items()))


def test_the_odds_of_choices_are_read_off_the_tokens() -> None:
    tokens = (
        token('{"'),
        token("answer"),
        token('":"'),
        TokenProb(token="card", logprob=-0.5, top=(("card", -0.5), ("bal", -1.0), ("noise", -0.2))),
        TokenProb(token="_lost", logprob=-0.1, top=(("_lost", -0.1), ('"', -3.0))),
        token('"}'),
    )
    probs = odds(tokens, "card_lost", ("card", "card_lost", "balance", "other"))
    assert probs is not None
    first = 2.718281828**-0.5 / (2.718281828**-0.5 + 2.718281828**-1.0)
    second = 2.718281828**-0.1 / (2.718281828**-0.1 + 2.718281828**-3.0)
    assert probs == pytest.approx((first * (1 - second), first * second, 1 - first, 0.0))


@pytest.mark.parametrize("tokens", [(), (token("card"),), (token('{"answer":"card'), token('"}'))])
def test_odds_that_cannot_be_read_are_unknown(tokens: tuple[TokenProb, ...]) -> None:
    assert odds(tokens, "card", ("card", "balance")) is None


@pytest.mark.parametrize(
    ("usage", "known"),
    [
        ('{"prompt_tokens":9,"completion_tokens":1}', True),
        ('{"prompt_tokens":9.0,"completion_tokens":1}', True),
        ('{"prompt_tokens":9,"completion_tokens":1,"prompt_tokens_details":{"cached_tokens":null}}', True),
        ('{"prompt_tokens":9,"completion_tokens":1,"prompt_tokens_details":7}', True),
        (f'{{"prompt_tokens":{2**62},"completion_tokens":0}}', True),
        (f'{{"prompt_tokens":{2**63 + 5},"completion_tokens":0}}', True),
        ('{"prompt_tokens":1' + "0" * 30 + ',"completion_tokens":0}', True),
        ('{"prompt_tokens":1' + "0" * 5000 + ',"completion_tokens":0}', False),
        ('{"prompt_tokens":1e400,"completion_tokens":0}', False),
        ('{"prompt_tokens":-5,"completion_tokens":-5}', False),
        ('{"prompt_tokens":1.5,"completion_tokens":2}', False),
        ('{"prompt_tokens":NaN,"completion_tokens":1}', False),
        ('{"prompt_tokens":Infinity,"completion_tokens":1}', False),
        ('{"prompt_tokens":"9","completion_tokens":1}', False),
        ('{"prompt_tokens":true,"completion_tokens":1}', False),
        ('{"prompt_tokens":9,"completion_tokens":null}', False),
        ("{}", False),
        ("null", False),
        ("[1]", False),
        ('"many"', False),
    ],
)
def test_an_answer_is_read_whatever_its_usage_says(usage: str, known: bool) -> None:
    raw = f'{{"choices":[{{"message":{{"content":"ok"}},"finish_reason":"stop"}}],"usage":{usage}}}'
    answer, told = wire.completion(raw.encode())
    assert (answer.text, told) == ("ok", known)
    assert all(0 <= count <= MOST_TOKENS for count in msgspec.structs.astuple(answer.usage)[:4])
    last = wire.piece(b'{"choices":[],"usage":%s}' % usage.encode())
    assert (last.usage is not None) is known


def test_probabilities_that_are_no_numbers_and_halves_of_characters_lose_no_answer() -> None:
    raw = b'{"choices":[{"message":{"content":"ok"},"logprobs":{"content":[{"token":"ok","logprob":-Infinity}]}}]}'
    assert wire.completion(raw)[0].text == "ok"
    half = b'{"choices":[{"message":{"content":"a\\ud800"},"logprobs":NaN}]}'
    assert wire.completion(half)[0].text == "a\ufffd"
