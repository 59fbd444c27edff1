"""The words of `firstline`: each command reads its words, calls one coroutine, and leaves with its status.

Status 0: done, 1: the work failed, 2: the words were wrong, 3: left to a person (`run --exit-code`), 130: stopped with
Ctrl-C.
"""

from __future__ import annotations

import sys
import time
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

from firstline.cli.certificate_words import certificates
from firstline.cli.command_line import HELP, CommandLine
from firstline.cli.console import Out, perform, perform_here
from firstline.cli.key_words import keys
from firstline.cli.later import (
    allow_commands,
    certify_commands,
    commands,
    demo,
    distill_commands,
    doctor,
    key_commands,
    log_commands,
    purge_commands,
    serving,
)
from firstline.cli.ledger_words import ledger
from firstline.cli.options import MOST, Confidence, Html, Json, MaxError
from firstline.cli.review_words import reviews
from firstline.cli.student_words import students
from firstline.cli.task_words import tasks
from firstline.cli.times import past
from firstline.tasks.task import Per
from firstline.types import OnReview, Verdict

app = typer.Typer(
    cls=CommandLine,
    name="firstline",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": HELP, "max_content_width": 100},
)
models = typer.Typer(help="Which models exist, and their weights.", no_args_is_help=True)
app.add_typer(models, name="models")
app.add_typer(tasks, name="tasks")
app.add_typer(keys, name="keys")
app.add_typer(ledger, name="ledger")
app.add_typer(certificates, name="certificates")
app.add_typer(reviews, name="reviews")
app.add_typer(students, name="students")

TaskName = Annotated[str, typer.Argument(metavar="TASK", help="name of a task, such as receipt", show_default=False)]
ModelId = Annotated[str, typer.Argument(metavar="MODEL", help="id or alias of a model", show_default=False)]
OneModel = Annotated[
    str, typer.Option("--model", metavar="MODEL", help="ask this one alone, instead of the task's ladder")
]


def tell_version(asked: bool) -> None:
    """Print the version and leave, where it was asked for."""
    if asked:
        Out().result.print(f"firstline {version('firstline')}")
        raise typer.Exit


@app.callback()
def root(
    shown: Annotated[
        bool, typer.Option("--version", help="print the version and leave", is_eager=True, callback=tell_version)
    ] = False,
) -> None:
    """A small local model answers first, every answer is checked, and only what fails climbs."""


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(metavar="HOST", help="address to listen on")] = None,
    port: Annotated[int | None, typer.Option(metavar="PORT", help="port; 0 takes a free one", min=0, max=65535)] = None,
    workers: Annotated[int | None, typer.Option(help="processes that serve", min=1, max=1_000)] = None,
) -> None:
    """Serve the OpenAI-compatible API."""
    serving.serve(Out(), host, port, workers)


@app.command()
def run(
    task: TaskName,
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE|TEXT|-]...", help="files, text, or - for stdin; several give several runs"),
    ] = None,
    json: Json = False,
    pairs: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="parameter of the task, may be repeated")
    ] = None,
    fields: Annotated[str, typer.Option(metavar="A,B", help="fields to read, for the task `form`")] = "",
    on_review: Annotated[
        OnReview | None,
        typer.Option(help="with --json: leave out of the answer what is left to a person, or tell the best attempt"),
    ] = None,
    model: OneModel = "",
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="leave with status 3 where a run is left to a person")
    ] = False,
) -> None:
    """Run a task on files or text; with --json one run a line."""
    out = Out(json=json)
    told = commands.Told(on_review=on_review, exit_code=exit_code)
    perform(out, lambda: commands.run(out, task, inputs or [], pairs or [], fields, told, model))


@app.command(name="eval")
def evaluate(
    task: TaskName,
    data: Annotated[Path, typer.Argument(metavar="DATA.jsonl", help="a line an example: input and expected")],
    json: Json = False,
    limit: Annotated[int | None, typer.Option(help="take the first N lines only", min=1, max=MOST)] = None,
    model: OneModel = "",
) -> None:
    """Measure a task on examples: quality, coverage, escalation, cost and time."""
    out = Out(json=json)
    perform(out, lambda: commands.evaluate(out, task, data, limit, model))


