"""Which models exist: the cards that ship with the package, under the user's own settings, found by id or alias."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterable, Mapping

from firstline.catalog import cards, own
from firstline.catalog.model import FREE, Model
from firstline.errors import ModelNotFoundError, SettingsError
from firstline.settings_sections import ModelSettings

STUDENT_PREFIX = "student/"
"""Begins the name of a student's model; the name of its task follows."""


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
    def load(cls, settings: Mapping[str, ModelSettings], *, fake: bool = False, named: Collection[str] = ()) -> Catalog:
        """Read the cards and lay the `[models]` settings over them.

        A setting's name may be an alias; a name that no card has declares a new model. The scripted models of the
        cards are in it with `fake`, or where a setting names them (`named`: those outside `[models]`). Raises
        SettingsError for settings that contradict each other or say too little.
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

    def __contains__(self, name: str) -> bool:
        return name in self._ids

    def list(self) -> tuple[Model, ...]:
        """Give all models, in the order of the cards, the user's own last."""
        return tuple(self._models.values())

    def _near(self, name: str) -> str | None:
        # People forget the vendor as often as they mistype, so the part after the slash counts as a name too.
        short = {id.rpartition("/")[2]: id for id in self._models}
        close = difflib.get_close_matches(name.lower(), [*self._ids, *short], n=1, cutoff=0.75)
        return f"did you mean {short.get(close[0], close[0])}?" if close else None
