"""The check `schema`: the answer is a document of the task's JSON Schema (2020-12)."""

from __future__ import annotations

from firstline.checks.base import Check, NamedCheck, Subject
from firstline.schema.schema import compile_schema
from firstline.schema.words import Mismatch
from firstline.types import Finding, Json


def matches_schema(schema: Json) -> Check:
    """Make the check that an answer matches `schema`; one finding a mismatch, with its field.

    Raises SchemaError for a schema that is wrong, too large, or refers outside itself.
    """
    validator = compile_schema(schema)

    def look(subject: Subject) -> tuple[Finding, ...]:
        found = validator.mismatches(subject.answer)
        return tuple(_finding(item) for item in found if item.field is None or subject.under_test(item.field))

    return NamedCheck(name="schema", look=look)


def _finding(item: Mismatch) -> Finding:
    return Finding(check="schema", field=item.field, reason=item.reason)
