"""Many small pictures on one, to be looked at."""

from __future__ import annotations

import io
from collections.abc import Sequence

from PIL import Image

_COLUMNS = 8
_CELL = (330, 560)


def contact_sheet(pictures: Sequence[bytes]) -> Image.Image:
    """Lay pictures out in rows, each made to fit its cell."""
    rows = -(-len(pictures) // _COLUMNS)
    sheet = Image.new("RGB", (_CELL[0] * min(_COLUMNS, len(pictures)), _CELL[1] * rows), "#707070")
    for index, data in enumerate(pictures):
        with Image.open(io.BytesIO(data)) as opened:
            small = opened.convert("RGB")
        small.thumbnail((_CELL[0] - 6, _CELL[1] - 6))
        sheet.paste(small, (index % _COLUMNS * _CELL[0], index // _COLUMNS * _CELL[1]))
    return sheet
