"""From a made document to the picture of it: drawn, printed, photographed."""

from __future__ import annotations

from random import Random

from documents.camera import photographed
from documents.draw import draw
from documents.made import Made
from documents.printer import printed


def picture(made: Made, *, seed: int) -> bytes:
    """Give a JPEG of the document; same document and seed, same bytes."""
    random = Random(f"{seed}/{made.kind}/{made.number}/picture")
    laser = made.kind == "invoice"
    scanned = random.random() < (0.75 if laser else 0.45)
    page = printed(draw(made.sheet, random), random, laser=laser)
    return photographed(page, random, scanned=scanned)
