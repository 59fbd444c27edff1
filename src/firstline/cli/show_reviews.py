"""Shows the queue of reviews to a person: what is asked, the source, what failed, and what to type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.text import Text

from firstline.cli.show_run import show_run
from firstline.ledger.inputs import KeptFile, KeptInput, KeptText, Purged
from firstline.ledger.reviews import Review
from firstline.printable import printable
from firstline.reviews.audits import Audited
from firstline.reviews.export import Exported
from firstline.reviews.reviews import Answered, ReviewView
from firstline.types import Finding, Json

_STYLE = {"open": "yellow", "taken": "cyan", "answered": "green", "rejected": "red"}
_WIDE = 60
_BLIND = Text(
    "an audit: what was served is not shown, so that your answer is your own (--served shows it)", style="dim"
)


def show_queue(views: Sequence[ReviewView]) -> RenderableType:
    """Render two lines for each review, however narrow the screen: half an id is of no use to the next command."""
    return Group(*(line for view in views for line in _entry(view)))


def show_view(view: ReviewView, path: Callable[[KeptFile], Path]) -> RenderableType:
    """Render one review; `path` says where the bytes of a picture lie."""
    review = view.review
    blocks: list[RenderableType] = [_head(review), _line("the source")]
    blocks += [Padding(part, (0, 0, 0, 2)) for part in _source(view.kept, path)]
    blocks.append(_BLIND if view.blind else show_run(view.run))
    if view.doubts:
        blocks.append(_line("in doubt"))
        blocks += [Text(f"  {one}") for key, found in view.doubts.items() for one in _doubt(key, found)]
    blocks += [_against(review.findings)] if review.findings else []
    blocks += [Text(printable(f"note: {note}"), style="dim") for note in view.notes]
    if review.state in ("open", "taken"):
        if review.kind == "audit" and not view.blind:
            blocks.append(Text(printable(f"right as served: firstline reviews confirm {review.id}"), style="dim"))
        blocks.append(Text(printable(f"firstline reviews answer {review.id} {_words(view)}"), style="dim"))
    return Group(*blocks)


def show_answered(done: Answered, *, saved: bool) -> RenderableType:
    """Render what came of an answer."""
    head = _head(done.review) if saved else Text("not written: --dry-run", style="yellow")
    lines: list[RenderableType] = [head]
    for key, value in done.answer.items():
        outcome = done.run.fields.get(key) if saved else None
        by = f"  {outcome.status}" + (f" by {outcome.by}" if outcome.by else "") if outcome else ""
        if done.audited is not None:
            by = "  served otherwise" if key in done.audited.wrong else ""
        lines.append(Text.assemble("  ", (printable(key), "bold"), f"  {_value(value)}", (printable(by), "dim")))
    lines += [_against(done.findings)] if done.findings else []
    lines += _told(done.audited) if done.audited else []
    lines += [Text(printable(f"note: {note}"), style="dim") for note in done.notes]
    return Group(*lines)


def show_state(review: Review) -> RenderableType:
    """Render where a review stands."""
    return _head(review)


def show_exported(done: Exported, path: str) -> RenderableType:
    """Render what was written."""
    files = f", {done.files} {_plural('file', done.files)} beside it" if done.files else ""
    return Text(printable(f"{done.n} {_plural('example', done.n)} in {path}{files}"))


def show_purged(gone: Purged) -> RenderableType:
    """Render what was taken away."""
    counts = ((gone.inputs, "input"), (gone.files, "file"), (gone.examples, "example"))
    return Text("taken away: " + ", ".join(f"{count} {_plural(word, count)}" for count, word in counts))


def _entry(view: ReviewView) -> Iterator[Text]:
    review = view.review
    line = _head(review)
    line.append(f"  {datetime.fromtimestamp(review.created, UTC):%Y-%m-%d %H:%M}", style="dim")
    yield line.append(f"  {_beginning(view.kept)}")
    for key, found in view.doubts.items():
        reason = printable(found[0].reason) if found else "no model answered"
        yield Text(f"  {printable(key)}: {_value(_best(view).get(key))}: {reason}", style="dim")
    if review.kind == "audit":
        if review.state in ("open", "taken"):
            yield Text("  served under a certificate: is it right?", style="dim")
    elif not view.doubts and review.state in ("open", "taken"):
        yield Text(f"  {printable(view.run.reason)}", style="dim")


def _head(review: Review) -> Text:
    head = Text.assemble((review.id, "bold"), "  ", printable(review.task), "  ", (review.state, _STYLE[review.state]))
    if review.kind == "audit":
        head = Text.assemble(
            (review.id, "bold"), "  ", printable(review.task), "  audit  ", (review.state, _STYLE[review.state])
        )
    if review.reviewer is not None:
        head.append(printable(f" by {review.reviewer}"))
    if review.lease_ends is not None:
        head.append(f" until {datetime.fromtimestamp(review.lease_ends, UTC):%H:%M:%S} UTC")
    if review.reason is not None:
        head.append(printable(f": {review.reason}"))
    return head


def _line(text: str) -> Text:
    return Text(text, style="bold")


def _source(kept: KeptInput | None, path: Callable[[KeptFile], Path]) -> Iterator[Text]:
    if kept is None:
        yield Text("it is not kept: see [reviews] keep and days", style="dim")
        return
    for part in kept.parts:
        if isinstance(part, KeptText):
            yield Text(printable(part.text))
        else:
            yield Text(printable(f"{part.kind}, {part.media_type}, {part.bytes:,} bytes: {path(part)}"))


def _beginning(kept: KeptInput | None) -> str:
    if kept is None:
        return "(the source is not kept)"
    first = next((part.text for part in kept.parts if isinstance(part, KeptText) and part.text.strip()), "")
    words = printable(" ".join(first.split())) or ", ".join(file.kind for file in kept.files)
    return words if len(words) <= _WIDE else words[: _WIDE - 1] + "…"


def _doubt(key: str, found: Sequence[Finding]) -> Iterator[str]:
    for one in found:
        yield printable(f"{key}: {one.reason} ({one.check})")
    if not found:
        yield printable(f"{key}: no model answered")


def _against(found: Sequence[Finding]) -> RenderableType:
    lines = [Text("the checks have something against it, and the person's word stands:", style="yellow")]
    lines += [
        Text(printable(f"  {one.field}: {one.reason} ({one.check})" if one.field else f"  {one.reason} ({one.check})"))
        for one in found
    ]
    return Group(*lines)


def _told(audited: Audited) -> list[RenderableType]:
    """What an answer says of the served one, and of its certificate."""
    if not audited.wrong:
        return [Text("right as served", style="green")]
    told: list[RenderableType] = [Text(printable(f"served wrong: {', '.join(audited.wrong)}"), style="yellow")]
    if audited.withdrawn is not None:
        told.append(
            Text(
                printable(f"the certificate {audited.certificate_id} is withdrawn: {audited.withdrawn}"),
                style="bold red",
            )
        )
    return told


def _words(view: ReviewView) -> str:
    """What to type: the fields that need a value."""
    keys = tuple(view.doubts) or (view.task.keys if view.task else ())
    return " ".join(f"{key}=…" for key in keys)


def _best(view: ReviewView) -> dict[str, Json]:
    return dict(view.run.answer) if isinstance(view.run.answer, dict) else {}


def _value(value: Json) -> str:
    if value is None:
        return "–"
    text = printable(value if isinstance(value, str) else msgspec.json.encode(value).decode())
    return text if len(text) <= _WIDE else text[: _WIDE - 1] + "…"


def _plural(word: str, count: int) -> str:
    return word if count == 1 else f"{word}s"
