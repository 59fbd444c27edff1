"""The typefaces of made documents, all under the SIL Open Font License, each from its own package (`fontpkg-…`)."""

from __future__ import annotations

from dataclasses import dataclass, field
from random import Random

from fontpkg.pil import truetype
from PIL import ImageFont

MONO = ("IBM Plex Mono", "Roboto Mono", "Space Mono", "DM Mono", "Source Code Pro", "Inconsolata")
SANS = (
    "Arimo",
    "Roboto Condensed",
    "PT Sans Narrow",
    "Open Sans",
    "IBM Plex Sans Condensed",
    "Share Tech",
    "Crimson Text",
)
SIGN = ("Anton", "Pacifico", "Arimo", "Crimson Text", "Roboto Condensed", "Open Sans")
HAND = ("Caveat",)


@dataclass(kw_only=True)
class Faces:
    """The typefaces of one document; `font` keeps what it has opened."""

    main: str
    sign: str
    hand: str
    weight: int
    _open: dict[tuple[str, int, int], ImageFont.FreeTypeFont] = field(default_factory=dict)

    def font(self, face: str, size: float, *, bold: bool) -> ImageFont.FreeTypeFont:
        """Return a face (`main`, `sign`, `hand`) at a size in pixels."""
        name = {"main": self.main, "sign": self.sign, "hand": self.hand}[face]
        weight = 700 if bold else self.weight if face == "main" else 400
        key = (name, round(size), weight)
        if key not in self._open:
            self._open[key] = truetype(name, round(size), weight=weight, nearest=True)
        return self._open[key]

    def draws(self, text: str) -> bool:
        """Say whether the main face has all letters of a text."""
        font = self.font("main", 20, bold=False)
        none = bytes(font.getmask("\uffff"))
        return not any(bytes(font.getmask(char)) == none for char in set(text) if char.strip())


def some_faces(random: Random, text: str, *, mono: bool) -> Faces:
    """Choose the faces of a document that holds a text; a face that lacks a letter of it is not taken."""
    names = list(MONO if mono else SANS)
    random.shuffle(names)
    sign = random.choice(SIGN)
    weight = random.choice([400, 400, 500, 600])
    for name in names:
        faces = Faces(main=name, sign=sign, hand=random.choice(HAND), weight=weight)
        if faces.draws(text):
            break
    if not Faces(main=sign, sign=sign, hand=sign, weight=400).draws(text):
        faces.sign = faces.main
    return faces
