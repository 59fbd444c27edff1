"""What a student says of a text does not depend on what waits beside it, nor on how many threads compute."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence

import numpy as np
import pytest
from threadpoolctl import threadpool_limits

from firstline.students.artifact import pack, unpack
from firstline.students.classify.classifier import Named
from firstline.students.classify.lexical import Floats
from firstline.students.classify.serve import ClassifyStudent
from firstline.students.classify.train import train

WIDTH = 1920
LABELS = ("refund", "order", "delivery", "other")


def vector(text: str) -> Floats:
    """A vector of a text: near to those of its label's, and its own."""
    own = np.random.default_rng(int(hashlib.sha256(text.encode()).hexdigest()[:8], 16)).normal(size=WIDTH)
    label = next(at for at, name in enumerate(LABELS) if name in text)
    return (own + 2 * np.random.default_rng(label).normal(size=WIDTH)).astype(np.float32)


async def features(texts: Sequence[str]) -> Floats:
    return np.stack([vector(text) for text in texts])


@pytest.fixture(scope="module", params=[8, 60], ids=["few", "many"])
def student(request: pytest.FixtureRequest) -> ClassifyStudent:
    rows = [(f"{label} number {number} of {label[:2]}", label) for label in LABELS for number in range(request.param)]
    made = train(
        rows,
        np.stack([vector(text) for text, _ in rows]),
        labels=LABELS,
        out_of_scope="other",
        encoder="local/encoder",
        seed=0,
        on_progress=lambda share: None,
    )
    opened = ClassifyStudent(unpack(pack(made)), features)
    opened.tier = type(opened.tier)(
        lexical=opened.tier.lexical,
        weights=opened.tier.weights,
        bias=opened.tier.bias,
        least=float("inf"),  # every text goes to the kernel machine, where there is most to sum
        right=opened.tier.right,
    )
    return opened


async def test_a_probability_is_the_same_bits_alone_and_in_any_company(student: ClassifyStudent) -> None:
    texts = [f"{label} asked {number}" for label in LABELS for number in range(6)]
    alone: dict[str, Named] = {text: await student.name(text) for text in texts}
    for threads in (1, 2, 4):
        with threadpool_limits(threads):
            for company in (1, 3, len(texts)):
                for at in range(0, len(texts), company):
                    some = texts[at : at + company]
                    found = await asyncio.gather(*(student.name(text) for text in some))
                    assert found == [alone[text] for text in some]


async def test_a_probability_is_the_same_in_threads_of_their_own(student: ClassifyStudent) -> None:
    texts = [f"{label} asked {number}" for label in LABELS for number in range(6)]
    alone = [await student.name(text) for text in texts]
    found = await asyncio.gather(*(asyncio.to_thread(asyncio.run, student.name(text)) for text in texts))
    assert list(found) == alone
