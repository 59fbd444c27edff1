"""/v1/fine_tuning/jobs: make, list, show and cancel jobs, and what is told of them, in OpenAI's shapes.

A key sees its own jobs. What a job makes is a student of one narrow task, under a name as OpenAI gives it.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from firstline.api.fine_tuning.documents import (
    CheckpointQuery,
    FineTuningJob,
    FineTuningJobCheckpointList,
    FineTuningJobEventList,
    FineTuningJobList,
    Hyperparameters,
    JobBody,
    JobQuery,
)
from firstline.api.wire.answering import json_response, page_response
from firstline.api.wire.auth import caller_of, caller_within
from firstline.api.wire.body import read_object
from firstline.api.wire.fields import read_fields, read_query
from firstline.api.wire.operation import Operation
from firstline.errors import NotFoundError, PermissionDeniedError, UnsupportedError, UsageError
from firstline.ledger.fine_tuning import JobEvent, JobRow
from firstline.services import Services
from firstline.students.fine_tuning.loop import BASE, OWNER, Asked
from firstline.types import Json

_EVENT = "ftevent-"
_CHECKPOINT = "ftckpt-"


@Operation(
    rights=("fine-tuning",),
    body=JobBody,
    answer=FineTuningJob,
    example={"model": BASE, "training_file": "file-abc123", "suffix": "support"},
    errors=(PermissionDeniedError,),
)
async def create_job(request: Request) -> Response:
    """Make a job that trains a student on an uploaded chat file."""
    services: Services = request.app.state.services
    raw = await read_object(request)
    _refuse(raw)
    body = read_fields(raw, JobBody)
    caller = caller_within(request, body.model)
    asked = Asked(
        training_file=body.training_file,
        validation_file=body.validation_file,
        suffix=body.suffix,
        seed=body.seed or 0,
        hyperparameters=msgspec.to_builtins(_hyperparameters(body)),
        method=None if body.method is None else msgspec.to_builtins(body.method),
        metadata=body.metadata,
    )
    return json_response(job_object(await services.fine_tuning.create(body.model, asked, caller)))


@Operation(rights=("fine-tuning",), query=JobQuery, answer=FineTuningJobList, errors=(NotFoundError,))
async def list_jobs(request: Request) -> Response:
    """List the caller's jobs, newest first."""
    services: Services = request.app.state.services
    query = read_query(request, JobQuery)
    # One more than asked for tells whether there is a next page.
    found = await services.fine_tuning.page(query.limit + 1, caller_of(request), after=query.after)
    return page_response(found, query.limit, job_object)


@Operation(rights=("fine-tuning",), answer=FineTuningJob)
async def retrieve_job(request: Request) -> Response:
    """Show a job. Raises NotFoundError."""
    return json_response(job_object(await _found(request)))


@Operation(rights=("fine-tuning",), answer=FineTuningJob, errors=(UsageError,))
async def cancel_job(request: Request) -> Response:
    """Cancel a job, also while it is trained: nothing is promoted. Raises NotFoundError."""
    services: Services = request.app.state.services
    job_id: str = request.path_params["id"]
    return json_response(job_object(await services.fine_tuning.cancel(job_id, caller_of(request))))


@Operation(rights=("fine-tuning",), answer=FineTuningJob, errors=(UnsupportedError,))
async def pause_job(request: Request) -> Response:
    """Refuse to pause a job: training takes minutes, and a cancelled job can be made again. Raises NotFoundError."""
    raise _no_pause(await _found(request))


@Operation(rights=("fine-tuning",), answer=FineTuningJob, errors=(UnsupportedError,))
async def resume_job(request: Request) -> Response:
    """Refuse to resume a job: none is ever paused. Raises NotFoundError."""
    raise _no_pause(await _found(request))


@Operation(rights=("fine-tuning",), query=JobQuery, answer=FineTuningJobEventList)
async def list_events(request: Request) -> Response:
    """List what was told of a job, newest first. Raises NotFoundError."""
    services: Services = request.app.state.services
    query = read_query(request, JobQuery)
    job = await _found(request)
    after = None if query.after is None else _event_number(query.after)
    found = await services.fine_tuning.rows.events(job.id, query.limit + 1, after=after)
    return page_response(found, query.limit, event_object)


