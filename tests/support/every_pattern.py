"""Every regular expression of the product, found by walking its modules."""

from __future__ import annotations

import pkgutil
from collections.abc import Iterator
from functools import cache
from importlib import import_module
from pathlib import Path

import firstline
from firstline.checks import bounds, clock, exchanged_words, fractions, number_words
from firstline.patterns import Pattern
from firstline.reading.candidate import label_pattern
from firstline.tasks.registry import Tasks
from firstline.values import named_dates


@cache
def every_pattern() -> dict[str, Pattern]:
    """Return the compiled patterns by module and name."""
    found: dict[str, Pattern] = {}
    known: set[int] = set()
    for module in pkgutil.walk_packages(firstline.__path__, "firstline."):
        if ".migrations" in module.name or module.name.endswith("__main__"):
            continue
        for name, value in vars(import_module(module.name)).items():
            for at, pattern in _patterns(value):
                if id(pattern) not in known:  # the same name may be imported elsewhere
                    known.add(id(pattern))
                    found[f"{module.name}.{name}{at}"] = pattern
    found |= {f"number_words[{value}]": pattern for value, pattern in number_words._patterns()}
    found |= {f"clock[{at}]": pattern for at, (_, _, pattern) in enumerate(clock._patterns())}
    terms = {"bounds": bounds._bounds(), "denials": bounds._denials(), "days": exchanged_words._days()}
    terms |= {"numbers": exchanged_words._numbers(), "fractions": fractions._terms()}
    found |= {f"terms.{name}": one._pattern for name, one in terms.items() if one._pattern}
    forms = named_dates._forms()
    found |= {f"named_dates.{name}": getattr(forms, name) for name in forms.__struct_fields__}
    found["scale_pattern"] = number_words._scale_pattern()
    found["months_and_scales"] = number_words._months_and_scales()
    tasks = Tasks(Path("no-such-folder"))
    for task in map(tasks.get, tasks.names()):
        for field in task.fields:
            for kind, words in (("labels", field.labels), ("unlike", field.unlike)):
                if words:
                    found[f"{task.name}.{field.name}.{kind}"] = label_pattern(words)
    return found


def _patterns(value: object) -> Iterator[tuple[str, Pattern]]:
    if isinstance(value, Pattern):
        yield "", value
    elif isinstance(value, tuple | list):
        for at, item in enumerate(value):
            yield from ((f"[{at}]{more}", pattern) for more, pattern in _patterns(item))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from ((f"[{key!r}]{more}", pattern) for more, pattern in _patterns(item))
