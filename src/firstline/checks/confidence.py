"""The check `confidence`: the measured probability of a field's value is high enough."""

from __future__ import annotations

import math
from collections.abc import Sequence

from firstline.checks.base import Check, NamedCheck, Subject
from firstline.errors import TaskError
from firstline.types import Finding


def confident(minimum: float, fields: Sequence[str] | None = None, *, required: bool = False) -> Check:
    """Make the check that the confidence of each field (None: of every field measured) is at least `minimum`.

    A field whose confidence was not measured passes, unless it is named in `fields` and `required` is set.
    Raises TaskError for a minimum outside 0 to 1.
    """
    if not 0.0 <= minimum <= 1.0:
        raise TaskError(f"a confidence is a share between 0 and 1, not {minimum}")

    def look(subject: Subject) -> tuple[Finding, ...]:
        names = [name for name in (subject.confidences if fields is None else fields) if subject.under_test(name)]
        reasons = {name: _reason(subject.confidences.get(name)) for name in names}
        return tuple(Finding(check="confidence", field=name, reason=why) for name, why in reasons.items() if why)

    def _reason(measured: float | None) -> str:
        if measured is None:
            return "its confidence was not measured" if required else ""
        # Cut, not rounded: 0.499 is below 0.50, and 0.50 is not.
        return (
            "" if measured >= minimum else f"confidence {math.floor(measured * 100) / 100:.2f} is below {minimum:.2f}"
        )

    return NamedCheck(name="confidence", look=look)
