"""Writes a BERT encoder of a few kB with random weights: checkpoint, tokenizer and configuration.

Its vectors mean nothing; that they are computed right is what tests want to know. `reference` computes them again,
slowly, token by token, from the formulas of the paper.
"""

from __future__ import annotations

import json
import math
from pathlib import Path

import msgspec
import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from tokenizers import Tokenizer, normalizers, pre_tokenizers, processors
from tokenizers.models import WordPiece

WORDS = [
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    *"abcdefghijklmnopqrstuvwxyz",
    "where",
    "is",
    "my",
    "card",
    "##s",
    "refund",
]
SIZE = 8
HEADS = 2
LAYERS = 2
INNER = 12
POSITIONS = 16

Vector = NDArray[np.float64]


class Files(msgspec.Struct, frozen=True):
    """Where the three files lie."""

    model: Path
    tokenizer: Path
    config: Path


def write_encoder(folder: Path, *, seed: int = 0) -> Files:
    """Write the three files. The same seed gives the same numbers."""
    random = np.random.default_rng(seed)
    shapes: dict[str, tuple[int, ...]] = {
        "embeddings.word_embeddings.weight": (len(WORDS), SIZE),
        "embeddings.position_embeddings.weight": (POSITIONS, SIZE),
        "embeddings.token_type_embeddings.weight": (2, SIZE),
    }
    norms = ["embeddings.LayerNorm"]
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}."
        norms += [layer + "attention.output.LayerNorm", layer + "output.LayerNorm"]
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            shapes |= {f"{layer}attention.{name}.weight": (SIZE, SIZE), f"{layer}attention.{name}.bias": (SIZE,)}
        shapes |= {f"{layer}intermediate.dense.weight": (INNER, SIZE), f"{layer}intermediate.dense.bias": (INNER,)}
        shapes |= {f"{layer}output.dense.weight": (SIZE, INNER), f"{layer}output.dense.bias": (SIZE,)}
    for norm in norms:
        shapes |= {f"{norm}.weight": (SIZE,), f"{norm}.bias": (SIZE,)}
    save_file(
        {name: random.normal(size=shape).astype(np.float32) for name, shape in shapes.items()},
        folder / "model.safetensors",
    )
    tokenizer = Tokenizer(WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    # As published tokenizers do: cut and padded, which the encoder must undo.
    tokenizer.enable_truncation(6)
    tokenizer.enable_padding(length=6)
    tokenizer.save(str(folder / "tokenizer.json"))
    config = {
        "model_type": "bert",
        "hidden_size": SIZE,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": HEADS,
        "intermediate_size": INNER,
        "max_position_embeddings": POSITIONS,
        "vocab_size": len(WORDS),
        "hidden_act": "gelu",
        "layer_norm_eps": 1e-12,
    }
    (folder / "config.json").write_text(json.dumps(config))
    return Files(folder / "model.safetensors", folder / "tokenizer.json", folder / "config.json")


def reference(model: Path, words: list[str]) -> Vector:
    """Compute the unit vector of one window of words (without the two that frame it), in double precision."""
    mean = np.mean(layers(model, words)[-1], axis=0)
    unit: Vector = mean / np.linalg.norm(mean)
    return unit


def layers(model: Path, words: list[str]) -> list[Vector]:
    """Compute the states of each layer for one window of words, the embedding first, shape (tokens, size) each."""
    tensors = {name: tensor.astype(np.float64) for name, tensor in load_file(model).items()}

    def dense(name: str, x: Vector) -> Vector:
        return np.array([row @ x for row in tensors[name + ".weight"]]) + tensors[name + ".bias"]

    def norm(name: str, x: Vector) -> Vector:
        scaled: Vector = (x - x.mean()) / math.sqrt(x.var() + 1e-12) * tensors[name + ".weight"]
        return scaled + tensors[name + ".bias"]

    ids = [WORDS.index(word) for word in ["[CLS]", *words, "[SEP]"]]
    states = [
        norm(
            "embeddings.LayerNorm",
            tensors["embeddings.word_embeddings.weight"][id]
            + tensors["embeddings.position_embeddings.weight"][place]
            + tensors["embeddings.token_type_embeddings.weight"][0],
        )
        for place, id in enumerate(ids)
    ]
    head = SIZE // HEADS
    found = [np.stack(states)]
    for number in range(LAYERS):
        layer = f"encoder.layer.{number}."
        asked, keys, values = (
            [dense(f"{layer}attention.self.{name}", x) for x in states] for name in ("query", "key", "value")
        )
        after = []
        for place, state in enumerate(states):
            parts = []
            for at in range(0, SIZE, head):
                span = slice(at, at + head)
                likes = [math.exp(float(asked[place][span] @ key[span]) / math.sqrt(head)) for key in keys]
                parts.append(sum(like * value[span] for like, value in zip(likes, values, strict=True)) / sum(likes))
            seen = dense(f"{layer}attention.output.dense", np.concatenate(parts))
            middle = norm(f"{layer}attention.output.LayerNorm", state + seen)
            inner = dense(f"{layer}intermediate.dense", middle)
            gelu = np.array([x * 0.5 * (1 + math.erf(x / math.sqrt(2))) for x in inner])
            after.append(norm(f"{layer}output.LayerNorm", middle + dense(f"{layer}output.dense", gelu)))
        states = after
        found.append(np.stack(states))
    return found
