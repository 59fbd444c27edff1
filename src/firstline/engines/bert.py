"""The forward pass of a BERT encoder in NumPy: token ids in, one unit vector a row out.

Devlin et al. 2019 (post-norm transformer, exact gelu), with the pooling of sentence encoders: the mean over a row's
tokens, scaled to length 1. Knows nothing of text, of files on disk beyond their tensors, or of threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]

_MASKED = np.float32(-1e9)


class BertConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What `config.json` says of the network; other keys are passed over."""

    hidden_size: int
    num_hidden_layers: int
    num_attention_heads: int
    intermediate_size: int
    max_position_embeddings: int
    vocab_size: int
    model_type: str
    hidden_act: str = "gelu"
    position_embedding_type: str = "absolute"
    layer_norm_eps: float = 1e-12


class Bert:
    """One network. `tensors` are named as in the published checkpoints and kept as float32.

    Raises ValueError when the configuration is not one this pass computes, or a tensor is missing, of another shape or
    not finite.
    """

    def __init__(self, config: BertConfig, tensors: Mapping[str, NDArray[np.generic]]) -> None:
        wrong = _unsupported(config)
        if wrong:
            raise ValueError(wrong)
        self.config = config
        self.tensors = {name: _tensor(tensors, name, shape) for name, shape in _shapes(config).items()}
        # A sentence is all of type 0, so that its row can be added to every position once and for all.
        types = self.tensors["embeddings.token_type_embeddings.weight"]
        self._positions = self.tensors["embeddings.position_embeddings.weight"] + types[0]

    def vectors(self, rows: Sequence[Sequence[int]]) -> Array:
        """Give one vector of length 1 for each row of token ids (at least one id, at most the network's positions)."""
        width = max(map(len, rows))
        ids = np.zeros((len(rows), width), dtype=np.int64)
        for row, values in zip(ids, rows, strict=True):
            row[: len(values)] = values
        lengths = np.array([len(values) for values in rows])
        held = np.arange(width) < lengths[:, None]
        weights = (held / lengths[:, None]).astype(np.float32)
        return unit(np.einsum("rt,rth->rh", weights, self._states(ids, held)))

    def embedded(self, ids: NDArray[np.int64]) -> Array:
        """Give what the network begins with, shape (rows, tokens, hidden)."""
        words = self.tensors["embeddings.word_embeddings.weight"][ids]
        return self._norm("embeddings.LayerNorm", words + self._positions[: ids.shape[1]])

    def _states(self, ids: NDArray[np.int64], held: NDArray[np.bool_]) -> Array:
        """Give the states of the last layer, shape (rows, tokens, hidden)."""
        states = self.embedded(ids)
        mask = np.where(held, np.float32(0), _MASKED)[:, None, None, :].astype(np.float32)
        for number in range(self.config.num_hidden_layers):
            layer = f"encoder.layer.{number}"
            seen = self._dense(f"{layer}.attention.output.dense", self._attend(layer, states, mask))
            states = self._norm(f"{layer}.attention.output.LayerNorm", states + seen)
            inner = gelu(self._dense(f"{layer}.intermediate.dense", states))
            states = self._norm(f"{layer}.output.LayerNorm", states + self._dense(f"{layer}.output.dense", inner))
        return states

    def _attend(self, layer: str, states: Array, mask: Array) -> Array:
        heads = self.config.num_attention_heads
        rows, width, size = states.shape

        def split(name: str) -> Array:
            projected = self._dense(f"{layer}.attention.self.{name}", states)
            return projected.reshape(rows, width, heads, size // heads).transpose(0, 2, 1, 3)

        scores = split("query") @ split("key").transpose(0, 1, 3, 2)
        scores *= np.float32((size // heads) ** -0.5)
        scores += mask
        scores -= scores.max(axis=-1, keepdims=True)
        np.exp(scores, out=scores)
        scores /= scores.sum(axis=-1, keepdims=True)
        seen: Array = np.matmul(scores, split("value"), dtype=np.float32)
        joined: Array = seen.transpose(0, 2, 1, 3).reshape(rows, width, size)
        return joined

    def _dense(self, name: str, states: Array) -> Array:
        flat = states.reshape(-1, states.shape[-1]) @ self.tensors[f"{name}.weight"].T
        flat += self.tensors[f"{name}.bias"]
        return flat.reshape(*states.shape[:-1], flat.shape[-1])

    def _norm(self, name: str, states: Array) -> Array:
        centred: Array = states - states.mean(axis=-1, keepdims=True)
        spread = np.einsum("...h,...h->...", centred, centred)[..., None] / np.float32(states.shape[-1])
        centred /= np.sqrt(spread + np.float32(self.config.layer_norm_eps))
        centred *= self.tensors[f"{name}.weight"]
        centred += self.tensors[f"{name}.bias"]
        return centred


def unit(vectors: Array) -> Array:
    """Scale each row to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Array = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


def gelu(x: Array) -> Array:
    """x·Φ(x) with the normal distribution itself, not the tanh approximation.

    NumPy has no erf: it is 7.1.26 of Abramowitz and Stegun, whose error (1.5e-7) is that of single precision.
    """
    z = np.abs(x) * np.float32(0.5**0.5)
    t = 1 / (1 + np.float32(0.3275911) * z)
    tail = np.float32(1.061405429) * t
    for factor in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        tail += np.float32(factor)
        tail *= t
    tail *= np.exp(-z * z)
    # 1 − tail is erf(|z|); x·Φ(x) is then max(x, 0) less half of |x|·tail.
    tail *= np.float32(0.5) * np.abs(x)
    positive: Array = np.maximum(x, np.float32(0))
    return np.subtract(positive, tail, dtype=np.float32)


def _unsupported(config: BertConfig) -> str:
    if config.model_type != "bert":
        return f"it is a `{config.model_type}`, not a `bert`"
    if config.hidden_act != "gelu":
        return f"the activation `{config.hidden_act}` is not computed here"
    if config.position_embedding_type != "absolute":
        return f"positions of kind `{config.position_embedding_type}` are not computed here"
    sizes = (
        config.hidden_size,
        config.num_hidden_layers,
        config.num_attention_heads,
        config.intermediate_size,
        config.max_position_embeddings,
        config.vocab_size,
    )
    if min(sizes) < 1 or config.hidden_size % config.num_attention_heads:
        return "its sizes are not those of a network"
    return ""


def _shapes(config: BertConfig) -> dict[str, tuple[int, ...]]:
    size, inner = config.hidden_size, config.intermediate_size
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (config.vocab_size, size),
        "embeddings.position_embeddings.weight": (config.max_position_embeddings, size),
        "embeddings.token_type_embeddings.weight": (-1, size),
    }
    dense = {
        "attention.self.query": (size, size),
        "attention.self.key": (size, size),
        "attention.self.value": (size, size),
        "attention.output.dense": (size, size),
        "intermediate.dense": (inner, size),
        "output.dense": (size, inner),
    }
    norms = ["embeddings.LayerNorm"]
    for number in range(config.num_hidden_layers):
        layer = f"encoder.layer.{number}"
        norms += [f"{layer}.attention.output.LayerNorm", f"{layer}.output.LayerNorm"]
        for name, shape in dense.items():
            shapes[f"{layer}.{name}.weight"] = shape
            shapes[f"{layer}.{name}.bias"] = shape[:1]
    for name in norms:
        shapes[f"{name}.weight"] = shapes[f"{name}.bias"] = (size,)
    return shapes


def _tensor(tensors: Mapping[str, NDArray[np.generic]], name: str, shape: tuple[int, ...]) -> Array:
    found = tensors.get(name)
    if found is None:
        raise ValueError(f"the tensor `{name}` is missing")
    if len(found.shape) != len(shape) or any(
        have != want for have, want in zip(found.shape, shape, strict=True) if want > 0
    ):
        raise ValueError(f"the tensor `{name}` has the shape {found.shape}, not {shape}")
    tensor = np.ascontiguousarray(found, dtype=np.float32)
    if not np.isfinite(tensor).all():
        raise ValueError(f"the tensor `{name}` holds numbers that are not finite")
    return tensor
