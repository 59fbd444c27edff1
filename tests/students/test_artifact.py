"""A student's file: the same content has the same bytes, and what is no such file is refused in words."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from firstline.errors import UsageError
from firstline.students.artifact import Artifact, name_of, pack, unpack


def artifact(**facts: object) -> Artifact:
    arrays: dict[str, NDArray[Any]] = {
        "weights": np.arange(6, dtype=np.float32).reshape(2, 3),
        "bias": np.zeros(2, dtype=np.float64),
    }
    return Artifact(kind="classify", arrays=arrays, facts={"labels": ["a", "ü"], **facts})


def test_what_is_packed_comes_back() -> None:
    made = artifact(encoder=None)
    back = unpack(pack(made))
    assert (back.kind, dict(back.facts)) == ("classify", {"labels": ["a", "ü"], "encoder": None})
    assert back.arrays.keys() == {"weights", "bias"}
    assert np.array_equal(back.arrays["weights"], made.arrays["weights"])
    assert back.arrays["bias"].dtype == np.float64


def test_the_same_content_has_the_same_name_whatever_its_order() -> None:
    made = artifact(seed=1, rows=2)
    turned = Artifact(
        kind="classify",
        arrays=dict(reversed(list(made.arrays.items()))),
        facts={"rows": 2, "seed": 1, "labels": ["a", "ü"]},
    )
    assert pack(made) == pack(turned)
    assert name_of(pack(made)) != name_of(pack(artifact(seed=2, rows=2)))


def test_columns_of_a_larger_array_are_kept_as_they_read() -> None:
    wide = np.arange(12, dtype=np.int64).reshape(3, 4)
    made = Artifact(kind="extract", arrays={"part": wide[:, ::2]}, facts={})
    assert unpack(pack(made)).arrays["part"].tolist() == wide[:, ::2].tolist()


@pytest.mark.parametrize("data", [b"", b"no student", pack(artifact())[:-3], b"\xff" * 64])
def test_a_damaged_file_is_refused(data: bytes) -> None:
    with pytest.raises(UsageError, match="damaged"):
        unpack(data)


def test_one_of_another_format_is_refused() -> None:
    with pytest.raises(UsageError, match="has format 2, this version reads 1"):
        unpack(pack(artifact(format=2)))


def test_a_compressed_file_says_the_same_in_less_and_is_refused_when_damaged() -> None:
    made = Artifact(kind="extract", arrays={"weights": np.zeros(5000, dtype=np.float16)}, facts={"rows": 3})
    small = pack(made, compressed=True)
    assert len(small) < len(pack(made)) / 10
    back = unpack(small)
    assert (back.kind, dict(back.facts), back.arrays["weights"].shape) == ("extract", {"rows": 3}, (5000,))
    for data in (small[:-3], small[:20], small[:25] + b"\x00\x00" + small[27:]):
        with pytest.raises(UsageError, match="damaged"):
            unpack(data)
