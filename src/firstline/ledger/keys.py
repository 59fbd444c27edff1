"""API keys in the ledger: made, found by their secret, switched off, credited.

A secret is 256 random bits, so its SHA-256 is as good as a slow hash would be and is looked up by an index; comparing
digests gives away nothing about a secret. A revoked key stays as a row, because entries name it. A key that is rotated
stays the same key with another secret; the one before is accepted for a while.
"""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any, Protocol, TypeVar

import msgspec
from sqlalchemy import Connection, RowMapping, bindparam, exists, insert, or_, select, update

from firstline.errors import LedgerError, NotFoundError, UsageError
from firstline.ledger.actor import Note
from firstline.ledger.tables import api_keys, credits
from firstline.money import MOST as MOST_USD
from firstline.money import ZERO, NanoUSD, show
from firstline.rights import check_rights, usual_rights
from firstline.types import ApiKey, KeyState, KeyTerms, Value

PREFIX = "fl-"
MOST = 10**15
"""The largest limit."""

T = TypeVar("T")

_BY_DIGEST = select(api_keys).where(
    or_(api_keys.c.digest == bindparam("digest"), api_keys.c.previous_digest == bindparam("digest"))
)
_LISTS = ("scopes", "rights")
_SWITCHED: Mapping[KeyState, str] = MappingProxyType({"active": "enable", "disabled": "disable", "revoked": "revoke"})
_COLUMNS = frozenset(ApiKey.__struct_fields__)


class Transaction(Protocol):
    """Does work on a connection to the ledger, in one transaction, off the event loop."""

    def __call__(self, work: Callable[[Connection], T], /) -> Awaitable[T]:
        """Do the work. Raises LedgerError."""
        ...


class Found(Value, frozen=True, kw_only=True):
    """A key as its secret finds it. `ends` is until when the secret is accepted (seconds since 1970; None: for good),
    `rotated` says that it is the one before the last rotation."""

    key: ApiKey
    ends: float | None
    rotated: bool


