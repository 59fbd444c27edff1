"""What is left out of a conversation that has outgrown its window."""

from __future__ import annotations

import pytest

from firstline.chat.conversation import Turn
from firstline.chat.window import newest
from firstline.types import Role, ToolCall

ROLES: tuple[Role, ...] = ("system", "user", "assistant", "tool", "assistant", "user", "assistant", "tool")


@pytest.mark.parametrize(
    ("room", "left"),
    [
        (80, "suataua" + "t"),
        (70, "sataua" + "t"),
        (60, "saua" + "t"),
        (40, "suat"),
        (0, "suat"),
    ],
)
def test_the_oldest_goes_first_and_calls_go_with_what_they_gave(room: int, left: str) -> None:
    turns = [Turn(role=role, tool_calls=(ToolCall(id="c", name="f", arguments="{}"),)) for role in ROLES]
    assert "".join(turn.role[0] for turn in newest(turns, [10] * len(turns), room)) == left
