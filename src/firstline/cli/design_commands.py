"""`firstline tasks new`: what it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from firstline import settings
from firstline.app.build import App, build
from firstline.cli import show_design
from firstline.cli.console import DONE, FAILED, Out
from firstline.cli.files import check_place, replace_file
from firstline.cli.key_commands import usd
from firstline.cli.progress import counting, watching
from firstline.design.designer import Design, Step, Wish
from firstline.design.fit import unasked
from firstline.design.material import Material, material
from firstline.design.skeleton import checked_name, name_of, skeleton
from firstline.design.trial import Trial, try_out
from firstline.errors import EngineOutputError, EngineUnavailableError, UsageError
from firstline.evaluation.examples import read_rows
from firstline.evaluation.quote import Quote
from firstline.money import NanoUSD
from firstline.money import show as money
from firstline.tasks.task import Kind, Task
from firstline.types import Value

_LONGEST_REQUEST = 2_000


class Asked(Value, frozen=True, kw_only=True):
    """The words of the command."""

    request: str
    examples: Path
    model: str = ""
    name: str = ""
    out: Path | None = None
    kind: Kind | None = None
    budget: str = "1"
    force: bool = False


async def new(out: Out, asked: Asked) -> int:
    """Design a task and write its file; status 1 where no model can be asked, or where the draft is no task."""
    request, limit = _request(asked.request), usd(asked.budget, "--budget") or None
    async with build(settings.load()) as app:
        services = app.services
        name, path = _place(asked, request, Path(services.settings.tasks_dir))
        _may_write(path, force=asked.force)
        rows = await asyncio.to_thread(read_rows, asked.examples, services.images.in_thread(), labelled=False)
        found = material(rows, name=_plain(asked.examples.name), kind=asked.kind)
        try:
            model = services.designer.model(asked.model)
        except EngineUnavailableError as error:
            return _without_model(out, error, request, found)
        await asyncio.to_thread(check_place, path)
        with _telling(out, name, limit) as tell:
            wish = Wish(request=request, found=found, name=name, limit=limit)
            design = await services.designer.design(wish, model, tell)
        task = design.made.task
        if task is None or design.made.mistakes:
            return _unusable(out, design, found)
        left = None if limit is None else NanoUSD(max(limit - design.cost_nano_usd, 0))
        trial = await _try(out, app, task, found, left)
        notes = [*design.notes, *unasked(task, found)]
        if name in services.tasks.built_in:
            notes.append(f"it hides the built-in task {name}: --name names it otherwise")
        _may_write(path, force=asked.force)  # minutes have passed
        await asyncio.to_thread(replace_file, path, design.made.text.encode())
    done = show_design.Done(design=design, task=task, trial=trial, found=found, path=str(path), notes=tuple(notes))
    if out.json:
        out.emit(show_design.done_object(done))
    else:
        out.result.print(show_design.show_done(done), soft_wrap=True)
    return DONE


async def _try(out: Out, app: App, task: Task, found: Material, limit: NanoUSD | None) -> Trial:
    """Run the task on what was held back; what paid rungs would cost is said before."""
    for one in await app.services.recorder.quotes(task, found.tried, {}):
        out.note(f"{_calls(one, f'if all {one.calls} tried examples climb so far')}")
    with counting(out, f"{task.name}  tried", len(found.tried)) as done:
        return await try_out(app.services.runner, task, found, limit=limit, on_progress=done)


def _request(text: str) -> str:
    request = " ".join(text.split())
    if not request or len(request) > _LONGEST_REQUEST or _plain(request) != request:
        raise UsageError(
            f"the request is a sentence of at most {_LONGEST_REQUEST:,} characters",
            hint='firstline tasks new "sort support mail into billing, delivery, other" --examples mail.jsonl',
        )
    return request


def _place(asked: Asked, request: str, folder: Path) -> tuple[str, Path]:
    """Say what the task is called and where its file goes: a file is named after its task."""
    if asked.out is None:
        name = checked_name(asked.name) if asked.name else name_of(request)
        return name, folder / f"{name}.toml"
    if asked.out.suffix != ".toml":
        raise UsageError(f"{asked.out} does not end in .toml", hint="--out tasks/mail-sorter.toml", param="--out")
    name = checked_name(asked.out.stem)
    if asked.name not in ("", name):
        raise UsageError(
            f"{asked.out} would hold the task {name}, not {asked.name}", hint="leave out --name", param="--name"
        )
    return name, asked.out


def _may_write(path: Path, *, force: bool) -> None:
    for there in (path, path.with_suffix(".py")):
        if not force and there.exists():
            raise UsageError(f"{there} is there already", hint="--force replaces it, --name makes another task")


def _without_model(out: Out, error: EngineUnavailableError, request: str, found: Material) -> int:
    """Say what is missing, and show what the examples alone make: a beginning for a file written by hand."""
    status = out.fail(error)
    text = skeleton(request, found)
    out.note(
        "without a model: write the file by hand; the examples alone make the following beginning, which nobody has "
        "thought about and nothing has tried. It was not written."
        if text
        else "without a model: write the file by hand; label a few examples with `expected`, and a beginning is shown"
    )
    if out.json:
        out.emit({"written": False, "reason": error.message, "skeleton": text})
    elif text:
        show_design.print_file(out, text)
    return status


def _unusable(out: Out, design: Design, found: Material) -> int:
    """Show a draft that is no task, with what is wrong with it; nothing is written."""
    if out.json:
        out.emit(show_design.unusable_object(design, found))
    elif design.made.text:
        show_design.print_file(out, design.made.text)
    for note in design.notes:
        out.note(note)
    wrong = "\n".join(f"- {mistake}" for mistake in design.made.mistakes)
    out.fail(
        EngineOutputError(
            f"{design.model} made no task that can be used, in {_drafts(design.drafts)} for "
            f"{money(design.cost_nano_usd)}; nothing was written:\n{wrong}",
            hint=f"`firstline runs {design.run} --json` keeps the draft; a larger model (--model) designs better, and "
            "a draft can be put right by hand",
        )
    )
    return FAILED


@contextmanager
def _telling(out: Out, name: str, limit: NanoUSD | None) -> Iterator[Callable[[Step], None]]:
    """Show what a draft costs before it is asked for, and each time that it is."""
    with watching(out, name) as say:

        def tell(step: Step) -> None:
            if step.quote is not None:
                spare = f"; draft and trial stop at {money(limit)} (--budget)" if limit else ""
                out.note(f"{_calls(step.quote, 'a draft, asked for at most three times')}{spare}")
                return
            for mistake in step.mistakes:
                out.note(f"put right: {mistake}")
            say(f"{step.model} drafts{' again' if step.mistakes else ''}")

        yield tell


def _calls(one: Quote, what: str) -> str:
    if one.about_nano_usd is None or one.at_most_nano_usd is None:
        return f"{one.model}: {what}, at a price that is not known"
    if not one.at_most_nano_usd:
        return f"{one.model}: {what}, $0"
    return f"{one.model}: {what}: about {money(one.about_nano_usd)}, at most {money(one.at_most_nano_usd)}"


def _drafts(count: int) -> str:
    return "one draft" if count == 1 else f"{count} drafts"


def _plain(text: str) -> str:
    """A text that can be written as UTF-8: a word or a name of the system may hold bytes that are none."""
    return text.encode(errors="replace").decode()
