"""What the last layers of a BERT make of a text, as features for students: computed in 8 bits, one text at a time.

The graph is made of the checkpoint's tensors when it is first needed (a third of a second) and is faster than that of
single precision, whose vectors these are not. The scale of a product depends on all that it multiplies, so a text is
never read beside others: its features are the same in training and when it is served.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from firstline.engines.bert import Array, BertConfig, Embedding, Tensors, unit
from firstline.engines.bert_graph import graph_of
from firstline.engines.int8 import dense, quantise
from firstline.engines.onnx_graph import Graph
from firstline.engines.onnx_session import Session

FEATURES = "int8-1"
"""Names what is computed here. Changed by whoever changes it: a student is served with what it was trained on alone."""

DEPTH = 4
"""Layers whose mean states are features."""


def last_means(width: int) -> slice:
    """Say where in features of a width the means of the last layers stand, without the first of them."""
    part = width // (DEPTH + 2)
    return slice(part, DEPTH * part)


class BertFeatures:
    """Makes the features of rows of token ids."""

    def __init__(self, config: BertConfig, tensors: Tensors, embedding: Embedding) -> None:
        self._embedding = embedding
        self._session = Session(graph_of(config, tensors, _dense, depth=DEPTH))
        self.width = config.hidden_size * (min(DEPTH, config.num_hidden_layers) + 2)

    def of(self, ids: Sequence[int]) -> Array:
        """Return what the last layers make of one row of token ids, `width` numbers: of each of the last `DEPTH` the
        mean over the tokens, then the first token's state and the largest of each column of the last layer.

        Each part has length 1, so that all of them count alike.
        """
        states = self._session.run({"x": self._embedding.of(ids)})
        last = states[-1][0]
        parts = [*(state[0].mean(axis=0) for state in states), last[0], last.max(axis=0)]
        return unit(np.stack(parts)).reshape(-1)


def _dense(graph: Graph, source: str, name: str, tensors: Tensors) -> str:
    weights, scales = quantise(np.ascontiguousarray(tensors[f"{name}.weight"].T))
    return dense(graph, source, name, weights, scales, tensors[f"{name}.bias"])
