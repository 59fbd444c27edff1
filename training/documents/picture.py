"""From a made document to the picture of it: drawn, printed, photographed."""

from __future__ import annotations

from random import Random

from documents.camera import photographed
from documents.draw import draw
from documents.lying import is_scanned
from documents.made import Made
from documents.printer import printed


def picture(made: Made, *, seed: int) -> bytes:
    """Return a JPEG of the document; same document and seed, same bytes."""
    random = Random(f"{seed}/{made.kind}/{made.number}/picture")
    scanned = is_scanned(made.kind, random)
    drawn = draw(made.sheet, random)
    return photographed(
        printed(drawn, random, laser=made.kind == "invoice"), random, scanned=scanned, scale=drawn.scale
    )
