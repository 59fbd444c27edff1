"""Who asks: turns the secret of a request into its caller, and says what this caller may name.

A key that was found is believed for `BELIEVED_S`, so that a busy server asks the ledger once a second and not once a
request; a key that another process disables or revokes is refused that much later at the most.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import UTC, datetime

from firstline.catalog.catalog import Catalog
from firstline.errors import AuthenticationError, MissingRightError, ModelNotFoundError, PermissionDeniedError
from firstline.ledger.keys import Found, Keys, digest, shown
from firstline.rights import TASK, Right
from firstline.types import Caller

BELIEVED_S = 1.0
_KEPT = 10_000

_MISSING = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY)"
)


class Keyring:
    """The keys as one process knows them. `clock` is monotonic seconds, `now` seconds since 1970."""

    def __init__(
        self, keys: Keys, *, clock: Callable[[], float] = time.monotonic, now: Callable[[], float] = time.time
    ) -> None:
        self._keys = keys
        self._clock = clock
        self._now = now
        self._found: OrderedDict[str, tuple[float, Found]] = OrderedDict()
        self._needed = False
        self._open_until = 0.0

    async def needed(self) -> bool:
        """Say whether a request needs a key: once one was made, for good."""
        if not self._needed and self._clock() >= self._open_until:
            self._needed = await self._keys.exist()
            self._open_until = self._clock() + BELIEVED_S
        return self._needed

    async def caller(self, secret: str | None) -> Caller:
        """Return who asks with this secret. Raises AuthenticationError."""
        if not secret:
            raise AuthenticationError(_MISSING, hint="`firstline keys create` makes one")
        found = await self._key(secret)
        if found is None or found.key.state == "revoked":
            raise AuthenticationError(
                f"Incorrect API key provided: {shown(secret)}", hint="`firstline keys list` shows the keys there are"
            )
        key = found.key
        if key.state == "disabled":
            raise AuthenticationError(
                f"The API key {key.shown} is disabled", hint=f"`firstline keys enable {key.id}` accepts it again"
            )
        if found.ends is not None and self._now() >= found.ends:
            raise _over(found, shown(secret))
        return key.caller

    def forget(self) -> None:
        """Believe nothing any longer: ask the ledger at the next request."""
        self._found.clear()
        self._open_until = 0.0

    async def _key(self, secret: str) -> Found | None:
        name = digest(secret)
        until, kept = self._found.get(name, (0.0, None))
        if kept is not None and self._clock() < until:
            return kept
        # Only what was found is kept: whoever tries secrets fills nothing.
        found = await self._keys.by_secret(secret)
        if found is None:
            self._found.pop(name, None)
            return None
        self._found[name] = (self._clock() + BELIEVED_S, found)
        self._found.move_to_end(name)
        if len(self._found) > _KEPT:
            self._found.popitem(last=False)
        return found


def _over(found: Found, secret: str) -> AuthenticationError:
    """Say why a secret is accepted no longer."""
    when = datetime.fromtimestamp(found.ends or 0.0, UTC).strftime("%Y-%m-%d %H:%M UTC")
    if found.rotated and found.ends != found.key.expires:
        return AuthenticationError(
            f"The API key {secret} was replaced by another, and was accepted until {when}",
            hint="send the one that `firstline keys rotate` printed",
        )
    return AuthenticationError(
        f"The API key {secret} has expired at {when}",
        hint=f"`firstline keys change {found.key.id} --expires never` accepts it again",
    )


def demand(caller: Caller | None, *rights: Right, reads: bool = False) -> None:
    """Raise MissingRightError when a caller has none of these rights; `reads`: to look is enough."""
    if caller is not None and not caller.may(*rights, reads=reads):
        words = " or ".join(f"`{right}`" for right in rights)
        raise MissingRightError(
            f"The API key {caller.name!r} does not have the right {words}",
            hint=f"`firstline keys change {caller.key_id} --right {rights[0]}` gives it",
        )


def permit(caller: Caller | None, name: str, catalog: Catalog, *, reads: bool = False) -> None:
    """Hold a caller to the right of asking what is named, and to its scopes; `reads`: it only looks.

    Raises MissingRightError and PermissionDeniedError.
    """
    within(caller, name, catalog)
    demand(caller, kind_of(name), reads=reads)


def within(caller: Caller | None, name: str, catalog: Catalog) -> None:
    """Raise PermissionDeniedError when a caller's scopes do not cover a model, by any of its names, or a task."""
    if not covers(caller, name, catalog):
        raise PermissionDeniedError(
            f"The API key {caller.name if caller else ''!r} does not have access to model `{name}`",
            hint="`firstline keys show` lists its scopes",
            param="model",
        )


def kind_of(name: str) -> Right:
    """Return the right that asking what `model` names takes."""
    return "tasks" if name.startswith(TASK) else "models"


def covers(caller: Caller | None, name: str, catalog: Catalog) -> bool:
    """Say whether a caller's scopes cover a model, by any of its names, or a task. A name nobody knows is let pass."""
    if caller is None or caller.may_use(name):
        return True
    if name.startswith(TASK):
        return False
    if name.startswith("ft:"):
        # Whose it is, its own look-up knows; the scope is that of the model that it stands in for.
        name = name.split(":")[1]
    try:
        return caller.may_use(*catalog.get(name, own_files=False).names())
    except ModelNotFoundError:
        return True
