"""Handles, tags and addresses are read in every script, and links keep their order."""

from __future__ import annotations

import pytest

from firstline.checks.base import Subject
from firstline.checks.marks import marks
from firstline.checks.preservation import preserved
from firstline.types import Finding


def look(source: str, text: str) -> tuple[Finding, ...]:
    return preserved("text")(Subject(answer={"text": text}, source=source))


@pytest.mark.parametrize(
    ("text", "handles"),
    [
        ("ask @anna_k. or #sale2026!", ["@anna_k", "#sale2026"]),
        ("今すぐ@annaと#saleをフォロー", ["@anna", "#sale"]),
        ("#Grün und #标签", ["#grün", "#标签"]),
        ("No. #12, C#, a@b.example, x&#39;, https://a.example/#top", []),
    ],
)
def test_handles_and_tags_are_read(text: str, handles: list[str]) -> None:
    assert sorted(marks(text).handle) == sorted(handles)


def test_the_case_of_tags_and_placeholders_counts() -> None:
    assert look("<Link>{Name}</Link>", "<Link>{Name}</Link>") == ()
    assert look("<Link>{Name}</Link>", "<link>{Name}</link>") != ()
    assert look("<Link>{Name}</Link>", "<Link>{name}</Link>") != ()


def test_an_address_with_accents_is_read_whole() -> None:
    assert list(marks("Schreib müller@example.de, 请联系anna@example.com谢谢").email) == [
        "müller@example.de",
        "anna@example.com",
    ]


def test_links_that_move_with_their_words_may_stand_in_another_order() -> None:
    source = "Read [GitHub](/g), then [Terms](/t)."
    assert look(source, "Nach [Github](/g) lies [Termine](/t).") == ()
    assert look(source, "Lies [Termine](/t) nach [Github](/g).") == ()
    assert look(source, "Lies [Github](/t), dann [Termine](/g).") != ()
