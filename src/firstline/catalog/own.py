"""What the user's settings make of a card: an address, a price or a file of their own, or a model nobody else knows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from firstline import patterns
from firstline.catalog.model import FREE, FlatPrice, Model, Remote, WeightFile
from firstline.catalog.nearby import is_nearby, nearest_address
from firstline.errors import SettingsError
from firstline.settings_sections import ModelSettings

FILE_PREFIX = "file:"
_WAYS = ("file", "base_url", "script")
_MOST_USD = 1_000_000
_ID = patterns.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.:-]*)+")


def changed(card: Model, settings: ModelSettings) -> Model:
    """Lay the user's settings over a known card. Raises SettingsError for settings that contradict each other."""
    changes = _changes(card.id, card, settings)
    own = tuple(name for name, value in msgspec.structs.asdict(settings).items() if value != _default(name))
    evidence = {fact: source for fact, source in card.evidence.items() if fact not in changes}
    return msgspec.structs.replace(card, **changes, evidence=evidence, own=own)


def declared(id: str, settings: ModelSettings) -> Model:
    """Make the card of a model that only the user knows. Raises SettingsError when nothing says what runs it."""
    if not _ID.fullmatch(id):
        raise SettingsError(f'[models."{id}"] is not a model id', hint='an id is written "vendor/name"')
    ways = [way for way in _WAYS if getattr(settings, way)]
    if not ways:
        raise SettingsError(
            f'[models."{id}"]: the catalog does not know this model, and nothing says what runs it',
            hint="give `file` (a GGUF), `base_url` (an OpenAI-compatible address) or `script` (engine `fake`)",
        )
    return changed(Model(id=id, provider=id.split("/")[0], engine="llama_cpp"), settings)


def from_file(id: str) -> Model:
    """Make the card of a GGUF file named as `file:PATH`; whether it is one shows when it is used."""
    text = id.removeprefix(FILE_PREFIX)
    if not text:
        raise SettingsError(f"`{FILE_PREFIX}` names no file", hint=f"write {FILE_PREFIX}/path/to/model.gguf")
    weights = (_own_file("model", text),)
    return Model(id=id, provider="file", engine="llama_cpp", weights=weights, price=FREE, own=("file",))


def _changes(id: str, card: Model, settings: ModelSettings) -> dict[str, Any]:
    ways = [way for way in _WAYS if getattr(settings, way)]
    if settings.base_url and (better := nearest_address(settings.base_url)) is not None:
        raise SettingsError(
            f'[models."{id}"]: base_url = "{settings.base_url}" is no address of a server',
            hint=f'write it with its scheme, up to and with /v1: base_url = "{better}"',
        )
    if len(ways) > 1:
        raise SettingsError(f'[models."{id}"]: {" and ".join(ways)} exclude each other', hint="keep one of them")
    changes: dict[str, Any] = {}
    if settings.file:
        changes |= {"engine": "llama_cpp", "weights": _own_files(settings), "remote": None, "price": FREE}
    elif settings.base_url:
        changes |= {"engine": "openai_http", "remote": _remote(card, settings), "weights": ()}
        # The card's price stays with a hosted model. What another costs at someone's address is not known; a server on
        # this machine or in its own network sends no bill.
        free = FREE if is_nearby(settings.base_url) else None
        changes |= {} if card.remote else {"price": free}
    elif settings.script:
        changes |= {
            "engine": "fake",
            "script": settings.script,
            "remote": None,
            "weights": (),
            "price": card.price or FREE,
        }
    elif card.remote is not None:
        changes |= {"remote": _remote(card, settings)}
    if settings.mmproj and not settings.file:
        raise SettingsError(f'[models."{id}"]: `mmproj` goes with `file`', hint="name the GGUF it belongs to as `file`")
    if (settings.vision or settings.mmproj) and not card.vision:
        changes["modalities"] = (*card.modalities, "image")
    if settings.context:
        changes["context"] = settings.context
    if settings.max_output:
        changes["max_output"] = settings.max_output
    if (price := _price(id, settings)) is not None:
        changes["price"] = price
    return changes


def _remote(card: Model, settings: ModelSettings) -> Remote:
    base = card.remote or Remote(base_url="", model=card.id.partition("/")[2] or card.id, api_key_env="")
    changes: dict[str, Any] = {"timeout_s": settings.timeout_s}
    if settings.base_url:
        # A key belongs to an address: one meant for the card's own address is not sent to another unless named.
        changes |= {"base_url": settings.base_url.rstrip("/"), "api_key_env": ""}
    if settings.api_key_env:
        changes["api_key_env"] = settings.api_key_env
    if settings.model:
        changes["model"] = settings.model
    if settings.max_completion_tokens:
        changes["max_completion_tokens"] = True
    return msgspec.structs.replace(base, **changes)


def _own_files(settings: ModelSettings) -> tuple[WeightFile, ...]:
    files = [_own_file("model", settings.file)]
    if settings.mmproj:
        files.append(_own_file("mmproj", settings.mmproj))
    return tuple(files)


def _own_file(role: Any, text: str) -> WeightFile:
    path = Path(text).expanduser().absolute()
    return WeightFile(role=role, name=path.name, path=str(path))


def _price(id: str, settings: ModelSettings) -> FlatPrice | None:
    given = (settings.input_usd_per_mtok, settings.output_usd_per_mtok)
    if given == (None, None):
        return None
    if None in given:
        names = ("input_usd_per_mtok", "output_usd_per_mtok")
        missing = names[given.index(None)]
        raise SettingsError(
            f'[models."{id}"]: half a price: `{missing}` is not set',
            hint=f"set both, in US dollars for a million tokens: {names[0]} and {names[1]} (0 where it costs nothing)",
        )
    # By way of text: the price that was written, not the nearest binary fraction.
    into, out = (Decimal(str(amount)) for amount in given)
    if not all(amount.is_finite() and 0 <= amount <= _MOST_USD for amount in (into, out)):
        raise SettingsError(f'[models."{id}"]: a price is 0 to {_MOST_USD:,} US dollars for a million tokens')
    return FlatPrice(input=into, output=out)


def _default(name: str) -> Any:
    return getattr(ModelSettings(), name)
