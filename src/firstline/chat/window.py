"""What of a conversation goes on when it has grown longer than a model's window. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from firstline.chat.conversation import Turn


def newest(turns: Sequence[Turn], sizes: Sequence[int], room: int) -> tuple[Turn, ...]:
    """Leave out the oldest turns until the sizes of the rest fit into `room`, or there is nothing more to leave out.

    What the system says, the last turn of the user and the end stay; calls go together with what they gave.
    """
    total = sum(sizes)
    asked = max((place for place, turn in enumerate(turns) if turn.role == "user"), default=-1)
    kept: list[Turn] = []
    place = 0
    while place < len(turns):
        after = place + 1
        while after < len(turns) and turns[after].role == "tool":
            after += 1
        stays = turns[place].role == "system" or place == asked or after == len(turns)
        if stays or total <= room:
            kept += turns[place:after]
        else:
            total -= sum(sizes[place:after])
        place = after
    return tuple(kept)
