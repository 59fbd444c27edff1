"""The bare pass-through beside which `gateway.py` sets this server: Starlette, msgspec and aiohttp, and nothing more.

The least that a gateway of these parts can do: read a body as JSON, send it on, read the answer as JSON, give it back.
No key, limit, price, ledger, check or log. `UPSTREAM` in the environment is the address up to and with /v1.
"""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

UPSTREAM = os.environ.get("UPSTREAM", "")


@asynccontextmanager
async def _lifespan(app: Starlette) -> AsyncIterator[None]:
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as session:
        app.state.session = session
        yield


async def _chat(request: Request) -> Response:
    body = msgspec.json.decode(await request.body())
    session: aiohttp.ClientSession = request.app.state.session
    sent = msgspec.json.encode(body)
    url = f"{UPSTREAM}/chat/completions"
    if body.get("stream"):
        return StreamingResponse(_pieces(session, url, sent), media_type="text/event-stream")
    async with session.post(url, data=sent, headers={"content-type": "application/json"}) as answer:
        found = msgspec.json.decode(await answer.read())
        return Response(msgspec.json.encode(found), answer.status, media_type="application/json")


async def _pieces(session: aiohttp.ClientSession, url: str, sent: bytes) -> AsyncIterator[bytes]:
    async with session.post(url, data=sent, headers={"content-type": "application/json"}) as answer:
        async for piece in answer.content.iter_any():
            yield piece


app = Starlette(routes=[Route("/v1/chat/completions", _chat, methods=["POST"])], lifespan=_lifespan)
