"""Makes a file that decodes of one whose pixels are whole, but whose container is odd.

Viewers show an image with a wrong checksum beside the pixels, with metadata that a decoder refuses to unpack, or
without its end marker. Whether the pixels are whole is proved, never assumed: a checksum covers them, or `witness`
does.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Final, NamedTuple

from firstline.media.sniff import Kind

_PNG_MARK: Final = b"\x89PNG\r\n\x1a\n"
_PNG_PIXELS: Final = frozenset((b"IHDR", b"PLTE", b"IDAT"))
_PNG_LOOK: Final = frozenset((b"tRNS", b"eXIf", b"acTL", b"fcTL", b"fdAT"))
"""Chunks beside the pixels that change what is shown, or say that it moves."""
_PIECE: Final = 1 << 20
_JPEG_END: Final = b"\xff\xd9"
_JPEG_STANDALONE: Final = frozenset((0x01, *range(0xD0, 0xD9)))
_JPEG_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_MARKERS: Final = 10_000
_WEBP_PIXELS: Final = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH"))
_WEBP_LOOK: Final = frozenset((b"EXIF", b"ANIM", b"ANMF"))


class Mended(NamedTuple):
    """A file that decodes. Where nothing in the file covers its pixels, `witness` is the same with more pixels at the
    end: decoded, both are equal only if none was missing."""

    data: bytes
    witness: bytes | None = None


def mended(data: bytes, kind: Kind) -> Mended | None:
    """Mend an image that a decoder has refused; None where nothing can be mended, or where pixels are damaged."""
    mend = _MEND.get(kind)
    try:
        return mend(data) if mend else None
    except (struct.error, IndexError, ValueError, zlib.error):
        return None


def _png(data: bytes) -> Mended | None:
    """Keep what makes up the pixels, with checksums of our own; of the rest what is whole and changes the look."""
    chunks = list(_png_chunks(data))
    if not any(name == b"IHDR" for name, _, _ in chunks):
        return None
    if not all(whole for name, _, whole in chunks if name in (b"IHDR", b"PLTE")):
        return None
    pixels = [(body, whole) for name, body, whole in chunks if name == b"IDAT"]
    intact = chunks[-1][0] == b"IEND" and all(whole for _, whole in pixels)
    if not intact and not _inflates(b"".join(body for body, _ in pixels)):
        return None
    kept = [(name, body) for name, body, whole in chunks if name in _PNG_PIXELS or (name in _PNG_LOOK and whole)]
    written = b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in (*kept, (b"IEND", b""))
    )
    return Mended(_PNG_MARK + written)


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bool]]:
    """Walk the chunks: name, body, and whether the checksum is right. The last may be cut."""
    at = len(_PNG_MARK)
    while at + 8 <= len(data):
        length, name = struct.unpack_from(">I4s", data, at)
        body, checksum = data[at + 8 : at + 8 + length], data[at + 8 + length : at + 12 + length]
        yield name, body, checksum == struct.pack(">I", zlib.crc32(name + body))
        if name == b"IEND":
            return
        at += 12 + length


def _inflates(packed: bytes) -> bool:
    """Say whether a zlib stream reaches its end, where its own checksum stands."""
    stream = zlib.decompressobj()
    left = packed
    while left and not stream.eof:
        stream.decompress(left, _PIECE)
        left = stream.unconsumed_tail
    return stream.eof


def _jpeg(data: bytes) -> Mended | None:
    """Add the end marker to a JPEG whose scans say everything about every point."""
    body = data[:-1] if data.endswith(b"\xff") else data
    if body.endswith(_JPEG_END) or not _every_scan(body):
        return None
    return Mended(body + _JPEG_END, body + b"\x55\xaa" * 64 + _JPEG_END)


def _every_scan(data: bytes) -> bool:
    """Say whether all scans of a progressive JPEG have begun (a baseline has but one for each component)."""
    open_bits: dict[int, set[int]] = {}
    at = 2
    for _ in range(_MARKERS):
        at = data.find(b"\xff", at)
        if at < 0 or at + 4 > len(data):
            break
        marker = data[at + 1]
        if marker in (0x00, 0xFF) or marker in _JPEG_STANDALONE:
            at += 1 if marker == 0xFF else 2
            continue
        (length,) = struct.unpack_from(">H", data, at + 2)
        if marker in _JPEG_FRAMES:
            every = set(range(64)) if marker in (0xC2, 0xC6, 0xCA, 0xCE) else {0}
            open_bits = {data[at + 10 + 3 * one]: set(every) for one in range(data[at + 9])}
        elif marker == 0xDA:
            _close(open_bits, data, at)
        at += 2 + length
    return bool(open_bits) and not any(open_bits.values())


def _close(open_bits: dict[int, set[int]], data: bytes, at: int) -> None:
    """Note what a scan brings to its last bit: a band of coefficients of its components."""
    count = data[at + 4]
    first, last, bits = data[at + 5 + 2 * count : at + 8 + 2 * count]
    if bits & 0x0F == 0:
        for one in range(count):
            open_bits.get(data[at + 5 + 2 * one], set()).difference_update(range(first, last + 1))


def _webp(data: bytes) -> Mended | None:
    """Keep the chunks of pixels, and a whole orientation, under a size that is right."""
    kept = b""
    pixels = False
    at = 12
    while at + 8 <= len(data):
        name, length = struct.unpack_from("<4sI", data, at)
        body = data[at + 8 : at + 8 + length]
        if len(body) < length:
            if name in _WEBP_PIXELS:
                return None
            break
        if name in _WEBP_PIXELS or name in _WEBP_LOOK:
            kept += name + struct.pack("<I", length) + body + b"\0" * (length % 2)
            pixels = pixels or name in (b"VP8 ", b"VP8L", b"ANMF")
        at += 8 + length + length % 2
    return Mended(b"RIFF" + struct.pack("<I", 4 + len(kept)) + b"WEBP" + kept) if pixels else None


def _tiff(data: bytes) -> Mended | None:
    """End the list of pages where it leads out of the file; BigTIFF is left alone."""
    order = "<" if data[:2] == b"II" else ">"
    if 43 in data[2:4]:
        return None
    (first,) = struct.unpack_from(f"{order}I", data, 4)
    (count,) = struct.unpack_from(f"{order}H", data, first)
    link = first + 2 + 12 * count
    following = data[link : link + 4]
    if len(following) == 4 and struct.unpack(f"{order}I", following)[0] + 2 <= len(data):
        return None
    return Mended(data[:link] + b"\0\0\0\0" + data[link + 4 :])


_MEND: Final[Mapping[Kind, Callable[[bytes], Mended | None]]] = MappingProxyType(
    {"png": _png, "jpeg": _jpeg, "webp": _webp, "tiff": _tiff}
)
