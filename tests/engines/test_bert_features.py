"""Features for students: against a slow second computation of the same network, and the products of whole numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from firstline.engines.encoder import Encoder
from firstline.engines.int8 import Product, quantise
from firstline.engines.onnx_graph import Graph
from firstline.engines.onnx_session import Session
from support import tiny_bert


def encoder(files: tiny_bert.Files, *, max_tokens: int = 16) -> Encoder:
    return Encoder(files.model, files.tokenizer, files.config, max_tokens=max_tokens)


async def test_features_are_those_of_the_formulas_within_eight_bits(tmp_path: Path) -> None:
    files = tiny_bert.write_encoder(tmp_path)
    found = await encoder(files).features(["where is my card", "a b c d e f g h i j", ""])
    words = [["where", "is", "my", "card"], list("abcdefghij"), []]
    assert found.shape == (3, (tiny_bert.LAYERS + 2) * tiny_bert.SIZE)
    assert found.dtype == np.float32
    for features, row in zip(found, words, strict=True):
        first, last = tiny_bert.layers(files.model, row)[1:]
        wanted = np.stack([first.mean(axis=0), last.mean(axis=0), last[0], last.max(axis=0)])
        wanted /= np.linalg.norm(wanted, axis=1, keepdims=True)
        parts = features.reshape(4, -1)
        assert np.linalg.norm(parts, axis=1) == pytest.approx(1, abs=1e-5)
        assert ((parts * wanted).sum(axis=1) > 0.99).all()


async def test_neither_order_nor_company_changes_features_at_all(tmp_path: Path) -> None:
    files = tiny_bert.write_encoder(tmp_path)
    texts = ["refund", "where is my card", "cards", "a b c d e f g h", "x", "my refund"]
    together = await encoder(files).features(texts)
    for text, features in zip(texts, together, strict=True):
        np.testing.assert_array_equal((await encoder(files).features([text]))[0], features)


async def test_only_the_first_window_is_read(tmp_path: Path) -> None:
    files = tiny_bert.write_encoder(tmp_path)
    long, short = await encoder(files, max_tokens=6).features(["a b c d refund my", "a b c d"])
    np.testing.assert_array_equal(long, short)


async def test_features_leave_vectors_as_they_are(tmp_path: Path) -> None:
    files = tiny_bert.write_encoder(tmp_path)
    reader = encoder(files)
    before = await reader.embed(["my card"])
    await reader.features(["my card"])
    np.testing.assert_array_equal(await reader.embed(["my card"]), before)


def test_whole_numbers_stand_for_weights_within_half_a_step() -> None:
    weights = np.random.default_rng(0).normal(size=(40, 7)).astype(np.float32) * np.arange(7, dtype=np.float32)
    whole, scales = quantise(weights)
    assert whole.dtype == np.int8
    # With 7 bits no sum of two products with 8 bits leaves 16.
    assert np.abs(whole).max() == 63
    assert (np.abs(whole * scales - weights) <= scales / 2 + 1e-6).all()


def test_a_product_is_near_that_of_floats_and_of_each_row_alone() -> None:
    random = np.random.default_rng(1)
    weights, rows = random.normal(size=(64, 30)).astype(np.float32), random.normal(size=(5, 64)).astype(np.float32)
    rows[0] *= 100
    product = Product(*quantise(weights))
    found = product(rows)
    wanted = rows @ weights
    assert found.shape == (5, 30)
    assert (np.abs(found - wanted).max(axis=1) < 0.04 * np.abs(wanted).max(axis=1)).all()
    np.testing.assert_array_equal(product(rows[3:4])[0], found[3])


def test_a_graph_holds_whatever_its_sizes_are() -> None:
    graph = Graph()
    # More than 127 numbers, so that lengths take two bytes; a negative axis, a list and a float as attributes.
    added = graph.node("Add", ["x", graph.constant("one", np.arange(300, dtype=np.float32))], "added")
    turned = graph.node("Transpose", [added], "turned", perm=[1, 0])
    normed = graph.node("LpNormalization", [turned], "normed", axis=-1, p=1)
    graph.node("LeakyRelu", [normed], "found", alpha=0.5)
    session = Session(graph.model([("x", ["n", 300])], [("found", [300, "n"])]))
    x = np.full((2, 300), -1.0, dtype=np.float32)
    x[1] = 1
    wanted = (x + np.arange(300)).T
    wanted /= np.abs(wanted).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(session.run({"x": x})[0], np.where(wanted < 0, wanted / 2, wanted), rtol=1e-5)


async def test_an_encoder_that_was_closed_reads_again(tmp_path: Path) -> None:
    reader = encoder(tiny_bert.write_encoder(tmp_path))
    before = await reader.features(["refund"])
    await reader.close()
    np.testing.assert_array_equal(await reader.features(["refund"]), before)
