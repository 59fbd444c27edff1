"""What does not fit into a model's short window goes to a child with its whole one, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstline.engines.llama_cpp import LlamaCpp
from firstline.engines.long_window import LongWindow
from firstline.errors import ContextLengthError
from firstline.types import ModelRequest, Sampling, message
from support.tiny_gguf import write_pair


def window(gguf: Path, tokens: int) -> LlamaCpp:
    return LlamaCpp(gguf, context=tokens, parallel=1, threads=1, gpu_layers=0, start_s=120, call_s=120, log_dir=None)


def started(runs: LlamaCpp) -> bool:
    return runs.pid is not None


def asked(words: int) -> ModelRequest:
    return ModelRequest(messages=(message("user", "hello " * words),), sampling=Sampling(max_tokens=2))


async def test_a_long_prompt_goes_to_the_long_window_and_a_short_one_does_not(tmp_path: Path) -> None:
    gguf, _ = write_pair(tmp_path)
    short, long = window(gguf, 256), window(gguf, 1024)
    both = LongWindow(short, long)
    try:
        await both.complete(asked(1))
        assert started(long) is False
        tokens = await both.count_tokens(asked(60).messages)
        assert 256 < tokens < 1000
        with pytest.raises(ContextLengthError):
            await short.complete(asked(60))
        answer = await both.complete(asked(60))
        assert answer.usage.prompt_tokens >= tokens
        assert started(long)
        deltas = [delta async for delta in both.stream(asked(60))]
        assert deltas[-1].finish_reason is not None
        with pytest.raises(ContextLengthError):
            await both.complete(asked(2000))
        with pytest.raises(ContextLengthError):
            _ = [delta async for delta in both.stream(asked(2000))]
    finally:
        await both.close()
    assert not started(short)
    assert not started(long)
