"""The shapes of what `/v1/reviews` answers with; `views/review.py` renders them."""

from __future__ import annotations

from typing import Any, Literal

from msgspec import UNSET, UnsetType

from firstline.api.wire.documents import FindingObject, Page, RunObject
from firstline.types import ReviewKind, ReviewState, Value


class ReviewObject(Value, frozen=True, kw_only=True):
    """One entry of the queue. Times are seconds since 1970.

    `by` holds it or has closed it, since `at`; a taken one is open again at `lease_ends`. `answer` is the person's,
    `findings` what the checks have against it all the same, `reason` why it was rejected. All
    three are gone where the contents of its run were taken out, at `purged`.
    """

    id: str
    object: Literal["review"]
    kind: ReviewKind
    state: ReviewState
    task: str
    run_id: str
    certificate_id: str | None
    by: str | None
    at: float
    lease_ends: float | None
    answer: Any
    findings: list[FindingObject]
    reason: str | None
    created: float
    purged: float | None


class ReviewList(Page, frozen=True, kw_only=True):
    """A page of reviews."""

    data: list[ReviewObject]


class SourcePart(Value, frozen=True, kw_only=True):
    """A part of an input: its text, or where the bytes of a picture or PDF are had."""

    type: Literal["text", "image", "document"]
    text: str | UnsetType = UNSET
    url: str | UnsetType = UNSET
    media_type: str | UnsetType = UNSET
    bytes: int | UnsetType = UNSET
    sha256: str | UnsetType = UNSET


class SourceObject(Value, frozen=True, kw_only=True):
    """The input that is decided on; not `kept`: it never was, or not any longer."""

    kept: bool
    parts: list[SourcePart]


class WholeReview(ReviewObject, frozen=True, kw_only=True):
    """A review with all that one must see to decide.

    `best` is the best answer so far, `doubts` are by field what the checks had against the last attempt at it, and
    `schema` is what an answer must meet (null: the task is gone, and `notes` say so). An audit that is `blind` shows
    neither `best` nor `run`.
    """

    source: SourceObject
    blind: bool
    best: Any
    doubts: dict[str, list[FindingObject]]
    schema: dict[str, Any] | None
    run: RunObject | None
    notes: list[str]


class AuditOutcome(Value, frozen=True, kw_only=True):
    """What an answer says of the served one: `wrong` are its wrong fields, `withdrawn` why the certificate was
    withdrawn where this answer did that."""

    right: bool
    wrong: list[str]
    certificate_id: str
    withdrawn: str | None


class AnsweredReview(Value, frozen=True, kw_only=True):
    """What came of an answer: the whole of it, what the checks have against it, and whether it was written.

    `audit` says what it means where a served answer was audited.
    """

    object: Literal["review.answer"]
    saved: bool
    answer: dict[str, Any]
    findings: list[FindingObject]
    notes: list[str]
    review: ReviewObject
    run: RunObject
    audit: AuditOutcome | None
