"""`firstline certify`: what it does."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from firstline import settings
from firstline.app.build import build
from firstline.certify.certifier import Certification, Plan, Stage
from firstline.certify.statistics.target import Target
from firstline.cli.console import DONE, FAILED, Out
from firstline.cli.files import check_place, replace_file
from firstline.cli.key_commands import usd
from firstline.cli.progress import counting
from firstline.cli.report import report_of
from firstline.cli.report_page import page
from firstline.cli.show_certification import show_certification
from firstline.evaluation.examples import read_rows
from firstline.evaluation.quote import Quote
from firstline.money import NanoUSD
from firstline.money import show as money
from firstline.tasks.task import Per
from firstline.tasks.task import Target as Declared
from firstline.types import Json


async def certify(
    out: Out,
    name: str,
    data: Path,
    *,
    max_error: float | None,
    confidence: float | None,
    per: Per | None,
    seed: int,
    budget: str,
    records: Path | None,
    plain: bool,
    dry_run: bool,
    html: Path | None,
) -> int:
    """Certify a task on a file of examples; status 1 where the promise cannot be kept. `html`: where the page goes."""
    if html is not None:
        await asyncio.to_thread(check_place, html)
    async with build(settings.load()) as app:
        task = app.services.tasks.get(name)
        said = task.target or Declared()
        target = Target(
            max_error=said.max_error if max_error is None else max_error,
            confidence=said.confidence if confidence is None else confidence,
            per=per or said.per,
        )
        target.check(error="--max-error", confidence="--confidence")
        rows = await asyncio.to_thread(read_rows, data, app.services.images.in_thread())
        plan = Plan(
            target=target,
            seed=seed,
            benefit=said.benefit and not plain,
            enable=not dry_run,
            limit=usd(budget, "--budget"),
        )
        with _telling(out, f"{name}  {data.name}", plan.limit) as tell:
            found = await app.services.certifier.certify(task, rows, plan, name=data.name, records=records, tell=tell)
    report = report_of(found)
    if found.taught:
        out.note(f"{found.taught} of {len(rows)} examples were left out: the student in charge was taught them")
    if out.json:
        out.emit(certification_object(found))
    else:
        out.result.print(show_certification(report), soft_wrap=True)
    if html is not None:
        await asyncio.to_thread(replace_file, html, page(report).encode())
        out.note(f"the page is {html}")
    return DONE if found.result.feasible else FAILED


@contextmanager
def _telling(out: Out, title: str, limit: NanoUSD | None) -> Iterator[Callable[[Stage], None]]:
    """Show each step of a certification as it comes."""
    shown: dict[str, Callable[[int], None]] = {}
    with ExitStack() as lines:

        def tell(stage: Stage) -> None:
            if stage.step == "quoting":
                tell_quotes(out, stage.quotes, limit)
                return
            if stage.step not in shown:
                lines.close()  # one moving line at a time
                named = title if stage.step == "recording" else f"{title}  served live, to confirm"
                shown[stage.step] = lines.enter_context(counting(out, named, stage.of))
            shown[stage.step](stage.done)

        yield tell


def tell_quotes(out: Out, quotes: Sequence[Quote], limit: NanoUSD | None) -> None:
    """Say what asking paid models would cost before they are asked."""
    for one in quotes:
        calls = f"{one.model}: {one.calls:,} calls"
        if one.about_nano_usd is None or one.at_most_nano_usd is None:
            out.note(f"{calls} at a price that is not known")
        else:
            out.note(f"{calls}, about {money(one.about_nano_usd)}, at most {money(one.at_most_nano_usd)}")
    if quotes and limit:
        out.note(f"asking stops at {money(limit)} (--budget)")


def certification_object(found: Certification) -> dict[str, Json]:
    """Return what came of certifying: the figures of the result, and what is in force now."""
    result = found.result
    return {
        **msgspec.to_builtins(result),
        "certificate": None if found.certificate is None else found.certificate.id,
        "fallback": None if found.certificate is None else found.certificate.fallback,
        "task": found.task,
        "version": found.pin.version,
        "models": msgspec.to_builtins(found.pin.ladder),
        "provenance": msgspec.to_builtins(found.provenance),
        "max_error": result.target.max_error,
        "confidence": result.target.confidence,
        "expected_cost_nano_usd": result.costs.money_nano_usd,
        "thresholds": {} if found.policy is None else found.policy.thresholds(),
        "taught": found.taught,
    }
