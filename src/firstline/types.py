"""The values that travel through the product: messages, requests to a model, completions, attempts and runs.

All are frozen and know nothing of the wire, of an engine or of a database. A request is parsed once into these,
lives in these, and is turned back into the wire once.
"""

from __future__ import annotations

from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any, Literal

import msgspec

from firstline.money import ZERO, NanoUSD
from firstline.rights import Right, allows

Json = Any
"""A JSON value: None, bool, int, float, str, list or dict of the same."""

Role = Literal["system", "user", "assistant", "tool"]
Detail = Literal["auto", "low", "high"]
FinishReason = Literal["stop", "length", "tool_calls", "content_filter"]
Verdict = Literal["accepted", "escalated", "review", "rejected"]
FieldStatus = Literal["accepted", "escalated", "review", "answered"]
"""What became of a field; `answered`: a person settled it."""
OnReview = Literal["refuse", "best"]
"""What an answer that is left to a person says: why there is none (`refuse`), or the best attempt, unsettled values and
all, with `review` as its verdict."""
ReviewKind = Literal["review", "audit"]
"""Why a person is asked: no model settled the answer, or a served answer is to be judged."""
ReviewState = Literal["open", "taken", "answered", "rejected"]
AuditBy = Literal["review", "top"]
"""Who audits a served answer first: a person, or the top rung of its task's ladder."""
AuditState = Literal["pending", "suspect", "right", "wrong", "skipped", "expired"]
"""What an audit came to. `suspect`: the top rung answers differently, and a person has to say who is right."""
Modality = Literal["text", "image"]


