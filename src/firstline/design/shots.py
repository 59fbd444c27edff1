"""Designs that show a designer the style of the house, one for each kind: a request, some examples, and the task."""

from __future__ import annotations

from collections.abc import Mapping

from firstline.design.draft import (
    ClassifyDraft,
    Designed,
    ExtractDraft,
    FieldDraft,
    LabelDraft,
    ParameterDraft,
    TransformDraft,
)
from firstline.schema.field import FieldType, Position, Prefer, Span
from firstline.types import Json, Value


class Shot(Value, frozen=True, kw_only=True):
    """A request with examples as `firstline tasks new` is given them, and a good design."""

    request: str
    examples: tuple[Mapping[str, Json], ...]
    designed: Designed


def shots() -> tuple[Shot, ...]:
    """Return the designs."""
    return (_classify(), _extract(), _transform())


def _classify() -> Shot:
    labels = (
        LabelDraft(
            name="book_appointment",
            description="wants a new appointment",
            examples=[
                "can I come in on Tuesday?",
                "I need a check-up, when are you free?",
                "please book me a cleaning",
            ],
        ),
        LabelDraft(
            name="move_appointment",
            description="wants to move or cancel an appointment that was made",
            examples=["I can't make it on Friday", "please cancel my visit", "could we do 3 pm instead of 2?"],
        ),
        LabelDraft(
            name="emergency",
            description="is in pain or hurt and needs help now",
            examples=["my tooth broke and it hurts a lot", "my gum won't stop bleeding", "I can't sleep for the pain"],
        ),
        LabelDraft(
            name="other",
            description="anything else: parking, jobs, advertising, thanks",
            examples=["where can I park?", "do you hire assistants?", "thank you for last week"],
        ),
    )
    return Shot(
        request="which team of our dental practice gets a message",
        examples=(
            {"input": "Hi, I would like to come in next week for a check-up.", "expected": "book_appointment"},
            {"input": "something came up, can we postpone Thursday?", "expected": "move_appointment"},
        ),
        designed=Designed(
            task=ClassifyDraft(
                description="Route a patient's message to a team of the practice.",
                instruction="Classify a patient's message to a dental practice by what the patient wants.",
                labels=list(labels),
                out_of_scope="other",
                checks=[{"check": "agreement"}, {"check": "confidence", "minimum": 0.6}],
            )
        ),
    )


def _extract() -> Shot:
    grounded, second = {"check": "grounded"}, {"check": "agreement"}
    return Shot(
        request="read parking tickets: licence plate, day of exit, what was paid, and how",
        examples=(
            {
                "input": "Park & Ride West\nPlate: B-QR 5512\nEntry 2026-09-13 08:02\nExit 2026-09-14 17:20\n"
                "Total EUR 3.00\nPaid by card",
                "expected": {"plate": "B-QR 5512", "exit": "2026-09-14", "total": 3.0, "payment": "card"},
            },
        ),
        designed=Designed(
            task=ExtractDraft(
                description="A parking ticket: who parked, until when, what it cost, and how it was paid.",
                instruction="Read the parking ticket.",
                fields=[
                    _field("plate", "the licence plate of the car", ["plate", "licence plate", "car"]),
                    _field(
                        "exit", "the day on which the car left", ["exit", "out", "until"], type="date", unlike=["entry"]
                    ),
                    _field(
                        "total",
                        "the amount to pay",
                        ["total", "amount due", "to pay"],
                        type="number",
                        unlike=["change", "vat"],
                        position="bottom",
                        checks=[
                            grounded,
                            second,
                            {"check": "rule", "expression": "output.total >= 0.0", "reason": "a total is not negative"},
                        ],
                    ),
                    _field(
                        "payment",
                        "how it was paid",
                        [],
                        enum=["cash", "card", "app"],
                        optional=True,
                        span="free",
                        checks=[grounded],
                    ),
                ],
                checks=[],
            )
        ),
    )


def _transform() -> Shot:
    length = {"check": "length", "max_words": 40, "max_share_of_source": 0.8}
    return Shot(
        request="make a friendly one-sentence summary of a customer's complaint, in a language that the caller says",
        examples=({"input": "My parcel (no. 4471) came on May 3 with a broken lid. I want a new one, not a refund."},),
        designed=Designed(
            task=TransformDraft(
                description="A complaint in one friendly sentence, in the language asked for.",
                instruction="Say in one friendly sentence in {to} what the customer complains about and wants. Keep "
                "every number and name.",
                fields=[],
                parameters=[
                    ParameterDraft(
                        name="to",
                        description="the language to write in, by name or code: German, de",
                        default=None,
                        required=True,
                        choices=[],
                    )
                ],
                checks=[
                    {"check": "agreement", "required": True},
                    {"check": "preserved", "kinds": ["number", "date", "url", "email"], "mode": "no_new"},
                    {"check": "language", "target": "parameters.to"},
                    length,
                ],
            )
        ),
    )


def _field(
    name: str,
    description: str,
    labels: list[str],
    *,
    type: FieldType = "string",
    unlike: list[str] | None = None,
    enum: list[str] | None = None,
    optional: bool = False,
    span: Span | None = None,
    position: Position = "any",
    prefer: Prefer = "any",
    checks: list[dict[str, Json]] | None = None,
) -> FieldDraft:
    return FieldDraft(
        name=name,
        type=type,
        optional=optional,
        description=description,
        enum=enum or [],
        labels=labels,
        unlike=unlike or [],
        span=span,
        pattern="",
        position=position,
        prefer=prefer,
        items=[],
        checks=checks if checks is not None else [{"check": "grounded"}, {"check": "agreement"}],
    )
