"""Structured outputs on real schemas: for what share a document comes out that the schema accepts, with a local model.

    python benchmarks/schemas.py --data DIR [--model local/smollm2-135m] [--each 12] [--tokens 400] [--minutes 15]
                                 [--threads 0] [--json] [--plot FILE]
    python benchmarks/schemas.py --report FILE.json [--plot FILE]

DIR holds the sources of JSONSchemaBench (arXiv 2501.10868) as `NAME.jsonl`, a line `{"id", "schema", "tests":
[{"valid", "data"}]}`. Of each source `--each` schemas are drawn with a fixed seed and asked in turns, source by source,
until `--minutes` are over; `n` is how many were. The model is told the schema (at most 1,500 characters of it) and
writes greedily at most `--tokens` tokens; an answer cut there counts as none. `declared` is the share of schemas whose
grammar compiles and `first` that of first answers under it which the schema accepts, the paper's declared and empirical
coverage; `compliance` is the second over the first; `coverage` is that of the whole procedure (relaxed or told in words
where there is no grammar, asked again once). `verifier` is about all schemas, without a model: how many compile, and
how many of the source's own right and wrong documents are judged as the source says.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

from firstline import settings
from firstline.answering.structured import ask_structured, relax
from firstline.catalog.catalog import Catalog
from firstline.catalog.weights import WeightsStore
from firstline.engines.llama_cpp import LlamaCpp
from firstline.errors import FirstlineError, SchemaError
from firstline.schema.schema import compile_schema
from firstline.types import Completion, Json, ModelRequest, Sampling, message

SOURCES = (
    "BFCL", "Github_easy", "Github_hard", "Github_medium", "Glaiveai2K", "JME", "Kubernetes", "Snowplow",
)  # fmt: skip
PUBLISHED = {"Github_hard": {"Guidance": 0.41, "llama.cpp": 0.39, "XGrammar": 0.28, "OpenAI": 0.09, "Outlines": 0.03}}
"""Empirical coverage as reported of the paper, at second hand: other models, whole sources, other prompts."""
SEED = 20251125
TOLD = 1_500
CALL_S = 120.0


class Plan(NamedTuple):
    """What is asked of whom, and for how long."""

    model: str
    each: int
    tokens: int
    minutes: float
    threads: int


async def measure(folder: Path, plan: Plan) -> dict[str, Any]:
    """Run the samples of all sources through the model, and all documents through the verifier."""
    loaded = settings.load()
    found = Catalog.load(loaded.settings.models).get(plan.model)
    cores = len(os.sched_getaffinity(0))
    engine = LlamaCpp(
        WeightsStore(loaded.settings.models_path).require(found, "model"),
        None,
        context=6144,
        parallel=1,
        threads=plan.threads or cores,
        gpu_layers=0,
        start_s=120,
        call_s=CALL_S,
        log_dir=None,
    )
    cases = {source: _read(folder / f"{source}.jsonl") for source in SOURCES}
    drawn = {source: random.Random(SEED).sample(each, min(plan.each, len(each))) for source, each in cases.items()}
    outcomes: dict[str, list[dict[str, Any]]] = {source: [] for source in SOURCES}
    ends = time.monotonic() + 60 * plan.minutes
    try:
        for turn in range(plan.each):
            for source in SOURCES:
                if turn < len(drawn[source]) and time.monotonic() < ends:
                    outcomes[source].append(await _ask(engine, drawn[source][turn], plan.tokens))
                    print(outcomes[source][-1], file=sys.stderr, flush=True)
    finally:
        await engine.close()
    rows = [
        {"source": source, **_summed(outcomes[source]), "verifier": _verified(cases[source])}
        for source in SOURCES
        if outcomes[source]
    ]
    return {**plan._asdict(), "seed": SEED, "cores": cores, "load": round(os.getloadavg()[0], 1), "rows": rows}


def _read(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line.strip()]


async def _ask(engine: LlamaCpp, case: dict[str, Any], tokens: int) -> dict[str, Any]:
    """Ask for one document. Gives what each stage came to."""
    schema: Json = case["schema"]
    answers: list[Completion] = []

    async def ask(request: ModelRequest) -> Completion:
        answers.append(await engine.complete(request))
        return answers[-1]

    begun = time.perf_counter()
    outcome: dict[str, Any] = {"id": case["id"], "declared": False, "first": False, "covered": False, "why": ""}
    try:
        validator = compile_schema(schema)
        request = ModelRequest(
            messages=(message("system", _told(schema)), message("user", "Write one such document, a short one.")),
            schema=schema,
            sampling=Sampling(max_tokens=tokens, temperature=0.0),
        )
        got = await ask_structured(ask, request, validator, retries=1)
        held = not any(note.startswith("not held") for note in got.notes)
        outcome["declared"] = held
        outcome["covered"] = not got.findings
        outcome["first"] = held and len(answers) == 1 and not got.findings
        outcome["why"] = got.findings[0].reason[:120] if got.findings else "; ".join(got.notes)[:120]
    except FirstlineError as error:
        outcome["why"] = f"{error.code}: {error.message[:120]}"
        outcome["declared"] = not isinstance(error, SchemaError) and error.code != "engine_refused_schema"
    outcome["seconds"] = round(time.perf_counter() - begun, 2)
    return outcome


def _told(schema: Json) -> str:
    whole = json.dumps(schema, ensure_ascii=False)
    text = whole if len(whole) <= TOLD else json.dumps(relax(schema), ensure_ascii=False)[:TOLD]
    return f"You write JSON documents that meet this JSON Schema:\n{text}"


def _verified(cases: list[dict[str, Any]]) -> dict[str, int]:
    """Judge the documents that come with the schemas."""
    count = dict.fromkeys(("schemas", "compiled", "right", "right_refused", "wrong", "wrong_taken"), 0)
    for case in cases:
        count["schemas"] += 1
        try:
            validator = compile_schema(case["schema"])
        except SchemaError:
            continue
        count["compiled"] += 1
        for test in case["tests"]:
            taken = not validator.mismatches(test["data"])
            count["right" if test["valid"] else "wrong"] += 1
            count["right_refused"] += test["valid"] and not taken
            count["wrong_taken"] += taken and not test["valid"]
    return count


def _summed(outcomes: list[dict[str, Any]]) -> dict[str, Any]:
    n = len(outcomes)
    declared, first, covered = (sum(one[key] for one in outcomes) for key in ("declared", "first", "covered"))
    seconds = sorted(one["seconds"] for one in outcomes)
    return {
        "n": n,
        "declared": declared / n,
        "first": first / n,
        "coverage": covered / n,
        "compliance": first / declared if declared else None,
        "cut": sum("cut at" in one["why"] for one in outcomes) / n,
        "seconds_p50": seconds[n // 2],
        "seconds_max": seconds[-1],
        "outcomes": outcomes,
    }


def line(row: dict[str, Any]) -> str:
    """Write one source as a line of the table."""
    compliance = "–" if row["compliance"] is None else f"{row['compliance']:.2f}"
    beside = ", ".join(f"{name} {share:.2f}" for name, share in PUBLISHED.get(row["source"], {}).items())
    return (
        f"{row['source']:14} n={row['n']:<3} declared {row['declared']:.2f}  first {row['first']:.2f}  compliance "
        f"{compliance}  coverage {row['coverage']:.2f}  cut {row['cut']:.2f}  p50 {row['seconds_p50']:.1f} s  {beside}"
    ).rstrip()


def show(found: dict[str, Any]) -> str:
    """Write a report as lines of text."""
    machine = f"{found['cores']} cores, load {found['load']}"
    head = f"{found['model']}, at most {found['tokens']} tokens, seed {found['seed']}; {machine}"
    total = {key: sum(row["verifier"][key] for row in found["rows"]) for key in found["rows"][0]["verifier"]}
    tail = (
        f"verifier: {total['compiled']} of {total['schemas']} schemas compile; of {total['right']} right documents "
        f"{total['right_refused']} are refused, of {total['wrong']} wrong ones {total['wrong_taken']} are taken"
    )
    return "\n".join([head, *map(line, found["rows"]), tail])


def plot(found: dict[str, Any], path: Path) -> None:
    """Draw, for each source, the first answer and the whole procedure."""
    from matplotlib import pyplot  # the benchmarks' own extra: only --plot needs it

    rows = found["rows"][::-1]
    figure, axis = pyplot.subplots(figsize=(7, 3.6))
    for shift, key, label, colour in (
        (0.2, "coverage", "verified, asked again", "tab:blue"),
        (-0.2, "first", "grammar alone, first answer", "tab:gray"),
    ):
        bars = axis.barh(
            [at + shift for at in range(len(rows))], [row[key] for row in rows], height=0.36, color=colour, label=label
        )
        axis.bar_label(bars, fmt="%.2f", padding=3)
    axis.set_yticks(range(len(rows)), [row["source"] for row in rows])
    axis.set_xlim(0, 1.1)
    axis.set_title(f"Documents that their schema accepts: {found['model']}, {found['tokens']} tokens", fontsize=9)
    axis.legend(loc="upper center", bbox_to_anchor=(0.5, -0.08), ncols=2, fontsize=8, frameon=False)
    figure.tight_layout()
    figure.savefig(path, metadata={"Date": None})


def check(folder: Path | None) -> str | None:
    """Say what is missing in the folder of sources; None where nothing is."""
    if folder is None:
        return "name the folder of sources with --data, or an earlier report with --report"
    missing = next((name for name in SOURCES if not (folder / f"{name}.jsonl").is_file()), None)
    return (
        f"{folder / f'{missing}.jsonl'} does not exist: DIR holds the sources of JSONSchemaBench" if missing else None
    )


def main() -> None:
    """Read the words, measure, print."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--data", type=Path)
    words.add_argument("--model", default="local/smollm2-135m")
    words.add_argument("--each", type=int, default=12)
    words.add_argument("--tokens", type=int, default=400)
    words.add_argument("--minutes", type=float, default=15.0)
    words.add_argument("--threads", type=int, default=0)
    words.add_argument("--report", type=Path)
    words.add_argument("--json", action="store_true")
    words.add_argument("--plot", type=Path)
    given = words.parse_args()
    if given.report:
        found = json.loads(given.report.read_text(encoding="utf-8"))
    elif missing := check(given.data):
        words.error(missing)
    else:
        plan = Plan(given.model, given.each, given.tokens, given.minutes, given.threads)
        found = asyncio.run(measure(given.data, plan))
    print(json.dumps(found, indent=1) if given.json else show(found))
    if given.plot:
        plot(found, given.plot)


if __name__ == "__main__":
    main()