@app.command()
def certify(
    task: TaskName,
    data: Annotated[Path, typer.Argument(metavar="DATA.jsonl", help="a line an example: input and expected")],
    max_error: MaxError = None,
    confidence: Confidence = None,
    per: Annotated[Per | None, typer.Option(help="promise it of all answers, or of each class or field")] = None,
    seed: Annotated[int, typer.Option(help="of the split into fit, choose and certify", min=0, max=MOST)] = 0,
    budget: Annotated[str, typer.Option(metavar="USD", help="what asking the rungs may cost; 0: no limit")] = "1",
    records: Annotated[Path | None, typer.Option(metavar="FILE", help="keep recorded attempts there")] = None,
    no_benefit: Annotated[bool, typer.Option("--no-benefit", help="leave no rung out")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="report only, put nothing in force")] = False,
    html: Html = None,
    json: Json = False,
) -> None:
    """Measure on labelled examples which answers may be served so that at most a share of them is wrong, and put
    the certificate in force. Status 1 where that cannot be promised."""
    out = Out(json=json)
    perform(
        out,
        lambda: certify_commands.certify(
            out,
            task,
            data,
            max_error=max_error,
            confidence=confidence,
            per=per,
            seed=seed,
            budget=budget,
            records=records,
            plain=no_benefit,
            dry_run=dry_run,
            html=html,
        ),
    )


@app.command()
def distill(
    task: TaskName,
    data: Annotated[Path | None, typer.Argument(metavar="[DATA.jsonl]", help="labelled examples")] = None,
    from_runs: Annotated[bool, typer.Option("--from-runs", help="learn from the ledger: what passed, reviews")] = False,
    teacher: Annotated[
        str, typer.Option(metavar="MODEL", help="a larger model that answers the inputs without a label first")
    ] = "",
    max_error: MaxError = None,
    confidence: Confidence = None,
    seed: Annotated[int, typer.Option(help="of the split and the training", min=0, max=MOST)] = 0,
    sample: Annotated[int, typer.Option(help="held-out examples to run before and after", min=1, max=MOST)] = 100,
    budget: Annotated[
        str, typer.Option(metavar="USD", help="what asking the teacher may cost, and the other rungs; 0: no limit")
    ] = "1",
    no_certify: Annotated[bool, typer.Option("--no-certify", help="do not ask every rung; promise nothing")] = False,
    no_promote: Annotated[bool, typer.Option("--no-promote", help="make and measure it only")] = False,
    json: Json = False,
) -> None:
    """Teach a small model the task from examples, measure it, and make it the first rung if it should be."""
    out = Out(json=json)
    words = distill_commands.DistillWords(
        data=data,
        from_runs=from_runs,
        max_error=max_error,
        confidence=confidence,
        seed=seed,
        sample=sample,
        certify=not no_certify,
        promote=not no_promote,
        budget=budget,
        teacher=teacher,
    )
    perform(out, lambda: distill_commands.distill(out, task, words))


@app.command()
def runs(
    run_id: Annotated[str | None, typer.Argument(metavar="[ID]", help="one run; without it the latest")] = None,
    json: Json = False,
    limit: Annotated[int, typer.Option(help="how many of the latest", min=1, max=MOST)] = 20,
    task: Annotated[str, typer.Option(metavar="NAME", help="only runs of this task")] = "",
    verdict: Annotated[Verdict | None, typer.Option(help="only runs that ended so")] = None,
    model: Annotated[str, typer.Option(metavar="ID", help="only runs that asked this model")] = "",
    since: Annotated[str, typer.Option(metavar="WHEN", help="only runs begun since: 24h, 7d or 2027-01-31")] = "",
    key: Annotated[str, typer.Option(metavar="NAME|ID", help="only runs asked with this key")] = "",
) -> None:
    """Show what happened: the latest runs, or one of them with every attempt."""
    out = Out(json=json)

    async def work() -> int:
        begun = past(since, "--since", time.time()) if since else None
        which = commands.RunFilter(task=task, verdict=verdict, model=model, since=begun, key=key)
        return await commands.runs(out, run_id, limit, which)

    perform(out, work)


@app.command()
def usage(
    json: Json = False,
    days: Annotated[int, typer.Option(help="how many days, today included", min=1, max=366)] = 7,
    by: Annotated[str, typer.Option(metavar="A,B", help="model, task, key: what to tell apart")] = "model",
    key: Annotated[str, typer.Option(metavar="NAME|ID", help="only what was asked with this key")] = "",
) -> None:
    """Show what was used: requests, tokens, cost and savings, by day."""
    out = Out(json=json)
    perform(out, lambda: key_commands.usage(out, days, by, key))


