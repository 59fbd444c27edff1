"""What the last layers of a BERT make of a text, as features for students: computed in 8 bits, one text at a time.

The graph is made of the checkpoint's tensors when it is first needed (a third of a second) and run by onnxruntime:
three times as fast as the floats of `bert.py`, whose vectors these are not. The scale of a product depends on all that
it multiplies, so a text is never read beside others: its features are the same in training and when it is served.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from firstline.engines.bert import Array, Bert, BertConfig, unit
from firstline.engines.int8 import Session, dense, quantise
from firstline.engines.onnx_graph import Graph

FEATURES = "int8-1"
"""Names what is computed here. Changed by whoever changes it: a student is served with what it was trained on alone."""

DEPTH = 4
"""Layers whose mean states are features."""


def last_means(width: int) -> slice:
    """Say where in features of a width the means of the last layers stand, without the first of them."""
    part = width // (DEPTH + 2)
    return slice(part, DEPTH * part)


class BertFeatures:
    """Gives the features of rows of token ids."""

    def __init__(self, bert: Bert) -> None:
        self._bert = bert
        self._session = Session(graph_of(bert.config, bert.tensors))
        self.width = bert.config.hidden_size * (min(DEPTH, bert.config.num_hidden_layers) + 2)

    def of(self, ids: Sequence[int]) -> Array:
        """Give what the last layers make of one row of token ids, `width` numbers: of each of the last `DEPTH` the mean
        over the tokens, then the first token's state and the largest of each column of the last layer.

        Each part has length 1, so that all of them count alike.
        """
        states = self._session.run({"x": self._bert.embedded(np.asarray(ids, dtype=np.int64)[None, :])})
        last = states[-1][0]
        parts = [*(state[0].mean(axis=0) for state in states), last[0], last.max(axis=0)]
        return unit(np.stack(parts)).reshape(-1)


def graph_of(config: BertConfig, tensors: Mapping[str, Array]) -> bytes:
    """Write the network as a graph: `x` are the embedded tokens of one text, outputs the states of the last layers."""
    graph, size = Graph(), config.hidden_size

    def product(source: str, name: str) -> str:
        weights, scales = quantise(np.ascontiguousarray(tensors[f"{name}.weight"].T))
        return dense(graph, source, name, weights, scales, tensors[f"{name}.bias"])

    def norm(source: str, skipped: str, name: str) -> str:
        parts = [graph.constant(f"{name}.{one}", tensors[f"{name}.{one}"]) for one in ("weight", "bias")]
        # The operator of onnxruntime adds its first two inputs.
        return graph.node(
            "SkipLayerNormalization", [source, skipped, *parts], name, own=True, epsilon=config.layer_norm_eps
        )

    states, found = "x", []
    for number in range(config.num_hidden_layers):
        layer = f"encoder.layer.{number}"
        asked = [product(states, f"{layer}.attention.self.{name}") for name in ("query", "key", "value")]
        heads = config.num_attention_heads
        seen = graph.node("MultiHeadAttention", asked, f"{layer}.attention", own=True, num_heads=heads)
        seen = product(seen, f"{layer}.attention.output.dense")
        states = norm(seen, states, f"{layer}.attention.output.LayerNorm")
        inner = graph.node("Gelu", [product(states, f"{layer}.intermediate.dense")], f"{layer}.gelu", own=True)
        states = norm(product(inner, f"{layer}.output.dense"), states, f"{layer}.output.LayerNorm")
        found.append(states)
    shape: list[int | str] = [1, "tokens", size]
    return graph.model([("x", shape)], [(name, shape) for name in found[-DEPTH:]])
