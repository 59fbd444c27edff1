"""Texts as hashed letter sequences and words: the same buckets on every machine, many texts at once.

A text is folded (case, width; every digit becomes 0), and its sequences of three and four characters and its words
fall into 2^14 buckets by a fixed polynomial; nothing is fitted and no vocabulary is kept.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from firstline import patterns
from firstline.normal_form import normalized

BITS = 14
BUCKETS = 1 << BITS
_SIZES = (3, 4)
_PRIME = np.uint64(0x100000001B3)
_MIX = np.uint64(0x9E3779B97F4A7C15)
_SHIFT = np.uint64(64 - BITS)
_DIGIT = patterns.compile(r"\d")
_WORD = patterns.compile(r"[^\W_]+")
_LONGEST = 200


@dataclass(frozen=True, kw_only=True, slots=True)
class Grams:
    """Rows of buckets: those of text i are `buckets[starts[i]:starts[i + 1]]`, each worth `weight[i]`."""

    buckets: NDArray[np.int64]
    starts: NDArray[np.int64]
    weight: NDArray[np.float32]

    def scores(self, weights: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return each text's sum of weights; `weights` has shape (columns, BUCKETS), the result (texts, columns)."""
        out = np.zeros((len(self.weight), len(weights)), dtype=np.float32)
        counts = np.diff(self.starts)
        some = counts > 0
        if some.any():
            sums = np.add.reduceat(weights[:, self.buckets], self.starts[:-1][some], axis=1)
            out[some] = sums.T
        return out * self.weight[:, None]


def folded(text: str) -> str:
    """Fold a text for hashing."""
    plain = normalized("NFKC", text[:_LONGEST]).casefold()
    return _DIGIT.sub("0", " ".join(plain.split()))


def grams(texts: Sequence[str], tokens: Sequence[Sequence[str]] | None = None) -> Grams:
    """Hash texts; `tokens` adds whole words of one's own to each."""
    plain = [folded(text) for text in texts]
    joined = "\0".join(f" {one} " if one else "" for one in plain) + "\0\0\0"
    codes = np.frombuffer(joined.encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    owner = np.cumsum(codes == 0) - (codes == 0)
    parts, owners = [], []
    for size in _SIZES:
        count = len(codes) - size + 1
        hashed = np.full(count, np.uint64(size), dtype=np.uint64)
        clean = np.ones(count, dtype=bool)
        for shift in range(size):
            hashed = hashed * _PRIME + codes[shift : shift + count]
            clean &= codes[shift : shift + count] != 0
        parts.append(((hashed * _MIX) >> _SHIFT)[clean].astype(np.int64))
        owners.append(owner[:count][clean])
    words: list[int] = []
    of: list[int] = []
    for at, one in enumerate(plain):
        own = [*(f"w {word}" for word in _WORD.findall(one)), *(tokens[at] if tokens else ())]
        words += [zlib.crc32(word.encode("utf-8", "surrogatepass")) >> (32 - BITS) for word in own]
        of += [at] * len(own)
    parts.append(np.array(words, dtype=np.int64))
    owners.append(np.array(of, dtype=np.int64))
    buckets, rows = np.concatenate(parts), np.concatenate(owners)
    order = np.argsort(rows, kind="stable")
    counts = np.bincount(rows, minlength=len(plain))[: len(plain)]
    starts = np.concatenate([[0], np.cumsum(counts)])
    weight = (1 / np.sqrt(np.maximum(counts, 1))).astype(np.float32)
    return Grams(buckets=buckets[order], starts=starts.astype(np.int64), weight=weight)
