"""A model's card: what it is called, what it can do, what it costs and where its weights are.

Pure data, frozen. A fact that nobody has established is None, never a guess and never zero; `evidence` says of each
fact where it was read and when.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Literal

from firstline.types import Modality, Value

EngineName = Literal["llama_cpp", "openai_http", "fake", "encoder", "student"]
Role = Literal["model", "mmproj", "tokenizer", "config"]


class Source(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a fact was read, and on which day; `verified` is False for what was only remembered, not seen."""

    title: str
    date: date
    verified: bool = True


class HubSource(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A file on a model hub. `file` holds names or glob patterns; the first that matches exactly one file is taken."""

    repo: str
    file: tuple[str, ...]
    revision: str = "main"


class IndexPart(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A data file inside a wheel of a package index: `name==version`, the member's path, its bytes and sha256."""

    requirement: str
    member: str
    bytes: int | None = None
    sha256: str | None = None


class WeightFile(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of a model.

    `sha256` names the content; None means that it is not known here and is pinned at the first pull. `parts` are
    joined in order. `path` is set for a user's own file, which is used where it lies.
    """

    role: Role
    name: str
    bytes: int | None = None
    sha256: str | None = None
    hub: HubSource | None = None
    parts: tuple[IndexPart, ...] = ()
    path: str | None = None


class Remote(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model is reached at an OpenAI-compatible address.

    `model` is the name it has there. `api_key_env` names the environment variable of the key; empty: no key is sent.
    `max_completion_tokens` says which parameter limits the answer (False: `max_tokens`). `reasoning_effort` is sent
    with each call unless None. `temperature` and `logprobs` say whether these parameters are accepted.
    """

    base_url: str
    model: str
    api_key_env: str = "OPENAI_API_KEY"
    max_completion_tokens: bool = False
    reasoning_effort: str | None = None
    temperature: bool = True
    logprobs: bool = False
    timeout_s: float = 120.0


class ListedPrice(Value, frozen=True, kw_only=True, tag="genai-prices", tag_field="kind", forbid_unknown_fields=True):
    """A price kept by the library genai-prices, under its provider's id and the model's bare name."""

    provider: str
    model: str


class FlatPrice(Value, frozen=True, kw_only=True, tag="flat", tag_field="kind", forbid_unknown_fields=True):
    """US dollars for a million tokens; cached input costs as much as other input unless `cached` says less."""

    input: Decimal
    output: Decimal
    cached: Decimal | None = None


FREE = FlatPrice(input=Decimal(0), output=Decimal(0))


class Model(Value, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A catalog entry.

    `context` and `max_output` are tokens. `modalities` is what goes in; text comes out, or with the engine `encoder` a
    vector of `dimensions` numbers. `price` None means unknown.
    `script` is the path of a fake model's answers. `own` lists the settings of the user that shaped this card.
    """

    id: str
    aliases: tuple[str, ...] = ()
    provider: str
    engine: EngineName
    modalities: tuple[Modality, ...] = ("text",)
    context: int | None = None
    max_output: int | None = None
    dimensions: int | None = None
    released: date | None = None
    shutdown: date | None = None
    licence: str | None = None
    parameters: str | None = None
    weights: tuple[WeightFile, ...] = ()
    remote: Remote | None = None
    price: ListedPrice | FlatPrice | None = None
    script: str | None = None
    notes: str = ""
    evidence: Mapping[str, Source] = {}
    own: tuple[str, ...] = ()

    @property
    def vision(self) -> bool:
        """Say whether the model takes pictures."""
        return "image" in self.modalities

    @property
    def local(self) -> bool:
        """Say whether the model runs on this machine."""
        return self.remote is None

    @property
    def bytes(self) -> int | None:
        """Bytes of all its files; None where the size of one is not known."""
        sizes = [file.bytes for file in self.weights]
        return sum(size for size in sizes if size is not None) if sizes and None not in sizes else None

    def file(self, role: Role = "model") -> WeightFile | None:
        """Return the file of a role, if the model has one."""
        return next((file for file in self.weights if file.role == role), None)

    def names(self) -> tuple[str, ...]:
        """Return the id and all aliases."""
        return (self.id, *self.aliases)
