"""A line of the audit log as JSON, for the wire and the command line alike."""

from __future__ import annotations

from firstline.errors import NotFoundError
from firstline.ledger.changes import Change
from firstline.types import Json

_PREFIX = "change_"


def change_object(change: Change) -> dict[str, Json]:
    """Render a line."""
    return {
        "id": f"{_PREFIX}{change.id}",
        "object": "audit_log.event",
        "created": change.at,
        "actor": {"type": change.actor.kind, "id": change.actor.id, "name": change.actor.name},
        "action": change.action,
        "subject": change.subject,
        "details": dict(change.details),
    }


def number_of(name: str) -> int:
    """Read the id of a line. Raises NotFoundError."""
    number = name.removeprefix(_PREFIX)
    if not (name.startswith(_PREFIX) and number.isascii() and number.isdecimal() and len(number) < 16):
        raise NotFoundError(f"the log has no line {name[:64]!r}", param="after")
    return int(number)