class Value(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the frozen, keyword-only structs."""


class Text(Value, frozen=True, kw_only=True, tag="text"):
    """A piece of text."""

    text: str


class Image(Value, frozen=True, kw_only=True, tag="image"):
    """A decoded-and-checked picture: `data` holds the bytes of a PNG, JPEG or WEBP; sizes are pixels."""

    data: bytes
    media_type: str
    width: int
    height: int
    detail: Detail = "auto"


Part = Text | Image


class Segment(Value, frozen=True, kw_only=True):
    """A run of characters found in a picture or PDF page; the box is in pixels (or points), origin top left."""

    text: str
    x0: float
    y0: float
    x1: float
    y1: float
    confidence: float = 1.0


class Page(Value, frozen=True, kw_only=True):
    """What a reader (OCR, a PDF's text layer) found on one page.

    `turned` is by how many degrees it turned the page clockwise about its middle before it measured the boxes.
    """

    width: float
    height: float
    segments: tuple[Segment, ...]
    turned: float = 0.0


class PdfPage(Value, frozen=True, kw_only=True):
    """One page of a PDF, counted from 0.

    `text` is what its text layer says of what is seen, in points: None where that is unusable. `image` shows what else
    is to be read, or all of it: None where the text layer says everything. `claimed` are words of the text layer that
    the image has to prove, such as those of an OCR layer under a scan.
    """

    number: int
    text: Page | None = None
    image: Image | None = None
    claimed: Page | None = None


class ToolCall(Value, frozen=True, kw_only=True):
    """A model's wish to call a function; `arguments` is JSON text as the model wrote it."""

    id: str
    name: str
    arguments: str


class Message(Value, frozen=True, kw_only=True):
    """One turn of a conversation."""

    role: Role
    parts: tuple[Part, ...] = ()
    name: str | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    @property
    def text(self) -> str:
        """The text parts, joined by line breaks; pictures are left out."""
        return "\n".join(part.text for part in self.parts if isinstance(part, Text))


class Tool(Value, frozen=True, kw_only=True):
    """A function that a model may ask to have called. `parameters` is the JSON Schema of its arguments (None: it takes
    none); `strict` asks that arguments meet it exactly. A `custom` tool takes one text instead of a JSON object;
    `pattern` is the regular expression that this text has to match as a whole (empty: any text)."""

    name: str
    description: str = ""
    parameters: Mapping[str, Json] | None = None
    strict: bool = False
    custom: bool = False
    pattern: str = ""


class ToolChoice(Value, frozen=True, kw_only=True):
    """Whether a tool is to be called, and which may be: `names` empty means every tool of the request."""

    mode: Literal["none", "auto", "required"] = "auto"
    names: tuple[str, ...] = ()


def message(role: Role, text: str) -> Message:
    """Make a message of one text part."""
    return Message(role=role, parts=(Text(text=text),))


class Sampling(Value, frozen=True, kw_only=True):
    """How tokens are drawn. None leaves the choice to the engine.

    `logit_bias` names tokens by the ids of the model that was asked for. Where another stands in for it, `biased` says
    the same by the tokens' texts (None: a token that is no text by itself).
    """

    temperature: float | None = None
    top_p: float | None = None
    max_tokens: int | None = None
    stop: tuple[str, ...] = ()
    seed: int | None = None
    top_k: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: Mapping[str, float] | None = None
    biased: tuple[tuple[str | None, float], ...] = ()


class Caller(Value, frozen=True, kw_only=True):
    """Who asks: the API key that a request came with. No caller at all: a person at this machine.

    `scopes` are patterns of what may stand in `model` (`gpt-4o-mini`, `task/*`); empty: everything. `rights` say what
    the key may do (`rights.py`). The limits are per minute; None: what the settings say; so is `on_review`. What the
    key may spend is the ledger's to know.
    """

    key_id: str
    name: str
    scopes: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    reads_per_minute: int | None = None
    storage_bytes: int | None = None
    on_review: OnReview | None = None

    def may_use(self, *names: str) -> bool:
        """Say whether the scopes cover one of the names that a model goes by."""
        return not self.scopes or any(fnmatchcase(name, scope) for name in names for scope in self.scopes)

    def may(self, *rights: Right, reads: bool = False) -> bool:
        """Say whether the key has one of these rights; `reads`: to look is enough."""
        return any(allows(self.rights, right, reads=reads) for right in rights)


class Bucket(Value, frozen=True, kw_only=True):
    """A token bucket: what was in it (below zero: used beyond it) at a time in seconds."""

    level: float
    at: float


KeyState = Literal["active", "disabled", "revoked"]


class KeyTerms(Value, frozen=True, kw_only=True):
    """What an API key may do. Budgets are nano-USD of a day and of a month (UTC); None: none.

    `prepaid`: only what was granted to the key may be spent. `expires`: when it is refused (seconds since 1970; None:
    never). `storage_bytes`: what it may keep (None: what the settings say). `on_review`: what answers to it say that
    are left to a person (None: what the task or the settings say). The rest is as for `Caller`.
    """

    name: str
    scopes: tuple[str, ...] = ()
    rights: tuple[str, ...] = ()
    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    reads_per_minute: int | None = None
    day_nano_usd: NanoUSD | None = None
    month_nano_usd: NanoUSD | None = None
    prepaid: bool = False
    expires: float | None = None
    storage_bytes: int | None = None
    on_review: OnReview | None = None


class ApiKey(KeyTerms, frozen=True, kw_only=True):
    """An API key as the ledger keeps it: its terms and its money; the secret itself is kept nowhere."""

    id: str
    shown: str
    state: KeyState
    granted_nano_usd: NanoUSD = ZERO
    spent_nano_usd: NanoUSD = ZERO
    held_nano_usd: NanoUSD = ZERO
    created: float = 0.0

    @property
    def balance(self) -> NanoUSD:
        """What was granted and is not spent; what is held is still in it."""
        return NanoUSD(self.granted_nano_usd - self.spent_nano_usd)

    @property
    def available(self) -> NanoUSD:
        """What a new call may hold."""
        return NanoUSD(self.balance - self.held_nano_usd)

    @property
    def caller(self) -> Caller:
        """Who asks with this key."""
        return Caller(
            key_id=self.id,
            name=self.name,
            scopes=self.scopes,
            rights=self.rights,
            requests_per_minute=self.requests_per_minute,
            tokens_per_minute=self.tokens_per_minute,
            reads_per_minute=self.reads_per_minute,
            storage_bytes=self.storage_bytes,
            on_review=self.on_review,
        )


class ModelRequest(Value, frozen=True, kw_only=True):
    """One request to one model.

    `schema` constrains the answer to a JSON document (JSON Schema). `choices` constrains it to exactly one of these
    strings and asks for the probability of each (`Completion.choice_probs`); the two exclude each other.
    `prefill` is the beginning of the answer, which the engine continues (only with `choices`; engines that cannot
    continue an answer ignore it). `top_logprobs` > 0 asks for token probabilities. With `tools` the answer may be tool
    calls instead of text; at most one of them unless `parallel_calls`. `reasoning_effort` is for models that have it.
    `least_tokens` says that `sampling.max_tokens` is a bound of our own and nobody's wish: where money is short, the
    call is sent with a lower limit, down to this.
    """

    messages: tuple[Message, ...]
    sampling: Sampling = Sampling()
    schema: Mapping[str, Json] | None = None
    schema_name: str = "answer"
    json_object: bool = False
    choices: tuple[str, ...] = ()
    prefill: str = ""
    top_logprobs: int = 0
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice()
    parallel_calls: bool = True
    reasoning_effort: str | None = None
    timeout_s: float | None = None
    least_tokens: int | None = None


class TokenProb(Value, frozen=True, kw_only=True):
    """A token of the answer with its natural-log probability and the alternatives at that place."""

    token: str
    logprob: float
    top: tuple[tuple[str, float], ...] = ()


MOST_TOKENS = 1_000_000_000
"""No call counts more tokens than this, whatever is said of it: sums of them stay within 64 bits."""


class Surplus(Value, frozen=True, kw_only=True):
    """What a model claims of one call beyond what it could use, and what that would cost; charged to nobody."""

    tokens: int = 0
    nano_usd: NanoUSD = ZERO


NO_SURPLUS = Surplus()


class Usage(Value, frozen=True, kw_only=True):
    """Tokens of one call. `prompt_tokens` counts all of the prompt, `cached_tokens` those of it read from a cache.

    `estimated`: the engine did not say, and these are upper estimates, so that a paid call is never booked as free.
    """

    prompt_tokens: int = 0
    cached_tokens: int = 0
    completion_tokens: int = 0
    reasoning_tokens: int = 0
    estimated: bool = False

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            prompt_tokens=self.prompt_tokens + other.prompt_tokens,
            cached_tokens=self.cached_tokens + other.cached_tokens,
            completion_tokens=self.completion_tokens + other.completion_tokens,
            reasoning_tokens=self.reasoning_tokens + other.reasoning_tokens,
            estimated=self.estimated or other.estimated,
        )


class Completion(Value, frozen=True, kw_only=True):
    """A model's whole answer. `choice_probs`, in the order of the request's choices, sums to 1 (None: unknown).

    `refusal` is what a model says instead of answering; `text` is empty then. `stopped_by` is the stop sequence that
    ended the answer, where the engine says so.
    """

    text: str
    refusal: str = ""
    finish_reason: FinishReason = "stop"
    usage: Usage = Usage()
    logprobs: tuple[TokenProb, ...] | None = None
    choice_probs: tuple[float, ...] | None = None
    tool_calls: tuple[ToolCall, ...] = ()
    stopped_by: str | None = None


class Delta(Value, frozen=True, kw_only=True):
    """A piece of a streamed answer; the last piece carries `finish_reason`, `stopped_by` and `usage`.

    `calls` are fragments of tool calls, each with its place among the answer's calls: the first of a place carries id
    and name, all carry the next characters of the arguments.
    """

    text: str = ""
    refusal: str = ""
    calls: tuple[tuple[int, ToolCall], ...] = ()
    logprobs: tuple[TokenProb, ...] = ()
    finish_reason: FinishReason | None = None
    stopped_by: str | None = None
    usage: Usage | None = None


class Finding(Value, frozen=True, kw_only=True):
    """What a check has against an answer: which check, which field (None: the answer as a whole) and why.

    `fields` are those that a finding without a single field is about (empty: all that was asked).
    """

    check: str
    reason: str
    field: str | None = None
    fields: tuple[str, ...] = ()


class Attempt(Value, frozen=True, kw_only=True):
    """One model's try at one input.

    `skipped` says why the rung was not asked (then nothing was paid), `error` why it gave no answer. `fields` are the
    fields that were asked for (empty: all of them). `confidences` holds a share between 0 and 1 for each field with a
    measured probability (calibrated under a certificate); `confidence` is the least of them, None where none was
    measured. `signals` by field is what the calibrated ones were made of, kept where a certificate needs it.
    """

    model: str
    passed: bool
    answer: Json = None
    findings: tuple[Finding, ...] = ()
    fields: tuple[str, ...] = ()
    confidence: float | None = None
    confidences: Mapping[str, float] = {}
    signals: Mapping[str, Mapping[str, float]] = {}
    usage: Usage = Usage()
    cost_nano_usd: NanoUSD = ZERO
    ms: int = 0
    skipped: str | None = None
    error: str | None = None
    notes: tuple[str, ...] = ()


class FieldOutcome(Value, frozen=True, kw_only=True):
    """What became of one field of the answer, which model settled it, and why it is left to a person if it is.

    `by` is the person who answered it; `reasons` are then what the checks have against the answer all the same.
    """

    status: FieldStatus
    model: str | None = None
    confidence: float | None = None
    reasons: tuple[str, ...] = ()
    by: str | None = None


class ReviewMark(Value, frozen=True, kw_only=True):
    """Where the review of a run stands: `by` holds it or answered it, `at` is since when (seconds since 1970)."""

    id: str
    kind: ReviewKind = "review"
    state: ReviewState = "open"
    by: str | None = None
    at: float = 0.0


class Run(Value, frozen=True, kw_only=True):
    """All attempts for one input, with its verdict; what the API, the CLI and the ledger all show.

    `verdict` None: the answer was passed through and nothing was verified, so its attempt did not pass either; or, with
    an `error_code`, there is no answer: `running`, `cancelled`, `interrupted`, or the error that ended it. A rejected
    run has the `error_code` of what is wrong with its input. `certificate` is the id of the certificate that
    its answer was served under (None: it is uncertified; a note says why where there was one). `parameters` are those
    of a task. `review` says what became of a run that was left to a person; once they answered, `answer` is theirs. It
    is also the audit of a served one by a person, which changes nothing of the run. One whose contents were taken out
    at `purged` has its figures still: what is empty there was not empty when it was made.
    """

    id: str
    task: str
    version: str
    verdict: Verdict | None
    answer: Json
    attempts: tuple[Attempt, ...]
    fields: Mapping[str, FieldOutcome] = {}
    reason: str = ""
    error_code: str | None = None
    notes: tuple[str, ...] = ()
    cost_nano_usd: NanoUSD = ZERO
    saved_nano_usd: NanoUSD = ZERO
    ms: int = 0
    created: float = 0.0
    certificate: str | None = None
    parameters: Mapping[str, Json] = {}
    review: ReviewMark | None = None
    purged: float | None = None
