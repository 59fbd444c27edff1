"""Which models exist: the cards that ship with the package, under the user's own settings, found by id or alias."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping, Sequence

import msgspec

from firstline import patterns
from firstline.catalog import cards, own
from firstline.catalog.model import FREE, Model
from firstline.errors import ModelNotFoundError, SettingsError
from firstline.settings_sections import ModelSettings

STANDS_IN_FOR = "gpt-4o-mini"
"""The model whose names mean those that stand in for it, see `ladder.stand_in`."""
STUDENT_PREFIX = "student/"
"""Begins the name of a student's model; the name of its task follows."""
FINE_TUNED_PREFIX = "ft:"
"""Begins the name of a fine-tuned model."""
OPENAI_EMBEDDINGS = ("text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002")

_OTHER_PREFIXES = ("task/", FINE_TUNED_PREFIX, STUDENT_PREFIX, own.FILE_PREFIX)
_DATE = patterns.compile(r"\d{4}-\d{2}-\d{2}|\d{4}")
"""How a snapshot's name ends: gpt-4o-2024-08-06, gpt-3.5-turbo-0125."""


class Catalog:
    """A fixed set of models. `left_out` are known and not in the set: asking for one says how to get it."""

    def __init__(self, models: Iterable[Model], *, left_out: Collection[str] = ()) -> None:
        self._models = {model.id: model for model in models}
        self._left_out = left_out
        self._ids: dict[str, str] = {}
        for model in self._models.values():
            for name in model.names():
                if self._ids.setdefault(name, model.id) != model.id:
                    raise ValueError(f"{name} names both {self._ids[name]} and {model.id}")

    @classmethod
    def load(
        cls,
        settings: Mapping[str, ModelSettings],
        *,
        fake: bool = False,
        named: Collection[str] = (),
        stand_in_for: Sequence[str] = (),
    ) -> Catalog:
        """Read the cards and lay the `[models]` settings over them.

        A setting's name may be an alias; a name that no card has declares a new model. The scripted models of the
        cards are in it with `fake`, or where a setting names them (`named`: those outside `[models]`). `stand_in_for`
        are further names of `gpt-4o-mini`, aliases of other models among them. Raises SettingsError for settings that
        contradict each other or say too little.
        """
        known = cls(cards.read_all())
        models = dict(known._models)
        seen: dict[str, str] = {}
        for name, changes in settings.items():
            id = known._ids.get(name, name)
            if id in seen:
                raise SettingsError(f'[models."{name}"] and [models."{seen[id]}"] are the same model')
            seen[id] = name
            try:
                models[id] = own.changed(models[id], changes) if id in models else own.declared(id, changes)
            except SettingsError as error:
                raise SettingsError(error.message, hint=known._near(name) or error.hint) from None
        wanted = {*seen, *named}
        left_out = [id for id in known._models if known._models[id].engine == "fake" and not fake and id not in wanted]
        models = _renamed(models, stand_in_for)
        return cls((model for id, model in models.items() if id not in left_out), left_out=left_out)

    def get(self, name: str, *, own_files: bool = True) -> Model:
        """Find a model by id or alias; `file:PATH` makes a model of the user's own GGUF,
        and `student/TASK` is the student of a task.

        With `own_files` False (a name that came over the wire) `file:` names no model. Raises ModelNotFoundError,
        with the nearest name as its hint.
        """
        if name in self._ids:
            return self._models[self._ids[name]]
        if own_files and name.startswith(own.FILE_PREFIX):
            return own.from_file(name)
        if name.startswith(STUDENT_PREFIX):
            # Which content it means is known where its task is: a ladder may name it before there is one.
            return Model(id=name, provider="student", engine="student", price=FREE)
        if name in self._left_out:
            raise ModelNotFoundError(
                f"the model `{name}` is for tests and turned off",
                hint="turn it on with `[fake] enabled = true` in firstline.toml or FIRSTLINE_FAKE_ENABLED=true",
                param="model",
            )
        raise ModelNotFoundError(
            f"there is no model `{name}`", hint=self._near(name) or "`firstline models list` shows all", param="model"
        )

    def is_stand_in(self, name: str) -> bool:
        """Say whether a name means the models that stand in for `gpt-4o-mini`."""
        return self._ids.get(name) == STANDS_IN_FOR

    def snapshot(self, name: str) -> str:
        """Return the dated name of what a name means, as OpenAI answers with; the name itself where none is known."""
        if name not in self._ids:
            return name
        dated = (other for other in self._models[self._ids[name]].names() if _is_dated(other, name))
        return max(dated, default=name)

    def __contains__(self, name: str) -> bool:
        return name in self._ids

    def list(self) -> tuple[Model, ...]:
        """Return all models, in the order of the cards, the user's own last."""
        return tuple(self._models.values())

    def _near(self, name: str) -> str | None:
        # People forget the vendor as often as they mistype, so the part after the slash counts as a name too.
        short = {id.rpartition("/")[2]: id for id in self._models}
        close = difflib.get_close_matches(name.lower(), [*self._ids, *short], n=1, cutoff=0.75)
        return f"did you mean {short.get(close[0], close[0])}?" if close else None


def _renamed(models: Mapping[str, Model], names: Sequence[str]) -> dict[str, Model]:
    """Return `gpt-4o-mini` further names, and take them from the models whose aliases they are.

    Raises SettingsError for the id of another model, and for what names no model of the catalog.
    """
    taken = dict.fromkeys(names)
    for name in taken:
        if name in models and name != STANDS_IN_FOR:
            raise SettingsError(
                f"`{name}` is a model of its own: `gpt-4o-mini` cannot be named like it",
                hint="ladder.stand_in_for holds other names, such as gpt-4o",
                param="ladder.stand_in_for",
            )
        if not name.strip() or name.startswith(_OTHER_PREFIXES):
            raise SettingsError(
                f"{name!r} cannot be a name of `gpt-4o-mini`", hint="such as gpt-4o", param="ladder.stand_in_for"
            )
    out: dict[str, Model] = {}
    for id, model in models.items():
        aliases = tuple(alias for alias in model.aliases if alias not in taken)
        if id == STANDS_IN_FOR:
            aliases += tuple(name for name in taken if name != id)
        out[id] = model if aliases == model.aliases else msgspec.structs.replace(model, aliases=aliases)
    return out


def _is_dated(name: str, plain: str) -> bool:
    return name.startswith(f"{plain}-") and _DATE.fullmatch(name[len(plain) + 1 :]) is not None
