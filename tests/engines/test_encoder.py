"""The sentence encoder, against a slow second computation of the same network."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from threadpoolctl import threadpool_limits

from firstline.engines.encoder import Encoder
from firstline.errors import WeightsInvalidError, WeightsMissingError
from support import tiny_bert


def encoder(files: tiny_bert.Files, *, max_tokens: int = 16) -> Encoder:
    return Encoder(files.model, files.tokenizer, files.config, max_tokens=max_tokens)


async def test_vectors_are_those_of_the_formulas(tmp_path: Path) -> None:
    files = tiny_bert.write_encoder(tmp_path)
    vectors = await encoder(files).embed(["Where is my card", "refund", "a b c d e f g h i j"])
    words = [["where", "is", "my", "card"], ["refund"], list("abcdefghij")]
    assert vectors.shape == (3, tiny_bert.SIZE)
    assert vectors.dtype == np.float32
    for vector, row in zip(vectors, words, strict=True):
        np.testing.assert_allclose(vector, tiny_bert.reference(files.model, row), atol=2e-6)


async def test_neither_order_nor_company_changes_a_vector_at_all(tmp_path: Path) -> None:
    files = tiny_bert.write_encoder(tmp_path)
    texts = ["refund", "where is my card", "cards", "a b c d e f g h", "x", "my refund", "card " * 40, ""]
    alone = encoder(files)
    for company in (texts, texts[::-1], texts * 3, [texts[0], texts[-2]]):
        together = await encoder(files).embed(company)
        for text, vector in zip(company, together, strict=True):
            np.testing.assert_array_equal((await alone.embed([text]))[0], vector)


async def test_the_number_of_threads_changes_no_vector_and_no_features(tmp_path: Path) -> None:
    files = tiny_bert.write_encoder(tmp_path)
    texts = ["refund", "where is my card", "card " * 40]
    found = []
    for threads in (1, 2, 8):
        with threadpool_limits(threads):
            reader = encoder(files)
            found.append((await reader.embed(texts), await reader.features(texts)))
    for vectors, features in found[1:]:
        np.testing.assert_array_equal(vectors, found[0][0])
        np.testing.assert_array_equal(features, found[0][1])


async def test_a_text_longer_than_the_window_is_the_mean_of_its_windows(tmp_path: Path) -> None:
    files = tiny_bert.write_encoder(tmp_path)
    vector = (await encoder(files, max_tokens=6).embed(["a b c d refund my"]))[0]
    first, second = (tiny_bert.reference(files.model, row) for row in (["a", "b", "c", "d"], ["refund", "my"]))
    mean = 4 * first + 2 * second
    np.testing.assert_allclose(vector, mean / np.linalg.norm(mean), atol=2e-6)


async def test_a_window_never_exceeds_the_positions_of_the_network(tmp_path: Path) -> None:
    vectors = await encoder(tiny_bert.write_encoder(tmp_path), max_tokens=4096).embed(["card " * 100])
    assert np.linalg.norm(vectors[0]) == pytest.approx(1, abs=1e-5)


async def test_an_empty_text_and_no_text_have_their_vectors(tmp_path: Path) -> None:
    files = tiny_bert.write_encoder(tmp_path)
    reader = encoder(files)
    np.testing.assert_allclose((await reader.embed([""]))[0], tiny_bert.reference(files.model, []), atol=2e-6)
    assert (await reader.embed([])).shape == (0, tiny_bert.SIZE)


async def test_calls_at_the_same_time_and_after_closing_are_answered(tmp_path: Path) -> None:
    reader = encoder(tiny_bert.write_encoder(tmp_path))
    first, second = await asyncio.gather(reader.embed(["refund"]), reader.embed(["refund"]))
    await reader.close()
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(first, await reader.embed(["refund"]))


@pytest.mark.parametrize("name", ["model.safetensors", "tokenizer.json", "config.json"])
async def test_a_file_that_is_something_else_is_refused_by_name(tmp_path: Path, name: str) -> None:
    files = tiny_bert.write_encoder(tmp_path)
    (tmp_path / name).write_bytes(b'{"hello": "world"}' + bytes(64))
    with pytest.raises(WeightsInvalidError, match=r"model\.safetensors is no encoder"):
        await encoder(files).embed(["refund"])


async def test_a_missing_file_is_said(tmp_path: Path) -> None:
    files = tiny_bert.write_encoder(tmp_path)
    files.tokenizer.unlink()
    with pytest.raises(WeightsMissingError, match=r"tokenizer\.json"):
        await encoder(files).embed(["refund"])


async def test_a_checkpoint_without_a_tensor_is_refused(tmp_path: Path) -> None:
    files = tiny_bert.write_encoder(tmp_path)
    tensors = load_file(files.model)
    del tensors["encoder.layer.1.output.dense.weight"]
    save_file(tensors, files.model)
    with pytest.raises(WeightsInvalidError, match=r"`encoder\.layer\.1\.output\.dense\.weight` is missing"):
        await encoder(files).embed(["refund"])


async def test_numbers_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    files = tiny_bert.write_encoder(tmp_path)
    tensors = load_file(files.model)
    tensors["embeddings.LayerNorm.bias"][0] = np.nan
    save_file(tensors, files.model)
    with pytest.raises(WeightsInvalidError, match="not finite"):
        await encoder(files).embed(["refund"])


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"model_type": "roberta"}, "not a `bert`"),
        ({"hidden_act": "relu"}, "`relu`"),
        ({"position_embedding_type": "relative_key"}, "relative_key"),
        ({"num_attention_heads": 3}, "sizes"),
        ({"vocab_size": 7}, "shape"),
    ],
)
async def test_a_network_that_is_not_computed_here_is_refused(
    tmp_path: Path, changes: dict[str, str | int], reason: str
) -> None:
    files = tiny_bert.write_encoder(tmp_path)
    files.config.write_text(json.dumps(json.loads(files.config.read_text()) | changes))
    with pytest.raises(WeightsInvalidError, match=reason):
        await encoder(files).embed(["refund"])
