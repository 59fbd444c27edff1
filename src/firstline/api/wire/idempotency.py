"""Around every POST with an `Idempotency-Key`: it is done once, and answered alike for a day.

The key and its caller claim the request in the ledger (`ledger/claims.py`), so that it is exact across processes. While
the first request is worked on, the same again waits for its answer. The work goes on when its caller leaves: they will
ask again, and then the answer is there. Streams are kept as they were sent. The body of a request is not kept, only its
sha256. A request without the header pays for one look at its headers.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
from collections.abc import Awaitable, Callable, Sequence

from starlette.requests import Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from firstline.api.wire.errors import translate
from firstline.api.wire.fingerprint import Fingerprint
from firstline.errors import ConflictError, FirstlineError, IdempotencyKeyError, LedgerError, RequestBusyError
from firstline.ledger.claims import Answer, Claim
from firstline.services import Services
from firstline.settings_sections import IdempotencySettings as Limits
from firstline.types import Caller

MAX_KEY = 255
KEPT = frozenset({200, 400, 422})
"""Statuses of answers that are kept. Others say that nothing was done and may be something else the next time."""

_LOG = logging.getLogger("firstline.requests")
_FIRST_PAUSE_S = 0.05
_LONGEST_PAUSE_S = 1.0


class Idempotency:
    """ASGI middleware inside the gate, where the caller is known."""

    def __init__(self, app: ASGIApp, *, sleep: Callable[[float], Awaitable[None]] = asyncio.sleep) -> None:
        self._app = app
        self._sleep = sleep

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        key = _key(scope) if scope["type"] == "http" and scope["method"] == "POST" else None
        if key is None:
            await self._app(scope, receive, send)
            return
        services: Services = scope["app"].state.services
        limits = services.settings.idempotency
        if limits.hours <= 0:
            await self._app(scope, receive, send)
            return
        try:
            claim = await self._claimed(services, limits, scope, key)
            if not claim.mine:
                await _replay(claim, scope, receive, send)
                return
        except FirstlineError as error:
            await translate(Request(scope), error)(scope, receive, send)
            return
        with services.ledger.claiming(claim.id):
            await self._work(services, limits, claim, scope, receive, send)

    async def _claimed(self, services: Services, limits: Limits, scope: Scope, key: bytes) -> Claim:
        """Claim the request, or wait until whoever works on it is done.

        Raises IdempotencyKeyError, ConflictError, RequestBusyError and LedgerError.
        """
        name, request = _name(key), _request(scope)
        caller: Caller | None = scope.get("state", {}).get("caller")
        key_id = None if caller is None else caller.key_id
        waited, pause = 0.0, _FIRST_PAUSE_S
        while True:
            claim = await services.ledger.claims.take(name, request, key_id=key_id, keep_s=limits.hours * 3600)
            _refuse(claim, request)
            if claim.mine or claim.answer is not None:
                return claim
            if waited >= limits.wait_s:
                raise RequestBusyError("the first request with this Idempotency-Key is not done yet")
            await self._sleep(pause)
            waited, pause = waited + pause, min(pause * 2, _LONGEST_PAUSE_S)

    async def _work(
        self, services: Services, limits: Limits, claim: Claim, scope: Scope, receive: Receive, send: Send
    ) -> None:
        """Do the work and keep its answer before its last piece is sent."""
        seen = _Seen(scope, receive, send, most=int(limits.answer_mb * 1_000_000))
        whole = False
        try:
            await self._app(scope, seen.receive, seen.send)
            whole = True
        finally:  # after a fault, or at the end of the server, the claim is let go of as well
            ended = _end(services, claim.id, seen.answer(), whole=whole, most=int(limits.key_mb * 1_000_000))
            await asyncio.shield(asyncio.ensure_future(ended))
        await seen.end()


class _Seen:
    """What passes of one request: the fingerprint of its body, and its answer, whose last piece is held back."""

    def __init__(self, scope: Scope, receive: Receive, send: Send, *, most: int) -> None:
        self._receive = receive
        self._send = send
        self._most = most
        self._print = Fingerprint(_header(scope, b"content-type"))
        self._read = False
        self._head: Message | None = None
        self._body = bytearray()
        self._small = True
        self._last: Message | None = None

    async def receive(self) -> Message:
        """Pass the body on. That the caller leaves after it is not told: the work is done all the same."""
        if self._read:
            await asyncio.Event().wait()
        message = await self._receive()
        if message["type"] == "http.request":
            self._read = not message.get("more_body", False)
            self._print.update(message.get("body", b""), last=self._read)
        return message

    async def send(self, message: Message) -> None:
        """Pass the answer on, all but its last piece."""
        if message["type"] == "http.response.start":
            self._head = {**message}  # the middleware around us adds headers of their own to theirs
        elif message["type"] == "http.response.body":
            self._small = self._small and len(self._body) + len(message.get("body", b"")) <= self._most
            if self._small:
                self._body += message.get("body", b"")
            if not message.get("more_body", False):
                self._last = message
                return
        await self._send(message)

    async def end(self) -> None:
        """Send the last piece."""
        if self._last is not None:
            await self._send(self._last)

    def answer(self) -> Answer | None:
        """Return what was answered; None where there was no answer."""
        if self._head is None:
            return None
        return Answer(
            status=self._head["status"],
            headers=[(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._head["headers"]],
            body=bytes(self._body) if self._small else None,
            sha256=self._print.value,
            cut=self._last is None,
        )


def _key(scope: Scope) -> bytes | None:
    for name, value in scope["headers"]:
        if name == b"idempotency-key":
            found: bytes = value
            return found
    return None


def _name(key: bytes) -> str:
    """The name of a claim. Raises IdempotencyKeyError for a key that is none."""
    if not 1 <= len(key) <= MAX_KEY or any(not 0x20 < byte < 0x7F for byte in key):
        raise IdempotencyKeyError(
            f"an Idempotency-Key is 1 to {MAX_KEY} visible ASCII characters", hint="draw a UUID for each request"
        )
    return hashlib.sha256(key).hexdigest()


def _request(scope: Scope) -> str:
    query = scope.get("query_string", b"").decode("latin-1")
    return f"{scope['method']} {scope['path']}{'?' + query if query else ''}"[:1000]


def _header(scope: Scope, wanted: bytes) -> str:
    return next((value.decode("latin-1") for name, value in scope["headers"] if name == wanted), "")


def _refuse(claim: Claim, request: str) -> None:
    if claim.request != request:
        raise IdempotencyKeyError(
            f"this Idempotency-Key was used for {claim.request}", hint="draw a new one for each request"
        )
    if claim.lost:
        raise ConflictError(
            "the server ended while it worked on the first request with this Idempotency-Key, after something was paid "
            "or made for it",
            hint="GET /v1/runs, /v1/files or /v1/fine_tuning/jobs shows what is there; a new key does it again",
        )
    if claim.answer is not None and claim.answer.body is None:
        raise ConflictError(
            "a request with this Idempotency-Key was done; its answer was too large to be kept",
            hint="the settings idempotency.answer_mb and idempotency.key_mb say how much is kept",
        )


async def _replay(claim: Claim, scope: Scope, receive: Receive, send: Send) -> None:
    """Answer as before. Raises IdempotencyKeyError where the body is another one."""
    answer = claim.answer
    assert answer is not None and answer.body is not None  # noqa: S101, PT018 - `_claimed` gives no other
    body = Fingerprint(_header(scope, b"content-type"))
    while answer.sha256 is not None:
        message = await receive()
        if message["type"] != "http.request":
            return
        last = not message.get("more_body", False)
        body.update(message.get("body", b""), last=last)
        if last:
            break
    if answer.sha256 is not None and body.value != answer.sha256:
        raise IdempotencyKeyError(
            "this Idempotency-Key was used for a request with another body", hint="draw a new one for each request"
        )
    await send({"type": "http.response.start", "status": answer.status, "headers": _again(answer.headers)})
    # One that broke off breaks off again: without its last piece the connection is closed.
    await send({"type": "http.response.body", "body": answer.body, "more_body": answer.cut})


def _again(headers: Sequence[tuple[str, str]]) -> list[tuple[bytes, bytes]]:
    kept = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
    return [*kept, (b"idempotent-replayed", b"true")]


async def _end(services: Services, claim_id: str, answer: Answer | None, *, whole: bool, most: int) -> None:
    """Keep the answer, or let go of the claim where nothing was done."""
    claims = services.ledger.claims
    try:
        if answer is None:
            await claims.free(claim_id)
            return
        # A body that was read in part did not decide the answer, unless it is what was wrong with it.
        keep = whole and answer.status in KEPT and (answer.status == 200 or answer.sha256 is not None)
        await claims.finish(claim_id, answer, keep=keep, most=most)
    except LedgerError as error:
        _LOG.error("the answer to a request with an Idempotency-Key is not kept: %s", error.message)
