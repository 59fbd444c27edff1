"""An API key as JSON, for the wire and the command line; the secret is not in it."""

from __future__ import annotations

from firstline.types import ApiKey, Json


def key_object(key: ApiKey) -> dict[str, Json]:
    """Return a key with its terms and its money."""
    return {
        "id": key.id,
        "object": "api_key",
        "name": key.name,
        "redacted_value": key.shown,
        "state": key.state,
        "scopes": list(key.scopes),
        "rights": list(key.rights),
        "requests_per_minute": key.requests_per_minute,
        "tokens_per_minute": key.tokens_per_minute,
        "reads_per_minute": key.reads_per_minute,
        "storage_bytes": key.storage_bytes,
        "on_review": key.on_review,
        "budget_day_nano_usd": key.day_nano_usd,
        "budget_month_nano_usd": key.month_nano_usd,
        "prepaid": key.prepaid,
        "created_at": int(key.created),
        "expires_at": None if key.expires is None else int(key.expires),
        **money_object(key),
    }


def money_object(key: ApiKey) -> dict[str, Json]:
    """Return the money of a key; without a wallet there is nothing granted, and no balance to speak of."""
    return {
        "granted_nano_usd": key.granted_nano_usd,
        "spent_nano_usd": key.spent_nano_usd,
        "held_nano_usd": key.held_nano_usd,
        "balance_nano_usd": key.balance if key.prepaid else None,
        "available_nano_usd": key.available if key.prepaid else None,
    }
