"""The layers of a BERT encoder as a graph: embedded tokens of one text in, states of the last layers out.

Devlin et al. 2019 (post-norm transformer, exact gelu). The graph is run by onnxruntime on one thread and reads one text
at a time, so what it computes depends on that text alone: no padding, no neighbour and no other number of threads
changes the order in which anything is added.
"""

from __future__ import annotations

from typing import Protocol

from firstline.engines.bert import BertConfig, Tensors
from firstline.engines.onnx_graph import Graph


class Dense(Protocol):
    """Adds the product with a layer's weights, and its bias, to a graph."""

    def __call__(self, graph: Graph, source: str, name: str, tensors: Tensors) -> str:
        """Return the name of the output; `source` is float32, and so is the output."""
        ...


def graph_of(config: BertConfig, tensors: Tensors, dense: Dense, *, depth: int) -> bytes:
    """Write the network as a graph: the input `x` is the embedded tokens of one text, shape (1, tokens, hidden).

    The outputs are the states of the last `depth` layers, the last one last, in the same shape.
    """
    graph, size = Graph(), config.hidden_size

    def norm(source: str, skipped: str, name: str) -> str:
        parts = [graph.constant(f"{name}.{one}", tensors[f"{name}.{one}"]) for one in ("weight", "bias")]
        # The operator of onnxruntime adds its first two inputs.
        return graph.node(
            "SkipLayerNormalization", [source, skipped, *parts], name, own=True, epsilon=config.layer_norm_eps
        )

    states, found = "x", []
    for number in range(config.num_hidden_layers):
        layer = f"encoder.layer.{number}"
        asked = [dense(graph, states, f"{layer}.attention.self.{name}", tensors) for name in ("query", "key", "value")]
        heads = config.num_attention_heads
        seen = graph.node("MultiHeadAttention", asked, f"{layer}.attention", own=True, num_heads=heads)
        seen = dense(graph, seen, f"{layer}.attention.output.dense", tensors)
        states = norm(seen, states, f"{layer}.attention.output.LayerNorm")
        inner = dense(graph, states, f"{layer}.intermediate.dense", tensors)
        inner = graph.node("Gelu", [inner], f"{layer}.gelu", own=True)
        states = norm(dense(graph, inner, f"{layer}.output.dense", tensors), states, f"{layer}.output.LayerNorm")
        found.append(states)
    shape: list[int | str] = [1, "tokens", size]
    return graph.model([("x", shape)], [(name, shape) for name in found[-depth:]])
