"""/v1/models: what may stand in `model`, with limits, prices and end of life; a fine-tuned model may be deleted.

Models of the catalog under their id and every alias, then the tasks as `task/NAME`, then the fine-tuned models of the
caller. OpenAI's keys, and the rest under
`firstline`; prices are whole nano-USD for a million tokens, null where nobody has established one.
"""

from __future__ import annotations

import asyncio
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Literal

from starlette.requests import Request
from starlette.responses import Response

from firstline.api.wire.answering import json_response
from firstline.api.wire.auth import caller_for, caller_of, caller_within
from firstline.api.wire.documents import Deleted
from firstline.api.wire.operation import ASKS, NAMES_MODEL, Operation
from firstline.catalog.catalog import FINE_TUNED_PREFIX
from firstline.catalog.model import Model
from firstline.catalog.price import list_price
from firstline.chat.service import TASK_PREFIX
from firstline.errors import TaskError, UsageError
from firstline.gateway.keyring import covers, kind_of
from firstline.money import from_usd
from firstline.services import Services
from firstline.students.fine_tuning.jobs import FineTuned
from firstline.tasks.task import Task
from firstline.types import Json, Modality, Value


class Price(Value, frozen=True, kw_only=True):
    """Whole nano-USD for a million tokens."""

    input_nano_usd_per_mtok: int | None
    cached_nano_usd_per_mtok: int | None
    output_nano_usd_per_mtok: int | None


class ModelFacts(Value, frozen=True, kw_only=True, tag_field="kind", tag="model"):
    """What is known of a model; null where nobody has established it. `available`: it can be asked now, its weights are
    here or its key is set; of `gpt-4o-mini`, one of the default ladder can."""

    id: str
    aliases: list[str]
    modalities: list[Modality]
    context: int | None
    max_output: int | None
    dimensions: int | None
    local: bool
    licence: str | None
    price: Price | None
    available: bool


class TaskFacts(Value, frozen=True, kw_only=True, tag_field="kind", tag="task"):
    """What a task does, and the models it asks, in order; `available`: one of them can be asked now."""

    id: str
    description: str
    task: Literal["classify", "extract", "transform"]
    version: str
    ladder: list[str]
    available: bool


class ModelObject(Value, frozen=True, kw_only=True):
    """Something that `model` may name. `shutdown_date` is the day on which its maker switches it off."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    shutdown_date: str | None
    firstline: ModelFacts | TaskFacts


class ModelList(Value, frozen=True, kw_only=True):
    """Everything that `model` may name."""

    object: Literal["list"]
    data: list[ModelObject]


@Operation(rights=ASKS, answer=ModelList, errors=(TaskError,))
async def list_models(request: Request) -> Response:
    """List everything that `model` may name, as far as the caller's scopes go."""
    services: Services = request.app.state.services
    now = datetime.now(UTC)
    caller = caller_of(request)

    def seen(name: str) -> bool:
        may = caller is None or caller.may(kind_of(name), reads=True)
        return may and covers(caller, name, services.catalog)

    models = ((model, name) for model in services.catalog.list() for name in model.names())
    ready = services.readiness
    usable = await asyncio.to_thread(ready.usable)
    data = [model_object(model, name, now, available=model.id in usable) for model, name in models if seen(name)]
    tasks = [task for task in await services.tasks.all() if seen(TASK_PREFIX + task.name)]
    data += [task_object(task, available=await ready.can(task)) for task in tasks]
    made = [
        fine_tuned_object(one, available=await ready.can(one.task)) for one in await services.fine_tuning.models(caller)
    ]
    data += [one for one in made if seen(one["id"])]
    return json_response({"object": "list", "data": data})


@Operation(rights=ASKS, answer=ModelObject, errors=(*NAMES_MODEL, TaskError))
async def retrieve_model(request: Request) -> Response:
    """Show one model or task. Raises ModelNotFoundError or NotFoundError."""
    services: Services = request.app.state.services
    name: str = request.path_params["id"]
    caller, ready = caller_for(request, name), services.readiness
    if name.startswith(TASK_PREFIX):
        task = await services.tasks.listed(name.removeprefix(TASK_PREFIX))
        return json_response(task_object(task, available=await ready.can(task)))
    if name.startswith(FINE_TUNED_PREFIX):
        found = await services.fine_tuning.model(name, caller)
        return json_response(fine_tuned_object(found, available=await ready.can(found.task)))
    # A path of this machine is no name on the wire.
    model = services.catalog.get(name, own_files=False)
    available = model.id in await asyncio.to_thread(ready.usable)
    return json_response(model_object(model, name, datetime.now(UTC), available=available))


@Operation(rights=("fine-tuning",), answer=Deleted, errors=(*NAMES_MODEL, TaskError, UsageError))
async def delete_model(request: Request) -> Response:
    """Delete a fine-tuned model of the caller; others are not made here. Raises ModelNotFoundError."""
    services: Services = request.app.state.services
    name: str = request.path_params["id"]
    caller = caller_within(request, name)
    if name.startswith(FINE_TUNED_PREFIX):
        await services.fine_tuning.delete(name, caller)
        return json_response({"id": name, "object": "model", "deleted": True})
    if name.startswith(TASK_PREFIX):
        await services.tasks.listed(name.removeprefix(TASK_PREFIX))
    else:
        services.catalog.get(name, own_files=False)
    raise UsageError(f"`{name}` was not made by fine-tuning: it is not deleted here", param="id")


def model_object(model: Model, name: str, now: datetime, *, available: bool | None = None) -> dict[str, Json]:
    """Render a model under one of its names; `available` None: that was not looked at."""
    return {
        "id": name,
        "object": "model",
        "created": _epoch(model.released),
        "owned_by": model.provider,
        "shutdown_date": model.shutdown.isoformat() if model.shutdown else None,
        "firstline": {
            "kind": "model",
            "id": model.id,
            "aliases": list(model.aliases),
            "modalities": list(model.modalities),
            "context": model.context,
            "max_output": model.max_output,
            "dimensions": model.dimensions,
            "local": model.local,
            "licence": model.licence,
            "price": _price(model, now),
            **({} if available is None else {"available": available}),
        },
    }


def task_object(task: Task, *, available: bool) -> dict[str, Json]:
    """Render a task as something that `model` may name."""
    return {
        "id": TASK_PREFIX + task.name,
        "object": "model",
        "created": 0,
        "owned_by": "firstline",
        "shutdown_date": None,
        "firstline": {
            "kind": "task",
            "id": TASK_PREFIX + task.name,
            "description": task.description,
            "task": task.kind,
            "version": task.version,
            "ladder": list(task.ladder),
            "available": available,
        },
    }


def fine_tuned_object(found: FineTuned, *, available: bool) -> dict[str, Json]:
    """Render a model that a job of fine-tuning made."""
    made = task_object(found.task, available=available)
    name, created = found.job.model, int(found.job.finished or found.job.created)
    return {**made, "id": name, "created": created, "firstline": {**made["firstline"], "id": name}}


def _price(model: Model, now: datetime) -> Json:
    prices = list_price(model, at=now)
    if prices is None:
        return None
    return {
        "input_nano_usd_per_mtok": _nano(prices.input),
        "cached_nano_usd_per_mtok": _nano(prices.cached),
        "output_nano_usd_per_mtok": _nano(prices.output),
    }


def _nano(usd: Decimal | None) -> int | None:
    return None if usd is None else int(from_usd(usd))


def _epoch(day: date | None) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()) if day else 0
