"""What a call may use at most, known before it is made and where nobody says afterwards. Pure functions."""

from __future__ import annotations

import msgspec

from firstline.types import Image, ModelRequest, Usage

_PICTURE_TOKENS = 3_000
_ANSWER_TOKENS = 1_024
_TEMPLATE_TOKENS = 64


def text_tokens(text: str) -> int:
    """Give an upper estimate of a text's tokens: every second ASCII character one, every byte of any other.

    No tokenizer averages more on prose; one that works on bytes cannot give more for what is not ASCII.
    """
    ascii_only = sum(character < 128 for character in text.encode()) if not text.isascii() else len(text)
    return -(-ascii_only // 2) + (0 if text.isascii() else len(text.encode()) - ascii_only)


def most(request: ModelRequest) -> Usage:
    """Give the most that a call can use: an upper estimate of its prompt, and the longest answer it allows."""
    return Usage(
        prompt_tokens=_prompt(request),
        completion_tokens=request.sampling.max_tokens or _ANSWER_TOKENS,
        estimated=True,
    )


def so_far(at_most: Usage, completion_tokens: int, longest: int | None) -> Usage:
    """Give an upper estimate of what a call has used that broke off after so many tokens of its answer.

    `longest` is the most that it allowed (None: it named no limit, and `at_most` does not bind it).
    """
    tokens = completion_tokens if longest is None else min(completion_tokens, longest)
    return msgspec.structs.replace(at_most, completion_tokens=tokens, estimated=True)


def _prompt(request: ModelRequest) -> int:
    text = sum(text_tokens(message.text) for message in request.messages)
    pictures = sum(isinstance(part, Image) for message in request.messages for part in message.parts)
    schema = text_tokens(msgspec.json.encode(request.schema).decode()) if request.schema is not None else 0
    return text + pictures * _PICTURE_TOKENS + schema + _TEMPLATE_TOKENS
