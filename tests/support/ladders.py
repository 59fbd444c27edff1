"""A product whose ladder is two scripted models, for tests of what is decided between rungs."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from firstline.app.build import App, build
from firstline.settings import load
from firstline.types import Json

TICKET = """
kind = "extract"
instruction = "Read the ticket."
ladder = ["fake/small", "fake/large"]
[output.plate]
checks = ["grounded"]
[output.total]
type = "number"
checks = ["grounded", { rule = "output.total > 0.0" }]
"""


@asynccontextmanager
async def two_rungs(
    folder: Path,
    small: Json,
    large: Json,
    *,
    more: str = "",
    price: str = "",
    small_price: str = "",
    tasks: Mapping[str, str] | None = None,
) -> AsyncIterator[App]:
    """The product in an empty folder; `small` and `large` are answers, or rules of a script where they are lists.

    `more` are further settings, `price` those of the large model, `small_price` those of the small one.
    """
    parts = [f'data_dir = "{folder}"', f'tasks_dir = "{folder / "tasks"}"', more]
    for name, answer, own in (("small", small, small_price), ("large", large, price)):
        script = folder / f"{name}.json"
        rules = answer if isinstance(answer, list) else [{"answer": answer, "confidence": 0.9}]
        script.write_text(json.dumps({"rules": rules}))
        parts.append(f'[models."fake/{name}"]\nscript = "{script}"\n{own}')
    for name, text in (tasks or {}).items():
        path = folder / "tasks" / f"{name}.toml"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
    (folder / "firstline.toml").write_text("\n".join(parts))
    async with build(load({}, cwd=folder)) as app:
        yield app
