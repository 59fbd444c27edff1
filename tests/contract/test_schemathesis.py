"""schemathesis asks a served application what its description allows, and what it does not.

No answer may be a 5xx, of a status or type that is not declared, without a header that always comes, or of another
shape; what the description forbids must be refused. Which names exist is told to the generator, so that it gets behind
the first look-up. The same seeds each time: a failure here can be had again.
"""

from __future__ import annotations

import asyncio
import copy
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    allow_header_conformance,
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from firstline.api.openapi import document
from firstline.api.routes import ROUTES
from firstline.errors import ImageError
from firstline.runs.policy import Policy
from firstline.settings_sections import Limits
from firstline.students.fine_tuning.loop import Asked
from support.fine_tuning_world import Toy, chat_file, sorting
from support.served import Served, served

pytestmark = pytest.mark.slow

CHECKS: list[Any] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
    unsupported_method,
    allow_header_conformance,
]
MODELS = ["fake/echo", "fake/scripted", "task/colour", "gpt-4o-mini", "no/body"]
LADDER = '[ladder]\nstand_in = ["fake/scripted"]'
SCRIPT = '[[rules]]\nwhen = "a purple lamp"\nanswer = { colour = "purple" }'
"""Leaves one run to a person; all else is echoed."""
FUZZED = int(os.environ.get("FUZZED", "8"))
"""Requests that are made up for each operation, of right ones and of wrong ones each: `FUZZED=1000` asks at length."""
COVERED = 80
"""Requests at the bounds of what is declared, for each operation at most."""
REFUSING = frozenset(
    {
        "POST /v1/responses/{id}/cancel",
        "POST /v1/embeddings",
        "POST /v1/reviews/{id}/answer",
        "POST /v1/fine_tuning/jobs",
        "DELETE /v1/models/{id}",
        "POST /v1/fine_tuning/jobs/{id}/pause",
        "POST /v1/fine_tuning/jobs/{id}/resume",
    }
)
"""Operations that do not succeed here: there is never one to cancel, no encoder is on disk, what is made up is no
answer to a task and no uploaded file, jobs are never paused, and no model was made."""
SECONDS = 20
"""What a single request may take at most."""

LABELS = [f"{method.upper()} {path}" for path, found in document(ROUTES, "0")["paths"].items() for method in found]


def knowing(description: dict[str, Any], ids: dict[str, str]) -> dict[str, Any]:
    """Tell a description which models and things there are."""
    made = copy.deepcopy(description)
    for path, methods in made["paths"].items():
        for declared in methods.values():
            for parameter in declared["parameters"]:
                if parameter["in"] == "path":
                    known = next((one for start, one in ids.items() if path.startswith(start)), "x")
                    known = "0" if parameter["name"] == "place" else known
                    parameter["schema"] = {"enum": [known, "nothing"]}
            for content in declared.get("requestBody", {}).get("content", {}).values():
                name = content["schema"].get("$ref", "").rpartition("/")[2]
                properties = made["components"]["schemas"].get(name, {}).get("properties", {})
                if "model" in properties:
                    properties["model"] = {"enum": MODELS}
    return made


async def things(server: Served, client: httpx2.AsyncClient) -> dict[str, str]:
    """Make one of each thing that has an id; gives the ids by the start of their paths."""
    services = server.services
    task = await services.tasks.find("receipt")
    certificate = await services.certificates.issue(
        task,
        await services.runner.rungs(task),
        Policy(rungs=(), review_nano_usd=1e8),
        promise=(0.02, 0.95, "answer"),
        measured={},
        fallback="review",
    )
    body = {"model": "fake/echo", "messages": [{"role": "user", "content": "hello"}], "store": True}
    answer = (await client.post("/v1/chat/completions", json=body)).json()
    form = {"purpose": "user_data"}
    file = (await client.post("/v1/files", files={"file": ("a.txt", b"hello")}, data=form)).json()
    form = {"purpose": "fine-tune"}
    chat = (await client.post("/v1/files", files={"file": ("a.jsonl", chat_file(sorting(20)))}, data=form)).json()
    job = await services.fine_tuning.create("gpt-4o-mini", Asked(training_file=chat["id"]), None)
    response = (await client.post("/v1/responses", json={"model": "fake/echo", "input": "hello"})).json()
    task_body = {"model": "task/colour", "messages": [{"role": "user", "content": "a purple lamp"}]}
    left = (await client.post("/v1/chat/completions", json=task_body)).json()
    return {
        "/v1/chat": answer["id"],
        "/v1/runs": answer["firstline"]["id"],
        "/v1/files": file["id"],
        "/v1/responses": response["id"],
        "/v1/models": "fake/echo",
        "/v1/certificates": certificate.id,
        "/v1/fine_tuning": job.id,
        "/v1/reviews": left["firstline"]["review"]["id"],
    }


async def unreachable(url: str, limits: Limits) -> bytes:
    """Fetch nothing: the addresses that are made up lead nowhere, and looking each up would take seconds."""
    raise ImageError("the picture cannot be fetched", param="url")


def cases(operation: Any, modes: list[GenerationMode]) -> Iterator[Any]:
    """Return requests at the bounds of what an operation declares."""
    schema = operation.schema
    found = schema.iter_coverage_cases(
        operation, generation_modes=modes, generation_config=schema.config.generation_for(operation=operation)
    )
    for _, case in zip(range(COVERED), found, strict=False):
        yield case


def explore(description: dict[str, Any], label: str, url: str) -> tuple[set[int], list[str]]:
    """Ask one operation; gives the statuses of its answers, and what was wrong with them."""
    schema = schemathesis.openapi.from_dict(description)
    schema.config.update(base_url=url)
    operations = [found.ok() for found in schema.get_all_operations() if isinstance(found, Ok)]
    operation = next(one for one in operations if one.label == label)
    statuses: set[int] = set()
    faults: list[str] = []
    with requests.Session() as session:
        session.trust_env = False

        def ask(case: Any) -> None:
            try:
                answer = case.call(session=session, timeout=SECONDS)
                statuses.add(answer.status_code)
                case.validate_response(answer, checks=CHECKS)
            except FailureGroup as group:
                said = f"{answer.status_code} {answer.text[:600]}"
                faults.extend(f"{case.as_curl_command()[:600]}\n{one}\n{said}" for one in group.exceptions)

        for mode in (GenerationMode.POSITIVE, GenerationMode.NEGATIVE):
            for case in cases(operation, [mode]):
                ask(case)
            if mode is GenerationMode.NEGATIVE and not (operation.body or operation.query or operation.path_parameters):
                continue  # nothing to be wrong in
            strategy = operation.as_strategy(generation_mode=mode)
            settings(
                max_examples=FUZZED,
                derandomize=True,
                database=None,
                deadline=None,
                phases=[Phase.generate],
                suppress_health_check=list(HealthCheck),
            )(given(case=strategy)(ask))()
    return statuses, faults


@pytest.mark.parametrize("label", LABELS)
async def test_answers_are_as_described(tmp_path: Path, label: str) -> None:
    async with (
        served(tmp_path, SCRIPT, toml=LADDER, fetch=unreachable, school=Toy(held_up=True).school) as server,
        httpx2.AsyncClient(base_url=server.url[:-3], timeout=60) as client,
    ):
        description = knowing((await client.get("/openapi.json")).json(), await things(server, client))
        statuses, faults = await asyncio.to_thread(explore, description, label, server.url[:-3])
    assert (200 in statuses) == (label not in REFUSING), statuses
    assert not faults, "\n\n".join(sorted(set(faults)))