class Keys:
    """The keys of one ledger (`Ledger.keys`). A key is named by its name or its id; names are of one living key."""

    def __init__(
        self,
        write: Transaction,
        read: Transaction,
        clock: Callable[[], float],
        *,
        note: Note,
        new_secret: Callable[[], str] = lambda: PREFIX + secrets.token_urlsafe(32),
        new_id: Callable[[], str] = lambda: f"key_{secrets.token_hex(8)}",
        made: Callable[[], None] = lambda: None,
    ) -> None:
        self._write = write
        self._read = read
        self._clock = clock
        self._note = note
        self._new_secret = new_secret
        self._new_id = new_id
        self._made = made

    async def create(self, terms: KeyTerms, credit: NanoUSD = ZERO) -> tuple[ApiKey, str]:
        """Make a key; gives it and its secret, which cannot be had again. Raises UsageError for a taken name."""
        terms = msgspec.structs.replace(terms, rights=terms.rights or usual_rights(terms.scopes))
        _check(terms, self._clock())
        if credit and not terms.prepaid:
            raise UsageError("a key without a wallet takes no credit", hint="make it with --prepaid")
        secret, key_id, now = self._new_secret(), self._new_id(), self._clock()
        row = {
            **_columns(terms),
            "id": key_id,
            "digest": digest(secret),
            "shown": shown(secret),
            "state": "active",
            "created": now,
        }

        def work(connection: Connection) -> ApiKey:
            if _find(connection, terms.name) is not None:
                raise UsageError(f"there is a key {terms.name!r} already", hint="revoke it, or take another name")
            connection.execute(insert(api_keys).values(row))
            self._note(connection, "key.create", key_id, **_told(terms))
            if credit:
                self._credit(connection, terms.name, key_id, credit, "when the key was made", now)
            return _get(connection, key_id)

        key = await self._write(work)
        try:
            await asyncio.to_thread(self._made)
        except OSError as error:
            hint = f"revoke {terms.name!r}, and make it again when data_dir can be written"
            raise LedgerError(f"it cannot be kept that keys were made: {error.strerror}", hint=hint) from error
        return key, secret

    async def by_secret(self, secret: str) -> Found | None:
        """Return the key of a secret, whatever its state, also where its time is over; None when nobody has it."""
        wanted = digest(secret)

        def work(connection: Connection) -> Found | None:
            row = connection.execute(_BY_DIGEST, {"digest": wanted}).mappings().one_or_none()
            if row is None:
                return None
            key, rotated = _key(row), row["digest"] != wanted
            ends = [one for one in (key.expires, row["previous_ends"] if rotated else None) if one is not None]
            return Found(key=key, ends=min(ends, default=None), rotated=rotated)

        return await self._read(work)

    async def exist(self) -> bool:
        """Say whether a key was ever made. From then on every request needs one, also when all are revoked."""
        return bool(await self._read(lambda connection: connection.execute(select(exists(api_keys))).scalar_one()))

    async def get(self, name: str) -> ApiKey:
        """Return a key by its name or id. Raises NotFoundError."""
        return await self._read(lambda connection: _get(connection, name))

    async def list(self) -> tuple[ApiKey, ...]:
        """Return all keys, oldest first, revoked ones too."""
        query = select(api_keys).order_by(api_keys.c.created, api_keys.c.id)
        return await self._read(
            lambda connection: tuple(_key(row) for row in connection.execute(query).mappings().all())
        )

    async def switch(self, name: str, state: KeyState) -> ApiKey:
        """Enable, disable or revoke a key. Raises NotFoundError, and UsageError for one that is revoked."""

        def work(connection: Connection) -> ApiKey:
            key = _get(connection, name) if state == "revoked" else _living(connection, name)
            connection.execute(update(api_keys).where(api_keys.c.id == key.id).values(state=state))
            if key.state != state:
                self._note(connection, f"key.{_SWITCHED[state]}", key.id, name=key.name)
            return _get(connection, key.id)

        return await self._write(work)

    async def rotate(self, name: str, grace_s: float = 0.0) -> tuple[ApiKey, str]:
        """Return a key another secret; the one before is accepted for so many seconds more, an older one no longer.

        Returns the key and its secret, which cannot be had again. Raises NotFoundError, and UsageError for a key that
        is revoked.
        """
        secret, now = self._new_secret(), self._clock()
        change = {"digest": digest(secret), "shown": shown(secret), "previous_ends": now + grace_s}

        def work(connection: Connection) -> ApiKey:
            key = _living(connection, name)
            before = {"previous_digest": api_keys.c.digest}
            connection.execute(update(api_keys).where(api_keys.c.id == key.id).values({**before, **change}))
            self._note(connection, "key.rotate", key.id, name=key.name, grace_s=grace_s)
            return _get(connection, key.id)

        return await self._write(work), secret

    async def change(self, name: str, **terms: Any) -> ApiKey:
        """Put other terms (fields of `KeyTerms`) in the place of those that a key has; its name stays.

        Raises NotFoundError, and UsageError for terms that no key can have and for a key that is revoked.
        """
        now = self._clock()

        def work(connection: Connection) -> ApiKey:
            key = _living(connection, name)
            changed = msgspec.structs.replace(key, **terms)
            _check(changed, now if "expires" in terms else 0.0)
            values = {field: value for field, value in _columns(changed).items() if field in terms}
            connection.execute(update(api_keys).where(api_keys.c.id == key.id).values(values))
            before, after = _told(key), _told(changed)
            moved = {field: [before[field], after[field]] for field in terms if before[field] != after[field]}
            self._note(connection, "key.change", key.id, name=key.name, terms=moved)
            return _get(connection, key.id)

        return await self._write(work)

    async def credit(self, name: str, amount: NanoUSD, note: str = "") -> ApiKey:
        """Add to a key's wallet. Raises NotFoundError, and UsageError for a key without one."""
        now = self._clock()

        def work(connection: Connection) -> ApiKey:
            key = _get(connection, name)
            if not key.prepaid:
                raise UsageError(f"the key {key.name!r} has no wallet", hint="make one with --prepaid")
            if amount <= 0:
                raise UsageError("a credit is more than nothing")
            self._credit(connection, key.name, key.id, amount, note, now)
            return _get(connection, key.id)

        return await self._write(work)

    def _credit(self, connection: Connection, name: str, key_id: str, amount: NanoUSD, note: str, now: float) -> None:
        before = connection.execute(select(api_keys.c.granted_nano_usd).where(api_keys.c.id == key_id)).scalar_one()
        if before + amount > MOST_USD:
            had = show(NanoUSD(before))
            raise UsageError(f"a key is granted {show(MOST_USD)} at the most, and this one has had {had}")
        line = {"key_id": key_id, "amount_nano_usd": int(amount), "note": note, "created": now}
        connection.execute(insert(credits).values(line))
        granted = api_keys.c.granted_nano_usd + int(amount)
        connection.execute(update(api_keys).where(api_keys.c.id == key_id).values(granted_nano_usd=granted))
        self._note(connection, "key.credit", key_id, name=name, amount_nano_usd=int(amount), note=note)


