"""Shows the steps of the demo in short lines, which nothing wraps where the output is piped."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import wrap

import msgspec
from rich.text import Text

from firstline.catalog.model import Model
from firstline.cli.show_run import seconds, verdict_word
from firstline.gateway.ladder import NO_KEY, Rung
from firstline.money import show as money
from firstline.printable import printable
from firstline.reviews.reviews import Answered, ReviewView
from firstline.types import Json, Run

_WIDE = 78
_BITS_PER_S = 50e6
_COLOUR: Mapping[str, str] = {"accepted": "green", "escalated": "cyan", "review": "yellow", "rejected": "red"}

word = verdict_word


def fetching(model: Model) -> Iterator[str]:
    """Say what is fetched and how long that takes."""
    size = model.bytes or 0
    yield f"Fetching once: {model.id}, {size / 1e6:.0f} MB, which reads messages."
    yield f"That takes about {size * 8 / _BITS_PER_S:.0f} s at 50 Mbit/s; the demo itself about 15 s."


def keys(rungs: Sequence[Rung]) -> str:
    """Say once what becomes of what this machine leaves open."""
    remote = [one for one in rungs if one.model.engine == "openai_http"]
    if ready := [one.model.id for one in remote if one.skipped is None]:
        return f"What this machine leaves open goes to {ready[0]}, and is paid for."
    unset = [one.model.remote for one in remote if one.skipped and one.skipped.startswith(NO_KEY)]
    names = ", ".join(sorted({one.api_key_env for one in unset if one is not None}))
    missing = f"No key is set ({names})" if names else "No remote model can be asked"
    return clipped(f"{missing}: what stays open here is left to you.")


def show_title(title: str, path: Path) -> Text:
    """Render a step's head: what it is, and for a text the text itself."""
    head = Text(f"\n{title}", style="bold")
    if path.suffix == ".txt":
        for line in wrap(path.read_text(encoding="utf-8"), _WIDE - 4):
            head.append(f"\n  | {line}", style="dim not bold")
    return head


def show_result(run: Run) -> Text:
    """Render what came of a step: a line a field, and a line of who answered, what it cost and how long it took."""
    lines = []
    for key, value in run.answer.items() if isinstance(run.answer, dict) else ():
        outcome = run.fields.get(key)
        state = outcome.status if outcome else ""
        sure = f" {outcome.confidence:.2f}" if outcome and outcome.confidence is not None else ""
        lines.append(
            Text.assemble(
                f"  {printable(key):<15} {_value(value):<38}  ", (state, _COLOUR.get(state, "")), (sure, "dim")
            )
        )
    asked = [one.model for one in run.attempts if one.skipped is None]
    lines.append(Text(clipped(f"  {', '.join(asked)}: {seconds(run.ms)}, {money(run.cost_nano_usd)}"), style="dim"))
    return Text("\n").join(lines)


def show_review(view: ReviewView) -> Text:
    """Render a review in short: what nobody settled, and why."""
    lines = [Text("  This is left to you:", style="yellow")]
    for key, found in view.doubts.items():
        reasons = "; ".join(one.reason for one in found) or "no model answered"
        lines.append(Text(clipped(f"    {key}: {reasons}"), style="dim"))
    return Text("\n").join(lines)


def show_question(key: str, proposed: Json) -> Text:
    """Render what a person is asked for a field."""
    return Text(clipped(f"  {key}? Type it, or Enter for {_value(proposed)}, or - to leave it open:"), style="bold")


def show_command(view: ReviewView, values: Mapping[str, Json]) -> Text:
    """Render the command that answers a review, which the demo does by itself where nobody can type."""
    return Text(f"  Answered as you would:\n  $ {command(view, values)}")


def command(view: ReviewView, values: Mapping[str, Json]) -> str:
    """Return the command that answers a review, ready to be typed."""
    pairs = [
        f"{key}={value if isinstance(value, str) else msgspec.json.encode(value).decode()}"
        for key, value in values.items()
    ]
    return printable(shlex.join(["firstline", "reviews", "answer", view.review.id, *pairs]))


def show_answered(done: Answered) -> Text:
    """Render what came of the answer."""
    lines = []
    for key, value in done.answer.items():
        outcome = done.run.fields.get(key)
        state = f"{outcome.status} by {outcome.by}" if outcome and outcome.by else outcome.status if outcome else ""
        lines.append(Text(clipped(f"  {key:<15} {_value(value):<38}  {state}"), style="green"))
    lines.append(Text("  It is kept as an example: `firstline distill` learns from it.", style="dim"))
    return Text("\n").join(lines)


def end(counted: Mapping[str, int], local: Model, *, answered: bool) -> Iterator[str]:
    """Say what was shown, what was left out and why, and what to do next; `local` is the first language model."""
    yield ""
    total = sum(counted.values())
    yield f"{total} runs: {', '.join(f'{count} {name}' for name, count in counted.items()) or 'none'}."
    if answered:
        yield "One review is answered."
    if counted.get("review", 0) > answered:
        yield "`firstline reviews list` shows what still waits for you."
    yield "Left out: language models that run here. On a processor each answer takes"
    yield "20 s to minutes, and copying a text (translate, summarize) is beyond the"
    yield "smallest."
    if local.engine == "llama_cpp":
        yield clipped(f"`firstline models pull {local.id}` ({(local.bytes or 0) / 1e6:.0f} MB) adds one.")
    yield ""
    yield "Next:"
    if shutil.which("firstline") is None:
        yield "  source .venv/bin/activate              in a checkout"
    yield "  firstline serve                        then, for your OpenAI client:"
    yield "  export OPENAI_BASE_URL=http://127.0.0.1:8040/v1"
    yield "  firstline tasks new --help             a task of your own"
    yield "  firstline certify TASK DATA.jsonl      promise how few answers are wrong"
    yield "  firstline doctor                       what is set up, and how to undo it"


def clipped(text: str, width: int = _WIDE) -> str:
    """Return a text as one line that is no longer than `width`."""
    line = printable(text.rstrip().replace("\n", " "))
    return line if len(line) <= width else line[: width - 1] + "…"


def _value(value: Json) -> str:
    match value:
        case None:
            return "–"
        case str():
            return clipped(value, 38)
        case list():
            return f"{len(value)} {'row' if len(value) == 1 else 'rows'}"
        case _:
            return clipped(msgspec.json.encode(value).decode(), 38)
