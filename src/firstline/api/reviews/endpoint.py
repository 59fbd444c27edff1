"""/v1/reviews: the queue of what a person is asked, one entry with its source, and what a reviewer does with it.

A key with the right `reviews` sees those of the tasks that it may name, one with `audits` the audits of these. The
reviewer is the key; a name in the body is told beside it (`anna via desk`). Without keys the name in the body stands,
or `owner`.
"""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from firstline.api.reviews.documents import AnsweredReview, ReviewList, ReviewObject, WholeReview
from firstline.api.wire.answering import json_response, page_response
from firstline.api.wire.auth import caller_of
from firstline.api.wire.body import read_object
from firstline.api.wire.fields import read_fields, read_query
from firstline.api.wire.operation import Operation
from firstline.errors import (
    FolderNotAllowedError,
    InvalidValueError,
    NotFoundError,
    ReviewClosedError,
    ReviewTakenError,
    TaskError,
    UsageError,
)
from firstline.ledger.inputs import KeptText
from firstline.reviews.reviews import Answer
from firstline.rights import Right
from firstline.services import Services
from firstline.types import ReviewKind, ReviewState
from firstline.views.review import answered_object, review_object, view_object

Reviewer = Annotated[str, Meta(min_length=1, max_length=64)]
_RIGHTS: tuple[Right, ...] = ("reviews", "audits")
_CONFLICTS = (ReviewTakenError, ReviewClosedError)
_OWNER = "owner"

T = TypeVar("T", bound=msgspec.Struct)


class ReviewQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of the queue; `after` is the id of the last review of the page before."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    task: str | None = None
    state: ReviewState | None = None
    kind: ReviewKind | None = None
    after: str | None = None


class ViewQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of one review; `served` shows what was served though the audit is blind."""

    served: bool = False


class TakeBody(msgspec.Struct, frozen=True, kw_only=True):
    """Who takes a review, and for how many seconds."""

    reviewer: Reviewer | None = None
    lease_s: Annotated[float, Meta(gt=0, le=86_400)] | None = None


class ReleaseBody(msgspec.Struct, frozen=True, kw_only=True):
    """Who lets go."""

    reviewer: Reviewer | None = None


class AnswerBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a reviewer says. `answer` holds values by field, or of a task with one field its value alone; fields that
    are not named keep their value where it passed its checks, with `accept_rest` also where it did not. `confirm` says
    of an audit, without an `answer`: right as served."""

    answer: dict[str, Any] | str | None = None
    confirm: bool = False
    reviewer: Reviewer | None = None
    accept_rest: bool = False
    dry_run: bool = False


class RejectBody(msgspec.Struct, frozen=True, kw_only=True):
    """Why an input is unusable."""

    reason: Annotated[str, Meta(min_length=1, max_length=1000)]
    reviewer: Reviewer | None = None


@Operation(rights=_RIGHTS, query=ReviewQuery, answer=ReviewList, errors=(NotFoundError,))
async def list_reviews(request: Request) -> Response:
    """List what a person is asked, oldest first."""
    services: Services = request.app.state.services
    query = read_query(request, ReviewQuery)
    # One more than asked for tells whether there is a next page.
    found = await services.reviews.list(
        query.limit + 1, caller_of(request), task=query.task, state=query.state, kind=query.kind, after=query.after
    )
    return page_response(found, query.limit, review_object)


@Operation(rights=_RIGHTS, query=ViewQuery, answer=WholeReview)
async def get_review(request: Request) -> Response:
    """Show one review: source, attempts, failing checks and best answer. Raises NotFoundError."""
    services: Services = request.app.state.services
    query = read_query(request, ViewQuery)
    view = await services.reviews.view(request.path_params["id"], caller_of(request), served=query.served)
    return json_response(view_object(view))


