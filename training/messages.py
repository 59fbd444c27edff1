"""Makes customers' messages with what each wants, for the built-in task `support-intent`, from our own phrases.

    python training/messages.py --n 4000 --seed 1 --out messages.jsonl

Phrases lie in `messages.toml`. A phrase is filled, put into a frame (a greeting, a sentence before it, a closing), and
written as people type: with or without capitals and full stops, with abbreviations and slips of the finger. The classes
have about the same share, `out_of_scope` three times that. All messages differ when case and punctuation are folded.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

from firstline.values.texts import fold

PHRASES = Path(__file__).parent / "messages.toml"
OUT_OF_SCOPE = "out_of_scope"
_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_NEAR = {
    "a": "sq", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "w", "r": "et", "s": "ad", "t": "ry", "u": "yi",
    "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip
"""Keys beside each key."""
_SHORT = {
    "please": "pls", "you": "u", "are": "r", "thanks": "thx", "because": "cuz", "your": "ur", "order": "ordr",
    "tomorrow": "tmrw", "password": "pw", "number": "no", "to": "2", "for": "4", "and": "n", "want to": "wanna",
}  # fmt: skip
_TRIES = 60


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message and what it wants. `phrase` names what it was made from: those of one phrase are alike, and whoever
    holds some back to measure with holds back whole phrases."""

    text: str
    label: str
    phrase: str


class Messages:
    """Makes messages from a list of phrases; what one is like depends on the `Random` that is given alone."""

    def __init__(self, tree: Mapping[str, Any]) -> None:
        self.words: Mapping[str, Sequence[str]] = tree["words"]
        self.frame: Mapping[str, Sequence[str]] = tree["frame"]
        self.labels: Mapping[str, Sequence[str]] = {**tree["labels"], OUT_OF_SCOPE: tree["out_of_scope"]["phrases"]}

    def make(self, label: str, random: Random) -> Message:
        """Make one message of a class."""
        number = random.randrange(len(self.labels[label]))
        text = self.filled(self.labels[label][number], random)
        text = text[:1].upper() + text[1:]
        if not text.endswith(("?", "!")) and random.random() < 0.4:
            text += "."
        text = typed(self._framed(text, random, on_topic=label != OUT_OF_SCOPE), random)
        return Message(text=text, label=label, phrase=f"{label}/{number}")

    def filled(self, phrase: str, random: Random) -> str:
        """Choose in every `[a|b]`, the innermost first, and fill in words."""
        while _CHOICE.search(phrase):
            phrase = _CHOICE.sub(lambda match: random.choice(match.group(1).split("|")), phrase, count=1)
        text = re.sub(r"\{(\w+)\}", lambda match: random.choice(self.words[match.group(1)]), phrase)
        return re.sub(r"\s+([,.?!])", r"\1", " ".join(text.split()))

    def _framed(self, text: str, random: Random, *, on_topic: bool) -> str:
        """Put a greeting, a sentence and a closing around a message, mostly none of them."""
        if random.random() < 0.18 and on_topic:
            text = f"{self.filled(random.choice(self.frame['before']), random)} {text}"
        if random.random() < 0.22:
            opening = random.choice(self.frame["open"]).capitalize()
            text = f"{opening}{random.choice([', ', '! ', '. ', ' '])}{text}"
        if random.random() < 0.22:
            closing = self.filled(random.choice(self.frame["close"]), random)
            end = "" if text.endswith((".", "?", "!")) else random.choice([".", ",", ""])
            text = f"{text}{end} {closing}"
        return text


def typed(text: str, random: Random) -> str:
    """Write a text as people type."""
    if random.random() < 0.42:
        text = text.lower()
    elif random.random() < 0.03:
        text = text.upper()
    if random.random() < 0.3:
        text = text.replace("'", "").replace(",", "")
    if random.random() < 0.25:
        text = text.rstrip(".!?")
    if random.random() < 0.12:
        for long, short in random.sample(sorted(_SHORT.items()), 6):
            text = re.sub(rf"\b{long}\b", short, text)
    for _ in range(random.choices([0, 1, 2], [0.74, 0.2, 0.06])[0]):
        text = _slipped(text, random)
    if random.random() < 0.04:
        text += random.choice(["!!", "??", " :(", " !!!", "...", " 🙏", " 😡"])
    return text


def _slipped(text: str, random: Random) -> str:
    """Make one slip of the finger within a word of four letters or more."""
    places = list(re.finditer(r"[A-Za-z]{4,}", text))
    if not places:
        return text
    word = random.choice(places)
    at = random.randrange(word.start() + 1, word.end() - 1)
    kind = random.choice(["drop", "double", "swap", "near"])
    if kind == "drop":
        return text[:at] + text[at + 1 :]
    if kind == "double":
        return text[:at] + text[at] + text[at:]
    if kind == "swap":
        return text[:at] + text[at + 1] + text[at] + text[at + 2 :]
    return text[:at] + random.choice(_NEAR[text[at].lower()]) + text[at + 1 :]


def make_messages(count: int, *, seed: int, tree: Mapping[str, Any]) -> list[Message]:
    """Make so many different messages, in no order. Raises ValueError where the phrases give too few."""
    maker = Messages(tree)
    names = [*(label for label in maker.labels if label != OUT_OF_SCOPE), *[OUT_OF_SCOPE] * 3]
    seen: set[str] = set()
    rows = []
    for number in range(count):
        label = names[number % len(names)]
        random = Random(f"{seed}/message/{number}")
        for _ in range(_TRIES):
            message = maker.make(label, random)
            if fold(message.text) not in seen:
                break
        else:
            raise ValueError(f"the phrases of {label} do not give {number} different messages")
        seen.add(fold(message.text))
        rows.append(message)
    Random(f"{seed}/messages").shuffle(rows)
    return rows


def read_phrases() -> dict[str, Any]:
    """Read the phrases beside this file."""
    return tomllib.loads(PHRASES.read_text(encoding="utf-8"))


def main() -> None:
    """Read the words, make, write."""
    words = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    words.add_argument("--n", type=int, default=4000)
    words.add_argument("--seed", type=int, default=1)
    words.add_argument("--out", type=Path, required=True)
    given = words.parse_args()
    rows = make_messages(given.n, seed=given.seed, tree=read_phrases())
    lines = (json.dumps({"input": one.text, "expected": {"label": one.label}}, ensure_ascii=False) for one in rows)
    given.out.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    for label, number in Counter(one.label for one in rows).most_common():
        print(f"{number:6} {label}", file=sys.stderr)


if __name__ == "__main__":
    main()
