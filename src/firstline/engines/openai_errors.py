"""What an OpenAI-compatible address answers when it fails, as our errors."""

from __future__ import annotations

from collections.abc import Mapping

from firstline.engines.openai_wire import Complaint
from firstline.errors import (
    ContextLengthError,
    EngineAuthError,
    EngineError,
    EngineNotFoundError,
    EngineQuotaError,
    EngineRateLimitError,
    EngineRefusedError,
    EngineSchemaError,
    EngineTimeoutError,
    EngineUnavailableError,
    FirstlineError,
)

_NO_MONEY = frozenset({"insufficient_quota", "billing_hard_limit_reached", "insufficient_balance", "no_wallet"})


def failure(status: int, complaint: Complaint, *, model: str) -> FirstlineError:
    """Turn a status and an error body into an error; only what the other side said is quoted, 300 characters of it."""
    said = f": {complaint.message[:300]}" if complaint.message else ""
    code = complaint.code
    if code in _NO_MONEY or status == 402:
        return EngineQuotaError(f"{model}: the account cannot pay{said}", hint="look at the account's balance and plan")
    if status in (401, 403):
        # Some addresses quote the key that was wrong, so their words are not passed on.
        return EngineAuthError(f"{model}: the address refused the key ({status})", hint="check the key of this model")
    if status == 429:
        return EngineRateLimitError(f"{model}: too many requests{said}")
    if code == "context_length_exceeded" or "maximum context length" in complaint.message:
        return ContextLengthError(f"{model}: the prompt is longer than its context{said}")
    if code == "invalid_json_schema" or complaint.message.startswith("Invalid schema for response_format"):
        return EngineSchemaError(f"{model}: the address does not take this schema{said}", param="schema")
    if status in (408, 504):
        return EngineTimeoutError(f"{model}: the address gave up waiting ({status}){said}")
    if status in (502, 503):
        return EngineUnavailableError(f"{model}: not available ({status}){said}")
    if status >= 500:
        return EngineError(f"{model}: the address failed ({status}){said}")
    if 300 <= status < 400:
        return EngineUnavailableError(f"{model}: the address sends us elsewhere ({status})", hint="correct `base_url`")
    if status == 404:
        hint = "check `model` and `base_url`, which usually ends in /v1; a local server has to fetch its models first"
        return EngineNotFoundError(f"{model}: the address knows no such model or path (404){said}", hint=hint)
    return EngineRefusedError(f"{model}: the request was refused ({status}){said}")


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Read after how many seconds to try again; None when the answer does not say (a date is not read)."""
    for name, per_second in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) / per_second
        except ValueError:
            continue
        if 0 <= seconds < float("inf"):
            return seconds
    return None
