"""What a call may use at most, known before it is made, and what it has likely used where nobody says. Pure functions.

The most is a bound and not a guess, because money is held by it: no tokenizer makes more tokens of a text than the text
has bytes, a model whose tokenizer is known (`o200k_base`) is counted exactly, and images count by the model's own rule
or by the dearest there is. The longest answer is the limit that is sent with the call.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from firstline.catalog.model import FlatPrice, Model
from firstline.media.image_tokens import Patches, Tiles, dearest, image_tokens, rule
from firstline.tokens import O200k
from firstline.types import MOST_TOKENS, Image, Json, Message, ModelRequest, Text, Usage, Value

UNKNOWN_OUTPUT = 4_096
"""The longest answer of a model that is paid for and whose card names none: each hosted one allows that many."""
LEAST_OUTPUT = 256
"""An answer is not held to fewer tokens than this for the sake of a budget: the call is refused instead."""
LIKELY_OUTPUT = 1_024
"""What an answer without a limit counts against the tokens a minute until it is known."""

_FRAME_TOKENS = 128
"""What a template puts around a conversation: its own system prompt, a date, the beginning of the answer."""
_MESSAGE_TOKENS = 16
_PART_TOKENS = 4
_SHAPE_TOKENS = 512
"""What introduces tools or a schema: the longest known preamble has 346."""
_IMAGE_TOKENS = 64
"""Marks around an image."""
_FINEST_PATCH = 14
"""Pixels of the side of a patch of the finest grid that models see by."""
_MOST_PATCHES = 48_169
"""What the dearest image costs anywhere: eight tiles on gpt-4o-mini."""
_COUNTED_FROM = 2_000
"""Bytes of text that are worth counting: fewer cost little whatever they are."""
_SLACK = 1.02
_OTHER_TOKENIZER = 1.25
"""How many tokens another tokenizer makes of prose for one of o200k_base."""
_O200K = ("gpt-4o", "chatgpt-4o", "gpt-4.1", "gpt-5", "o1", "o3", "o4")
_ESCAPED = "<>&'"


class Demand(Value, frozen=True, kw_only=True):
    """What a call may use: `most` at the most, `least` with its answer as short as is sensible, `likely` by a guess.

    `limit` is the longest answer, which the request has to carry (None: it needs none, for it costs nothing).
    `claimable` is what its model may say that it used.
    """

    most: Usage
    least: Usage
    likely: Usage
    limit: int | None
    claimable: Usage


def text_tokens(text: str) -> int:
    """Return the most tokens that any tokenizer makes of a text: its bytes in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def is_paid(model: Model) -> bool:
    """Say whether calls of a model cost money; one whose price is unknown may."""
    price = model.price
    return not (isinstance(price, FlatPrice) and not (price.input or price.output or price.cached))


def is_o200k(model: Model) -> bool:
    """Say whether a model is known to read in o200k_base: one of OpenAI's own, at their address."""
    if model.remote is None or model.provider != "openai":
        return False
    return model.remote.model.startswith(_O200K)


def worth_counting(request: ModelRequest, model: Model) -> bool:
    """Say whether the text of a prompt should be counted (`counted`): its bytes would hold too much, or no answer."""
    if not is_paid(model):
        return False
    size = sum(text_tokens(message.text) for message in request.messages)
    if size > _COUNTED_FROM and is_o200k(model):
        return True
    longest = request.sampling.max_tokens or _longest(model)
    return model.context is not None and size + longest > model.context


def counted(tokens: O200k, messages: Sequence[Message]) -> int:
    """Count the text of a prompt in o200k_base, without what frames it."""
    return sum(tokens.count_text(message.text) for message in messages)


def demand(request: ModelRequest, model: Model, text: int | None = None) -> Demand:
    """Return what a call of a model may use. `text`: the tokens of its text in o200k_base, where they were counted."""
    by_bytes = sum(text_tokens(message.text) for message in request.messages)
    exact = text is not None and is_o200k(model)
    prompt = (int(text * _SLACK) if exact and text is not None else by_bytes) + _frame(request, model)
    asked = request.sampling.max_tokens
    guess = Usage(
        prompt_tokens=_likely_prompt(request, model), completion_tokens=asked or LIKELY_OUTPUT, estimated=True
    )
    if not is_paid(model):
        most = Usage(prompt_tokens=prompt, completion_tokens=asked or LIKELY_OUTPUT, estimated=True)
        return Demand(most=most, least=most, likely=guess, limit=asked, claimable=_claimable(request, model, prompt))
    limit = asked or _within(model, by_bytes, text)
    most = Usage(prompt_tokens=prompt, completion_tokens=limit, estimated=True)
    shortest = request.least_tokens or (limit if asked else LEAST_OUTPUT)
    least = msgspec.structs.replace(most, completion_tokens=min(limit, shortest))
    return Demand(most=most, least=least, likely=guess, limit=limit, claimable=most)


