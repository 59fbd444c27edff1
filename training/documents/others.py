"""Documents that are neither receipt nor invoice, for the first look: letters, messages, code, settings, logs, tables,
forms, delivery notes, minutes. They need no layout: a text is read as it stands.
"""

from __future__ import annotations

import sysconfig
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path
from random import Random

from documents.business import coined, some_address, some_business, some_person
from documents.goods import some_sums
from documents.places import Place, some_place, some_time
from messages import Messages

_FIRST = date(2012, 1, 1)
_DAYS = 5_000
_STYLES = ("%d.%m.%Y", "%d/%m/%Y", "%Y-%m-%d", "%d %B %Y", "%m/%d/%Y")
_LEVELS = ("INFO", "WARN", "ERROR", "DEBUG")
_FORM = (
    "Name", "First name", "Surname", "Date of birth", "Phone", "E-mail", "Address", "Signature", "Place", "Nationality",
    "Passport no.", "Employer", "Occupation", "Marital status", "Remarks", "Name des Antragstellers", "Geburtsdatum",
)  # fmt: skip


class Others:
    """Makes documents that are no receipt; what one is like depends on the `Random` that is given alone."""

    def __init__(self, places: Sequence[Place], phrases: Messages) -> None:
        self._places = places
        self._phrases = phrases
        self._code = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
        self._kinds: Sequence[Callable[[Random], str]] = (
            self._messages, self._letter, self._code_text, self._settings, self._log, self._table, self._form,
            self._delivery, self._minutes,
        )  # fmt: skip

    def make(self, number: int, *, seed: int) -> str:
        """Make one document."""
        random = Random(f"{seed}/other/{number}")
        return self._kinds[number % len(self._kinds)](random)

    def _sentence(self, random: Random) -> str:
        label = random.choice(sorted(self._phrases.labels))
        text = self._phrases.make(label, random).text
        return text[:1].upper() + text[1:] + ("" if text.endswith((".", "?", "!")) else ".")

    def _prose(self, random: Random, width: int) -> Iterator[str]:
        text = " ".join(self._sentence(random) for _ in range(random.randint(2, 6)))
        line = ""
        for word in text.split():
            if len(line) + len(word) > width:
                yield line
                line = ""
            line = f"{line} {word}".strip()
        yield line

    def _messages(self, random: Random) -> str:
        return "\n".join(self._sentence(random) for _ in range(random.randint(1, 8)))

    def _head(self, where: Place, random: Random) -> list[str]:
        seller = some_business(where, random, random.choice(sorted(where.trades)))
        return [seller.name, *seller.address, "", some_person(where, random), *some_address(where, random), ""]

    def _letter(self, random: Random) -> str:
        where = some_place(self._places, random)
        lines = [*self._head(where, random), _day(random), "", self._sentence(random), ""]
        for _ in range(random.randint(2, 6)):
            lines += [*self._prose(random, random.randint(60, 100)), ""]
        if random.random() < 0.4:
            lines.append(f"The amount of {random.randint(10, 9_000)}.{random.randint(0, 99):02d} is open.")
        return "\n".join([*lines, some_person(where, random)])

    def _code_text(self, random: Random) -> str:
        lines = random.choice(self._code).read_text(encoding="utf-8", errors="replace").splitlines()
        start = random.randrange(max(1, len(lines) - 20))
        return "\n".join(lines[start : start + random.randint(15, 150)])

    def _settings(self, random: Random) -> str:
        form = random.choice(("{} = {}", "{}: {}", '"{}": {},', "{}={}"))
        lines = []
        for _ in range(random.randint(6, 60)):
            if random.random() < 0.15:
                lines.append(random.choice(("[{}]", "{}:", "# {}")).format(coined(random).lower()))
            value = random.choice(
                (
                    f'"{coined(random)}"', str(random.randint(0, 9_999)), f"{random.random():.2f}", "true", "false",
                    f'">={random.randint(0, 9)}.{random.randint(0, 30)}"', f'"{_day(random)}"',
                    f'["{coined(random)}", "{coined(random)}"]', f"{random.randint(0, 99)}.{random.randint(0, 99):02d}",
                )
            )  # fmt: skip
            lines.append(form.format("_".join(coined(random).lower() for _ in range(random.randint(1, 3))), value))
        return "\n".join(lines)

    def _log(self, random: Random) -> str:
        lines = []
        for _ in range(random.randint(8, 80)):
            took = random.choice((f" took {random.random() * 9:.2f} s", f" {random.randint(1, 999)} ms", ""))
            lines.append(
                f"{_day(random)} {some_time(random, 'en')} {random.choice(_LEVELS)} {coined(random).lower()}: "
                f"{self._sentence(random)}{took}"
            )
        return "\n".join(lines)

    def _table(self, random: Random) -> str:
        columns, digits = random.randint(3, 7), random.choice((0, 1, 3, 4))
        gap = random.choice((",", ";", "  ", "\t", " | "))
        rows = [gap.join(coined(random) for _ in range(columns))]
        for _ in range(random.randint(5, 60)):
            cells = [coined(random), *(f"{random.random() * 900:.{digits}f}" for _ in range(columns - 1))]
            rows.append(gap.join(cells))
        return "\n".join(rows)

    def _form(self, random: Random) -> str:
        where = some_place(self._places, random)
        lines = [self._sentence(random), ""]
        for label in random.sample(_FORM, random.randint(5, len(_FORM))):
            value = random.choice((some_person(where, random), _day(random), coined(random), "", "________"))
            lines.append(f"{label}{random.choice((':', '', ' ..'))} {value}")
        return "\n".join([*lines, "", *self._prose(random, 80)])

    def _delivery(self, random: Random) -> str:
        where = some_place(self._places, random)
        goods = some_sums(where, random, random.choice(sorted(where.trades)), invoice=True).items
        lines = [*self._head(where, random), random.choice(("Delivery note", "Lieferschein", "Order", "Packing list"))]
        lines.append(f"No. {random.randint(1_000, 999_999)}  {_day(random)}")
        lines += [f"{at}  {random.randint(1, 40)} {random.choice(('pcs', 'x', 'St.'))}  {one.description}"
                  for at, one in enumerate(goods, start=1)]  # fmt: skip
        return "\n".join([*lines, "", *self._prose(random, 80)])

    def _minutes(self, random: Random) -> str:
        where = some_place(self._places, random)
        said = [
            f"{some_time(random, 'en')}  {some_person(where, random)}: {self._sentence(random)}"
            for _ in range(random.randint(4, 20))
        ]
        return "\n".join([self._sentence(random), _day(random), "", *said])


def _day(random: Random) -> str:
    return (_FIRST + timedelta(days=random.randrange(_DAYS))).strftime(random.choice(_STYLES))
