"""The shapes of what several endpoints answer with: errors, runs, pages, and what is left of something deleted.

They describe what `errors` and `views/run.py` render; the tests hold every answer to them.
"""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from firstline.types import FieldStatus, ReviewKind, ReviewState, Value, Verdict


class ErrorObject(Value, frozen=True, kw_only=True):
    """What went wrong. `param` names the field of the request, `hint` says how to mend it."""

    message: str
    type: str
    param: str | None
    code: str
    hint: str | UnsetType = UNSET


class ErrorDocument(Value, frozen=True, kw_only=True):
    """Every answer that is no success, in OpenAI's shape."""

    error: ErrorObject


class FindingObject(Value, frozen=True, kw_only=True):
    """What a check has against an answer, and the field it is about (null: the answer as a whole)."""

    check: str
    reason: str
    field: str | None
    fields: list[str] | UnsetType = UNSET


class TokenCounts(Value, frozen=True, kw_only=True):
    """Tokens of one attempt; `estimated` where the engine did not say."""

    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    estimated: bool


class AttemptObject(Value, frozen=True, kw_only=True):
    """One model's try. `passed` is null where nothing was verified; `skipped` says why a rung was not asked."""

    model: str
    passed: bool | None
    confidence: float | None
    cost_nano_usd: int
    ms: int
    findings: list[FindingObject]
    usage: TokenCounts
    fields: list[str] | UnsetType = UNSET
    confidences: dict[str, float] | UnsetType = UNSET
    skipped: str | UnsetType = UNSET
    error: str | UnsetType = UNSET
    notes: list[str] | UnsetType = UNSET


class AnsweredAttempt(AttemptObject, frozen=True, kw_only=True):
    """One model's try, with its answer."""

    answer: Any


class FieldObject(Value, frozen=True, kw_only=True):
    """What became of one field, which model settled it, and why it is left to a person if it is.

    `by` is the person who answered it; `reasons` are then what the checks have against it all the same.
    """

    status: FieldStatus
    model: str | None
    confidence: float | None
    reasons: list[str]
    by: str | None


class ReviewMarkObject(Value, frozen=True, kw_only=True):
    """Where the review of a run stands: `by` holds it or closed it, `at` is since when (seconds since 1970)."""

    id: str
    kind: ReviewKind
    state: ReviewState
    by: str | None
    at: float


class OutcomeObject(Value, frozen=True, kw_only=True):
    """What became of a request. `verdict` is null where nothing was verified. Money is whole nano-USD.

    `certificate` is the id of the certificate that covers the answer, or `uncertified`. `review` is the entry in the
    queue of a run that a person has to decide, or has decided; of the kind `audit` where what was served is looked at.
    """

    id: str
    verdict: Verdict | None
    version: str
    certificate: str
    cost_nano_usd: int
    saved_nano_usd: int
    fields: dict[str, FieldObject]
    notes: list[str]
    reason: str
    review: ReviewMarkObject | None


class FirstlineObject(OutcomeObject, frozen=True, kw_only=True):
    """The run behind an answer: its verdict, its price and every attempt."""

    attempts: list[AttemptObject]


class RunObject(OutcomeObject, frozen=True, kw_only=True):
    """A run with its answer; `created` is seconds since 1970.

    `purged` is when its contents were taken out, null where it is whole: then answers, fields, findings, reasons, notes
    and parameters are empty, and `skipped` and `error` of attempts say `purged`. Figures are as they were.
    """

    object: Literal["run"]
    task: str
    answer: Any
    error_code: str | None
    attempts: list[AnsweredAttempt]
    ms: int
    created: float
    parameters: dict[str, Any]
    purged: float | None


class Page(Value, frozen=True, kw_only=True):
    """One page of a list; `last_id` as `after` gives the next."""

    object: Literal["list"]
    first_id: str | None
    last_id: str | None
    has_more: bool


class RunList(Page, frozen=True, kw_only=True):
    """A page of runs."""

    data: list[RunObject]


class Deleted(Value, frozen=True, kw_only=True):
    """What is left of something that was deleted."""

    id: str
    object: str
    deleted: Literal[True]
