"""What a run tells while it works, for whoever waits for it."""

from __future__ import annotations

from typing import Literal

from firstline.types import Value


class Event(Value, frozen=True, kw_only=True):
    """A step of a run: reading the input, asking a rung, or leaving one out."""

    kind: Literal["reading", "asking", "skipped", "failed"]
    model: str = ""
    fields: tuple[str, ...] = ()
    detail: str = ""


def words(event: Event) -> str:
    """Put an event into words."""
    match event.kind:
        case "reading":
            return f"reading {event.detail}"
        case "asking":
            return f"asking {event.model}" + (f" for {', '.join(event.fields)}" if event.fields else "")
        case "skipped":
            return f"left out {event.model}: {event.detail}"
        case _:
            return f"{event.model} failed: {event.detail}"
