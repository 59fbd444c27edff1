"""The sentence encoder: texts to vectors of length 1, whose dot product says how alike two texts are.

The second, different reader beside a language model. Weights are read with safetensors, texts are cut into tokens by
the checkpoint's own tokenizer, and the network runs in NumPy on a thread (see `bert`): 23 million parameters need no
child process. Nothing is cut off: a text longer than the window is read in windows, and its vector is their mean,
each weighed by its tokens. Features for students come from the same weights in 8 bits (`bert_features`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from pathlib import Path

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file
from tokenizers import Tokenizer

from firstline.engines.bert import Array, Bert, BertConfig, unit
from firstline.engines.bert_features import BertFeatures
from firstline.errors import WeightsInvalidError, WeightsMissingError

MAX_TOKENS = 256
"""Tokens of one window, with the two that frame it: what all-MiniLM-L6-v2 was trained and is published with."""
BATCH_TOKENS = 512
"""Tokens of one pass, padding counted: larger passes are slower, their states no longer fit the cache."""


class Encoder:
    """One encoder, loaded on first use; calls are worked on one after another.

    `model` is a safetensors checkpoint of a BERT, `tokenizer` its `tokenizer.json`, `config` its `config.json`.
    """

    def __init__(
        self,
        model: Path,
        tokenizer: Path,
        config: Path,
        *,
        max_tokens: int = MAX_TOKENS,
        batch_tokens: int = BATCH_TOKENS,
    ) -> None:
        self._files = (model, tokenizer, config)
        self._max_tokens = max_tokens
        self._batch_tokens = batch_tokens
        self._lock = asyncio.Lock()
        self._loaded: _Loaded | None = None

    async def embed(self, texts: Sequence[str]) -> Array:
        """Give the vectors of texts, one a row, float32, of length 1.

        The first call loads the files: it raises WeightsMissingError or WeightsInvalidError.
        """
        async with self._lock:
            return await asyncio.to_thread(self._embed, tuple(texts))

    async def features(self, texts: Sequence[str]) -> Array:
        """Give what its last layers make of texts (`bert_features`), one a row, float32; only the first window
        of a text is read. Raises what `embed` raises.
        """
        async with self._lock:
            return await asyncio.to_thread(self._features, tuple(texts))

    async def close(self) -> None:
        """Let go of the weights; a later call loads them again."""
        async with self._lock:
            self._loaded = None

    def _embed(self, texts: tuple[str, ...]) -> Array:
        return self._ready().embed(texts, self._batch_tokens)

    def _features(self, texts: tuple[str, ...]) -> Array:
        return self._ready().features(texts)

    def _ready(self) -> _Loaded:
        if self._loaded is None:
            self._loaded = _load(*self._files, max_tokens=self._max_tokens)
        return self._loaded


class _Loaded:
    """A network with its tokenizer."""

    def __init__(self, bert: Bert, tokenizer: Tokenizer, max_tokens: int) -> None:
        tokenizer.no_padding()
        tokenizer.no_truncation()
        self._bert = bert
        self._reading: BertFeatures | None = None
        self._tokenizer = tokenizer
        framed: list[int] = tokenizer.encode("").ids
        self._begin, self._end = framed[: len(framed) // 2], framed[len(framed) // 2 :]
        self._room = min(max_tokens, bert.config.max_position_embeddings) - len(framed)
        if self._room < 1:
            raise ValueError(f"a window of {max_tokens} tokens holds no text")
        if tokenizer.get_vocab_size() > bert.config.vocab_size:
            raise ValueError("the tokenizer has more tokens than the network")

    def embed(self, texts: Sequence[str], batch_tokens: int) -> Array:
        size = self._bert.config.hidden_size
        windows: list[tuple[int, list[int]]] = []
        for index, encoding in enumerate(self._tokenizer.encode_batch(list(texts), add_special_tokens=False)):
            ids: list[int] = encoding.ids
            windows += [(index, ids[at : at + self._room]) for at in range(0, max(len(ids), 1), self._room)]
        windows.sort(key=lambda window: len(window[1]))
        sums = np.zeros((len(texts), size), dtype=np.float32)
        for batch in _batches(windows, len(self._begin) + len(self._end), batch_tokens):
            vectors = self._bert.vectors([[*self._begin, *ids, *self._end] for _, ids in batch])
            for (index, ids), vector in zip(batch, vectors, strict=True):
                sums[index] += vector * max(len(ids), 1)
        return unit(sums)

    def features(self, texts: Sequence[str]) -> Array:
        if self._reading is None:
            self._reading = BertFeatures(self._bert)
        found = np.zeros((len(texts), self._reading.width), dtype=np.float32)
        for row, encoding in enumerate(self._tokenizer.encode_batch(list(texts), add_special_tokens=False)):
            found[row] = self._reading.of([*self._begin, *encoding.ids[: self._room], *self._end])
        return found


def _batches(
    windows: Sequence[tuple[int, list[int]]], frame: int, batch_tokens: int
) -> list[list[tuple[int, list[int]]]]:
    """Split windows, the shortest first, so that a batch padded to its longest stays within `batch_tokens`."""
    batches: list[list[tuple[int, list[int]]]] = []
    for window in windows:
        width = len(window[1]) + frame
        if batches and width * (len(batches[-1]) + 1) <= batch_tokens:
            batches[-1].append(window)
        else:
            batches.append([window])
    return batches


def _load(model: Path, tokenizer: Path, config: Path, *, max_tokens: int) -> _Loaded:
    for path in (model, tokenizer, config):
        if not path.is_file():
            raise WeightsMissingError(f"{path} does not exist", hint="`firstline models pull` fetches the encoder")
    try:
        return _Loaded(
            Bert(_config(config), load_file(model)),
            _tokenizer(tokenizer),
            max_tokens,
        )
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
