"""The path of a picture through a GGUF with its mmproj, with a tiny pair of random weights."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from PIL import Image as Pillow

from firstline.engines.llama_cpp import LlamaCpp
from firstline.errors import UnsupportedError
from firstline.types import Completion, Image, Message, ModelRequest, Part, Sampling, Text
from support import tiny_gguf


def _picture(colour: str, size: tuple[int, int] = (60, 40)) -> Image:
    out = io.BytesIO()
    Pillow.new("RGB", size, colour).save(out, "PNG")
    return Image(data=out.getvalue(), media_type="image/png", width=size[0], height=size[1])


def _request(*parts: Part) -> ModelRequest:
    return ModelRequest(
        messages=(Message(role="user", parts=(Text(text="What is it?"), *parts)),),
        sampling=Sampling(temperature=0.0, max_tokens=6, seed=1),
        top_logprobs=1,
    )


def _engine(gguf: Path, mmproj: Path | None, logs: Path) -> LlamaCpp:
    return LlamaCpp(gguf, mmproj, context=512, parallel=1, threads=1, gpu_layers=0, start_s=60, call_s=60, log_dir=logs)


def _said(completion: Completion) -> list[tuple[str, float]]:
    assert completion.logprobs
    return [(token.token, round(token.logprob, 4)) for token in completion.logprobs]


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[LlamaCpp]:
    sees = _engine(*tiny_gguf.write_pair(tmp_path), tmp_path)
    yield sees
    await sees.close()


async def test_a_picture_reaches_the_model(engine: LlamaCpp) -> None:
    blind = await engine.complete(_request())
    red = await engine.complete(_request(_picture("red")))
    blue = await engine.complete(_request(_picture("blue")))
    again = await engine.complete(_request(_picture("red")))

    assert red.usage.prompt_tokens == blind.usage.prompt_tokens + tiny_gguf.IMAGE_TOKENS
    assert red.finish_reason in ("stop", "length")
    assert red.usage.completion_tokens > 0
    assert _said(red) != _said(blue)  # the answer depends on what is seen
    assert _said(red)[0][0] == _said(again)[0][0]
    assert _said(red)[0][1] == pytest.approx(_said(again)[0][1], abs=1e-3)


async def test_two_pictures_and_their_sizes(engine: LlamaCpp) -> None:
    blind = await engine.complete(_request())
    both = await engine.complete(_request(_picture("red", (300, 500)), _picture("blue", (9, 7))))
    assert both.usage.prompt_tokens == blind.usage.prompt_tokens + 2 * tiny_gguf.IMAGE_TOKENS


async def test_a_model_without_its_mmproj_refuses_a_picture(tmp_path: Path) -> None:
    blind = _engine(tiny_gguf.write_text_model(tmp_path / "tiny.gguf"), None, tmp_path)
    try:
        with pytest.raises(UnsupportedError):
            await blind.complete(_request(_picture("red")))
    finally:
        await blind.close()


def test_the_same_seed_writes_the_same_weights(tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        (tmp_path / name).mkdir()
    a, b, c = (tiny_gguf.write_pair(tmp_path / name, seed=seed) for name, seed in (("a", 5), ("b", 5), ("c", 6)))
    assert [path.read_bytes() for path in a] == [path.read_bytes() for path in b]
    assert all(one.read_bytes() != other.read_bytes() for one, other in zip(a, c, strict=True))
