"""Who asks: turns the secret of a request into its caller, and says what this caller may name.

A key that was found is believed for `BELIEVED_S`, so that a busy server asks the ledger once a second and not once a
request; a key that another process disables or revokes is refused that much later at the most.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable

from firstline.catalog.catalog import Catalog
from firstline.errors import AuthenticationError, ModelNotFoundError, PermissionDeniedError
from firstline.ledger.keys import Keys, digest, shown
from firstline.types import ApiKey, Caller

BELIEVED_S = 1.0
_KEPT = 10_000

_MISSING = (
    "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth "
    "(i.e. Authorization: Bearer YOUR_KEY)"
)


class Keyring:
    """The keys as one process knows them. `clock` is monotonic seconds."""

    def __init__(self, keys: Keys, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._keys = keys
        self._clock = clock
        self._found: OrderedDict[str, tuple[float, ApiKey]] = OrderedDict()
        self._needed = False
        self._open_until = 0.0

    async def needed(self) -> bool:
        """Say whether a request needs a key: once one was made, for good."""
        if not self._needed and self._clock() >= self._open_until:
            self._needed = await self._keys.exist()
            self._open_until = self._clock() + BELIEVED_S
        return self._needed

    async def caller(self, secret: str | None) -> Caller:
        """Give who asks with this secret. Raises AuthenticationError."""
        if not secret:
            raise AuthenticationError(_MISSING, hint="`firstline keys create` makes one")
        key = await self._key(secret)
        if key is None or key.state == "revoked":
            raise AuthenticationError(
                f"Incorrect API key provided: {shown(secret)}", hint="`firstline keys list` shows the keys there are"
            )
        if key.state == "disabled":
            raise AuthenticationError(
                f"The API key {key.shown} is disabled", hint=f"`firstline keys enable {key.id}` accepts it again"
            )
        return key.caller

    def forget(self) -> None:
        """Believe nothing any longer: ask the ledger at the next request."""
        self._found.clear()
        self._open_until = 0.0

    async def _key(self, secret: str) -> ApiKey | None:
        name = digest(secret)
        until, kept = self._found.get(name, (0.0, None))
        if kept is not None and self._clock() < until:
            return kept
        # Only what was found is kept: whoever tries secrets fills nothing.
        key = await self._keys.by_secret(secret)
        if key is None:
            self._found.pop(name, None)
            return None
        self._found[name] = (self._clock() + BELIEVED_S, key)
        self._found.move_to_end(name)
        if len(self._found) > _KEPT:
            self._found.popitem(last=False)
        return key


def permit(caller: Caller | None, name: str, catalog: Catalog) -> None:
    """Raise PermissionDeniedError when a caller's scopes do not cover a model, by any of its names, or a task."""
    if not covers(caller, name, catalog):
        raise PermissionDeniedError(
            f"The API key {caller.name if caller else ''!r} does not have access to model `{name}`",
            hint="`firstline keys show` lists its scopes",
            param="model",
        )


def covers(caller: Caller | None, name: str, catalog: Catalog) -> bool:
    """Say whether a caller's scopes cover a model, by any of its names, or a task. A name nobody knows is let pass."""
    if caller is None or caller.may_use(name):
        return True
    if name.startswith("task/"):
        return False
    if name.startswith("ft:"):
        # Whose it is, its own look-up knows; the scope is that of the model that it stands in for.
        name = name.split(":")[1]
    try:
        return caller.may_use(*catalog.get(name, own_files=False).names())
    except ModelNotFoundError:
        return True
