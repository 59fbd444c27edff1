"""All settings together, read from `firstline.toml` and the environment; `settings_sections` declares each key.

The only module that reads the environment. An environment variable is `FIRSTLINE_` + section + `_` + name in capitals
(`FIRSTLINE_SERVER_PORT`); it wins over the file, the file over the default. An unknown key is an error with a hint.
`[models."vendor/name"]` sections say how one model is reached; they exist in the file only.
"""

from __future__ import annotations

import difflib
import hashlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import msgspec
import platformdirs
from msgspec import Meta

from firstline.declared_mistakes import find_mistake, line_of
from firstline.errors import SettingsError
from firstline.settings_sections import (
    AuditSettings,
    BudgetSettings,
    EmbeddingSettings,
    FileSettings,
    IdempotencySettings,
    KeyDefaults,
    LadderSettings,
    Limits,
    Llama,
    MessageSettings,
    ModelSettings,
    ReviewSettings,
    RunSettings,
    Scripted,
    Section,
    ServerSettings,
    SourceSettings,
    StoredSettings,
    TaskSettings,
    WorthSettings,
)
from firstline.settings_tree import from_text, help_of, kind_of, leaves, put, read_toml, value_at

FILE_NAME = "firstline.toml"
PREFIX = "FIRSTLINE_"


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All settings."""

    data_dir: Annotated[str, Meta(description="folder of models, ledger and caches")] = ""
    tasks_dir: Annotated[str, Meta(description="folder of your own tasks")] = "tasks"
    server: ServerSettings = ServerSettings()
    tasks: TaskSettings = TaskSettings()
    ladder: LadderSettings = LadderSettings()
    budget: BudgetSettings = BudgetSettings()
    worth: WorthSettings = WorthSettings()
    keys: KeyDefaults = KeyDefaults()
    limits: Limits = Limits()
    llama: Llama = Llama()
    embeddings: EmbeddingSettings = EmbeddingSettings()
    messages: MessageSettings = MessageSettings()
    files: FileSettings = FileSettings()
    runs: RunSettings = RunSettings()
    stored: StoredSettings = StoredSettings()
    idempotency: IdempotencySettings = IdempotencySettings()
    reviews: ReviewSettings = ReviewSettings()
    audits: AuditSettings = AuditSettings()
    fake: Scripted = Scripted()
    sources: SourceSettings = SourceSettings()
    models: dict[str, ModelSettings] = {}

    @property
    def data_path(self) -> Path:
        """The data folder: `data_dir`, or the user's data folder of the platform."""
        return Path(self.data_dir).expanduser() if self.data_dir else Path(platformdirs.user_data_dir("firstline"))

    @property
    def models_path(self) -> Path:
        """Where weights lie."""
        return self.data_path / "models"

    @property
    def files_path(self) -> Path:
        """Where uploaded files lie, by sha256."""
        return self.data_path / "files"

    @property
    def records_path(self) -> Path:
        """Where recorded attempts lie, a file for each behaviour of a task."""
        return self.data_path / "records"

    @property
    def students_path(self) -> Path:
        """Where the bytes of students lie, named by their sha256."""
        return self.data_path / "students"

    @property
    def taught_path(self) -> Path:
        """Where the tasks lie that were found in files of fine-tuning."""
        return self.data_path / "taught"

    @property
    def inputs_path(self) -> Path:
        """Where the pictures and PDFs of kept inputs lie, by sha256."""
        return self.data_path / "inputs"

    @property
    def ledger_url(self) -> str:
        """SQLAlchemy address of the ledger."""
        return f"sqlite:///{self.data_path / 'ledger.db'}"


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting as shown to people: `path` is `server.port`; `source` is `default`, the file or the variable."""

    path: str
    env: str
    kind: str
    help: str
    value: Any
    source: str


class Loaded(msgspec.Struct, frozen=True, kw_only=True):
    """Settings, where each came from, the file that was read (None: there is none) and the environment's keys.

    `folder` is the working folder and `sha256` of the file's bytes. `named` says that the environment named the file
    (FIRSTLINE_CONFIG); `allow` are the folders that it allows (FIRSTLINE_ALLOW). `own_path` is the folder of the user's
    own settings, which no file can move.
    """

    settings: Settings
    sources: Mapping[str, str]
    file: Path | None
    secrets: Mapping[str, str]
    folder: Path
    sha256: str = ""
    named: bool = False
    allow: tuple[Path, ...] = ()
    own_path: Path

    def from_file(self, path: str) -> bool:
        """Say whether a setting comes from the file."""
        return self.file is not None and self.sources.get(path) == str(self.file)

    def describe(self) -> list[Setting]:
        """List every declared setting with its value and source, and what the file says of models."""
        return [
            Setting(
                path=path,
                env=env_name(path),
                kind=kind_of(hint),
                help=help_of(hint),
                value=value_at(self.settings, path),
                source=self.sources.get(path, "default"),
            )
            for path, hint in declared()
        ] + [
            Setting(
                path=f'models."{name}".{key}',
                env="",
                kind=kind_of(hint),
                help=help_of(hint),
                value=getattr(model, key),
                source=self.sources[f"models.{name}.{key}"],
            )
            for name, model in self.settings.models.items()
            for key, hint in get_type_hints(ModelSettings, include_extras=True).items()
            if f"models.{name}.{key}" in self.sources
        ]


def load(environ: Mapping[str, str] | None = None, *, cwd: Path | None = None) -> Loaded:
    """Read `firstline.toml` (in `cwd`, or where FIRSTLINE_CONFIG points) and the environment.

    Raises SettingsError for a file that is not TOML, an unknown key or a wrong value, with the key and a hint.
    """
    env = os.environ if environ is None else environ
    path = Path(env[PREFIX + "CONFIG"]) if PREFIX + "CONFIG" in env else (cwd or Path.cwd()) / FILE_NAME
    tree: dict[str, Any] = {}
    data = b""
    if path.is_file():
        data = path.read_bytes()
        tree = read_toml(path.name, data)
    elif PREFIX + "CONFIG" in env:
        raise SettingsError(f"{path} does not exist", hint=f"{PREFIX}CONFIG names the settings file")
    sources = {dotted: str(path) for dotted in leaves(tree)}
    known = {env_name(dotted): (dotted, hint) for dotted, hint in declared()}
    for name, text in env.items():
        if not name.startswith(PREFIX) or name in (PREFIX + "CONFIG", PREFIX + "ALLOW"):
            continue
        if name not in known:
            raise SettingsError(f"{name}: there is no such setting", hint=_suggest(name, known))
        dotted, hint = known[name]
        put(tree, dotted, from_text(name, text, hint))
        sources[dotted] = f"environment ({name})"
    try:
        settings = msgspec.convert(tree, Settings)
    except msgspec.ValidationError as error:
        raise _mistaken(path.name, tree, data, sources, str(error)) from None
    return Loaded(
        settings=settings,
        sources=sources,
        file=path if path.is_file() else None,
        secrets=dict(env),
        folder=(cwd or Path.cwd()).resolve(),
        sha256=hashlib.sha256(data).hexdigest(),
        named=PREFIX + "CONFIG" in env,
        allow=_allowed(env.get(PREFIX + "ALLOW", "")),
        own_path=own_path(),
    )


def own_path() -> Path:
    """Return the folder of the user's own settings, by the platform; no settings file can move it."""
    return Path(platformdirs.user_config_dir("firstline"))


