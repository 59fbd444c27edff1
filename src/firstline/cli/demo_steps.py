"""What `firstline demo` shows: its steps in order, each with what a person answers where no model settles it."""

from __future__ import annotations

from collections.abc import Mapping

from firstline.types import Value


class Step(Value, frozen=True, kw_only=True):
    """One thing that the demo shows. `file` is relative to the examples; `truth` is what a person reads in it, by
    field, of the fields that the demo can answer."""

    title: str
    task: str
    file: str
    truth: Mapping[str, str]


STEPS = (
    Step(
        title="A support message",
        task="support-intent",
        file="messages/refund.txt",
        truth={"label": "refund_request"},
    ),
    Step(
        title="One that is none of our business",
        task="support-intent",
        file="messages/weather.txt",
        truth={"label": "out_of_scope"},
    ),
    Step(
        title="One that the small model is not sure of",
        task="support-intent",
        file="messages/tracking.txt",
        truth={"label": "track_order"},
    ),
    Step(
        title="A receipt photo",
        task="receipt",
        file="receipts/contoso.jpg",
        truth={"company": "Contoso", "address": "123 Main Street Redmond, WA 98052", "currency": "USD"},
    ),
    Step(
        title="An invoice PDF",
        task="invoice",
        file="invoices/azure-interior.pdf",
        truth={},
    ),
)
"""The quick ones first: a message takes milliseconds, a photo some seconds of OCR."""
