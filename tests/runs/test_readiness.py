"""What cannot answer is said before a caller finds it out: by `doctor`, at the start of a server, and at /ready."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from firstline.runs.readiness import Gap
from support.served import Served, client_of, served

LADDER = '[ladder]\nstand_in = ["{0}"]\ndefault = ["gpt-4o-mini"]\n'


def gap(gaps: tuple[Gap, ...], words: str) -> Gap:
    (found,) = [one for one in gaps if words in one.what]
    return found


async def ready(server: Served) -> httpx2.Response:
    async with client_of(server, None) as client:
        return await client.get("/ready")


async def gaps_of(folder: Path, toml: str) -> tuple[Gap, ...]:
    async with served(folder, toml=toml) as server:
        return await server.services.readiness.gaps()


@pytest.mark.parametrize(
    ("model", "lacks"),
    [("local/smollm2-135m", "firstline models pull local/smollm2-135m"), ("openai/gpt-5.4", "OPENAI_API_KEY")],
)
async def test_without_weights_or_a_key_every_name_that_cannot_answer_is_told_once(
    tmp_path: Path, model: str, lacks: str
) -> None:
    found = await gaps_of(tmp_path, LADDER.format(model))
    one = gap(found, "nothing can answer gpt-4o-mini")
    assert lacks in one.what
    assert "task/translate" in one.what  # it climbs the same ladder
    assert "task/colour" not in one.what  # it names a model that can be asked
    assert one.stops
    assert one.hint


async def test_a_ladder_of_unknown_models_is_told_with_its_line(tmp_path: Path) -> None:
    found = await gaps_of(tmp_path, '[ladder]\nstand_in = [\n  "fake/echo",\n  "local/qwen2.5-codr-0.5b",\n]\n')
    one = gap(found, "[ladder] stand_in")
    assert one.what.startswith("firstline.toml:6: ")
    assert "local/qwen2.5-coder-0.5b" in (one.hint or "")


async def test_an_empty_ladder_is_told(tmp_path: Path) -> None:
    assert gap(await gaps_of(tmp_path, "[ladder]\ndefault = []\n"), "names no model: nothing can").stops


async def test_a_task_s_unknown_model_is_told_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "tasks").mkdir()
    path = tmp_path / "tasks" / "shade.toml"
    path.write_text('kind = "extract"\ninstruction = "Which?"\nladder = ["fake/echoo"]\n[output.colour]\n')
    one = gap(await gaps_of(tmp_path, LADDER.format("fake/echo")), "task/shade")
    assert f"{path}:3: " in one.what


async def test_a_model_without_a_price_and_a_student_without_its_encoder_are_told_and_stop_nothing(
    tmp_path: Path,
) -> None:
    toml = '[ladder]\nstand_in = ["fake/echo"]\ndefault = ["gpt-4o-mini", "own/big"]\n[models."own/big"]\nbase_url = '
    found = await gaps_of(tmp_path, f'{toml}"https://models.example.com/v1"')
    price = gap(found, "own/big is not asked: its price is unknown")
    assert "input_usd_per_mtok and output_usd_per_mtok" in (price.hint or "")
    student = gap(found, "student/support-intent is left out")
    assert "local/all-minilm-l6-v2" in student.what
    assert [one.stops for one in found] == [False] * len(found)


async def test_ready_is_503_until_a_rung_can_answer(tmp_path: Path) -> None:
    for toml, colour, status in (
        (LADDER.format("fake/echo"), "fake/scripted", 200),
        (LADDER.format("openai/gpt-5.4"), "fake/scripted", 200),  # a task can
        (LADDER.format("openai/gpt-5.4"), "openai/gpt-5.4", 503),
        ('[ladder]\nstand_in = ["no/such"]\n', "openai/gpt-5.4", 503),
    ):
        async with served(tmp_path, toml=toml) as server:
            path = tmp_path / "tasks" / "colour.toml"
            path.write_text(path.read_text().replace("fake/scripted", colour))
            answer = await ready(server)
            assert answer.status_code == status, (toml, colour, answer.text)
            if status == 503:
                assert answer.json()["error"]["code"] == "no_model_available"
                assert "firstline doctor" in answer.json()["error"]["message"]
