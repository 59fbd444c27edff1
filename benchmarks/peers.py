"""What else decides which answer is served, tuned on labelled examples: the peers of the certificate.

All are told the largest error A and tune on every labelled example; none proves anything on examples kept apart.

- `fixed`: one threshold on the models' own probability for all rungs, the lowest with an observed error of at most A
  (how cascades are set by hand; the `confidence` looper of vLLM's semantic router).
- `conformal`: conformal risk control (Angelopoulos et al. 2022, arXiv 2208.02814) of the loss "served and wrong", made
  monotone by its supremum; as the loss is 0 or 1 this is split conformal. It promises A on average over draws of the
  examples, and of all inputs rather than of those served.
- `frugal`: a scorer learned from signals of the answers, and a threshold for each rung, jointly for the most coverage
  at an observed error of at most A (FrugalGPT, Chen et al. 2023, arXiv 2305.05176; its scorer is DistilBERT, here it is
  the same logistic regression on the same signals as the certificate has).
- `route`: whether the first rung will do is told from the input alone, and what is routed is served (RouteLLM, Ong et
  al. 2024, arXiv 2406.18665; its embeddings are OpenAI's, here letter sequences, tf-idf and SVD). It never abstains.

Nothing here knows of sets or files: arrays in, thresholds out.
"""

from __future__ import annotations

from itertools import product

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer

from firstline.certify.statistics.logistic import fit_many, sigmoid
from firstline.certify.statistics.table import Bools, Floats, Ints

NEVER = np.inf
_GRID = 80
_FOLDS = 5
_PENALTY = 1.0


def served_by(scores: Floats, thresholds: Floats) -> Ints:
    """Return the first rung whose score (n, R) reaches its threshold (R,), -1 where none does; shape (n,)."""
    good = scores >= thresholds
    found: Ints = np.where(good.any(axis=1), good.argmax(axis=1), -1)
    return found


def fixed(scores: Floats, wrong: Bools, max_error: float) -> Floats:
    """Return one threshold for all rungs: the lowest at which of the served at most `max_error` were wrong."""
    levels, served, failed = _by_threshold(scores, wrong)
    fits = np.flatnonzero((failed <= max_error * served + 1e-9) & (served > 0))
    level = levels[fits[np.argmax(served[fits])]] if len(fits) else NEVER
    return np.full(scores.shape[1], level)


def conformal(scores: Floats, wrong: Bools, max_error: float) -> Floats:
    """Return one threshold for all rungs by conformal risk control: (served and wrong + 1) / (n + 1) <= `max_error`."""
    n, rungs = scores.shape
    before = _before(scores)
    # From which threshold down an example is lost: the highest at which it is served a wrong answer.
    lost = np.sort(np.where(wrong & (scores > before), scores, -np.inf).max(axis=1))
    allowed = int(np.floor(max_error * (n + 1) - 1 + 1e-9))
    if allowed < 0:
        return np.full(rungs, NEVER)
    highest = lost[n - 1 - allowed] if allowed < n else -np.inf
    levels = np.unique(scores[np.isfinite(scores)])
    above = levels[levels > highest]
    return np.full(rungs, above[0] if len(above) else NEVER)


def frugal(scores: Floats, wrong: Bools, max_error: float) -> Floats:
    """Return a threshold for each rung, jointly: the most served with at most `max_error` of them wrong.

    The last rung's is exact; those before it are tried at 80 levels each. Where coverage is even, earlier rungs serve.
    """
    rungs = scores.shape[1]
    best, found = (0, 0), np.full(rungs, NEVER)
    grids = [_levels(scores[:, place]) for place in range(rungs - 1)]
    order = np.argsort(-scores[:, -1], kind="stable")
    last = scores[order, -1]
    ends = np.flatnonzero(np.append(last[:-1] != last[1:], True) & np.isfinite(last))
    for levels in product(*grids):
        place = served_by(scores[:, :-1], np.array(levels))
        early = place >= 0
        served, failed = int(early.sum()), int(wrong[np.flatnonzero(early), place[early]].sum())
        open_ = ~early[order]
        more, worse = np.cumsum(open_)[ends], np.cumsum(open_ & wrong[order, -1])[ends]
        fits = np.flatnonzero(failed + worse <= max_error * (served + more) + 1e-9)
        if len(fits) and (served + int(more[fits[-1]]), served) > best:
            best, found = (served + int(more[fits[-1]]), served), np.array([*levels, last[ends[fits[-1]]]])
        if failed <= max_error * served + 1e-9 and (served, served) > best:
            best, found = (served, served), np.array([*levels, NEVER])
    return found


