"""Which examples are near-duplicates: texts that say the same but for case, spacing, punctuation and digits.

Texts are vectors of weighed letter sequences; those whose cosine reaches a threshold are joined, and what is joined to
the same is one group. Exact for that measure and without a table of all pairs: two such texts must share one of the
rarest sequences of either (prefix filtering, Bayardo et al. 2007), and only those pairs are measured.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import HashingVectorizer, TfidfTransformer

from firstline.certify.statistics.table import Ints
from firstline.evaluation.folding import fold

_CELLS = 5_000_000
_PAIRS = 20_000
"""Pairs looked for, and measured, at a time: what bounds the memory."""


def group(texts: Sequence[str], *, keys: Sequence[Hashable | None] | None = None, alike: float = 0.9) -> Ints:
    """Number the groups of near-duplicates, from 0 in the order they first appear; shape (n,).

    `keys` join what a text does not show: inputs with the same key (the sha256 of a picture) are one group. `alike` is
    the cosine from which two texts are near-duplicates. Texts of which nothing is left when folded are one group.
    """
    if not texts:
        return np.zeros(0, dtype=np.int64)
    folded: dict[str, int] = {}
    place = np.array([folded.setdefault(fold(text), len(folded)) for text in texts])
    left, right = _pairs(list(folded), alike)
    joined = sparse.coo_array((np.ones(len(left)), (left, right)), shape=(len(folded), len(folded)))
    numbers = connected_components(joined, directed=False)[1][place]
    if keys is not None:
        numbers = _join_keys(numbers, keys)
    return _in_order(numbers)


def _pairs(texts: list[str], alike: float) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the pairs of different texts whose cosine reaches `alike`."""
    counted = HashingVectorizer(
        analyzer="char_wb", ngram_range=(3, 5), n_features=2**20, alternate_sign=False, norm=None
    )
    vectors = TfidfTransformer(sublinear_tf=True).fit_transform(counted.transform(texts)).tocsr()
    rare = _rarest(vectors, 1 - alike**2)
    columns = vectors.T.tocsr()
    found: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    block = max(16, _CELLS // len(texts))
    for begin in range(0, len(texts), block):
        shared = (rare[begin : begin + block] @ columns).tocoo()
        rows, others = shared.row.astype(np.int64) + begin, shared.col.astype(np.int64)
        rows, others = rows[rows < others], others[rows < others]
        if len(rows) > block * len(texts) / 20:
            # So many share a rare sequence that measuring all of the block is less work than measuring each pair.
            whole = (vectors[begin : begin + block] @ columns).tocoo()
            rows, others, cosine = whole.row.astype(np.int64) + begin, whole.col.astype(np.int64), whole.data
        else:
            cosine = _cosines(vectors, rows, others)
        close = (cosine >= alike) & (rows < others)
        found.append((rows[close], others[close]))
    if not found:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    return np.concatenate([one for one, _ in found]), np.concatenate([other for _, other in found])


def _cosines(vectors: sparse.csr_matrix, rows: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """Measure pairs of rows, some at a time."""
    parts = [
        np.asarray(vectors[rows[at : at + _PAIRS]].multiply(vectors[others[at : at + _PAIRS]]).sum(axis=1)).ravel()
        for at in range(0, len(rows), _PAIRS)
    ]
    found: NDArray[np.float64] = np.concatenate([np.zeros(0), *parts])
    return found


def _rarest(vectors: sparse.csr_matrix, mass: float) -> sparse.csr_matrix:
    """Keep of every row its rarest sequences, until what is left out weighs less than 1 - `mass` of it."""
    frequency = np.bincount(vectors.indices, minlength=vectors.shape[1])
    row = np.repeat(np.arange(vectors.shape[0]), np.diff(vectors.indptr))
    order = np.lexsort((vectors.indices, frequency[vectors.indices], row))
    weight = vectors.data[order] ** 2
    total = np.cumsum(weight)
    start = vectors.indptr[:-1]
    before = np.where(start > 0, total[np.maximum(start - 1, 0)], 0.0)
    kept = order[total - weight - before[row] <= mass + 1e-9]
    shape = vectors.shape
    return sparse.csr_matrix((vectors.data[kept], (row[kept], vectors.indices[kept])), shape=shape)


def _join_keys(numbers: NDArray[np.int64], keys: Sequence[Hashable | None]) -> NDArray[np.int64]:
    first: dict[Hashable, int] = {}
    pairs = [(numbers[first.setdefault(key, at)], numbers[at]) for at, key in enumerate(keys) if key is not None]
    if not pairs:
        return numbers
    left, right = np.array(pairs).T
    size = int(numbers.max()) + 1
    joined = sparse.coo_array((np.ones(len(left)), (left, right)), shape=(size, size))
    found: NDArray[np.int64] = connected_components(joined, directed=False)[1][numbers]
    return found


def _in_order(numbers: NDArray[np.int64]) -> Ints:
    _, first, inverse = np.unique(numbers, return_index=True, return_inverse=True)
    rank = np.empty(len(first), dtype=np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    found: Ints = rank[inverse]
    return found
