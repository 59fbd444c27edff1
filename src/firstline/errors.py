"""Everything that can go wrong, as one tree.

`status`, `type`, `code` and `retryable` are facts of the class, `message`, `hint` and `param` of the instance.
`firstline.api.wire.errors` turns them into the wire's shape, `firstline.cli` into words and an exit status.
"""

from __future__ import annotations

from typing import ClassVar


class FirstlineError(Exception):
    """The root: a failure with a stable code and, where we know one, a hint how to mend it."""

    status: ClassVar[int] = 500
    type: ClassVar[str] = "server_error"
    code: ClassVar[str] = "internal_error"
    retryable: ClassVar[bool] = False

    def __init__(self, message: str, *, hint: str | None = None, param: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.param = param


class UsageError(FirstlineError):
    """The caller's words are wrong; the CLI leaves with 2, the server answers 400."""

    status = 400
    type = "invalid_request_error"
    code = "invalid_request"


class SettingsError(UsageError):
    """A setting is unknown or has a wrong value."""

    code = "invalid_settings"


class TaskError(UsageError):
    """A task file is wrong; the message names file, line and field."""

    code = "invalid_task"


class RuleError(UsageError):
    """A CEL rule does not parse or cannot be evaluated."""

    code = "invalid_rule"


class SchemaError(UsageError):
    """A JSON Schema is itself wrong or can be met by no document."""

    code = "invalid_schema"


class StrictSchemaError(SchemaError):
    """The schema of a response format was sent with `strict: true` and is not in OpenAI's subset."""

    code = "invalid_json_schema"


class FunctionSchemaError(SchemaError):
    """The parameters of a function are no schema, or not in OpenAI's subset although it is `strict`."""

    code = "invalid_function_parameters"


class InputError(UsageError):
    """The input of a run cannot be used."""

    code = "invalid_input"


class ImageError(InputError):
    """A picture is truncated, mislabelled, too large, animated or of a kind we do not read."""

    code = "invalid_image"


class DocumentError(InputError):
    """A PDF is encrypted, empty, damaged or too long."""

    code = "invalid_document"


class NotApplicableError(InputError):
    """The document is none of the kind that the task reads; nothing was asked about it."""

    code = "not_applicable"


class ContextLengthError(InputError):
    """The text is past the model's (or the product's) context window."""

    code = "context_length_exceeded"


class ReadingTimeError(InputError):
    """Reading the text takes longer than `limits.reading_s`."""


class UnsupportedError(UsageError):
    """The request asks for something the model or the product cannot do; `param` names it."""

    code = "unsupported_parameter"


class ThreadError(UnsupportedError):
    """Anthropic's clients ask for threads and go on without them at this very code."""

    code = "thread_unsupported_request"


class InvalidValueError(UsageError):
    """A field of the request has a value that this model cannot have; `param` names it."""

    code = "invalid_value"


class StorageLimitError(UsageError):
    """What is to be kept does not fit into the storage of the API key."""

    status = 413
    code = "storage_limit_exceeded"


class IdempotencyKeyError(UsageError):
    """The Idempotency-Key was used for another request of this caller, or is none."""

    status = 422
    code = "idempotency_key_reused"


class NotNarrowError(UsageError):
    """A file of fine-tuning teaches no narrow task; the message says why, with counts and a line."""

    code = "not_a_narrow_task"


class NothingLearnedError(UsageError):
    """A student was trained and does no better than one that had learned nothing."""

    code = "nothing_learned"


class RequestTooLargeError(UsageError):
    """The body of the request is larger than the setting `server.max_body_mb` allows."""

    status = 413
    code = "request_too_large"


class ContentTypeError(UsageError):
    """The body of the request is of another type than the route takes; a web page can send others unasked."""

    status = 415
    code = "unsupported_content_type"


class HeadTooLargeError(UsageError):
    """The head of the request is longer than a server takes."""

    status = 431
    code = "request_headers_too_large"


class RequestTimeoutError(UsageError):
    """The head or body of the request did not arrive within `server.head_s` or `server.body_s`."""

    status = 408
    code = "request_timeout"


class PreviousResponseError(UsageError):
    """The response to go on from is not kept here, or not any more."""

    code = "previous_response_not_found"


class NotFoundError(UsageError):
    """Nothing has this name."""

    status = 404
    code = "not_found"


class ModelNotFoundError(NotFoundError):
    """No model has this id."""

    code = "model_not_found"


class AuthenticationError(FirstlineError):
    """The request carries no API key, or one that is unknown, disabled or revoked."""

    status = 401
    type = "invalid_request_error"
    code = "invalid_api_key"


class PermissionDeniedError(FirstlineError):
    """The scopes of the API key do not cover the model or task that the request names."""

    status = 403
    type = "invalid_request_error"
    code = "model_not_found"


class MissingRightError(PermissionDeniedError):
    """The API key does not have the right that the request needs."""

    code = "missing_right"


class FolderNotAllowedError(PermissionDeniedError):
    """A file of the working folder runs code or sends something out, and `firstline allow` was not typed for it."""

    code = "folder_not_allowed"


class OriginError(FirstlineError):
    """A web page of another origin asks, and the setting `server.cors_origins` does not list it."""

    status = 403
    type = "invalid_request_error"
    code = "origin_not_allowed"


class HostError(OriginError):
    """The request is for a host that is not this server's: a name that was pointed at it, or one it was not told of."""

    code = "host_not_allowed"


class BusyError(FirstlineError):
    """The server has as many connections as the setting `server.max_connections` allows."""

    status = 503
    code = "too_many_connections"
    retryable = True


class ClosingError(BusyError):
    """The server is being stopped: it takes no new work, and ends what takes longer than `server.shutdown_s`."""

    code = "server_closing"
    retry_after_s = 5.0


class RateLimitError(FirstlineError):
    """The API key's requests of a minute are used up; `retry_after_s` says when the next one may come."""

    status = 429
    type = "requests"
    code = "rate_limit_exceeded"
    retryable = True

    def __init__(self, message: str, *, retry_after_s: float, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class TokenRateLimitError(RateLimitError):
    """The API key's tokens of a minute are used up, or will be by this call."""

    type = "tokens"


class ConflictError(FirstlineError):
    """What was asked does not fit with what somebody else has done meanwhile; nothing was changed."""

    status = 409
    type = "conflict_error"
    code = "conflict"


class ReviewTakenError(ConflictError):
    """Another reviewer holds the review; the message says who and until when."""

    code = "review_taken"


class ReviewClosedError(ConflictError):
    """The review has another answer already, or was rejected; the message says by whom."""

    code = "review_closed"


class RequestBusyError(ConflictError):
    """The first request with this Idempotency-Key is still being worked on; `retry_after_s` says when to ask again."""

    code = "idempotency_in_progress"
    retryable = True
    retry_after_s = 1.0


class QuotaError(FirstlineError):
    """The API key's budget of a day or a month does not bear the call; it was not made."""

    status = 429
    type = "insufficient_quota"
    code = "insufficient_quota"


class InsufficientBalanceError(FirstlineError):
    """The API key's prepaid wallet does not bear the call; it was not made."""

    status = 402
    type = "billing_error"
    code = "insufficient_balance"


class WeightsError(FirstlineError):
    """The files of a model cannot be had or used."""

    status = 503
    type = "api_error"
    code = "weights_unavailable"


class WeightsMissingError(WeightsError):
    """The weights are not on disk yet."""

    code = "weights_missing"


class WeightsMismatchError(WeightsError):
    """The bytes do not have the sha256 that names the model."""

    status = 502
    code = "weights_mismatch"


class WeightsDiskError(WeightsError):
    """The disk has no room for the weights or cannot be written to; what was fetched so far is kept."""

    status = 507
    code = "weights_disk_full"


class WeightsInvalidError(WeightsError):
    """The file is not weights that an engine can read."""

    status = 400
    type = "invalid_request_error"
    code = "weights_invalid"


class NoModelError(FirstlineError):
    """No model could be asked: each rung lacks its weights, its key or something else on this machine."""

    status = 503
    type = "api_error"
    code = "no_model_available"
    retryable = True


class BudgetError(FirstlineError):
    """A call would exceed the budget of its run or task; it was not made."""

    status = 402
    type = "billing_error"
    code = "budget_exceeded"


class LedgerError(FirstlineError):
    """The ledger cannot be opened, read or written: a full disk, a file that is no database, a newer version's."""

    status = 503
    type = "api_error"
    code = "ledger_unavailable"


class LedgerLostError(LedgerError):
    """The ledger is gone although API keys were made, or was taken away while it was open: nobody is let in."""

    code = "ledger_lost"


class ContentsDamagedError(FirstlineError):
    """The bytes of a stored file, input or student are not those that were stored; they are not used."""

    code = "contents_damaged"


class EngineError(FirstlineError):
    """What runs a model failed."""

    status = 502
    type = "provider_error"
    code = "engine_error"


class EngineUnavailableError(EngineError):
    """The engine cannot be reached or could not be started."""

    status = 503
    code = "engine_unavailable"
    retryable = True


class EngineNotFoundError(EngineUnavailableError):
    """The remote address has no such path, or does not know the model (404); it worked on nothing."""

    code = "engine_not_found"


class EngineTimeoutError(EngineError):
    """The engine did not answer in time."""

    status = 504
    code = "engine_timeout"
    retryable = True


class EngineCrashedError(EngineError):
    """The engine's process ended during the call."""

    code = "engine_crashed"
    retryable = True


class EngineAuthError(EngineError):
    """The remote address refused our key (401, 403)."""

    code = "engine_auth"


class EngineQuotaError(EngineError):
    """The account at the remote address cannot pay (402, `insufficient_quota`)."""

    code = "engine_quota"


class EngineRateLimitError(EngineError):
    """The remote address asks us to slow down (429)."""

    status = 429
    type = "rate_limit_error"
    code = "rate_limit_exceeded"
    retryable = True


class EngineRefusedError(EngineError):
    """The engine says that this request is wrong (400, 404, 413, 422)."""

    status = 400
    code = "engine_refused_input"


class EngineSchemaError(EngineRefusedError):
    """The engine cannot hold an answer to this schema; asked without it, the answer can still be verified."""

    code = "engine_refused_schema"


class EngineOutputError(EngineError):
    """The engine answered something that is not an answer: garbage, half a JSON, no choices."""

    code = "engine_bad_output"


class EngineDisconnectedError(EngineOutputError):
    """The remote address hung up before its answer was whole."""

    code = "engine_disconnected"
    retryable = True


def message_about(subject: str, message: str) -> str:
    """Return a message that says what it is about: in front, unless it begins or ends with that already."""
    if not subject or _begins_with(message, subject) or _begins_with(message[::-1], subject[::-1]):
        return message
    return f"{subject}: {message}"


def _begins_with(text: str, beginning: str) -> bool:
    after = text[len(beginning) : len(beginning) + 1]
    return text.startswith(beginning) and not after.isalnum()