def route(scores: Floats, wrong: Bools, max_error: float) -> float:
    """Return the least score (n,) from which the first rung is asked instead of the last, all being served.

    As many to the first as at an error of at most `max_error`; all to the last where no level reaches that.
    """
    order = np.argsort(-scores, kind="stable")
    first, last = wrong[order, 0], wrong[order, -1]
    failed = np.cumsum(first) + last.sum() - np.cumsum(last)
    ranked = scores[order]
    ends = np.append(ranked[:-1] != ranked[1:], True)
    fits = np.flatnonzero(ends & (failed <= max_error * len(scores) + 1e-9))
    return float(ranked[fits[-1]]) if len(fits) else NEVER


class Router:
    """Says from a text alone how likely it is that the first rung's answer is right."""

    def __init__(self, texts: list[str], *, size: int = 32) -> None:
        weighed = TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True, min_df=2)
        vectors = weighed.fit_transform(texts)
        size = min(size, vectors.shape[1] - 1, len(texts) - 1)
        found = TruncatedSVD(size, random_state=0).fit_transform(vectors)
        self._x = (found - found.mean(axis=0)) / np.maximum(found.std(axis=0), 1e-9)

    def scores(self, rows: Ints, right: Bools, folds: Ints) -> tuple[Floats, Floats]:
        """Learn from rows (m,), where `right` (m,); give their scores unseen, by fold (m,), and those of all texts."""
        numbers = np.arange(_FOLDS)
        weights = np.vstack([folds[None, :] != numbers[:, None], np.ones((1, len(rows)), dtype=bool)])
        betas = fit_many(
            self._x[rows], right.astype(np.float64), weights.astype(np.float64), np.full(len(weights), _PENALTY)
        )
        own = betas[folds]
        unseen = sigmoid((own[:, :-1] * self._x[rows]).sum(axis=1) + own[:, -1])
        return unseen, sigmoid(self._x @ betas[-1, :-1] + betas[-1, -1])


def folds_of(groups: Ints, random: np.random.Generator) -> Ints:
    """Return every row one of five folds; rows of a group share theirs."""
    numbers, inverse = np.unique(groups, return_inverse=True)
    found: Ints = random.permutation(len(numbers))[inverse] % _FOLDS
    return found


def _by_threshold(scores: Floats, wrong: Bools) -> tuple[Floats, Floats, Floats]:
    """Return levels in rising order, and at each as one threshold for all rungs how many are served, and wrongly."""
    before = _before(scores)
    counts = (scores > before) & np.isfinite(scores)
    levels = np.unique(scores[counts])
    # Rung r serves at the levels above all scores before it and up to its own.
    top = np.searchsorted(levels, scores[counts], side="right")
    low = np.searchsorted(levels, before[counts], side="right")
    size = len(levels) + 1
    served = np.bincount(low, minlength=size) - np.bincount(top, minlength=size)
    bad = wrong[counts]
    failed = np.bincount(low[bad], minlength=size) - np.bincount(top[bad], minlength=size)
    return levels, np.cumsum(served)[:-1].astype(np.float64), np.cumsum(failed)[:-1].astype(np.float64)


def _before(scores: Floats) -> Floats:
    """The highest score of the rungs before each, -inf before the first; shape (n, R)."""
    highest = np.maximum.accumulate(scores, axis=1)
    found: Floats = np.column_stack([np.full(len(scores), -np.inf), highest[:, :-1]])
    return found


def _levels(scores: Floats) -> list[float]:
    finite = np.unique(scores[np.isfinite(scores)])
    if len(finite) > _GRID:
        finite = finite[np.unique(np.linspace(0, len(finite) - 1, _GRID).astype(int))]
    return [*finite.tolist(), NEVER]
