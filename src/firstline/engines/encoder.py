"""The sentence encoder: texts to vectors of length 1, whose dot product says how alike two texts are.

The second, different reader beside a language model. Weights are read with safetensors, texts are cut into tokens by
the checkpoint's own tokenizer, and the network runs by onnxruntime on a thread of this process: 23 million parameters
need no child. Each text is read alone, so that its vector does not depend on what is read beside it. Nothing is cut
off: a text longer than the window is read in windows, and its vector is their mean, each weighted by its tokens.
Features for students come from the same weights in 8 bits (`bert_features`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from firstline.engines.bert import Array, BertConfig, Embedding, Tensors, checked, unit
from firstline.engines.bert_features import BertFeatures
from firstline.engines.bert_vectors import BertVectors
from firstline.errors import WeightsInvalidError, WeightsMissingError

MAX_TOKENS = 256
"""Tokens of one window, with the two that frame it: what all-MiniLM-L6-v2 was trained and is published with."""


class Encoder:
    """One encoder, loaded on first use; calls are worked on one after another.

    `model` is a safetensors checkpoint of a BERT, `tokenizer` its `tokenizer.json`, `config` its `config.json`.
    `check` is called before they are loaded, may block, and raises WeightsError where they may not be used.
    """

    def __init__(
        self,
        model: Path,
        tokenizer: Path,
        config: Path,
        *,
        max_tokens: int = MAX_TOKENS,
        check: Callable[[], None] = lambda: None,
    ) -> None:
        self._check = check
        self._files = (model, tokenizer, config)
        self._max_tokens = max_tokens
        self._lock = asyncio.Lock()
        self._loaded: _Loaded | None = None

    async def embed(self, texts: Sequence[str]) -> Array:
        """Return the vectors of texts, one a row, float32, of length 1.

        The first call loads the files: it raises WeightsMissingError or WeightsInvalidError.
        """
        async with self._lock:
            return await asyncio.to_thread(self._embed, tuple(texts))

    async def features(self, texts: Sequence[str]) -> Array:
        """Return what its last layers make of texts (`bert_features`), one a row, float32; only the first window
        of a text is read. Raises what `embed` raises.
        """
        async with self._lock:
            return await asyncio.to_thread(self._features, tuple(texts))

    async def close(self) -> None:
        """Let go of the weights; a later call loads them again."""
        async with self._lock:
            self._loaded = None

    def _embed(self, texts: tuple[str, ...]) -> Array:
        return self._ready().embed(texts)

    def _features(self, texts: tuple[str, ...]) -> Array:
        return self._ready().features(texts)

    def _ready(self) -> _Loaded:
        if self._loaded is None:
            self._check()
            self._loaded = _load(*self._files, max_tokens=self._max_tokens)
        return self._loaded


class _Loaded:
    """A checkpoint with its tokenizer. The graphs are made when they are first needed, and hold the weights then."""

    def __init__(self, model: Path, config: BertConfig, tokenizer: Tokenizer, max_tokens: int) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        tensors = checked(config, load_file(model))
        self._model = model
        self._config = config
        self._embedding = Embedding(config, tensors)
        self._vectors: BertVectors | None = None
        self._features: BertFeatures | None = None
        self._tokenizer = tokenizer
        framed: list[int] = tokenizer.encode("").ids
        self._begin, self._end = framed[: len(framed) // 2], framed[len(framed) // 2 :]
        self._room = min(max_tokens, config.max_position_embeddings) - len(framed)
        if self._room < 1:
            raise ValueError(f"a window of {max_tokens} tokens holds no text")
        if tokenizer.get_vocab_size() > config.vocab_size:
            raise ValueError("the tokenizer has more tokens than the network")

    def embed(self, texts: Sequence[str]) -> Array:
        if self._vectors is None:
            self._vectors = BertVectors(self._config, self._tensors(), self._embedding)
        sums = np.zeros((len(texts), self._config.hidden_size), dtype=np.float32)
        for row, encoding in enumerate(self._tokenizer.encode_batch(list(texts), add_special_tokens=False)):
            ids: list[int] = encoding.ids
            for at in range(0, max(len(ids), 1), self._room):
                window = ids[at : at + self._room]
                sums[row] += self._vectors.of(self._framed(window)) * max(len(window), 1)
        return unit(sums)

    def features(self, texts: Sequence[str]) -> Array:
        if self._features is None:
            self._features = BertFeatures(self._config, self._tensors(), self._embedding)
        found = np.zeros((len(texts), self._features.width), dtype=np.float32)
        for row, encoding in enumerate(self._tokenizer.encode_batch(list(texts), add_special_tokens=False)):
            found[row] = self._features.of(self._framed(encoding.ids[: self._room]))
        return found

    def _framed(self, ids: list[int]) -> list[int]:
        return [*self._begin, *ids, *self._end]

    def _tensors(self) -> Tensors:
        """Read the weights again: a graph keeps a copy of them, and most processes make one graph at most."""
        return checked(self._config, load_file(self._model))


def _load(model: Path, tokenizer: Path, config: Path, *, max_tokens: int) -> _Loaded:
    for path in (model, tokenizer, config):
        if not path.is_file():
            raise WeightsMissingError(f"{path} does not exist", hint="`firstline models pull` fetches the encoder")
    try:
        return _Loaded(model, _config(config), _tokenizer(tokenizer), max_tokens)
    except (SafetensorError, ValueError) as error:
        raise WeightsInvalidError(f"{model.name} is no encoder that can be read: {error}") from error


def _config(path: Path) -> BertConfig:
    try:
        return msgspec.json.decode(path.read_bytes(), type=BertConfig)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path.name}: {error}") from error


def _tokenizer(path: Path) -> Tokenizer:
    text = path.read_text(encoding="utf-8")
    try:
        return Tokenizer.from_str(text)
    except Exception as error:  # the library raises no narrower class, whatever is wrong with the file
        raise ValueError(f"{path.name}: {error}") from error
