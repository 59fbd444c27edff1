"""The words of `firstline certificates`: each command reads its words and calls one coroutine."""

from __future__ import annotations

from typing import Annotated

import typer

from firstline.cli.console import Out, perform
from firstline.cli.later import certificate_commands
from firstline.cli.options import Html, Json

certificates = typer.Typer(help="What was promised of which task, and whether it still holds.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="id of a certificate (c_…), or the task's name")]


@certificates.command(name="list")
def list_certificates(
    task: Annotated[str, typer.Option("--task", metavar="NAME", help="of one task only")] = "",
    json: Json = False,
) -> None:
    """List the latest certificates with what they promise and their state."""
    out = Out(json=json)
    perform(out, lambda: certificate_commands.list_certificates(out, task))


@certificates.command(name="show")
def show_certificate(certificate: Id, html: Html = None, json: Json = False) -> None:
    """Show one certificate: what it promises, what it was measured on, and what moved since."""
    out = Out(json=json)
    perform(out, lambda: certificate_commands.show(out, certificate, html))


@certificates.command(name="audit")
def audit_answers(json: Json = False) -> None:
    """Ask the top rung about the audits that wait for it (`[audits] by = "top"`), as a server does by itself."""
    out = Out(json=json)
    perform(out, lambda: certificate_commands.audit(out))


@certificates.command(name="withdraw")
def withdraw_certificate(
    certificate: Id,
    reason: Annotated[str, typer.Option("--reason", help="why, as runs will say")] = "withdrawn by hand",
    json: Json = False,
) -> None:
    """Take a certificate back: its fallback (the top rung, or a person) answers from now on."""
    out = Out(json=json)
    perform(out, lambda: certificate_commands.withdraw(out, certificate, reason))


@certificates.command(name="drop")
def drop_certificate(certificate: Id, json: Json = False) -> None:
    """End a certificate and its fallback: the task runs uncertified, by its checks alone."""
    out = Out(json=json)
    perform(out, lambda: certificate_commands.drop(out, certificate))