def digest(secret: str) -> str:
    """Return what a secret is kept and found as."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def shown(secret: str) -> str:
    """Return what of a secret may be shown: its first five and last two characters; of a short one nothing."""
    return f"{secret[:5]}…{secret[-2:]}" if len(secret) >= 20 else "…"


def _columns(terms: KeyTerms) -> dict[str, Any]:
    """Return the terms as they are written."""
    values = {name: getattr(terms, name) for name in KeyTerms.__struct_fields__}
    return {**values, **{name: msgspec.json.encode(values[name]).decode() for name in _LISTS}}


def _told(terms: KeyTerms) -> dict[str, Any]:
    """Return the terms as they are logged."""
    values = {name: getattr(terms, name) for name in KeyTerms.__struct_fields__}
    return {name: list(value) if isinstance(value, tuple) else value for name, value in values.items()}


def _check(terms: KeyTerms, now: float) -> None:
    if not terms.name.strip() or not terms.name.isprintable() or len(terms.name) > 100:
        raise UsageError("a key's name is 1 to 100 printable characters")
    if terms.name.startswith("key_"):
        raise UsageError("a name that begins with key_ would read as an id")
    if any(not scope.strip() for scope in terms.scopes):
        raise UsageError("a scope is a pattern such as gpt-4o-mini or task/*")
    for limit in (terms.requests_per_minute, terms.tokens_per_minute, terms.reads_per_minute):
        if limit is not None and not 1 <= limit <= MOST:
            raise UsageError(f"a limit of requests, tokens or reads a minute is 1 to {MOST:,}")
    if terms.storage_bytes is not None and not 0 <= terms.storage_bytes <= MOST:
        raise UsageError(f"what a key may store is 0 to {MOST:,} bytes")
    for budget in (terms.day_nano_usd, terms.month_nano_usd):
        if budget is not None and not 0 <= budget <= MOST_USD:
            raise UsageError(f"a budget is {show(ZERO)} to {show(MOST_USD)}")
    if not terms.rights:
        raise UsageError("a key has at least one right", hint="`firstline keys disable` refuses it altogether")
    check_rights(terms.rights)
    if terms.expires is not None and terms.expires <= now:
        raise UsageError("a key cannot expire in the past", hint="`firstline keys revoke` ends one at once")


def _find(connection: Connection, name: str) -> ApiKey | None:
    """The key of this id, or the living one of this name."""
    named = (api_keys.c.name == name) & (api_keys.c.state != "revoked")
    row = connection.execute(select(api_keys).where(or_(api_keys.c.id == name, named))).mappings().first()
    return None if row is None else _key(row)


def _get(connection: Connection, name: str) -> ApiKey:
    found = _find(connection, name)
    if found is None:
        raise NotFoundError(f"there is no key {name!r}", hint="`firstline keys list` shows them")
    return found


def _living(connection: Connection, name: str) -> ApiKey:
    """Return a key that is not revoked. Raises NotFoundError and UsageError."""
    key = _get(connection, name)
    if key.state == "revoked":
        raise UsageError(f"the key {key.name!r} is revoked for good", hint="make another: firstline keys create")
    return key


def _key(row: RowMapping) -> ApiKey:
    values = {name: value for name, value in row.items() if name in _COLUMNS}
    lists = {name: msgspec.json.decode(row[name], type=tuple[str, ...]) for name in _LISTS}
    return ApiKey(**{**values, **lists})
