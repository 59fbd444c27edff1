"""The product in a Python program: where it looks, what it takes, and what it says about the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from firstline import Firstline, FirstlineError, Input, TaskModel, image, output, pdf, text
from support.small_pdf import pdf as small_pdf
from support.small_pdf import shown

SETTINGS = """
data_dir = "{folder}/data"
[ladder]
default = ["fake/scripted"]
[models."fake/scripted"]
script = "{folder}/script.toml"
"""


class ParkingTicket(TaskModel):
    """Read the ticket."""

    plate: str = output("the plate", checks=["grounded"])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that is not the working folder, with settings, a task and a scripted model."""
    (tmp_path / "firstline.toml").write_text(SETTINGS.format(folder=tmp_path))
    (tmp_path / "script.toml").write_text('[[rules]]\nanswer = {plate = "AB 123"}\n')
    (tmp_path / "tasks").mkdir()
    (tmp_path / "tasks" / "ticket.toml").write_text(
        'kind = "extract"\ninstruction = "Read it."\n[output.plate]\nchecks = ["grounded"]\n'
    )
    return tmp_path


async def test_settings_and_tasks_are_those_of_the_folder_and_runs_stay_in_its_ledger(folder: Path) -> None:
    async with Firstline(folder) as line:
        assert {"ticket", "receipt"} <= set(line.tasks())
        run = await line.run("ticket", "Plate AB 123")
        assert (run.verdict, run.answer) == ("accepted", {"plate": "AB 123"})
    async with Firstline(folder) as line:
        assert (await line.get_run(run.id)).answer == run.answer


async def test_a_task_may_be_a_class_or_a_file_and_an_input_have_several_parts(folder: Path) -> None:
    ticket = small_pdf(shown([(72, 700, "Parking ticket of the plate AB 123")]))
    (folder / "ticket.pdf").write_bytes(ticket)
    async with Firstline(folder) as line:
        assert (await line.task(ParkingTicket)).name == "parking-ticket"
        for source in (ticket, folder / "ticket.pdf", str(folder / "ticket.pdf")):
            run = await line.run(ParkingTicket, text("the plate is wanted"), pdf(source))
            assert run.verdict == "accepted"
        run = await line.run(folder / "tasks" / "ticket.toml", "a", "Plate AB 123")
        assert run.verdict == "accepted"


async def test_what_is_wrong_is_told_with_a_code_and_a_hint(folder: Path) -> None:
    (folder / "page.png").write_text("<html><body>not found</body></html>")
    wrong: dict[str, tuple[str, str | Input]] = {
        "invalid_request": ("ticket", image(folder / "none.png")),
        "invalid_image": ("ticket", image(folder / "page.png")),
        "invalid_document": ("ticket", pdf(folder / "page.png")),
        "not_found": ("tickte", "AB 123"),
    }
    async with Firstline(folder) as line:
        for code, (task, part) in wrong.items():
            with pytest.raises(FirstlineError) as caught:
                await line.run(task, part)
            assert caught.value.code == code
        with pytest.raises(FirstlineError, match="is no input") as caught:
            await line.run("ticket", folder / "page.png")  # type: ignore[arg-type]
        assert caught.value.hint
        with pytest.raises(FirstlineError, match="has no parameter tone"):
            await line.run("ticket", "AB 123", tone="kind")
        rejected = await line.run("ticket", pdf(b"%PDF-1.7 broken"))
        assert (rejected.verdict, rejected.error_code) == ("rejected", "invalid_document")
        assert (await line.run("ticket")).verdict == "rejected"
    with pytest.raises(FirstlineError, match="is not open"):
        await line.run("ticket", "AB 123")
