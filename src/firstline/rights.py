"""What an API key may do: the rights there are, how they are written, and which a key has that names none.

A right is a word (`files`), which may be narrowed: `files:read` only looks, `reviews:own` is about the runs of the key
itself. What a key may *name* in `model` is its scopes' to say (`types.Caller`).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Literal

from firstline.errors import UsageError

Right = Literal[
    "models", "tasks", "files", "runs", "usage", "certificates", "fine-tuning", "reviews", "audits", "admin"
]

RIGHTS: Mapping[Right, str] = MappingProxyType(
    {
        "models": "ask models, see them, and what was kept of the key's own answers",
        "tasks": "ask tasks, see them, and what was kept of the key's own answers",
        "files": "upload files, read and delete its own, name them in a request",
        "runs": "see its own runs",
        "usage": "see its own usage and money",
        "certificates": "see the certificates of the tasks it may name",
        "fine-tuning": "make, see and cancel its own jobs, delete the models they made",
        "reviews": "see, take and answer the reviews of the tasks it may name, whoever asked",
        "audits": "the same of audits, which can withdraw a certificate",
        "admin": "all of these, and the log of changes",
    }
)
"""Every right with what it allows."""
READ = ":read"
OWN_REVIEWS = "reviews:own"
TASK = "task/"
_MODEL_RIGHTS = ("models", "runs", "usage")
_USUAL = ("models", "tasks", "files", "runs", "usage", "certificates")


def check_rights(given: Iterable[str]) -> None:
    """Raise UsageError for a right that does not exist, with the nearest one."""
    known = [*RIGHTS, *(name + READ for name in RIGHTS), OWN_REVIEWS]
    for word in given:
        if word not in known:
            close = difflib.get_close_matches(word, known, n=1, cutoff=0.5)
            hint = (
                f"did you mean {close[0]}?" if close else f"there are {', '.join(RIGHTS)}; :read behind one only looks"
            )
            raise UsageError(f"there is no right {word[:80]!r}", hint=hint, param="rights")


def usual_rights(scopes: Iterable[str]) -> tuple[str, ...]:
    """Return the rights of a key that names none: those of an application that asks.

    One whose scopes cover no task asks models and sees what came of it. Nobody reviews, audits, trains or administers
    unless it was said.
    """
    scopes = tuple(scopes)
    return _USUAL if not scopes or any(may_cover_tasks(scope) for scope in scopes) else _MODEL_RIGHTS


def only_own_reviews(given: Iterable[str], *, reads: bool = False) -> bool:
    """Say whether these rights are about the reviews of the key's own runs alone."""
    words = frozenset(given)
    return OWN_REVIEWS in words and not allows(words - {OWN_REVIEWS}, "reviews", reads=reads)


def may_cover_tasks(scope: str) -> bool:
    """Say whether a pattern can match the name of a task."""
    literal = scope[: min((scope.index(mark) for mark in "*?[" if mark in scope), default=len(scope))]
    return literal.startswith(TASK) or (literal != scope and TASK.startswith(literal))


def allows(given: Iterable[str], right: Right, *, reads: bool = False) -> bool:
    """Say whether these rights hold one, be it for the runs of the key alone; `reads`: to look is enough."""
    words = frozenset(given)
    if "admin" in words or right in words or (right == "reviews" and OWN_REVIEWS in words):
        return True
    return reads and (right + READ in words or "admin" + READ in words)
