"""What a folder may do before its owner has allowed it.

Whoever works in a folder uses its `firstline.toml` and its tasks, and folders are cloned and unpacked. What a file of
the folder says works at once where it is harmless. Where it sends documents or keys out, opens the server to others,
moves the data elsewhere or runs code, it works once its owner has typed `firstline allow`: for exactly these bytes, as
direnv does it. The allowances lie in the user's own settings folder, which no file can name.

A model that a file has not been allowed to reach is refused by name; a setting of that kind is an error at the start,
because Firstline with another data folder than the one meant would be worse than none.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path

import msgspec
import platformdirs

from firstline import patterns
from firstline.allowances import Allowance, Allowances
from firstline.catalog.catalog import Catalog
from firstline.catalog.model import Model
from firstline.errors import FolderNotAllowedError
from firstline.settings import Loaded, Settings, env_name
from firstline.settings_sections import ModelSettings
from firstline.types import Value

_PLAIN = patterns.compile(r"[\w./~+-]+")
_LOOPBACK = patterns.compile(r"https?://(localhost|127(?:\.\d{1,3}){3}|\[::1\])(?::\d{1,5})?(?:/[\w./~-]*)?")
"""Strict on purpose: two readers of a stranger address may disagree on its host."""

HARMLESS = frozenset(
    (
        *("ladder", "budget", "tasks", "worth", "keys", "limits", "llama", "embeddings", "messages", "files"),
        *(
            "stored",
            "reviews",
            "audits",
            "fake",
            "idempotency",
            "tasks_dir",
            "sources.offline",
            "server.port",
            "server.workers",
        ),
        *("server.max_body_mb", "server.max_connections", "server.head_s", "server.body_s", "server.keep_alive_s"),
        *("server.send_s", "server.shutdown_s"),
    )
)
"""Settings and sections that a file may set by itself; every other one needs the allowance."""


class Ask(Value, frozen=True, kw_only=True):
    """What a settings file asks for: `words` say it, `model` is the name of the model that it is about."""

    words: str
    model: str | None = None


class Trust:
    """What the working folder is allowed, as it is now. May be called from any thread."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._allowances = Allowances(loaded.own_path / "allowed")
        self.asks = tuple(_asks(loaded))

    @property
    def settings_allowed(self) -> bool:
        """Whether the settings file may do what it asks for."""
        loaded = self._loaded
        if not self.asks or loaded.file is None or loaded.named or self._by_environment(loaded.file):
            return True
        known = self._known()
        return known is not None and known.files.get(_name(loaded.file)) == loaded.sha256

    def require_settings(self) -> None:
        """Raise FolderNotAllowedError for a setting that the file may not make; those of models are not meant."""
        made = [ask.words for ask in self.asks if ask.model is None]
        if made and not self.settings_allowed:
            raise self._error(made)

    def refused(self, catalog: Catalog) -> Mapping[str, str]:
        """Return the models that may not be asked, by id, with the reason in words."""
        if self.settings_allowed:
            return {}
        return {
            catalog.get(ask.model, own_files=False).id: self._error([ask.words]).message
            for ask in self.asks
            if ask.model is not None
        }

    def require_code(self, path: Path, data: bytes) -> None:
        """Raise FolderNotAllowedError for the bytes of a Python file that may not run."""
        if self._by_environment(path) or self._chosen(path):
            return
        known = self._known()
        digest = hashlib.sha256(data).hexdigest()
        if known is None or known.files.get(_name(path)) != digest:
            was = known is not None and _name(path) in known.files
            raise FolderNotAllowedError(
                f"{path} {'has changed since it was allowed' if was else 'is not allowed'} to run: it is a program",
                hint=f"read it, then type: {self.command}",
            )

    def problem(self) -> FolderNotAllowedError | None:
        """Return what stands against the settings file, as an error; None where nothing does."""
        return None if self.settings_allowed else self._error([ask.words for ask in self.asks])

    @property
    def command(self) -> str:
        """The words that allow this folder."""
        return f"firstline allow {_quoted(self._loaded.folder)}"

    def files(self) -> dict[str, bytes]:
        """Read what an allowance would cover: the settings file and the Python files of the tasks' folder.

        Raises OSError.
        """
        loaded = self._loaded
        tasks = loaded.folder / loaded.settings.tasks_dir
        found = sorted(path for path in tasks.iterdir() if path.suffix == ".py") if tasks.is_dir() else []
        settings = [loaded.file] if loaded.file is not None and not loaded.named else []
        return {_name(path): path.read_bytes() for path in (*settings, *found)}

    def allow(self, files: Mapping[str, bytes], now: float) -> Allowance:
        """Keep that these bytes of these files are allowed. Raises FolderNotAllowedError where one has changed."""
        settings = None if self._loaded.file is None else files.get(_name(self._loaded.file))
        if settings is not None and hashlib.sha256(settings).hexdigest() != self._loaded.sha256:
            raise FolderNotAllowedError(f"{self._loaded.file} has changed this moment", hint="try again")
        allowance = Allowance(
            folder=str(self._loaded.folder),
            files={name: hashlib.sha256(data).hexdigest() for name, data in files.items()},
            asks=tuple(ask.words for ask in self.asks),
            allowed=now,
        )
        self._allowances.keep(allowance)
        return allowance

    def _error(self, words: list[str]) -> FolderNotAllowedError:
        known = self._known()
        was = known is not None and self._loaded.file is not None and _name(self._loaded.file) in known.files
        begin = f"{self._loaded.file} {'has changed since it was allowed' if was else 'is not allowed'} to"
        return FolderNotAllowedError(
            f"{begin} {', to '.join(words)}", hint=f"read it, and if that is right type: {self.command}"
        )

    def _known(self) -> Allowance | None:
        return self._allowances.of(self._loaded.folder)

    def _by_environment(self, path: Path) -> bool:
        folders = {self._loaded.folder, path.absolute().parent.resolve()}
        return not folders.isdisjoint(self._loaded.allow)

    def _chosen(self, path: Path) -> bool:
        """Whether the environment names the folder of tasks itself, and not a folder of that name wherever one is."""
        loaded = self._loaded
        of_file = loaded.settings.tasks_dir if loaded.named and loaded.from_file("tasks_dir") else ""
        named = Path(loaded.secrets.get(env_name("tasks_dir"), of_file))
        return named.is_absolute() and path.absolute().parent.resolve() == named.resolve()


