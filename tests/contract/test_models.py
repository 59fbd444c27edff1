"""The official client, held to its types, lists and shows every model and task."""

from __future__ import annotations

from pathlib import Path

from openai import AsyncOpenAI

from support.served import served


async def test_every_model_and_task_meets_the_client_s_type(tmp_path: Path) -> None:
    async with (
        served(tmp_path) as server,
        AsyncOpenAI(base_url=server.url, api_key="none", max_retries=0, _strict_response_validation=True) as official,
    ):
        listed = [model async for model in official.models.list()]
        names = [model.id for model in listed]
        assert len(set(names)) == len(names)
        for model in listed:
            facts = (model.model_extra or {})["firstline"]
            if facts["kind"] == "task":
                continue
            assert {"modalities", "context", "max_output", "dimensions", "price", "licence", "local"} <= set(facts)
        shown = await official.models.retrieve("local/all-minilm-l6-v2")
        assert (shown.model_extra or {})["firstline"]["dimensions"] == 384
        for name in ("gpt-4o-mini", "task/colour"):
            assert await official.models.retrieve(name) == next(model for model in listed if model.id == name)
