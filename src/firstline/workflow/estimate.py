"""What a call may use at most, known before it is made and where nobody says afterwards. Pure functions."""

from __future__ import annotations

import msgspec

from firstline.media.image_tokens import Patches, Tiles, image_tokens, rule
from firstline.types import Image, ModelRequest, Usage

_PICTURE_TOKENS = 3_000
"""Of a model whose rule is not known."""
_ANSWER_TOKENS = 1_024
_TEMPLATE_TOKENS = 64


def text_tokens(text: str) -> int:
    """Give an upper estimate of a text's tokens: every second ASCII character one, every byte of any other.

    No tokenizer averages more on prose; one that works on bytes cannot give more for what is not ASCII.
    """
    ascii_only = sum(character < 128 for character in text.encode()) if not text.isascii() else len(text)
    return -(-ascii_only // 2) + (0 if text.isascii() else len(text.encode()) - ascii_only)


def most(request: ModelRequest, model: str) -> Usage:
    """Give the most that a call of a model can use: an upper estimate of its prompt, and the longest answer it allows.

    Pictures count as OpenAI bills them where the model's rule is known.
    """
    return Usage(
        prompt_tokens=_prompt(request, rule(model)),
        completion_tokens=request.sampling.max_tokens or _ANSWER_TOKENS,
        estimated=True,
    )


def so_far(at_most: Usage, completion_tokens: int, longest: int | None) -> Usage:
    """Give an upper estimate of what a call has used that broke off after so many tokens of its answer.

    `longest` is the most that it allowed (None: it named no limit, and `at_most` does not bind it).
    """
    tokens = completion_tokens if longest is None else min(completion_tokens, longest)
    return msgspec.structs.replace(at_most, completion_tokens=tokens, estimated=True)


def _prompt(request: ModelRequest, by: Tiles | Patches | None) -> int:
    text = sum(text_tokens(message.text) for message in request.messages)
    calls = [call for message in request.messages for call in message.tool_calls]
    told = [one for one in (request.schema, request.tools, calls) if one]
    shape = text_tokens(msgspec.json.encode(told).decode()) if told else 0
    pictures = [part for message in request.messages for part in message.parts if isinstance(part, Image)]
    return text + shape + sum(_picture(one, by) for one in pictures) + _TEMPLATE_TOKENS


def _picture(picture: Image, by: Tiles | Patches | None) -> int:
    return _PICTURE_TOKENS if by is None else image_tokens(by, picture.width, picture.height, picture.detail)
