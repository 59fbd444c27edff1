"""No model answered: is it an outage, which asking again may mend, or work for a person? Pure.

An outage says nothing about the input: weights or a key are missing, an engine is down, slow or refuses our key. A run
that ends in one has no verdict and opens no review. Where a model could be asked and did not take this input, or gave
what is no answer, a person can still decide.
"""

from __future__ import annotations

from collections.abc import Sequence

from firstline.errors import (
    EngineDisconnectedError,
    EngineError,
    EngineOutputError,
    EngineRefusedError,
    FirstlineError,
    FolderNotAllowedError,
    NoModelError,
    WeightsError,
)
from firstline.gateway.ladder import NOT_ALLOWED, PULL
from firstline.types import Value


class Obstacles(Value, frozen=True, kw_only=True):
    """Why the rungs of a run gave no answer.

    `missing` says of rungs what this machine lacks, `failures` are errors of those that were asked, and `about_input`
    says that one was left out for what is in the input, or on purpose.
    """

    missing: tuple[str, ...] = ()
    failures: tuple[FirstlineError, ...] = ()
    about_input: bool = False


def outage(name: str, obstacles: Obstacles) -> FirstlineError | None:
    """Return the error of a run that no model answered for want of one; None where a person can decide."""
    if obstacles.about_input or not all(map(is_outage, obstacles.failures)):
        return None
    return unanswered(name, obstacles.failures, obstacles.missing)


def is_outage(error: FirstlineError) -> bool:
    """Say whether an error is about what runs the model, whatever it was asked."""
    if isinstance(error, EngineRefusedError | EngineOutputError) and not isinstance(error, EngineDisconnectedError):
        return False
    return isinstance(error, EngineError | WeightsError)


def unanswered(name: str, failures: Sequence[FirstlineError], missing: Sequence[str]) -> FirstlineError:
    """Return the error when no model answered: one that asking again may mend, else the last, else what is missing."""
    again = [error for error in failures if error.retryable]
    return next(reversed(again or list(failures)), None) or none_usable(name, missing)


def none_usable(name: str, missing: Sequence[str]) -> FirstlineError:
    """Return the error for a name none of whose rungs can be asked, by their reasons."""
    why = "; ".join(dict.fromkeys(missing)) or "its ladder names no model"
    message = f"{name} cannot be asked: {why}"
    if NOT_ALLOWED in why:
        return FolderNotAllowedError(message, hint="`firstline doctor` says how to allow it", param="model")
    hint = None if PULL in why else "`firstline doctor` says what each task lacks"
    return NoModelError(message, hint=hint, param="model")
