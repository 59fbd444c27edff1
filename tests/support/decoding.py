"""Decodes images in the test's own process, where no server with children runs."""

from __future__ import annotations

from firstline.media.images import read_image
from firstline.settings_sections import Limits
from firstline.types import Image


def decode(data: bytes, declared: str | None = None) -> Image:
    """Decode an image within the default limits."""
    return read_image(data, Limits(), declared=declared)


async def decoded(data: bytes, declared: str | None) -> Image:
    """The same for those who wait for it."""
    return decode(data, declared)
