"""What a published BERT checkpoint holds: its configuration and tensors, and the embedding of token ids.

The layers above run as a graph (`bert_graph.py`). Knows nothing of text, of files on disk beyond their tensors, or of
threads.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Tensors = Mapping[str, Array]


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


class Embedding:
    """The lowest layer: each token's word, place and sentence type, added and normalised."""

    def __init__(self, config: BertConfig, tensors: Tensors) -> None:
        self._words = tensors["embeddings.word_embeddings.weight"]
        # A sentence is all of type 0, so that its row can be added to every position once and for all.
        types = tensors["embeddings.token_type_embeddings.weight"]
        self._positions = tensors["embeddings.position_embeddings.weight"] + types[0]
        self._scale, self._shift = (tensors[f"embeddings.LayerNorm.{name}"] for name in ("weight", "bias"))
        self._epsilon = np.float32(config.layer_norm_eps)

    def of(self, ids: Sequence[int]) -> Array:
        """Return the embedded tokens of one text, shape (1, tokens, hidden), as a graph takes them."""
        summed = self._words[np.asarray(ids, dtype=np.int64)] + self._positions[: len(ids)]
        centred: Array = summed - summed.mean(axis=-1, keepdims=True)
        spread = np.einsum("...h,...h->...", centred, centred)[..., None] / np.float32(centred.shape[-1])
        centred /= np.sqrt(spread + self._epsilon)
        centred *= self._scale
        centred += self._shift
        return centred[None]


def checked(config: BertConfig, tensors: Mapping[str, NDArray[np.generic]]) -> Tensors:
    """Return the tensors of a network as float32, by their published names.

    Raises ValueError when the configuration is not one that is computed here, or a tensor is missing, of another shape
    or not finite.
    """
    wrong = _unsupported(config)
    if wrong:
        raise ValueError(wrong)
    return {name: _tensor(tensors, name, shape) for name, shape in _shapes(config).items()}


def unit(vectors: Array) -> Array:
    """Scale each row to length 1; a row of zeros stays."""
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    scaled: Array = (vectors / np.maximum(lengths, 1e-12)).astype(np.float32)
    return scaled


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
