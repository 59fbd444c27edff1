"""Which addresses are near, and how one that is none was meant."""

from __future__ import annotations

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from firstline.catalog.catalog import Catalog
from firstline.catalog.model import FREE
from firstline.catalog.nearby import is_nearby, nearest_address
from firstline.settings_sections import ModelSettings


@pytest.mark.parametrize(
    ("given", "meant"),
    [
        ("localhost:11434", "http://localhost:11434/v1"),
        ("localhost:11434/v1", "http://localhost:11434/v1"),
        ("127.0.0.1:8000/v1", "http://127.0.0.1:8000/v1"),
        ("192.168.1.20:1234", "http://192.168.1.20:1234/v1"),
        ("//ollama:11434/v1", "http://ollama:11434/v1"),
        ("ftp://localhost/v1", "http://localhost/v1"),
        ("api.example.com/v1", "https://api.example.com/v1"),
        ("http://", "http://localhost:11434/v1"),
        ("http://localhost:port/v1", "http://localhost:11434/v1"),
        ("http://localhost:11434/v1", None),
        ("https://models.example.com/v1", None),
    ],
)
def test_an_address_without_its_scheme_is_told_with_it(given: str, meant: str | None) -> None:
    assert nearest_address(given) == meant


@given(st.text(max_size=40))
def test_what_is_proposed_is_an_address(text: str) -> None:
    meant = nearest_address(text)
    assert meant is None or nearest_address(meant) is None


@given(st.ip_addresses())
def test_a_numeric_address_is_near_unless_the_internet_routes_it(address: object) -> None:
    host = f"[{address}]" if ":" in str(address) else str(address)
    assert is_nearby(f"http://{host}:8000/v1") == (not ip_address(str(address)).is_global)


@pytest.mark.parametrize(
    ("host", "near"),
    [
        ("localhost", True),
        ("ollama", True),
        ("host.docker.internal", True),
        ("gpu.local", True),
        ("box.home.arpa", True),
        ("api.openai.com", False),
        ("localhost.example.com", False),
        ("local", True),
        ("notlocal.com", False),
    ],
)
def test_a_name_is_near_where_it_can_be_nothing_else(host: str, near: bool) -> None:
    assert is_nearby(f"http://{host}:11434/v1") == near


@pytest.mark.parametrize(("url", "price"), [("http://localhost:11434/v1", FREE), ("https://a.example.com/v1", None)])
def test_a_server_of_ones_own_needs_no_price(url: str, price: object) -> None:
    settings = ModelSettings(base_url=url, model="qwen3.5")
    assert Catalog.load({"ollama/qwen3.5": settings}).get("ollama/qwen3.5").price == price
