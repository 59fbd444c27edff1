"""Writes an ONNX graph as bytes: the few messages of onnx.proto3 that a network needs (numbers as published there).

The `onnx` package would do it too, with 18 MB for what is a handful of nodes; nothing here reads ONNX. A graph is made
and handed to onnxruntime in memory, so that no file can be stale or damaged.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

_IR_VERSION, _OPSET, _MICROSOFT = 9, 20, "com.microsoft"
_TYPES = {"float32": 1, "uint8": 2, "int8": 3, "int64": 7}
_FLOAT, _INT, _INTS = 1, 2, 7
"""Types of attributes."""


@dataclass(kw_only=True)
class Graph:
    """A graph under construction. Names of nodes are those of their outputs."""

    _parts: list[bytes] = field(default_factory=list)

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Add a constant and give its name."""
        dims = b"".join(_number(1, size) for size in value.shape)
        data = np.ascontiguousarray(value).astype(value.dtype.newbyteorder("<"), copy=False).tobytes()
        self._parts.append(
            _message(5, dims + _number(2, _TYPES[value.dtype.name]) + _text(8, name) + _message(9, data))
        )
        return name

    def node(
        self, kind: str, inputs: Sequence[str], name: str, *, own: bool = False, **attributes: float | Sequence[int]
    ) -> str:
        """Add a node and give its output's name; `own`: an operator of onnxruntime itself."""
        told = b"".join(_text(1, one) for one in inputs) + _text(2, name) + _text(3, name) + _text(4, kind)
        told += b"".join(_message(5, _attribute(key, value)) for key, value in attributes.items())
        self._parts.append(_message(1, told + (_text(7, _MICROSOFT) if own else b"")))
        return name

    def model(
        self, inputs: Sequence[tuple[str, Sequence[int | str]]], outputs: Sequence[tuple[str, Sequence[int | str]]]
    ) -> bytes:
        """Write the model; inputs and outputs are float32, a size is a number or a name."""
        told = _text(2, "graph") + b"".join(self._parts)
        told += b"".join(_message(11, _value(name, shape)) for name, shape in inputs)
        told += b"".join(_message(12, _value(name, shape)) for name, shape in outputs)
        sets = ((b"", _OPSET), (_text(1, _MICROSOFT), 1))
        opsets = b"".join(_message(8, domain + _number(2, version)) for domain, version in sets)
        return _number(1, _IR_VERSION) + _message(7, told) + opsets


def _value(name: str, shape: Sequence[int | str]) -> bytes:
    sizes = b"".join(_message(1, _text(2, size) if isinstance(size, str) else _number(1, size)) for size in shape)
    tensor = _number(1, _TYPES["float32"]) + _message(2, sizes)
    return _text(1, name) + _message(2, _message(1, tensor))


def _attribute(name: str, value: float | Sequence[int]) -> bytes:
    if isinstance(value, float):
        return _text(1, name) + _varint(2 << 3 | 5) + struct.pack("<f", value) + _number(20, _FLOAT)
    if isinstance(value, int):
        return _text(1, name) + _number(3, value) + _number(20, _INT)
    return _text(1, name) + b"".join(_number(8, one) for one in value) + _number(20, _INTS)


def _message(place: int, data: bytes) -> bytes:
    return _varint(place << 3 | 2) + _varint(len(data)) + data


def _text(place: int, text: str) -> bytes:
    return _message(place, text.encode())


def _number(place: int, value: int) -> bytes:
    return _varint(place << 3) + _varint(value & (1 << 64) - 1)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)
