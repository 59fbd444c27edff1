"""Runs a graph by onnxruntime on one thread, so that the order of its sums is always the same."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


class Session:
    """A graph that is loaded."""

    def __init__(self, model: bytes) -> None:
        # Loaded with the first graph: it takes 30 ms and memory, and most commands run none.
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])

    def run(self, given: Mapping[str, Array]) -> list[Array]:
        """Compute the outputs."""
        found: list[Array] = self._session.run(None, dict(given))
        return found