@Operation(rights=_RIGHTS, media_type="application/octet-stream")
async def review_source(request: Request) -> Response:
    """Send a part of a review's source, such as a picture. Raises NotFoundError."""
    services: Services = request.app.state.services
    view = await services.reviews.view(request.path_params["id"], caller_of(request))
    place: str = request.path_params["place"]
    parts = view.kept.parts if view.kept else ()
    if not (place.isdecimal() and place.isascii() and len(place) < 5 and int(place) < len(parts)):
        raise NotFoundError(f"{view.review.id} has no part {place[:64]!r} that is kept", param="place")
    part = parts[int(place)]
    data = part.text.encode() if isinstance(part, KeptText) else await services.reviews.inputs.read(part)
    # Of no kind, as uploaded files are sent: what somebody sent in must not run in the console's origin.
    return Response(data, media_type="application/octet-stream", headers={"x-content-type-options": "nosniff"})


@Operation(
    rights=_RIGHTS, body=TakeBody, answer=ReviewObject, errors=_CONFLICTS, example={"reviewer": "anna", "lease_s": 900}
)
async def take_review(request: Request) -> Response:
    """Hold a review so that nobody else answers it; again: for longer. Raises NotFoundError and conflicts."""
    services: Services = request.app.state.services
    body = await _body(request, TakeBody)
    taken = await services.reviews.take(
        request.path_params["id"], _reviewer(request, body.reviewer), caller_of(request), lease_s=body.lease_s
    )
    return json_response(review_object(taken))


@Operation(rights=_RIGHTS, body=ReleaseBody, answer=ReviewObject, errors=_CONFLICTS, example={"reviewer": "anna"})
async def release_review(request: Request) -> Response:
    """Let go of a review. Raises NotFoundError and conflicts."""
    services: Services = request.app.state.services
    body = await _body(request, ReleaseBody)
    released = await services.reviews.release(
        request.path_params["id"], _reviewer(request, body.reviewer), caller_of(request)
    )
    return json_response(review_object(released))


@Operation(
    rights=_RIGHTS,
    body=AnswerBody,
    answer=AnsweredReview,
    errors=(*_CONFLICTS, FolderNotAllowedError, InvalidValueError, TaskError),
    example={"answer": {"total": 12.5, "address": None}, "reviewer": "anna"},
)
async def answer_review(request: Request) -> Response:
    """Answer a review: the run is complete, and the answer an example; an audit counts for or against its certificate.

    Raises NotFoundError and conflicts.
    """
    services: Services = request.app.state.services
    body = await _body(request, AnswerBody)
    if body.answer is None and not body.confirm:
        raise UsageError("answer: give the values, or confirm an audit", param="answer")
    given = Answer(
        values={} if body.answer is None else body.answer,
        confirm=body.confirm,
        accept_rest=body.accept_rest,
        dry_run=body.dry_run,
    )
    answered = await services.reviews.answer(
        request.path_params["id"], _reviewer(request, body.reviewer), given, caller_of(request)
    )
    return json_response(answered_object(answered, saved=answered.review.state == "answered"))


@Operation(
    rights=_RIGHTS,
    body=RejectBody,
    answer=ReviewObject,
    errors=_CONFLICTS,
    example={"reason": "the lower half is missing", "reviewer": "anna"},
)
async def reject_review(request: Request) -> Response:
    """Close a review because its input is unusable: the run is rejected, or the audit skipped. Raises NotFoundError and
    conflicts."""
    services: Services = request.app.state.services
    body = await _body(request, RejectBody)
    if not body.reason.strip():
        raise UsageError("reason: say why", param="reason")
    rejected = await services.reviews.reject(
        request.path_params["id"], _reviewer(request, body.reviewer), body.reason.strip(), caller_of(request)
    )
    return json_response(review_object(rejected))


async def _body(request: Request, shape: type[T]) -> T:
    return read_fields(await read_object(request), shape)


def _reviewer(request: Request, given: str | None) -> str:
    """Return who answers: whom the key says; another name that the body gives is told beside it, never instead."""
    caller = caller_of(request)
    if caller is None:
        return given or _OWNER
    return caller.name if given in (None, caller.name) else f"{given} via {caller.name}"
