"""Puts certificates in force that nobody has measured, for tests of what follows from one."""

from __future__ import annotations

from collections.abc import Mapping

from firstline.certify.certificates import Certificate
from firstline.runs.policy import Policy, RungPolicy
from firstline.services import Services
from firstline.tasks.task import Per
from firstline.types import Json


def bare_policy(fields: tuple[str, ...], models: tuple[str, ...] = ("fake/small", "fake/large")) -> Policy:
    """Serve whatever the checks let stand; something is promised about each of these fields."""
    rungs = tuple(RungPolicy(model=model, calibrators={}, thresholds=dict.fromkeys(fields, 0.0)) for model in models)
    return Policy(rungs=rungs, review_nano_usd=1e8)


async def put_in_force(
    services: Services,
    name: str,
    *,
    fields: tuple[str, ...] = (),
    max_error: float = 0.05,
    per: Per = "answer",
    measured: Mapping[str, Json] | None = None,
) -> Certificate:
    """Put a certificate of a task in force; `fields` are those that something is promised about (none: all)."""
    task = services.tasks.get(name)
    return await services.certificates.issue(
        task,
        await services.runner.rungs(task),
        bare_policy(fields or task.keys),
        promise=(max_error, 0.95, per),
        measured=measured or {},
        fallback="top",
    )
