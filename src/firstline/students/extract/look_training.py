"""Teaches a first look from documents of the task's kind and others. Imports scikit-learn; a second."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression

from firstline.reading.document import Document
from firstline.reading.fields import offers
from firstline.schema.field import Field
from firstline.students.extract.first_look import FirstLook, measures, scaled

_PENALTY = 0.3
_STEPS = 2_000


def first_look(
    fields: Sequence[Field], like: Sequence[Document], unlike: Sequence[Document], *, least: float
) -> FirstLook:
    """Teach it; the same documents give the same numbers."""
    rows = np.array([measures(document, offers(document, fields)) for document in (*like, *unlike)])
    mean, scale, steps = scaled(rows)
    right = np.r_[np.ones(len(like)), np.zeros(len(unlike))]
    fitted = LogisticRegression(C=_PENALTY, max_iter=_STEPS).fit(steps, right)
    return FirstLook(mean=mean, scale=scale, weights=fitted.coef_[0], bias=float(fitted.intercept_[0]), least=least)
