"""instructor in its modes: tools, JSON schema, JSON; with its own retries, and partial objects from a stream."""

from __future__ import annotations

import os
from typing import Any

import instructor
import openai
import pytest
from pydantic import BaseModel, field_validator


class Invoice(BaseModel):
    company: str
    total: float

    @field_validator("total")
    @classmethod
    def positive(cls, value: float) -> float:
        """A rule that no JSON schema carries: the client asks again."""
        if value < 0:
            raise ValueError("a total is not negative")
        return value


INVOICE = {"company": "Contoso", "total": 12.5}


def client(mode: instructor.Mode) -> Any:
    return instructor.from_openai(openai.OpenAI(base_url=os.environ["FIRSTLINE_URL"], api_key="none"), mode=mode)


@pytest.mark.parametrize("mode", [instructor.Mode.TOOLS, instructor.Mode.JSON_SCHEMA, instructor.Mode.JSON])
def test_an_object(mode: instructor.Mode) -> None:
    question = "the invoice, with a tool" if mode is instructor.Mode.TOOLS else "the invoice"
    made = client(mode).chat.completions.create(
        model="gpt-4o-mini", response_model=Invoice, messages=[{"role": "user", "content": question}]
    )
    assert isinstance(made, Invoice)
    assert made.model_dump() == INVOICE


def test_it_asks_again_and_takes_partial_objects() -> None:
    completions = client(instructor.Mode.JSON_SCHEMA).chat.completions
    again = completions.create(
        model="gpt-4o-mini", response_model=Invoice, messages=[{"role": "user", "content": "misread"}], max_retries=2
    )
    assert again.model_dump() == INVOICE
    partial = completions.create_partial(
        model="gpt-4o-mini", response_model=Invoice, messages=[{"role": "user", "content": "the invoice"}]
    )
    *_, last = partial
    assert last.model_dump() == INVOICE
