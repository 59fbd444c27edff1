"""Letters of a legal form that a reader of pictures takes for others, mended where nothing else can be meant.

`SON BHD` is `SDN BHD`, `5/B` behind a name is `S/B`. Text that did not come from a picture is never changed.
"""

from __future__ import annotations

from collections.abc import Sequence

from firstline import patterns
from firstline.layout import Cell, Line

_SDN_BHD = patterns.compile(r"\b([S5])([DO0])(N)(\.?\s?)([B8])(H)([DO0])\b", patterns.IGNORECASE)
_S_B = patterns.compile(r"(?<=[A-Z]\s)(?:5/B|S/8|S/D|5/8(?=\s*\(\d))(?=\s*(?:\(|$))")
_LTD = patterns.compile(r"\b(?:(pte\.?|pty\.?|co\.?)\s)(LT[O0])\b", patterns.IGNORECASE)


def mended(lines: Sequence[Line]) -> list[Line]:
    """Mend the legal forms in lines that were read from a picture."""
    return [_line(line) for line in lines]


def mended_text(text: str) -> str:
    """Mend the legal forms in one text."""
    text = _SDN_BHD.sub(
        lambda match: _like("SDN", match.group(3)) + match.group(4) + _like("BHD", match.group(6)), text
    )
    text = _S_B.sub("S/B", text)
    return _LTD.sub(lambda match: f"{match.group(1)} {_like('LTD', match.group(2)[0])}", text)


def _like(form: str, sign: str) -> str:
    """Write a form as a letter of it was written."""
    return form if sign.isupper() else form.capitalize()


def _line(line: Line) -> Line:
    texts = [mended_text(cell.text) for cell in line.cells]
    if all(text == cell.text for text, cell in zip(texts, line.cells, strict=True)):
        return line
    cells = tuple(_cell(cell, text) for cell, text in zip(line.cells, texts, strict=True))
    return Line(cells=cells, y0=line.y0, y1=line.y1, page=line.page)


def _cell(cell: Cell, text: str) -> Cell:
    return Cell(text=text, x0=cell.x0, x1=cell.x1, confidence=cell.confidence)
