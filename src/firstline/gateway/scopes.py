"""Whether a scope of a key can match anything: a mistyped pattern would refuse every request that it is meant for."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatchcase

from firstline.catalog.catalog import FINE_TUNED_PREFIX, OPENAI_EMBEDDINGS, STUDENT_PREFIX, Catalog
from firstline.errors import UsageError
from firstline.rights import TASK


def check_scopes(scopes: Iterable[str], catalog: Catalog, tasks: Iterable[str]) -> None:
    """Raise UsageError for a pattern that no model, alias or task matches, with the nearest name.

    `ft:` begins the names of fine-tuned models, and `student/` those of students, which may be made later.
    """
    known = tuple(_names(catalog, tasks))
    for scope in scopes:
        later = scope.startswith((FINE_TUNED_PREFIX, STUDENT_PREFIX))
        if later or any(fnmatchcase(name, scope) for name in known):
            continue
        close = difflib.get_close_matches(scope, known, n=1)
        raise UsageError(
            f"the scope {scope[:100]!r} matches no model, alias or task",
            hint=f"did you mean {close[0]}?" if close else "it is a pattern such as gpt-4o-mini, local/* or task/*",
            param="scopes",
        )


def _names(catalog: Catalog, tasks: Iterable[str]) -> Iterator[str]:
    for model in catalog.list():
        yield from model.names()
    yield from OPENAI_EMBEDDINGS
    yield from (TASK + name for name in tasks)
