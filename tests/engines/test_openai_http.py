from __future__ import annotations

import io

import msgspec
import pytest
from PIL import Image as Picture

from firstline.engines.openai_http import OpenAIHTTP
from firstline.errors import EngineOutputError, EngineRefusedError
from firstline.types import Image, Message, ModelRequest, Sampling, Text, Usage, message
from support.openai_server import fails, says, sends, serve, streams

ASK = ModelRequest(messages=(message("system", "Be brief."), message("user", "Hi")))
STRICT = {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"], "additionalProperties": False}


def engine(url: str, **more: object) -> OpenAIHTTP:
    return OpenAIHTTP(url, model="m-1", api_key="sk-secret", timeout_s=20, **more)  # type: ignore[arg-type]


async def test_a_request_is_sent_as_openai_describes_it() -> None:
    async with serve(says("hello")) as world:
        runs = engine(world.url, uses_max_completion_tokens=True, extra={"service_tier": "flex"})
        request = ModelRequest(messages=ASK.messages, sampling=Sampling(temperature=0.0, max_tokens=7), top_logprobs=2)
        answer = await runs.complete(request)
        await runs.close()
    assert answer.text == "hello"
    assert answer.usage == Usage(prompt_tokens=10, completion_tokens=4)
    assert world.sent == [
        {
            "model": "m-1",
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
            "temperature": 0.0,
            "max_completion_tokens": 7,
            "logprobs": True,
            "top_logprobs": 2,
            "service_tier": "flex",
        }
    ]
    assert world.headers[0]["Authorization"] == "Bearer sk-secret"


async def test_an_address_that_wants_the_newer_name_of_the_limit_gets_it() -> None:
    refused = fails(
        400,
        "unsupported_parameter",
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use 'max_completion_tokens' instead.",
    )
    limited = ModelRequest(messages=ASK.messages, sampling=Sampling(max_tokens=7))
    async with serve(refused, says("a"), says("b")) as world:
        runs = engine(world.url)
        assert [(await runs.complete(limited)).text for _ in range(2)] == ["a", "b"]
        await runs.close()
    assert [body.get("max_tokens") for body in world.sent] == [7, None, None]
    assert [body.get("max_completion_tokens") for body in world.sent] == [None, 7, 7]
    async with serve(fails(400, "invalid_request", "max_tokens is too large")) as world:
        runs = engine(world.url)
        with pytest.raises(EngineRefusedError):
            await runs.complete(limited)
        await runs.close()
    assert [body["max_tokens"] for body in world.sent] == [7]


async def test_without_a_key_none_is_sent() -> None:
    async with serve(says("x")) as world:
        runs = OpenAIHTTP(world.url, model="m", api_key=None, timeout_s=5)
        await runs.complete(ASK)
        await runs.close()
    assert "Authorization" not in world.headers[0]


@pytest.mark.parametrize(("schema", "strict"), [(STRICT, True), (STRICT | {"required": []}, False)])
async def test_a_schema_is_strict_where_it_may_be(schema: dict[str, object], strict: bool) -> None:
    async with serve(says('{"a":"b"}')) as world:
        runs = engine(world.url)
        await runs.complete(ModelRequest(messages=ASK.messages, schema=schema, schema_name="thing"))
        await runs.complete(ModelRequest(messages=ASK.messages, json_object=True))
        await runs.close()
    assert world.sent[0]["response_format"] == {
        "type": "json_schema",
        "json_schema": {"name": "thing", "schema": schema, "strict": strict},
    }
    assert world.sent[1]["response_format"] == {"type": "json_object"}


async def test_a_choice_is_asked_for_as_one_of_an_enum() -> None:
    tokens = [
        {"token": text, "logprob": logprob, "top_logprobs": [{"token": a, "logprob": b} for a, b in top]}
        for text, logprob, top in (
            ('{"answer":"', 0.0, ()),
            ("yes", -0.25, (("yes", -0.25), ("no", -1.75))),
            ('"}', 0.0, (('"}', 0.0),)),
        )
    ]
    async with serve(says('{"answer":"yes"}', logprobs={"content": tokens}), says('{"answer":"no"}')) as world:
        runs = engine(world.url)
        known = await runs.complete(ModelRequest(messages=ASK.messages, choices=("no", "yes"), top_logprobs=5))
        unknown = await runs.complete(ModelRequest(messages=ASK.messages, choices=("no", "yes")))
        await runs.close()
    sent = world.sent[0]["response_format"]["json_schema"]
    assert sent["strict"] is True
    assert sent["schema"]["properties"]["answer"]["enum"] == ["no", "yes"]
    assert known.text == "yes"
    assert known.choice_probs == pytest.approx((0.1824, 0.8176), abs=1e-3)
    assert (unknown.text, unknown.choice_probs) == ("no", None)


@pytest.mark.parametrize("said", ['{"answer":"maybe"}', "yes", '{"label":"yes"}', ""])
async def test_an_answer_outside_the_choices_is_no_answer(said: str) -> None:
    async with serve(says(said)) as world:
        runs = engine(world.url)
        with pytest.raises(EngineOutputError, match="not one of the choices"):
            await runs.complete(ModelRequest(messages=ASK.messages, choices=("no", "yes")))
        await runs.close()


async def test_a_picture_travels_in_the_request() -> None:
    file = io.BytesIO()
    Picture.new("RGB", (2, 2)).save(file, "PNG")
    picture = Image(data=file.getvalue(), media_type="image/png", width=2, height=2)
    async with serve(says("black")) as world:
        runs = engine(world.url)
        await runs.complete(ModelRequest(messages=(Message(role="user", parts=(Text(text="?"), picture)),)))
        await runs.close()
    text, image = world.sent[0]["messages"][0]["content"]
    assert text == {"type": "text", "text": "?"}
    assert image["image_url"]["url"].startswith("data:image/png;base64,iVBOR")


async def test_an_answer_without_usage_is_booked_from_above() -> None:
    async with serve(says("hello", usage=None)) as world:
        runs = engine(world.url)
        answer = await runs.complete(ASK)
        limited = ModelRequest(messages=ASK.messages, sampling=Sampling(max_tokens=500))
        capped = await runs.complete(limited)
        thinks = await runs.complete(msgspec.structs.replace(limited, reasoning_effort="medium"))
        await runs.close()
    assert answer.usage.estimated
    assert answer.usage.prompt_tokens >= len("Be brief.Hi")
    assert answer.usage.completion_tokens == len("hello")
    assert capped.usage.completion_tokens == len("hello")
    assert thinks.usage.completion_tokens == 500, "reasoning is not seen, but billed"


async def test_a_stream_gives_pieces_then_the_reason_and_the_usage() -> None:
    reply = streams(
        {"choices": [{"delta": {"role": "assistant", "content": ""}}]},
        {"choices": [{"delta": {"content": "he"}}]},
        {"choices": [{"delta": {"content": "y"}}]},
        {"choices": [{"delta": {}, "finish_reason": "length"}]},
        {"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": 2}},
    )
    async with serve(reply) as world:
        runs = engine(world.url)
        pieces = [delta async for delta in runs.stream(ASK)]
        await runs.close()
    assert world.sent[0]["stream_options"] == {"include_usage": True}
    assert [piece.text for piece in pieces] == ["he", "y", ""]
    assert pieces[-1].finish_reason == "length"
    assert pieces[-1].usage == Usage(prompt_tokens=3, completion_tokens=2)


async def test_a_stream_without_usage_is_booked_from_above() -> None:
    reply = streams({"choices": [{"delta": {"content": "hey"}, "finish_reason": "stop"}]})
    async with serve(reply) as world:
        runs = engine(world.url)
        last = [delta async for delta in runs.stream(ASK)][-1]
        await runs.close()
    assert last.usage is not None
    assert last.usage.estimated
    assert last.usage.completion_tokens == 3


async def test_tokens_are_counted_from_above() -> None:
    runs = engine("http://127.0.0.1:1/v1")
    assert await runs.count_tokens(ASK.messages) >= 11 / 4
    assert await runs.count_tokens((message("user", "日本語" * 100),)) >= 300
    await runs.close()


async def test_an_answer_without_end_is_cut_off() -> None:
    async with serve(sends(b'{"choices":["' + b"x" * 33_000_000)) as world:
        runs = engine(world.url)
        with pytest.raises(EngineOutputError, match="longer than 32000000 bytes"):
            await runs.complete(ASK)
        await runs.close()