@Operation(rights=("fine-tuning",), query=CheckpointQuery, answer=FineTuningJobCheckpointList)
async def list_checkpoints(request: Request) -> Response:
    """List the checkpoints of a job: the model itself, once it is made. Raises NotFoundError."""
    query = read_query(request, CheckpointQuery)
    job = await _found(request)
    found = [] if job.model is None or query.after is not None else [job]
    return page_response(found, query.limit, checkpoint_object)


def job_object(job: JobRow) -> dict[str, Json]:
    """Render a job."""
    asked = job.request
    hyperparameters = {
        name: asked["hyperparameters"].get(name, "auto")
        for name in ("n_epochs", "batch_size", "learning_rate_multiplier")
    }
    return {
        "id": job.id,
        "object": "fine_tuning.job",
        "created_at": int(job.created),
        "finished_at": None if job.finished is None else int(job.finished),
        "model": BASE,
        "fine_tuned_model": job.model,
        "organization_id": OWNER,
        "status": job.state,
        "hyperparameters": hyperparameters,
        "method": {"type": "supervised", "supervised": {"hyperparameters": hyperparameters}},
        "training_file": asked["training_file"],
        "validation_file": asked["validation_file"],
        "result_files": [],
        "trained_tokens": job.trained_tokens,
        "error": job.error,
        "user_provided_suffix": asked["suffix"],
        "seed": asked["seed"],
        "estimated_finish": None,
        "integrations": [],
        "metadata": asked["metadata"],
        "firstline": job.made,
    }


def event_object(event: JobEvent) -> dict[str, Json]:
    """Render an event."""
    return {
        "id": f"{_EVENT}{event.id}",
        "object": "fine_tuning.job.event",
        "created_at": int(event.created),
        "level": event.level,
        "message": event.message,
        "type": event.type,
        "data": event.data or {},
    }


def checkpoint_object(job: JobRow) -> dict[str, Json]:
    """Render the checkpoint of a job that made a model."""
    made = job.made or {}
    return {
        "id": _CHECKPOINT + job.id.rpartition("-")[2],
        "object": "fine_tuning.job.checkpoint",
        "created_at": int(job.finished or job.created),
        "fine_tuned_model_checkpoint": job.model,
        "fine_tuning_job_id": job.id,
        "step_number": made["taught"],
        "metrics": {"step": made["taught"]},
        "firstline": made["metrics"],
    }


async def _found(request: Request) -> JobRow:
    services: Services = request.app.state.services
    return await services.fine_tuning.get(request.path_params["id"], caller_of(request))


def _refuse(raw: Mapping[str, Json]) -> None:
    """Refuse in words what is asked of a hosted trainer and means nothing to a student."""
    method = raw.get("method")
    kind = method.get("type") if isinstance(method, dict) else None
    if kind in ("dpo", "reinforcement"):
        raise UnsupportedError(
            f"the method {kind} is not done here: a student learns from one right answer a line",
            hint="use the method supervised",
            param="method.type",
        )
    if raw.get("integrations"):
        raise UnsupportedError(
            "there are no integrations: nothing is sent elsewhere",
            hint="`GET /v1/fine_tuning/jobs/{id}/events` has the metrics",
            param="integrations",
        )


def _hyperparameters(body: JobBody) -> Hyperparameters:
    """Return those of the method, else those beside it, as older clients send them."""
    of_method = body.method.supervised if body.method else msgspec.UNSET
    if of_method is not msgspec.UNSET and of_method.hyperparameters is not msgspec.UNSET:
        return of_method.hyperparameters
    return body.hyperparameters or Hyperparameters()


def _no_pause(job: JobRow) -> UnsupportedError:
    return UnsupportedError(
        f"the job {job.id} cannot be paused or resumed: training takes minutes",
        hint="cancel it, and make it again with the same file and seed: it makes the same student",
        param="id",
    )


def _event_number(event_id: str) -> int:
    number = event_id.removeprefix(_EVENT)
    if not (event_id.startswith(_EVENT) and number.isascii() and number.isdecimal() and len(number) < 16):
        raise NotFoundError(f"there is no event {event_id[:64]!r}", param="after")
    return int(number)