@app.command()
def purge(
    older_than: Annotated[
        float | None,
        typer.Option(metavar="DAYS", help="runs begun before; without it what [runs] keep_days says", min=0, max=MOST),
    ] = None,
    task: Annotated[str, typer.Option(metavar="NAME", help="only runs of this task")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="say what would go, take nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="do not ask")] = False,
    json: Json = False,
) -> None:
    """Take the contents out of old runs for good: answers, findings, notes, kept inputs, stored answers. Figures stay,
    and so does what is still needed: open reviews, audits, examples."""
    out = Out(json=json)
    person = not json and out.result.is_terminal and sys.stdin.isatty()
    sure = (lambda: True) if yes else (lambda: typer.confirm("Take them for good?", err=True)) if person else None
    perform_here(out, lambda: purge_commands.purge(out, older_than, task, dry_run=dry_run, sure=sure))


@app.command(name="audit-log")
def show_log(
    json: Json = False,
    limit: Annotated[int, typer.Option(help="how many of the latest lines", min=1, max=MOST)] = 50,
    action: Annotated[str, typer.Option(metavar="BEGINNING", help="such as key. or certificate.withdraw")] = "",
    subject: Annotated[str, typer.Option(metavar="ID", help="only of one key, certificate, review, task, …")] = "",
) -> None:
    """Show who changed what when: keys, certificates, reviews, students, tasks, settings."""
    out = Out(json=json)
    perform(out, lambda: log_commands.show(out, limit, action, subject))


@app.command(name="demo")
def show_demo(json: Json = False) -> None:
    """Run the examples: messages, a receipt, an invoice, and a review that you answer. Fetches 91 MB once."""
    out = Out(json=json)
    person = out.result.is_terminal and sys.stdin.isatty()
    perform(out, lambda: demo.demo(out, demo.typed if person else None))


@app.command(name="doctor")
def examine(
    json: Json = False,
    verify: Annotated[bool, typer.Option("--verify", help="read the weights even if unchanged")] = False,
) -> None:
    """Say what is set up, what is missing, and how to undo everything."""
    out = Out(json=json)
    perform(out, lambda: doctor.doctor(out, verify=verify))


@app.command()
def allow(
    folder: Annotated[Path, typer.Argument(metavar="[DIR]", help="the folder; without it the working folder")] = Path(),
    listed: Annotated[bool, typer.Option("--list", help="list the folders that were allowed")] = False,
    revoke: Annotated[bool, typer.Option("--revoke", help="take the allowance back")] = False,
    any_owner: Annotated[bool, typer.Option("--any-owner", help="even where another user owns its files")] = False,
    json: Json = False,
) -> None:
    """Let the files of a folder, as they are now, run Python tasks, send keys and documents out, and the like.
    Read them first: `firstline doctor` says what they ask for. A change asks again."""
    out = Out(json=json)
    if listed:
        perform_here(out, lambda: allow_commands.list_allowed(out))
    if revoke:
        perform_here(out, lambda: allow_commands.revoke(out, folder))
    perform_here(out, lambda: allow_commands.allow(out, folder, any_owner=any_owner, now=time.time()))


@models.command(name="list")
def list_models(json: Json = False) -> None:
    """List all models with limits, prices and where their weights are."""
    out = Out(json=json)
    perform(out, lambda: commands.list_models(out))


@models.command(name="show")
def show_model(model: ModelId, json: Json = False) -> None:
    """Show one model: files, sha256, prices, and where each fact was read."""
    out = Out(json=json)
    perform(out, lambda: commands.show_model(out, model))


@models.command(name="pull")
def pull_models(
    names: Annotated[list[str], typer.Argument(metavar="ID...", help="ids or aliases", show_default=False)],
    json: Json = False,
) -> None:
    """Fetch the weights of models; goes on where an earlier pull stopped."""
    out = Out(json=json)
    perform(out, lambda: commands.pull(out, names))


@models.command(name="rm")
def remove_models(
    names: Annotated[list[str], typer.Argument(metavar="ID...", help="ids or aliases", show_default=False)],
    json: Json = False,
) -> None:
    """Remove the weights of models that were fetched. A file of your own stays."""
    out = Out(json=json)
    perform(out, lambda: commands.remove(out, names))


def main() -> None:
    """Enter from the command line."""
    if not sys.warnoptions:
        warnings.simplefilter("ignore")  # what libraries warn of is not for those who run commands
    app(prog_name="firstline")  # under `python -m firstline` too, so that help and completion name what is there
