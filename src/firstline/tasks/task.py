"""A task: a declared narrow job with its instruction, output, checks and ladder."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cached_property
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from firstline.checks.base import Check
from firstline.errors import UsageError
from firstline.schema.field import Field, object_schema
from firstline.types import AuditBy, Json, Modality, OnReview

Kind = Literal["classify", "extract", "transform"]
Per = Literal["answer", "class", "field"]
Fallback = Literal["top", "review"]
Merge = Literal["join", "again"]
Share = Annotated[float, Meta(ge=0, le=1)]

BUILT_IN = "built in"
"""The origin of a task that comes with the package."""
BEHAVIOUR = 1
"""Raised by whoever changes prompts, candidates or decisions: it is part of every task's version."""


_SAYS_ONLY = ("on_review",)
"""Keys of a declaration that decide nothing about an answer, only how it is told."""


class Label(msgspec.Struct, frozen=True, kw_only=True):
    """A class of a classify task. `examples` are messages that belong to it."""

    name: str
    description: str = ""
    examples: tuple[str, ...] = ()


class Parameter(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a run of the task may set. Without a `default` it must be set."""

    name: str
    description: str = ""
    default: Json = None
    required: bool = False
    choices: tuple[str, ...] = ()


class Target(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a certificate must promise, and what serves when it was withdrawn."""

    max_error: Annotated[float, Meta(description="most of the served answers that may be wrong", gt=0, lt=1)] = 0.02
    confidence: Annotated[float, Meta(description="how sure of it, a share", gt=0, lt=1)] = 0.95
    per: Annotated[Per, Meta(description="the promise holds of all answers, or of each field or class by itself")] = (
        "answer"
    )
    benefit: Annotated[bool, Meta(description="leave out rungs that would hardly settle what is open")] = True
    fallback: Annotated[
        Fallback | None, Meta(description="what serves once it is withdrawn; without it what was measured decides")
    ] = None
    audit_rate: Annotated[
        Share | None, Meta(description="share of the served answers that is audited; without it what `[audits]` says")
    ] = None
    audit_by: Annotated[
        AuditBy | None, Meta(description="who is asked in an audit first; without it what `[audits]` says")
    ] = None


class TaskBudget(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one run of the task may spend; None: what `[budget]` of the settings says."""

    usd: Annotated[float, Meta(ge=0, le=1e6)] | None = None
    seconds: Annotated[float, Meta(gt=0)] | None = None
    attempts: Annotated[int, Meta(gt=0, le=1_000)] | None = None


class Task(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """A declared narrow job. Made by `firstline.tasks.task_file` or from a Python class, never by hand in the wire.

    `checks` are bound and compiled; `declaration` is what was declared, from which the version is made. `ladder` is
    empty where the settings' default holds.
    """

    name: str
    kind: Kind
    instruction: str
    declaration: Mapping[str, Any]
    description: str = ""
    input: tuple[Modality, ...] = ("text",)
    fields: tuple[Field, ...] = ()
    labels: tuple[Label, ...] = ()
    out_of_scope: str | None = None
    parameters: tuple[Parameter, ...] = ()
    checks: tuple[Check, ...] = ()
    ladder: tuple[str, ...] = ()
    target: Target | None = None
    budget: TaskBudget = TaskBudget()
    max_output_tokens: int = 1024
    split: bool = True
    merge: Merge = "join"
    origin: str = BUILT_IN
    on_review: OnReview | None = None

    @cached_property
    def version(self) -> str:
        """Name and hash of everything that decides what the task does: `receipt@7f3a…` (12 hexadecimal digits)."""
        decides = {key: value for key, value in self.declaration.items() if key not in _SAYS_ONLY}
        encoded = msgspec.json.encode([BEHAVIOUR, decides], order="deterministic")
        return f"{self.name}@{hashlib.sha256(encoded).hexdigest()[:12]}"

    def asking(self, model: str) -> Task:
        """Return the task with this model as its whole ladder; its version is another one."""
        declared = {**self.declaration, "ladder": [model]}
        return msgspec.structs.replace(self, ladder=(model,), declaration=declared)

    @cached_property
    def schema(self) -> dict[str, Json]:
        """JSON Schema of the answer."""
        if self.kind == "classify":
            labels: list[Json] = [label.name for label in self.labels]
            return _object({"label": {"type": "string", "enum": labels}})
        if self.kind == "transform" and not self.fields:
            return _object({"text": {"type": "string"}})
        return object_schema(self.fields)

    @property
    def keys(self) -> tuple[str, ...]:
        """The fields of the answer, in order."""
        if self.kind == "classify":
            return ("label",)
        return tuple(field.name for field in self.fields) or ("text",)

    def arguments(self, given: Mapping[str, Json]) -> dict[str, Json]:
        """Complete a run's parameters with their defaults. Raises UsageError for an unknown, missing or wrong one."""
        known = {parameter.name: parameter for parameter in self.parameters}
        for name in given:
            if name not in known:
                hint = f"it takes: {', '.join(known)}" if known else "it takes none"
                raise UsageError(f"{self.name} has no parameter {name}", hint=hint, param=name)
        values: dict[str, Json] = {}
        for parameter in self.parameters:
            value = given.get(parameter.name, parameter.default)
            if value is None and parameter.required:
                raise UsageError(
                    f"{self.name} needs the parameter {parameter.name}: {parameter.description}",
                    hint=f"on the command line: --set {parameter.name}=…",
                    param=parameter.name,
                )
            if parameter.choices and value not in parameter.choices:
                raise UsageError(
                    f"{parameter.name} cannot be {value!r}",
                    hint=f"one of: {', '.join(parameter.choices)}",
                    param=parameter.name,
                )
            values[parameter.name] = value
        return values


def _object(properties: dict[str, Json]) -> dict[str, Json]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