def required(loaded: Loaded) -> Settings:
    """Return the settings, for what needs no more of the product. Raises FolderNotAllowedError as `build` does."""
    Trust(loaded).require_settings()
    return loaded.settings


def loopback(address: str) -> bool:
    """Say whether an address is on this machine for certain."""
    return _LOOPBACK.fullmatch(address) is not None


def _asks(loaded: Loaded) -> Iterator[Ask]:
    for path in loaded.sources:
        if loaded.from_file(path) and not path.startswith("models.") and (words := _setting(path, loaded)):
            yield Ask(words=words)
    if loaded.settings.models:
        known = Catalog.load({})
        for name, model in loaded.settings.models.items():
            if words := _of_model(name, model, known):
                yield Ask(words=words, model=name)


def _setting(path: str, loaded: Loaded) -> str | None:
    """Say what a setting asks for; None where it may be set by any file."""
    settings = loaded.settings
    section, _, key = path.partition(".")
    if path in HARMLESS or section in HARMLESS or _at_default(section, key, settings):
        return None
    match path:
        case "data_dir":
            return None if _inside(settings, loaded) else f"keep its data in {settings.data_path}"
        case "runs.keep_days":
            days = settings.runs.keep_days
            return None if _beside(settings, loaded) else f"purge your runs after {days:g} days"
        case "server.host":
            return None if _on_loopback(settings.server.host) else f"serve to others, at {settings.server.host}"
        case "sources.hub" | "sources.index":
            address: str = getattr(settings.sources, key)
            return None if not address or loopback(address) else f"fetch models from {address}"
        case _:
            return f"set {path}"


def _at_default(section: str, key: str, settings: Settings) -> bool:
    ours, default = getattr(settings, section), getattr(Settings(), section)
    return bool(getattr(ours, key) == getattr(default, key) if key else ours == default)


def _inside(settings: Settings, loaded: Loaded) -> bool:
    """Say whether the data folder is the user's own, or in the folder that the file stands in."""
    own = Path(platformdirs.user_data_dir("firstline")).resolve()
    return settings.data_path.resolve() == own or _beside(settings, loaded)


def _beside(settings: Settings, loaded: Loaded) -> bool:
    """Say whether the data folder is in the folder that the file stands in."""
    file = loaded.file.resolve().parent if loaded.file else loaded.folder
    return settings.data_path.resolve().is_relative_to(file)


def _on_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def _of_model(name: str, model: ModelSettings, known: Catalog) -> str | None:
    """Say what the settings of a model send where; None where all of it stays here or goes where it always goes."""
    card: Model | None = known.get(name, own_files=False) if name in known else None
    own = card.remote.api_key_env if card is not None and card.remote is not None else ""
    address = model.base_url or (card.remote.base_url if card is not None and card.remote is not None else "")
    if model.api_key_env and (model.base_url or model.api_key_env != own):
        return f"send {model.api_key_env} of your environment to {address or 'an address'} for {name}"
    if model.base_url and not loopback(model.base_url):
        return f"send what {name} is asked to {model.base_url}"
    prices = (model.input_usd_per_mtok, model.output_usd_per_mtok)
    if card is not None and card.remote is not None and not model.base_url and prices != (None, None):
        return f"reckon {name} at its own price"
    return None


def _name(path: Path) -> str:
    """The name of a file in an allowance: its folder without links, so that each file has one."""
    absolute = path.absolute()
    return str(absolute.parent.resolve() / absolute.name)


def _quoted(folder: Path) -> str:
    text = str(folder)
    return text if _PLAIN.fullmatch(text) else msgspec.json.encode(text).decode()
