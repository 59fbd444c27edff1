"""What each endpoint takes and gives, declared beside it: OpenAPI, the reference and the tests of every route read it.

    @Operation(body=ChatBody, answer=ChatCompletion, names_model=True)
    async def chat_completions(request): …

The shapes are msgspec structs. Those of bodies and queries are the ones that parse; those of answers are held to every
answer that any test gets from a served application.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal, TypeVar

import msgspec
from starlette.routing import Route

from firstline import errors
from firstline.errors import FirstlineError
from firstline.rights import Right
from firstline.types import Json, Value

Endpoint = TypeVar("Endpoint", bound=Callable[..., Any])
Failure = type[FirstlineError]
Surface = Literal["openai", "anthropic"]
"""Whose wire a route speaks: the shape of its errors."""

FREE = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that are not counted as requests: they ask no model. They are reads, which have a limit of their own."""
FILTER_UNITS = 5
"""As how many reads a filter counts that looks beyond the rows that are given."""
EVERYWHERE: tuple[Failure, ...] = (
    FirstlineError,
    errors.UsageError,
    errors.OriginError,
    errors.HostError,
    errors.AuthenticationError,
    errors.LedgerError,
    errors.ClosingError,
)
"""What any request can be answered with: a fault, a wrong head, a stranger's page, a proxy, a server being stopped."""
ASKS: tuple[Right, ...] = ("models", "tasks")
"""The rights of whoever asks: what `model` names says which of them it takes."""
NAMES_MODEL: tuple[Failure, ...] = (
    errors.PermissionDeniedError,
    errors.FolderNotAllowedError,
    errors.ModelNotFoundError,
    errors.NotFoundError,
)
"""What a name in `model` can be wrong in."""
READS_INPUT: tuple[Failure, ...] = (
    errors.InputError,
    errors.ImageError,
    errors.DocumentError,
    errors.NotApplicableError,
    errors.ContextLengthError,
    errors.InvalidValueError,
    errors.TaskError,
)
"""What an input can be wrong in, and the task that it is for."""
READS_SCHEMAS: tuple[Failure, ...] = (
    errors.SchemaError,
    errors.StrictSchemaError,
    errors.FunctionSchemaError,
    errors.RuleError,
)
"""What a schema can be wrong in."""
ASKS_MODELS: tuple[Failure, ...] = (
    errors.BudgetError,
    errors.InsufficientBalanceError,
    errors.QuotaError,
    errors.TokenRateLimitError,
    errors.NoModelError,
    errors.WeightsError,
    errors.WeightsMissingError,
    errors.WeightsMismatchError,
    errors.WeightsDiskError,
    errors.WeightsInvalidError,
    errors.EngineError,
    errors.EngineUnavailableError,
    errors.EngineNotFoundError,
    errors.EngineTimeoutError,
    errors.EngineCrashedError,
    errors.EngineAuthError,
    errors.EngineQuotaError,
    errors.EngineRateLimitError,
    errors.EngineRefusedError,
    errors.EngineSchemaError,
    errors.EngineOutputError,
    errors.EngineDisconnectedError,
)
"""What can keep a model from answering."""


class BodyLimits(Value, frozen=True, kw_only=True):
    """What a JSON body may measure: all of it in MB (None: as `server.max_body_mb` says), its texts in MB without
    images and files in base64, and its names and values."""

    mb: float | None = 4
    text_mb: float = 4
    values: int = 60_000


CONVERSATION = BodyLimits(mb=None, text_mb=8)
"""A body that may hold images and files; its text is that of a million tokens at most, as JSON writes them."""


class Operation(Value, frozen=True, kw_only=True):
    """What an endpoint takes and gives.

    `units` says as how many reads a query counts beside one.
    `rights` are those of which a key needs one (`firstline.rights`); a route without one is an `open` one.
    `body` is a JSON object's shape, `limits` what it may measure, `left_alone` names further fields that are accepted
    and change nothing, `refused` those that may only ask for nothing. `form` has the fields of a multipart form, whose
    file is `file`. `query` is the shape of the query, `query_maps` are parts of it
    written `name[key]=value`. `answer` is the shape of the 200 answer (None: bytes, of `media_type`), `events` that of
    the data of a stream of events. `example` is a body that a new user may send. `errors` are those of the endpoint
    itself; what its method, path and shapes bring with them is added.
    """

    rights: tuple[Right, ...] = ()
    body: type[msgspec.Struct] | None = None
    limits: BodyLimits = BodyLimits()
    left_alone: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    form: type[msgspec.Struct] | None = None
    query: type[msgspec.Struct] | None = None
    query_maps: Mapping[str, Any] = {}
    answer: Any = None
    media_type: str = "application/json"
    events: Any = None
    example: Mapping[str, Json] | None = None
    errors: tuple[Failure, ...] = ()
    names_model: bool = False
    asks_models: bool = False
    surface: Surface = "openai"
    open: bool = False
    units: Callable[[Mapping[str, str]], int] | None = None

    def cost(self, query: Mapping[str, str]) -> int:
        """Return as how many further reads a query counts."""
        filters = sum(name.partition("[")[0] in self.query_maps for name in query)
        return FILTER_UNITS * filters + (self.units(query) if self.units is not None else 0)

    def __call__(self, endpoint: Endpoint) -> Endpoint:
        """Declare it of an endpoint, which stays as it is."""
        endpoint.operation = self  # type: ignore[attr-defined]
        return endpoint


def operation_of(route: Route) -> Operation:
    """Return what the endpoint of a route declares. Raises LookupError where it declares nothing."""
    declared: Operation | None = getattr(route.endpoint, "operation", None)
    if declared is None:
        raise LookupError(f"{route.path}: declare with @Operation what {route.name} takes and gives")
    if declared.open == bool(declared.rights):
        raise LookupError(f"{route.path}: say of {route.name} which right it needs, or that it is open")
    return declared


def method_of(route: Route) -> str:
    """Return the one method of a route; what answers GET answers HEAD too."""
    (method,) = (route.methods or set()) - {"HEAD"}
    return method


def failures(route: Route) -> tuple[Failure, ...]:
    """Return every error that a route can answer with, in the order of the tree's statuses."""
    declared = operation_of(route)
    found: list[Failure] = [*EVERYWHERE, *declared.errors]
    if not declared.open:
        found += [errors.MissingRightError, errors.RateLimitError]
        if method_of(route) == "POST":
            found += [errors.IdempotencyKeyError, errors.RequestBusyError, errors.ConflictError]
    if declared.body or declared.form or declared.query or declared.query_maps:
        found.append(errors.UnsupportedError)
    if declared.body or declared.form:
        found.append(errors.ContentTypeError)
    if declared.body:
        found += [errors.RequestTooLargeError, errors.ContextLengthError]
    if "{id" in route.path:
        found.append(errors.NotFoundError)
    if declared.names_model:
        found += NAMES_MODEL
    if declared.asks_models:
        found += [*READS_INPUT, *READS_SCHEMAS, *ASKS_MODELS]
    return tuple(sorted(set(found), key=lambda one: (one.status, one.code)))
