"""The vector of a text, as sentence encoders are published: the mean of its tokens' last states, scaled to length 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from firstline.engines.bert import Array, BertConfig, Embedding, Tensors, unit
from firstline.engines.bert_graph import graph_of
from firstline.engines.onnx_graph import Graph
from firstline.engines.onnx_session import Session


class BertVectors:
    """Makes vectors of rows of token ids, in single precision."""

    def __init__(self, config: BertConfig, tensors: Tensors, embedding: Embedding) -> None:
        self._embedding = embedding
        self._session = Session(graph_of(config, tensors, _dense, depth=1))

    def of(self, ids: Sequence[int]) -> Array:
        """Return the vector of one row of token ids (at least one id, at most the network's positions)."""
        return unit(self._session.run({"x": self._embedding.of(ids)})[0][0].mean(axis=0))


def _dense(graph: Graph, source: str, name: str, tensors: Tensors) -> str:
    weights = graph.constant(f"{name}.weights", np.ascontiguousarray(tensors[f"{name}.weight"].T))
    product = graph.node("MatMul", [source, weights], f"{name}.product")
    return graph.node("Add", [product, graph.constant(f"{name}.bias", tensors[f"{name}.bias"])], name)
