"""What printers do to a page: faded ribbons and heads, streaks, missing dots, ink that spreads, tinted paper."""

from __future__ import annotations

from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from documents.draw import Drawn

Colour = NDArray[np.float32]
Grey = NDArray[np.float32]
_PAPERS = (
    (255, 255, 255),
    (252, 252, 250),
    (250, 248, 240),
    (246, 243, 235),
    (240, 240, 244),
    (255, 246, 235),
    (236, 232, 222),
)
_INKS = ((25, 25, 30), (40, 40, 45), (30, 30, 70), (70, 60, 90), (60, 60, 60), (20, 20, 20))


def printed(drawn: Drawn, random: Random, *, laser: bool) -> Colour:
    """Return the page in colour, 0 to 255; `laser`: an office's printer, which has few of a till's faults."""
    noise = np.random.default_rng(random.getrandbits(64))
    ink: Grey = np.asarray(1.0 - drawn.pixels / 255.0, dtype=np.float32)
    faded = random.random() < (0.1 if laser else 0.5)
    if random.random() < (0.15 if laser else 0.4):
        ink = _spread(ink, random, thin=not faded)
    if faded:
        ink = _faded(ink, random)
    if not laser and random.random() < 0.3:
        _streaks(ink, random)
    if not laser and random.random() < 0.35:
        share = random.uniform(0.01, 0.14)
        ink = np.where(noise.random(ink.shape, dtype=np.float32) > share, ink, np.float32(0))
    paper = np.array(random.choice(_PAPERS), dtype=np.float32)
    colour = np.array(random.choice(_INKS), dtype=np.float32)
    return np.asarray(paper + (colour - paper) * np.clip(ink, 0, 1)[:, :, None], dtype=np.float32)


def _spread(ink: Grey, random: Random, *, thin: bool) -> Grey:
    """Let ink run into the paper, or eat at thin strokes."""
    image = Image.fromarray((ink * 255).astype(np.uint8))
    blurred = image.filter(ImageFilter.GaussianBlur(random.uniform(0.5, 1.2)))
    gain = random.choice([0.75 if thin else 1.0, 1.2, 1.5, 1.8])
    return np.asarray(np.clip(np.asarray(blurred, dtype=np.float32) / 255 * gain, 0, 1), dtype=np.float32)


def _faded(ink: Grey, random: Random) -> Grey:
    """Make ink paler in waves along and across the page."""
    height, width = ink.shape
    weakest = random.uniform(0.42, 0.9)
    down = np.sin(np.linspace(0, random.uniform(1, 9), height) + random.uniform(0, 6))[:, None]
    across = np.sin(np.linspace(0, random.uniform(0.5, 4), width) + random.uniform(0, 6))[None, :]
    wave = (down + across + 2) / 4
    return np.asarray(ink * (weakest + (1 - weakest) * wave), dtype=np.float32)


def _streaks(ink: Grey, random: Random) -> None:
    """Leave out columns where the head is dirty."""
    width = ink.shape[1]
    for _ in range(random.randint(1, 4)):
        at, wide = random.randrange(width), random.choice([1, 1, 2, 3])
        ink[:, at : at + wide] *= random.uniform(0.0, 0.6)
