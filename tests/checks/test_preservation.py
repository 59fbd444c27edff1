"""Preservation: facts may change their form, not their value; what is lost or invented is named."""

from __future__ import annotations

from typing import Any

import pytest

from firstline.checks.base import Subject
from firstline.checks.preservation import KINDS, preserved
from firstline.errors import TaskError
from firstline.types import Finding


def look(source: str, text: Any, *kinds: Any, **options: Any) -> tuple[Finding, ...]:
    return preserved("text", kinds or KINDS, **options)(Subject(answer={"text": text}, source=source))


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("It costs 1,234.50 dollars.", "Es kostet 1.234,50 Dollar."),
        ("It costs 1,234.50 dollars.", "Cela coûte 1 234,50 dollars."),
        ("Buy 3 apples and two pears.", "Kaufe drei Äpfel und 2 Birnen."),
        ("She is twenty-five.", "Sie ist 25."),
        ("A $2 billion plan", "20億ドルの計画"),
        ("£125m was paid", "1億2,500万ポンドが支払われた"),
        ("£11million deal", "11-Millionen-Deal"),
        ("Meet at 2pm.", "Treffen um 14 Uhr."),
        ("At 7.55am", "Um 7:55 Uhr"),
        ("in the 1930s", "in den 30er-Jahren"),
        ("the 19th century", "le XIXe siècle"),
        ("in the 1980s", "上世纪八十年代"),
        ("In June 2018", "2018年6月"),
        ("The score was 1-0.", "Es stand 1:0."),
        ("Call 859-292-3680", "Tel. 8592923680"),
        ("5 items", "٥ عناصر"),
        ("on 3 May 2024", "am 03.05.2024"),
        ("due 12/25/2018", "fällig am 25. Dezember 2018"),
        ("due 3 May 2024", "срок 3 мая 2024"),
        ("See https://Example.com/a?b=1.", "Siehe https://example.com/a?b=1/"),
        ("Mail Me@Example.com", "Mail an me@example.com"),
        ("Hi {name}, {{ count }} of ${total} %(n)s %s %1$d", "Hallo {name}, {{count}} von ${total} %(n)s %s %1$d"),
        ("{n, plural, one {# item} other {# items}}", "{n, plural, one {# Artikel} few {#} other {# Artikel}}"),
        ("<b>Now</b><br/> with <a href='x'>link</a>", "<b>Jetzt</b><br> mit <a href='x'>Link</a>"),
        ("# Title\n\n**bold** `code` [a](b)\n```\nx\n```", "# Titel\n\n**fett** `code` [z](b)\n```\nx\n```"),
        ("100% sure, 50% off", "100 % sicher, 50% Rabatt"),
        ("Elin Jones met National Guard officers", "Elin Jones traf Offiziere der Nationalgarde"),
        ("He said no.", "Er sagte nein."),
    ],
)
def test_a_right_translation_passes(source: str, text: str) -> None:
    assert look(source, text) == ()
    assert look(text, source, "number", "date", "url", "email", "placeholder") == ()


@pytest.mark.parametrize(
    ("source", "text", "reason"),
    [
        ("It costs 1,234.50.", "Es kostet 1.243,50.", "lost the number 1,234.50"),
        ("It costs 1,234.50.", "Es kostet 1.243,50.", "invented the number 1.243,50"),
        ("Three of 30 left.", "Drei sind gegangen.", "lost the number 30"),
        ("Some left.", "40 gingen.", "invented the number 40"),
        ("A $2 billion plan", "2億ドルの計画", None),
        ("on 3 May 2024", "am 4. Mai 2024", "lost the date 3 May 2024"),
        ("See https://a.example/x", "Siehe https://a.example/y", "lost the url https://a.example/x"),
        ("Mail a@b.example", "Mail c@b.example", "invented the email c@b.example"),
        ("Hi {name}", "Hallo {Name}", "lost the placeholder {name}"),
        ("%s of %s", "%s", "lost the placeholder %s"),
        ("<b>Now</b>", "Jetzt", "lost the markup <b>, </b>"),
        ("**Now**", "Jetzt", "lost the markup bold"),
        ("Now", "**Jetzt**", "invented the markup bold"),
        ("`a` and b", "`b` and b", "lost the markup `a`"),
        ("He met Elin Jones.", "Er traf Maria Schmidt.", "lost the name Elin Jones, invented Maria Schmidt"),
    ],
)
def test_what_was_changed_is_named(source: str, text: str, reason: str | None) -> None:
    reasons = [finding.reason for finding in look(source, text)]
    assert reason is None or reason in reasons


def test_digits_inside_addresses_and_placeholders_are_no_numbers() -> None:
    assert look("See https://a.example/2018/77 and {0}", "Siehe dort", "number") == ()


def test_a_summary_may_drop_but_not_invent() -> None:
    source = "Elin Jones paid 300 euros for 12 hats on 3 May 2024, see https://a.example"
    assert look(source, "She paid 300 euros.", mode="no_new") == ()
    (finding,) = look(source, "She paid 350 euros.", mode="no_new")
    assert (finding.check, finding.field, finding.reason) == ("preservation", "text", "invented the number 350")
    (name,) = look(source, "Then Maria Schmidt paid.", "name", mode="no_new")
    assert name.reason == "invented the name Maria Schmidt"


def test_lists_are_read_as_their_texts_and_null_passes() -> None:
    assert look("7 and 8", ["7", {"a": 8}], "number") == ()
    assert look("7 and 8", ["7", {"a": 9}], "number")
    assert look("7", None) == ()
    assert preserved("text")(Subject(answer={"text": "8"}, source="7", fields=("other",))) == ()


def test_unknown_kinds_and_modes_are_refused() -> None:
    with pytest.raises(TaskError):
        look("a", "b", "numbers")
    with pytest.raises(TaskError):
        look("a", "b", mode="none")