def declared() -> Iterator[tuple[str, Any]]:
    """Yield the dotted path and annotated type of every setting outside `[models]`."""
    for name, hint in get_type_hints(Settings, include_extras=True).items():
        if name == "models":
            continue
        if isinstance(hint, type) and issubclass(hint, Section):
            for key, inner in get_type_hints(hint, include_extras=True).items():
                yield f"{name}.{key}", inner
        else:
            yield name, hint


def hand_on(path: str, value: str) -> None:
    """Set a setting for the processes that this one starts."""
    os.environ[env_name(path)] = value


def kept_environment(keep: Callable[[str], bool]) -> dict[str, str]:
    """Return the variables of the environment whose names `keep` takes, for the processes that this one starts."""
    return {name: value for name, value in os.environ.items() if keep(name)}


def env_name(path: str) -> str:
    """Return the environment variable of a setting: `server.port` → `FIRSTLINE_SERVER_PORT`."""
    return PREFIX + path.replace(".", "_").upper()


def _allowed(text: str) -> tuple[Path, ...]:
    folders = [Path(part) for part in text.split(os.pathsep) if part]
    for folder in folders:
        if not folder.is_absolute():
            # A relative one would allow whatever folder somebody happens to work in.
            raise SettingsError(f"{PREFIX}ALLOW: {folder} is not absolute", hint="write the whole path of the folder")
    return tuple(folder.resolve() for folder in folders)


def _suggest(name: str, known: Mapping[str, Any]) -> str:
    close = difflib.get_close_matches(name, known, n=1)
    return f"did you mean {close[0]}?" if close else "`firstline doctor` lists every setting"


def _mistaken(name: str, tree: Mapping[str, Any], data: bytes, sources: Mapping[str, str], said: str) -> SettingsError:
    """Name the file, line and key of a mistake; or the variable that it came from."""
    found = find_mistake(tree, Settings)
    if found is None:
        return SettingsError(f"{name}: {said}")
    if sources.get(".".join(found.keys), "").startswith("environment"):
        return SettingsError(f"{env_name('.'.join(found.keys))}: {found.reason}", hint=found.hint)
    line = line_of(data.decode("utf-8"), found.path)
    where = f"{name}:{line}" if line else name
    hint = found.hint or "`firstline doctor` lists every setting"
    return SettingsError(f"{where}: {found.path}: {found.reason}", hint=hint, param=found.path)
