"""`firstline certificates …`: what these words do."""

from __future__ import annotations

import asyncio
from pathlib import Path

from firstline import settings
from firstline.api.certificates import moved, shown
from firstline.app.build import App, build
from firstline.certify.certificates import Certificate
from firstline.cli import show_certificate
from firstline.cli.console import DONE, Out
from firstline.cli.files import replace_file
from firstline.cli.report import kept_report
from firstline.cli.report_page import page
from firstline.errors import NotFoundError


async def list_certificates(out: Out, task: str) -> int:
    """Show a line for each."""
    async with build(settings.load()) as app:
        found = await app.services.certificates.latest(task=task or None)
        objects = [await shown(app.services, one) for one in found]
    if out.json:
        out.emit_list(objects)
    elif objects:
        out.result.print(show_certificate.show_certificates(objects), soft_wrap=True)
    else:
        out.note("there are no certificates: `firstline certify TASK DATA.jsonl` makes one from labelled examples")
    return DONE


async def show(out: Out, name: str, html: Path | None) -> int:
    """Show one certificate; `html`: where the page of what it was measured on goes."""
    async with build(settings.load()) as app:
        certificate = await _find(app, name)
        if html is not None:
            report = kept_report(certificate, await moved(app.services, certificate))
            await asyncio.to_thread(replace_file, html, page(report).encode())
            out.note(f"the page is {html}")
        await _show(out, app, certificate)
    return DONE


async def withdraw(out: Out, name: str, reason: str) -> int:
    """Take one back."""
    async with build(settings.load()) as app:
        certificate = await _find(app, name)
        if not await app.services.certificates.withdraw(certificate.id, reason):
            out.note(f"{certificate.id} was not in force any more")
        await _show(out, app, await app.services.certificates.get(certificate.id))
    return DONE


async def drop(out: Out, name: str) -> int:
    """End one without a fallback."""
    async with build(settings.load()) as app:
        certificate = await _find(app, name)
        await app.services.certificates.drop(certificate.id)
        await _show(out, app, await app.services.certificates.get(certificate.id))
    return DONE


async def audit(out: Out) -> int:
    """Ask the top rung about what waits for it."""
    async with build(settings.load()) as app:
        count = await app.services.auditor.drain()
    if out.json:
        out.emit({"asked": count})
    else:
        out.note(f"the top rung was asked about {count} served {'answer' if count == 1 else 'answers'}")
    return DONE


async def _find(app: App, name: str) -> Certificate:
    """Find by id, or the one of a task that is in force or was withdrawn."""
    if name.startswith("c_"):
        return await app.services.certificates.get(name)
    app.services.tasks.get(name)
    found = await app.services.certificates.of(name)
    if found is None:
        hint = f"`firstline certify {name} DATA.jsonl` makes one from labelled examples"
        raise NotFoundError(f"the task {name} has no certificate", hint=hint)
    return found


async def _show(out: Out, app: App, certificate: Certificate) -> None:
    one = await shown(app.services, certificate)
    if out.json:
        out.emit(one)
    else:
        out.result.print(show_certificate.show_certificate(one), soft_wrap=True)
