"""Draws a sheet: ink on white paper, one byte a pixel (255 is bare paper), before a printer or camera spoils it."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from documents.fonts import Faces, some_faces
from documents.sheet import MONO, Piece, Rule, Sheet

Grey = NDArray[np.uint8]
_CAP = 0.74
"""Share of a type's height that a capital letter takes."""


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A drawn sheet; `scale` is pixels for the height of the base type."""

    pixels: Grey
    scale: float
    dots: bool


def draw(sheet: Sheet, random: Random) -> Drawn:
    """Draw a sheet in faces and at a size of its own choice; some tills print in coarse dots."""
    dots = sheet.mono and random.random() < 0.16
    scale = 11.0 if dots else random.uniform(19.0, 30.0) if sheet.width < 45 else random.uniform(17.0, 24.0)
    text = "".join(piece.text for piece in sheet.pieces)
    faces = some_faces(random, text, mono=sheet.mono)
    image = Image.new("L", (round(sheet.width * scale), round(sheet.height * scale)), 255)
    pen = ImageDraw.Draw(image)
    if dots:
        pen.fontmode = "1"
    for rule in sheet.rules:
        _rule(pen, rule, scale)
    for bar in sheet.bars:
        _barcode(pen, bar, scale, random)
    for piece in sheet.pieces:
        _text(pen, piece, faces, scale, mono=sheet.mono)
    pixels = np.asarray(image, dtype=np.uint8)
    return (
        Drawn(pixels=_dotted(pixels, random), scale=scale * 3, dots=True)
        if dots
        else Drawn(pixels=pixels, scale=scale, dots=False)
    )


def _text(pen: ImageDraw.ImageDraw, piece: Piece, faces: Faces, scale: float, *, mono: bool) -> None:
    size = piece.size * scale * 0.98
    font = faces.font(piece.face, size, bold=piece.bold)
    text = piece.text
    width = font.getlength(text)
    room = min(piece.room * scale, pen.im.size[0] - 4.0)
    if mono and piece.face == "main":
        wanted = MONO * piece.size * scale * len(text)
        size *= wanted / max(width, 1.0)
        font = faces.font(piece.face, size, bold=piece.bold)
        width = font.getlength(text)
    if width > room:
        font = faces.font(piece.face, size * room / width, bold=piece.bold)
        width = font.getlength(text)
    x = piece.x * scale - {"left": 0.0, "right": width, "centre": width / 2}[piece.align]
    x = min(max(x, 1.0), max(pen.im.size[0] - width - 1.0, 1.0))
    # All sizes stand on the line's own base line.
    base = (piece.y + piece.size * (1 + _CAP) / 2) * scale
    pen.text((round(x), round(base)), text, fill=0, font=font, anchor="ls")


def _rule(pen: ImageDraw.ImageDraw, rule: Rule, scale: float) -> None:
    x0, x1, y = rule.x0 * scale, rule.x1 * scale, rule.y * scale
    wide = max(1, round(scale / 14))
    if rule.y1 is not None:
        pen.rectangle((x0, y, x1, rule.y1 * scale), outline=0, width=wide)
    elif rule.dashed:
        step = scale * 0.6
        for at in range(int((x1 - x0) / step)):
            pen.line((x0 + at * step, y, x0 + (at + 0.6) * step, y), fill=0, width=wide)
    else:
        pen.line((x0, y, x1, y), fill=0, width=wide)


def _barcode(pen: ImageDraw.ImageDraw, bar: tuple[float, float, float, float], scale: float, random: Random) -> None:
    x0, y0, x1, y1 = (side * scale for side in bar)
    unit = max(1.0, scale / 9)
    while x0 < x1 - 4 * unit:
        wide = unit * random.choice([1, 1, 2, 3])
        pen.rectangle((x0, y0, x0 + wide - 1, y1), fill=0)
        x0 += wide + unit * random.choice([1, 1, 2])


def _dotted(pixels: Grey, random: Random) -> Grey:
    """Draw every dark pixel as a round dot of a needle."""
    reach = random.choice([0.9, 1.05, 1.25])
    grid = np.array([[(x - 1) ** 2 + (y - 1) ** 2 <= reach**2 + 0.1 for x in range(3)] for y in range(3)])
    ink = np.kron((pixels < 128).astype(np.uint8), grid.astype(np.uint8))
    return (255 - 235 * ink).astype(np.uint8)
