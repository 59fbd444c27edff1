"""What cameras and scanners do to paper: it lies askew on a table, creased, in shadow, out of focus and compressed."""

from __future__ import annotations

import io
import math
from random import Random

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from documents.lying import some_border

Colour = NDArray[np.float32]
_LEAST = 9.5
"""Pixels for the height of the base type in the coarsest picture: below that nobody reads it."""
_TABLES = ((120, 85, 60), (60, 62, 66), (150, 150, 155), (205, 195, 180), (35, 30, 30), (90, 110, 130), (170, 140, 105))


def photographed(page: Colour, random: Random, *, scanned: bool, scale: float) -> bytes:
    """Return the picture's file, JPEG. `scale` is pixels for the height of the base type.

    `scanned`: straight light and hardly any table; else a photo by hand.
    """
    noise = np.random.default_rng(random.getrandbits(64))
    if not scanned and random.random() < 0.45:
        page = _creased(page, random)
    image = _laid_down(page, random, noise, scanned=scanned)
    pixels = np.asarray(image, dtype=np.float32)
    if not scanned and random.random() < 0.6:
        pixels = _shaded(pixels, random)
    elif random.random() < 0.3:
        pixels = pixels * random.uniform(0.85, 1.05) + random.uniform(-12, 12)
    if random.random() < 0.6:
        pixels = pixels + noise.normal(0, random.uniform(1, 11), pixels.shape).astype(np.float32)
    image = Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))
    if random.random() < (0.3 if scanned else 0.6):
        image = image.filter(ImageFilter.GaussianBlur(random.uniform(0.3, 1.3)))
    if random.random() < 0.6:
        image = _smaller(image, random, scale)
    if scanned and random.random() < 0.35:
        image = image.convert("L")
    out = io.BytesIO()
    image.save(out, "JPEG", quality=random.randint(30, 92))
    return out.getvalue()


def _laid_down(page: Colour, random: Random, noise: np.random.Generator, *, scanned: bool) -> Image.Image:
    """Lay the page on a table, turned by up to three degrees and seen at a slant."""
    height, width = page.shape[:2]
    pad = max(2, round(some_border(random, scanned=scanned) * width))
    turn = math.radians(random.gauss(0, 0.5) if scanned else random.uniform(-3, 3))
    slant = 0.0 if scanned or random.random() < 0.35 else 0.035
    size = (width + 2 * pad, height + 2 * pad)
    middle = (size[0] / 2, size[1] / 2)
    corners = []
    for x, y in ((0, 0), (0, height), (width, height), (width, 0)):
        dx, dy = x - width / 2, y - height / 2
        across = dx * math.cos(turn) - dy * math.sin(turn) + random.uniform(-slant, slant) * width
        down = dx * math.sin(turn) + dy * math.cos(turn) + random.uniform(-slant, slant) * width
        corners.append((middle[0] + across, middle[1] + down))
    source = [(0, 0), (0, height), (width, height), (width, 0)]
    numbers = _perspective(corners, source)
    sheet = Image.fromarray(np.clip(page, 0, 255).astype(np.uint8))
    laid = sheet.transform(size, Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BICUBIC)
    mask = Image.new("L", sheet.size, 255).transform(
        size, Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BILINEAR
    )
    table = Image.fromarray(_table(size, random, noise, scanned=scanned))
    table.paste(laid, (0, 0), mask)
    return table


def _perspective(target: list[tuple[float, float]], source: list[tuple[float, float]]) -> tuple[float, ...]:
    """Solve for the eight numbers that take points of the target to points of the source."""
    rows, values = [], []
    for (x, y), (u, v) in zip(target, source, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    solved = np.linalg.solve(np.array(rows, dtype=np.float64), np.array(values, dtype=np.float64))
    return tuple(float(number) for number in solved)


def _table(size: tuple[int, int], random: Random, noise: np.random.Generator, *, scanned: bool) -> NDArray[np.uint8]:
    """The ground below: a table with a grain, or a scanner's lid."""
    width, height = size
    colour = (250, 250, 250) if scanned and random.random() < 0.8 else random.choice(_TABLES)
    grain = noise.normal(0, 6, (height, 1)) * random.random() + noise.normal(0, 3, (1, width))
    return np.clip(np.array(colour)[None, None, :] + grain[:, :, None], 0, 255).astype(np.uint8)


def _creased(page: Colour, random: Random) -> Colour:
    """Fold the paper and smooth it again: bands of light and dark along the folds, and letters shifted at them."""
    height, width = page.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    light = np.zeros((height, width), dtype=np.float32)
    for _ in range(random.randint(1, 6)):
        angle = random.choice([0.0, math.pi / 2, random.uniform(0, math.pi)]) + random.uniform(-0.1, 0.1)
        across = (x - random.uniform(0, width)) * math.cos(angle) + (y - random.uniform(0, height)) * math.sin(angle)
        wide = random.uniform(3, 18)
        light += random.uniform(-55, 40) * np.exp(-np.abs(across) / wide) * np.sign(across)
    return np.asarray(page + light[:, :, None], dtype=np.float32)


def _shaded(pixels: Colour, random: Random) -> Colour:
    """Let light fall unevenly, sometimes with the hard shadow of a hand or a phone."""
    height, width = pixels.shape[:2]
    angle = random.uniform(0, 2 * math.pi)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    along = (x / width - 0.5) * math.cos(angle) + (y / height - 0.5) * math.sin(angle)
    darkest = random.uniform(0.45, 0.9)
    light = darkest + (1 - darkest) * (along + 0.75) / 1.5
    if random.random() < 0.35:
        edge = random.uniform(-0.3, 0.3)
        light = light * np.where(along < edge, random.uniform(0.6, 0.85), 1.0)
    tint = np.array([1.0, random.uniform(0.94, 1.0), random.uniform(0.84, 1.0)], dtype=np.float32)
    return np.asarray(pixels * light[:, :, None] * tint, dtype=np.float32)


def _smaller(image: Image.Image, random: Random, scale: float) -> Image.Image:
    """Take the picture with fewer pixels."""
    share = random.uniform(0.3, 0.85)
    share = max(share, min(1.0, _LEAST / scale))
    size = (round(image.width * share), round(image.height * share))
    return image.resize(size, Image.Resampling.BILINEAR)