def most(request: ModelRequest, model: Model, text: int | None = None) -> Usage:
    """Return the most that a call of a model can use; see `demand`."""
    return demand(request, model, text).most


def of_work(usage: Usage) -> Demand:
    """Return what work may use that is no completion and knows beforehand what it uses."""
    return Demand(most=usage, least=usage, likely=usage, limit=None, claimable=usage)


def within(claimed: Usage, at_most: Usage) -> Usage:
    """Return what of a claimed usage a call can have used."""
    prompt = min(claimed.prompt_tokens, at_most.prompt_tokens)
    completion = min(claimed.completion_tokens, at_most.completion_tokens)
    return Usage(
        prompt_tokens=prompt,
        cached_tokens=min(claimed.cached_tokens, prompt),
        completion_tokens=completion,
        reasoning_tokens=min(claimed.reasoning_tokens, completion),
        estimated=claimed.estimated,
    )


def _longest(model: Model) -> int:
    return model.max_output or UNKNOWN_OUTPUT


def _within(model: Model, size: int, text: int | None) -> int:
    """Return the longest answer of a model: beside a long prompt, what its window has left."""
    longest = _longest(model)
    if model.context is None or size + longest + _FRAME_TOKENS <= model.context:
        return longest
    prompt = size // 4 if text is None else text
    left = model.context - _FRAME_TOKENS - int(prompt * (_SLACK if is_o200k(model) else _OTHER_TOKENIZER))
    return max(min(longest, left), 1)


def _claimable(request: ModelRequest, model: Model, prompt: int) -> Usage:
    if model.remote is None:
        return Usage(prompt_tokens=MOST_TOKENS, completion_tokens=MOST_TOKENS)
    longest = request.sampling.max_tokens or model.max_output or model.context or MOST_TOKENS // 1_000
    return Usage(prompt_tokens=prompt, completion_tokens=longest)


def _frame(request: ModelRequest, model: Model) -> int:
    """Bound what a prompt has beside its text: frames, names, calls, tools, schema and images."""
    frames = sum(_MESSAGE_TOKENS + _PART_TOKENS * len(message.parts) for message in request.messages)
    names = sum(text_tokens((message.name or "") + (message.tool_call_id or "")) for message in request.messages)
    calls = [call for message in request.messages for call in message.tool_calls]
    told = [one for one in (request.schema, request.tools, request.choices) if one]
    shape = _SHAPE_TOKENS + sum(_rendered(one) for one in told) if told else 0
    written = _rendered(calls) + _MESSAGE_TOKENS * len(calls) if calls else 0
    seen = sum(_image(one, model) for one in _images(request.messages))
    return _FRAME_TOKENS + frames + names + shape + written + seen


def _rendered(value: Json) -> int:
    """Bound the tokens of a JSON value however a template writes it: it may escape what is not plain ASCII."""
    text = msgspec.json.encode(value).decode()
    escaped = sum(text.count(one) for one in _ESCAPED)
    beyond = 0 if text.isascii() else 3 * (text_tokens(text) - sum(one < "\x80" for one in text))
    return text_tokens(text) + 5 * escaped + beyond


def _images(messages: Sequence[Message]) -> list[Image]:
    return [part for message in messages for part in message.parts if isinstance(part, Image)]


def _image(image: Image, model: Model) -> int:
    by = _rule(model)
    if by is not None:
        return image_tokens(by, image.width, image.height, image.detail) + _IMAGE_TOKENS
    patches = -(-image.width // _FINEST_PATCH) * -(-image.height // _FINEST_PATCH)
    return max(dearest(image.width, image.height), min(patches, _MOST_PATCHES)) + _IMAGE_TOKENS


def _rule(model: Model) -> Tiles | Patches | None:
    named = rule(model.remote.model) if model.remote is not None else None
    return named or rule(model.id)


def _likely_prompt(request: ModelRequest, model: Model) -> int:
    """Guess the tokens of a prompt: every second ASCII character, every byte of any other."""
    text = sum(_guess(part.text) for message in request.messages for part in message.parts if isinstance(part, Text))
    told = [one for one in (request.schema, request.tools) if one]
    shape = _guess(msgspec.json.encode(told).decode()) if told else 0
    return text + shape + sum(_image(one, model) for one in _images(request.messages)) + _FRAME_TOKENS // 2


def _guess(text: str) -> int:
    if text.isascii():
        return -(-len(text) // 2)
    plain = sum(character < "\x80" for character in text)
    return -(-plain // 2) + text_tokens(text) - plain
