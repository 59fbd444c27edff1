"""Texts as hashed words and letter sequences, in NumPy alone: no loop over texts, so that a message costs microseconds.

Texts are lowered and cut at every character that is no letter or digit. Features are words, pairs of neighbouring
words, and letter sequences within a word padded by a space. A feature is the place of its 64-bit hash in the sorted
vocabulary seen in training, so that collisions do not matter. Each counts (1 + log tf) * idf, rows have length 1.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Hashes = NDArray[np.uint64]
Ints = NDArray[np.int64]

SIZES = (2, 5)
"""Shortest and longest letter sequence."""
_LONGEST = 20_000
"""Characters of a text that are looked at."""
_ROWS = 64
"""Texts multiplied at a time, on the features that they have: what bounds the memory."""

_P, _Q, _R = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xC2B2AE3D27D4EB4F), np.uint64(0xBF58476D1CE4E5B9)
_SEEDS = np.arange(64, dtype=np.uint64) * _P
_BASIC = 0x10000
_ALNUM = np.array([chr(code).isalnum() for code in range(_BASIC)])
_SPACE, _LINE = 32, 10


@dataclass(frozen=True, kw_only=True)
class Counted:
    """Features of n texts: those of text i are `features[starts[i]:starts[i + 1]]` with `values`."""

    starts: Ints
    features: Ints
    values: Floats

    def times(self, weights: NDArray[np.floating]) -> Floats:
        """Multiply with weights of shape (features, columns); the result has shape (n, columns)."""
        n = len(self.starts) - 1
        out = np.zeros((n, weights.shape[1]), dtype=np.float32)
        for begin in range(0, n, _ROWS):
            starts = self.starts[begin : begin + _ROWS + 1]
            held = slice(starts[0], starts[-1])
            some, place = np.unique(self.features[held], return_inverse=True)
            counts = np.zeros((len(starts) - 1, len(some)), dtype=np.float32)
            counts[np.repeat(np.arange(len(starts) - 1), np.diff(starts)), place] = self.values[held]
            out[begin : begin + _ROWS] = counts @ weights[some].astype(np.float32, copy=False)
        return out


@dataclass(frozen=True, kw_only=True)
class Lexical:
    """A vocabulary: the sorted hashes of its features and what each counts. `words` None: without pairs."""

    vocabulary: Hashes
    idf: Floats

    def count(self, texts: Sequence[str]) -> Counted:
        """Count the features of texts; those that training has not seen are left out."""
        rows, hashes = hashed(texts)
        place = np.minimum(np.searchsorted(self.vocabulary, hashes), max(len(self.vocabulary) - 1, 0))
        known = self.vocabulary[place] == hashes if len(self.vocabulary) else np.zeros(len(hashes), dtype=np.bool_)
        size = max(len(self.vocabulary), 1)
        cells, times = np.unique(rows[known] * size + place[known], return_counts=True)
        rows, features = cells // size, cells % size
        values = (
            ((1 + np.log(times)) * self.idf[features]).astype(np.float32) if len(cells) else np.zeros(0, np.float32)
        )
        length = np.sqrt(np.bincount(rows, weights=values.astype(np.float64) ** 2, minlength=len(texts)))
        values = (values / np.maximum(length[rows], 1e-12)).astype(np.float32)
        starts = np.searchsorted(rows, np.arange(len(texts) + 1))
        return Counted(starts=starts, features=features, values=values)


def vocabulary(texts: Sequence[str], *, least: int = 2, most: int | None = None) -> Lexical:
    """Learn a vocabulary: features that stand in at least `least` texts, of these the `most` frequent."""
    rows, hashes = hashed(texts)
    order = np.lexsort((rows, hashes))
    rows, hashes = rows[order], hashes[order]
    fresh = np.ones(len(hashes), dtype=np.bool_)
    fresh[1:] = (hashes[1:] != hashes[:-1]) | (rows[1:] != rows[:-1])
    known, count = np.unique(hashes[fresh], return_counts=True)
    kept = np.flatnonzero(count >= least)
    if most is not None and len(kept) > most:
        kept = np.sort(kept[np.argsort(-count[kept], kind="stable")[:most]])
    idf = (np.log((1 + len(texts)) / (1 + count[kept])) + 1).astype(np.float32)
    return Lexical(vocabulary=known[kept], idf=idf)


def hashed(texts: Sequence[str]) -> tuple[Ints, Hashes]:
    """Return the row and hash of every occurrence of a feature."""
    codes, row, held = _characters(texts)
    with np.errstate(over="ignore"):
        code = _mix((codes + np.uint64(1)) * _P)
        found = [*_sequences(code, row, held), *_words(code, row, held)]
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.uint64)
    return np.concatenate([rows for rows, _ in found]), np.concatenate([hashes for _, hashes in found])


def _characters(texts: Sequence[str]) -> tuple[Hashes, Ints, NDArray[np.bool_]]:
    """Join the texts to one row of characters with one separator between words; `held` are letters and digits."""
    # A line break ends a text here, so that those within become spaces.
    joined = "\n".join(text[:_LONGEST].replace("\n", " ") for text in texts).lower()
    codes = np.frombuffer(f" {joined} ".encode("utf-32-le", "replace"), dtype="<u4")
    held = np.where(codes < _BASIC, _ALNUM[np.minimum(codes, _BASIC - 1)], True) & (codes != _LINE)
    row = np.cumsum(codes == _LINE)
    kept = held.copy()
    kept[1:] |= held[:-1]
    kept[0] = True
    return np.where(held, codes, _SPACE)[kept].astype(np.uint64), row[kept], held[kept]


def _sequences(code: Hashes, row: Ints, held: NDArray[np.bool_]) -> list[tuple[Ints, Hashes]]:
    """Sequences of characters that no separator but the first or last of them cuts."""
    found = []
    rolling, cut = code, np.zeros(len(code), dtype=np.bool_)
    for size in range(2, SIZES[1] + 1):
        if len(code) < size:
            break
        rolling = rolling[:-1] * _Q + code[size - 1 :]
        cut = np.zeros(len(rolling), dtype=np.bool_) if size == 2 else cut[:-1] | ~held[size - 2 : len(code) - 1]
        whole = np.flatnonzero(held[:-1] | held[1:] if size == 2 else ~cut)
        # The separator between two texts belongs to either: a letter beside it says to which.
        found.append((np.where(held[whole], row[whole], row[whole + 1]), _mix(rolling[whole] + _SEEDS[size])))
    return found


def _words(code: Hashes, row: Ints, held: NDArray[np.bool_]) -> list[tuple[Ints, Hashes]]:
    """Words, and pairs of neighbouring words of one text."""
    begins = held & ~np.concatenate(([False], held[:-1]))
    starts = np.flatnonzero(begins)
    if not len(starts):
        return []
    place = np.arange(len(code)) - starts[np.maximum(np.cumsum(begins) - 1, 0)]
    powers = np.power(_Q, np.arange(int(place[held].max()) + 1, dtype=np.uint64))
    values = np.where(held, code * powers[np.where(held, place, 0)], np.uint64(0))
    words = _mix(np.add.reduceat(values, starts))
    rows = row[starts]
    same = rows[1:] == rows[:-1]
    pairs = _mix(words[:-1] * _Q + words[1:])[same]
    return [(rows, words ^ np.uint64(1)), (rows[:-1][same], pairs)]


def _mix(hashes: Hashes) -> Hashes:
    mixed: Hashes = hashes ^ (hashes >> np.uint64(29))
    mixed = mixed * _R
    return mixed ^ (mixed >> np.uint64(32))
