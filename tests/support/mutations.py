"""Mutates files as a fuzzer does: a seed says it all, so that a failure can be had again from it."""

from __future__ import annotations

import random
from collections.abc import Sequence

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def mutated(corpus: Sequence[bytes], seed: int) -> bytes:
    """Take a file of the corpus and change it in one to eight places."""
    chance = random.Random(seed)  # noqa: S311 (mutations, not cryptography)
    data = bytearray(chance.choice(corpus))
    for _ in range(chance.randint(1, 8)):
        _change(data, corpus, chance)
    return bytes(data)


def _change(data: bytearray, corpus: Sequence[bytes], chance: random.Random) -> None:
    at = chance.randrange(len(data) + 1)
    length = min(len(data) - at, chance.choice((1, 2, 4, 16, 256, 4096)))
    match chance.randrange(7):
        case 0:
            data[at : at + 1] = bytes([chance.randrange(256)])
        case 1:
            if data:
                data[at % len(data)] ^= 1 << chance.randrange(8)
        case 2:
            size, order = chance.choice((1, 2, 4)), chance.choice(("little", "big"))
            number = chance.choice(_NUMBERS) % (1 << 8 * size)
            data[at : at + size] = number.to_bytes(size, "big" if order == "big" else "little")
        case 3:
            del data[at : at + length]
        case 4:
            data[at:at] = data[at : at + length] * chance.choice((1, 2, 64))
        case 5:
            other = chance.choice(corpus)
            begin = chance.randrange(len(other) + 1)
            data[at : at + length] = other[begin : begin + length]
        case _:
            del data[at:]
