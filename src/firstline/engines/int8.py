"""Products of whole numbers of 8 bits, run by onnxruntime on one thread: a quarter of the bytes that floats take.

Weights are scaled by column, what they are multiplied with as it comes. They use 7 of their 8 bits: where a processor
adds two products in 16 bits, none can overflow, so that every machine comes to the same sums.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from firstline.engines.onnx_graph import Graph
from firstline.engines.onnx_session import Session

Array = NDArray[np.float32]
Whole = NDArray[np.int8]

_TOP = 63


def quantise(weights: NDArray[np.floating[Any]]) -> tuple[Whole, Array]:
    """Return whole numbers and the scale of each column; their product is about the weights (rows, columns)."""
    scales = np.maximum(np.abs(weights).max(axis=0) / _TOP, 1e-12).astype(np.float32)
    return np.rint(weights / scales).astype(np.int8), scales


def dense(graph: Graph, source: str, name: str, weights: Whole, scales: Array, bias: Array | None = None) -> str:
    """Add a product to a graph; `source` is floats, and so is what comes of it."""
    parts = [source, graph.constant(f"{name}.weights", weights), graph.constant(f"{name}.scales", scales)]
    if bias is not None:
        # Between the scales and the bias stands the weights' zero point, which is zero.
        parts += ["", graph.constant(f"{name}.bias", bias)]
    return graph.node("DynamicQuantizeMatMul", parts, name, own=True)


class Product:
    """A product with weights (rows, columns) that are whole numbers and a scale a column."""

    def __init__(self, weights: Whole, scales: Array) -> None:
        graph = Graph()
        rows, columns = weights.shape
        found = dense(graph, "x", "found", weights, scales)
        self._session = Session(graph.model([("x", ["n", rows])], [(found, ["n", columns])]))

    def __call__(self, x: Array) -> Array:
        """Multiply (n, rows) to (n, columns): one row after the other, as each has a scale of its own."""
        return np.concatenate([self._session.run({"x": row[None]})[0] for row in x])
