"""Makes the students that come with the package, from made documents and messages alone, and says how good they are.

    python training/make_students.py [receipt] [invoice] [support-intent] [--seed 0] [--pages DIR] [--out DIR]

The students of `receipt` and `invoice` learn from documents by the fast path and from pictures that were drawn and
read by the product's reader (a second or two each, half an hour a kind; `--pages` keeps what was read for the next
time). The student of `support-intent` learns from made
messages, by the features of the encoder, which must be on disk. Of each the sha256, the size and what it does on what
was held out are printed: other documents by either path, whole phrases, messages written by hand. Same seed, same
bytes on one kind of machine.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from firstline.students.artifact import name_of, pack, unpack
from firstline.tasks.registry import Tasks
from students import documents, messages
from students.report import Mark, report

STUDENTS = Path(__file__).parents[1] / "src" / "firstline" / "tasks" / "students"
NAMES = ("receipt", "invoice", "support-intent")


def make(name: str, *, seed: int, pages: Path | None, out: Path, finish: bool) -> None:
    """Make one student, write its file, print what it is and does; `finish`: all but its first look and bars stays."""
    with tempfile.TemporaryDirectory() as folder:
        task = Tasks(Path(folder)).get(name)
    held_out: Mapping[str, Sequence[Mark]] = {}
    if finish:
        artifact = documents.finished(unpack((out / f"{name}.student").read_bytes()), task, seed=seed)
    elif name == "support-intent":
        artifact, held_out = messages.student(task, seed=seed)
    else:
        artifact, held_out = documents.student(task, seed=seed, pages=pages)
    data = pack(artifact, compressed=True)
    out.mkdir(parents=True, exist_ok=True)
    (out / f"{name}.student").write_bytes(data)
    print(f"{name}: sha256 {name_of(data)}, {len(data):,} bytes, {artifact.facts['rows']:,} rows")
    for title, marks in held_out.items():
        print(report(title, marks))


def main(words: Sequence[str] | None = None) -> None:
    """Read the words and make."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(NAMES)}; all if none is named")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--pages", type=Path, help="keeps what was read of the pictures")
    parser.add_argument("--out", type=Path, default=STUDENTS)
    parser.add_argument("--finish", action="store_true", help="teach the first look alone, of receipt and invoice")
    given = parser.parse_args(words)
    strange = [name for name in given.names if name not in NAMES]
    if strange:
        parser.error(f"{strange[0]} has no student of this kind: there are {', '.join(NAMES)}")
    for name in given.names or NAMES:
        make(name, seed=given.seed, pages=given.pages, out=given.out, finish=given.finish)


if __name__ == "__main__":
    main()
