"""Which rows somebody may see: of tasks that their scopes cover, of kinds that their rights name, of their own runs."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, false, literal, or_

from firstline.rights import TASK
from firstline.types import ReviewKind, Value


class Sight(Value, frozen=True, kw_only=True):
    """Which reviews somebody may see. Without anything said: all.

    `tasks` are patterns over `task/NAME`; empty: every task. `reviews` and `audits` say of which key's runs: None of
    every key's, an empty tuple of none.
    """

    tasks: tuple[str, ...] = ()
    reviews: tuple[str, ...] | None = None
    audits: tuple[str, ...] | None = None

    def of(self, kind: ReviewKind) -> tuple[str, ...] | None:
        """Return whose runs are seen in reviews of a kind."""
        return self.audits if kind == "audit" else self.reviews


ALL = Sight()


def seen(table: Any, sight: Sight) -> list[ColumnElement[bool]]:
    """Return the conditions on rows with `task`, `kind` and `key_id`."""
    if sight == ALL:
        return []
    kinds: tuple[ReviewKind, ...] = ("review", "audit")
    each = [_of_kind(table, kind, sight.of(kind)) for kind in kinds]
    return [or_(*each), *of_tasks(table.c.task, sight.tasks)]


def of_tasks(column: Any, patterns: tuple[str, ...]) -> list[ColumnElement[bool]]:
    """Return the condition that a task's name matches one of the scopes; none for no scopes."""
    if not patterns:
        return []
    name = literal(TASK).op("||")(column)
    return [or_(*(name.op("GLOB")(_glob(pattern)) for pattern in patterns))]


def _of_kind(table: Any, kind: ReviewKind, key_ids: tuple[str, ...] | None) -> ColumnElement[bool]:
    of_kind: ColumnElement[bool] = table.c.kind == kind
    if key_ids is None:
        return of_kind
    return and_(of_kind, table.c.key_id.in_(key_ids)) if key_ids else false()


def _glob(pattern: str) -> str:
    """Write a pattern of `fnmatch` as SQLite's GLOB reads it: a class is negated by ^, and `[` alone is a class too."""
    written, at = "", 0
    while at < len(pattern):
        end = pattern.find("]", at + (3 if pattern[at + 1 : at + 2] == "!" else 2)) if pattern[at] == "[" else -1
        if end < 0:
            written += "[[]" if pattern[at] == "[" else pattern[at]
            at += 1
            continue
        inner = pattern[at + 1 : end]
        if inner.startswith("!"):
            inner = "^" + inner[1:]
        elif inner.startswith("^"):
            inner = inner[1:] + "^"
        # A class of nothing but ^ would be read as the negation of what follows.
        written += "^" if inner == "^" and pattern[at + 1] == "^" else f"[{inner}]"
        at = end + 1
    return written
