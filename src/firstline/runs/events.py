"""What a run tells while it works, for whoever waits for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from firstline.types import Json, Value


class Event(Value, frozen=True, kw_only=True):
    """A step of a run: reading the input, asking a rung, leaving one out, or fields that have passed every check.

    `values` are those of fields that settled and will not change, `keys` all of the answer's, in order.
    """

    kind: Literal["reading", "asking", "skipped", "failed", "settled"]
    model: str = ""
    fields: tuple[str, ...] = ()
    detail: str = ""
    values: Mapping[str, Json] = {}
    keys: tuple[str, ...] = ()


def words(event: Event) -> str:
    """Put an event into words."""
    match event.kind:
        case "reading":
            return f"reading {event.detail}"
        case "asking":
            return f"asking {event.model}" + (f" for {', '.join(event.fields)}" if event.fields else "")
        case "skipped":
            return f"left out {event.model}: {event.detail}"
        case "settled":
            return (
                f"{event.model} settled {', '.join(event.values)}" if event.values else f"{event.model} settled nothing"
            )
        case _:
            return f"{event.model} failed: {event.detail}"
