"""The check `faithful`: a summary says what its source says, as far as its words can tell.

Counts, for each sentence, how many of its telling words (`telling.py`) stand in the source, and how many pairs of
neighbouring words stand there together. It reads no meaning: a sentence of the source's own words in another order can
be false and pass.
How often it is wrong is in `docs/concepts/checks.md`.
"""

from __future__ import annotations

from collections.abc import Iterator

from firstline import patterns
from firstline.checks.base import Check, NamedCheck, Subject, shown
from firstline.checks.telling import Telling
from firstline.errors import TaskError
from firstline.interruption import asking
from firstline.types import Finding

_SENTENCE = patterns.compile(r"(?<=[.!?。！？।॥؟۔])\s+|(?<=[。！？])|\n+")
_LEAST_WORDS = 3


def faithful(field: str, *, words: float = 0.85, pairs: float = 0.0) -> Check:
    """Make the check that each sentence of `field` is made of the source's words.

    `words` is the least share of a sentence's telling words that must stand in the source, `pairs` the least share of
    its neighbouring pairs of them: 0 for summaries in the model's own words, 0.9 for summaries that quote. Raises
    TaskError for a share outside 0 to 1.
    """
    if not (0 <= words <= 1 and 0 <= pairs <= 1):
        raise TaskError("`words` and `pairs` are shares between 0 and 1")

    def look(subject: Subject) -> tuple[Finding, ...]:
        answer = subject.answer
        text = answer.get(field) if isinstance(answer, dict) else None
        if not isinstance(text, str) or not subject.under_test(field):
            return ()
        return tuple(
            Finding(check="faithful", field=field, reason=f"{reason}: {shown(sentence)}")
            for sentence, in_words, in_pairs in overlaps(text, subject.source)
            if (reason := _reason(in_words, in_pairs))
        )

    def _reason(in_words: float, in_pairs: float) -> str | None:
        if in_words < words:
            return f"only {in_words:.0%} of its words are in the source"
        return f"only {in_pairs:.0%} of its phrases are in the source" if in_pairs < pairs else None

    return NamedCheck(name="faithful", look=look)


def overlaps(text: str, source: str) -> Iterator[tuple[str, float, float]]:
    """Return each sentence with the share of its telling words, and of their pairs, that stand in the source.

    Sentences of fewer than three telling words say too little and are left out.
    """
    telling = Telling(source)
    for sentence in asking(_SENTENCE.split(text)):
        share = telling.share(sentence)
        if share.words >= _LEAST_WORDS:
            yield sentence, share.in_source, share.pairs_in_source
