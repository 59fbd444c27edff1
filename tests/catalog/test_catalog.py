"""Models are found by id, alias or file, and the user's settings shape or declare them."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from firstline.catalog.catalog import Catalog
from firstline.catalog.model import FREE, FlatPrice
from firstline.errors import ModelNotFoundError, SettingsError
from firstline.settings_sections import ModelSettings


@pytest.mark.parametrize("name", ["gpt-4o-mini", "gpt-4o-mini-2024-07-18", "openai/gpt-4o-mini"])
def test_gpt_4o_mini_has_three_names(name: str) -> None:
    assert Catalog.load({}).get(name).id == "gpt-4o-mini"


@pytest.mark.parametrize("name", ["gpt-5.4-mini", "gpt-5.4-mini-2026-03-17", "openai/gpt-5.4-mini"])
def test_a_remote_model_has_bare_and_dated_names(name: str) -> None:
    assert Catalog.load({}).get(name).id == "openai/gpt-5.4-mini"


@pytest.mark.parametrize(
    ("wrong", "hint"),
    [
        ("gpt-4o-mimi", "did you mean gpt-4o-mini?"),
        ("qwen2.5-coder-0.5b", "did you mean local/qwen2.5-coder-0.5b?"),
        ("Local/SmolLM2-135M", "did you mean local/smollm2-135m?"),
        ("zzzzzzzz", "`firstline models list` shows all"),
    ],
)
def test_an_unknown_name_gets_the_nearest_as_hint(wrong: str, hint: str) -> None:
    with pytest.raises(ModelNotFoundError) as caught:
        Catalog.load({}).get(wrong)
    assert caught.value.hint == hint
    assert caught.value.param == "model"


def test_settings_lay_an_address_over_a_known_card_by_alias() -> None:
    catalog = Catalog.load({"gpt-5.4-mini": ModelSettings(base_url="http://127.0.0.1:9/v1/", timeout_s=3)})
    model = catalog.get("openai/gpt-5.4-mini")
    assert model.remote is not None
    assert (model.remote.base_url, model.remote.timeout_s) == ("http://127.0.0.1:9/v1", 3)
    assert model.remote.model == "gpt-5.4-mini"
    assert model.remote.max_completion_tokens
    assert model.price == Catalog.load({}).get("gpt-5.4-mini").price
    assert "remote" not in model.evidence
    assert model.own == ("base_url", "timeout_s")


def test_a_key_is_not_sent_to_an_address_it_was_not_named_for() -> None:
    plain, named, kept = (
        Catalog.load({"openai/gpt-5.4": settings}).get("openai/gpt-5.4").remote
        for settings in (
            ModelSettings(base_url="http://127.0.0.1:9/v1"),
            ModelSettings(base_url="http://127.0.0.1:9/v1", api_key_env="MY_KEY"),
            ModelSettings(timeout_s=5),
        )
    )
    assert plain is not None
    assert named is not None
    assert kept is not None
    assert (plain.api_key_env, named.api_key_env, kept.api_key_env) == ("", "MY_KEY", "OPENAI_API_KEY")


def test_a_new_remote_model_has_no_price_until_one_is_given() -> None:
    url = "https://models.example.com/v1"
    priced = ModelSettings(base_url=url, input_usd_per_mtok=0.1, output_usd_per_mtok=0.4, context=8192, vision=True)
    catalog = Catalog.load({"acme/one": ModelSettings(base_url=url, model="one-q8"), "acme/two": priced})
    one, two = catalog.get("acme/one"), catalog.get("acme/two")
    assert one.price is None
    assert one.context is None
    assert one.remote is not None
    assert (one.engine, one.remote.model, one.remote.api_key_env) == ("openai_http", "one-q8", "")
    assert two.price == FlatPrice(input=Decimal("0.1"), output=Decimal("0.4"))
    assert (two.context, two.vision) == (8192, True)


def test_a_local_card_behind_an_address_elsewhere_loses_its_zero_price() -> None:
    url = "https://models.example.com/v1"
    model = Catalog.load({"local/smollm2-135m": ModelSettings(base_url=url)}).get("local/smollm2-135m")
    assert (model.engine, model.weights, model.price) == ("openai_http", (), None)


def test_an_own_gguf_is_a_local_model_that_costs_nothing(tmp_path: Path) -> None:
    settings = ModelSettings(file=str(tmp_path / "a.gguf"), mmproj=str(tmp_path / "b.gguf"))
    model = Catalog.load({"mine/eyes": settings}).get("mine/eyes")
    assert (model.engine, model.vision, model.price) == ("llama_cpp", True, FREE)
    assert [(file.role, file.path) for file in model.weights] == [
        ("model", str(tmp_path / "a.gguf")),
        ("mmproj", str(tmp_path / "b.gguf")),
    ]


def test_a_script_makes_a_fake_model() -> None:
    model = Catalog.load({"fake/mine": ModelSettings(script="answers.toml")}).get("fake/mine")
    assert (model.engine, model.script, model.price) == ("fake", "answers.toml", FREE)


def test_the_scripted_models_are_there_where_they_are_wanted() -> None:
    plain, named = Catalog.load({}), Catalog.load({"fake/echo": ModelSettings()})
    assert [model.id for model in plain.list() if model.engine == "fake"] == []
    assert [model.id for model in named.list() if model.engine == "fake"] == ["fake/echo"]
    assert "fake/scripted" in Catalog.load({}, fake=True)
    laddered = Catalog.load({}, named=("gpt-4o-mini", "fake/echo"))
    assert [model.id for model in laddered.list() if model.engine == "fake"] == ["fake/echo"]
    for catalog, name in ((plain, "fake/echo"), (named, "fake/scripted")):
        with pytest.raises(ModelNotFoundError) as caught:
            catalog.get(name)
        assert caught.value.hint is not None
        assert "FIRSTLINE_FAKE_ENABLED=true" in caught.value.hint


def test_a_file_name_is_a_model_except_over_the_wire(tmp_path: Path) -> None:
    name = f"file:{tmp_path}/x.gguf"
    catalog = Catalog.load({})
    model = catalog.get(name)
    assert (model.id, model.engine) == (name, "llama_cpp")
    assert model.weights[0].path == f"{tmp_path}/x.gguf"
    with pytest.raises(ModelNotFoundError):
        catalog.get(name, own_files=False)


@pytest.mark.parametrize(
    ("name", "settings", "words"),
    [
        ("acme/new", ModelSettings(context=5), "nothing says what runs it"),
        ("no-vendor", ModelSettings(base_url="http://x/v1"), "not a model id"),
        ("acme/../etc", ModelSettings(base_url="http://x/v1"), "not a model id"),
        ("acme/new", ModelSettings(base_url="http://x/v1", file="x.gguf"), "exclude each other"),
        ("acme/new", ModelSettings(base_url="http://x/v1", mmproj="x.gguf"), "goes with `file`"),
        ("gpt-5.4", ModelSettings(input_usd_per_mtok=1.0), "half a price: `output_usd_per_mtok`"),
        ("gpt-5.4", ModelSettings(input_usd_per_mtok=-1.0, output_usd_per_mtok=1.0), "a price is 0 to"),
        ("gpt-5.4", ModelSettings(input_usd_per_mtok=float("nan"), output_usd_per_mtok=1.0), "a price is 0 to"),
        ("acme/new", ModelSettings(base_url="localhost:11434"), "no address"),
    ],
)
def test_settings_that_make_no_model_are_refused(name: str, settings: ModelSettings, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        Catalog.load({name: settings})


def test_a_mistyped_known_model_is_recognised() -> None:
    with pytest.raises(SettingsError) as caught:
        Catalog.load({"openai/gpt-5.4-mni": ModelSettings(timeout_s=5)})
    assert caught.value.hint == "did you mean openai/gpt-5.4-mini?"


def test_one_model_under_two_names_in_the_settings_is_refused() -> None:
    with pytest.raises(SettingsError, match="same model"):
        Catalog.load({"gpt-5.4": ModelSettings(timeout_s=5), "openai/gpt-5.4": ModelSettings(timeout_s=6)})
