"""Made-up worlds in which the truth is known: recorded attempts drawn from a distribution that can be asked."""

from __future__ import annotations

import numpy as np

from firstline.certify.statistics.table import RIGHT, WRONG, Table

SIGNALS = ("odds", "lead", "check.grounded", "heard")


def world(
    n: int,
    *,
    seed: int,
    skill: tuple[float, ...] = (1.5, 2.5, 4.0),
    fields: int = 1,
    labels: int = 0,
    outside: bool = False,
    told: float = 1.0,
    copies: int = 1,
) -> Table:
    """Draw n independent examples (each `copies` times).

    A rung is right with the log-odds `skill - difficulty`; `told` is how much of these its signals show. `labels` makes
    it a classify task, the last label out of scope where `outside`.
    """
    random = np.random.default_rng(seed)
    rungs = len(skill)
    hard = random.normal(size=(n, 1, fields)) * 1.5
    log_odds = np.array(skill)[None, :, None] - hard + random.normal(size=(n, rungs, fields)) * 0.7
    truth, classes = np.full(n, -1), np.zeros((n, rungs), dtype=np.int64)
    right = random.random((n, rungs, fields)) < 1 / (1 + np.exp(-log_odds))
    if labels:
        truth = random.integers(labels, size=n)
        others = (truth[:, None] + random.integers(1, labels, size=(n, rungs))) % labels
        classes = np.where(right[:, :, 0], truth[:, None], others)
    noise = random.normal(size=(2, n, rungs, fields))
    odds = told * log_odds + noise[0]
    lead = np.where(random.random(odds.shape) < 0.2, np.nan, told * log_odds + 2 * noise[1])
    check = (random.random(odds.shape) < np.where(right, 0.97, 0.7)).astype(np.float64)
    heard = np.where(np.arange(rungs)[None, :, None] == 0, np.nan, right * random.random(odds.shape))
    signals = np.stack([odds, lead, check, heard], axis=-1)
    alone = signals.copy()
    alone[..., 3] = np.nan
    passed = check > 0
    money = np.array([100.0, 2_000.0, 40_000.0, 400_000.0])[:rungs] * random.uniform(0.5, 1.5, size=(n, rungs))
    seconds = np.array([0.02, 0.3, 1.0, 2.0])[:rungs] * random.uniform(0.5, 1.5, size=(n, rungs))
    repeat = np.repeat(np.arange(n), copies)
    return Table(
        models=tuple(f"local/m{place}" for place in range(rungs)),
        fields=("label",) if labels else tuple(f"f{place}" for place in range(fields)),
        names=(SIGNALS,) * rungs,
        signals=tuple(signals[repeat, place] for place in range(rungs)),
        signals_alone=tuple(alone[repeat, place] for place in range(rungs)),
        passed=passed[repeat],
        passed_alone=(passed & (random.random(passed.shape) < 0.95))[repeat],
        right=np.where(right, RIGHT, WRONG)[repeat],
        answered=(random.random((n, rungs)) < 0.98)[repeat],
        money=money[repeat],
        seconds=seconds[repeat],
        labels=tuple(f"l{place}" for place in range(labels)),
        classes=classes[repeat],
        truth=truth[repeat],
        outside=labels - 1 if outside else None,
        length=random.integers(10, 500, size=n).astype(np.float64)[repeat],
        groups=repeat,
    )
