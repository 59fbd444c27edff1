"""A whole server in the test's own process, on a free port of the loopback, with scripted models and a task."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import uvicorn

from firstline import settings
from firstline.api.connections import Config
from firstline.api.server import application
from firstline.api.wire.content import Fetch
from firstline.app.build import School, build
from firstline.cli.serving import listen
from firstline.media.fetch import fetch_image
from firstline.services import Services
from firstline.types import KeyTerms, Value
from support.described import Described

COLOUR = """
kind = "extract"
instruction = "Which colour?"
ladder = ["fake/scripted"]
[output.colour]
type = "string"
enum = ["red", "blue"]
span = "free"
optional = false
"""


class Served(Value, frozen=True, kw_only=True):
    """A running server; `url` ends in /v1."""

    url: str
    port: int
    services: Services


async def made_key(server: Served, name: str = "shop", **terms: Any) -> str:
    """Make an API key on a running server; gives its secret."""
    _, secret = await server.services.ledger.keys.create(KeyTerms(name=name, **terms))
    # What the server knew about the ledger before is not believed any more.
    server.services.keyring.forget()
    return secret


def client_of(server: Served, secret: str | None) -> httpx2.AsyncClient:
    """Return a client that sends a key with each request, and knows paths from the root."""
    headers = {"authorization": f"Bearer {secret}"} if secret else {}
    return httpx2.AsyncClient(base_url=server.url[:-3], headers=headers)


@asynccontextmanager
async def served(
    folder: Path,
    script: str = "",
    *,
    toml: str = "",
    model: str = "",
    change: Callable[[Services], Services] = lambda services: services,
    fetch: Fetch = fetch_image,
    school: School | None = None,
    named: bool = True,
) -> AsyncIterator[Served]:
    """Serve `fake/echo`, `fake/scripted` (which answers by `script`) and `task/colour` until the block ends.

    `model` are further lines of the settings of `fake/scripted`, such as its price. `change` may put other parts in the
    place of the built ones; `fetch` gets images by their addresses, `school` trains students.
    Without `named` the settings file is one that lies in a folder and has to be allowed. At the end every answer was as
    its route declares (`described`).
    """
    (folder / "tasks").mkdir(exist_ok=True)
    (folder / "tasks" / "colour.toml").write_text(COLOUR)
    (folder / "script.toml").write_text(script)
    (folder / "firstline.toml").write_text(
        f'data_dir = "{folder}/data"\ntasks_dir = "{folder}/tasks"\n{toml}\n[models."fake/echo"]\n'
        f'[models."fake/scripted"]\nscript = "{folder}/script.toml"\n{model}\n'
    )
    # Named like this, the file is the owner's own and may set anything.
    environ = {"FIRSTLINE_CONFIG": str(folder / "firstline.toml")} if named else {}
    async with build(settings.load(environ, cwd=folder), school=school) as app, app.services.fine_tuning.working():
        services = change(app.services)
        listening = listen("127.0.0.1", 0)
        listening.listen(2048)  # a test may knock before the server is up
        watched = Described(application(services, fetch=fetch))
        server = uvicorn.Server(
            Config(
                watched,
                limits=services.settings.server,
                log_level="critical",
                lifespan="off",
                log_config=None,
            )
        )
        work = asyncio.create_task(server.serve(sockets=[listening]))
        port = listening.getsockname()[1]
        try:
            yield Served(url=f"http://127.0.0.1:{port}/v1", port=port, services=services)
        finally:
            server.should_exit = True
            await work
            listening.close()
        if watched.faults:
            raise AssertionError("answers that are not as declared:\n" + "\n".join(watched.faults))
