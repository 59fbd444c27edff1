"""Who changes something, and how that is noted in the audit log (`changes.py`)."""

from __future__ import annotations

import os
import sys
from typing import Literal, Protocol

from sqlalchemy import Connection

from firstline.types import Caller, Json, Value

if sys.platform != "win32":
    import pwd
else:
    import getpass

ActorKind = Literal["user", "key"]


class Actor(Value, frozen=True, kw_only=True):
    """Who changes something: a key by its id, or the user at this machine that the process runs as."""

    kind: ActorKind
    id: str
    name: str


class Note(Protocol):
    """Writes a line of the log within a transaction; without `by` it was the user at this machine."""

    def __call__(
        self, connection: Connection, action: str, subject: str, *, by: Actor | None = None, **details: Json
    ) -> None:
        """Write it."""
        ...


def this_user() -> Actor:
    """Return the user that this process runs as: the system's word, not the environment's."""
    if sys.platform == "win32":
        name = getpass.getuser()
        return Actor(kind="user", id=name, name=name)
    uid = os.getuid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:  # a container may run as a number without a name
        name = f"uid {uid}"
    return Actor(kind="user", id=str(uid), name=name)


def actor_of(caller: Caller | None) -> Actor | None:
    """Return the key that asks; None for the user at this machine."""
    return None if caller is None else Actor(kind="key", id=caller.key_id, name=caller.name)
