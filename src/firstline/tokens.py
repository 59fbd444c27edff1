"""Counts tokens as OpenAI does for `gpt-4o-mini` and its family: the encoding o200k_base.

Text is counted exactly: bpe-openai's vocabulary has the sha256 that tiktoken asks for. What frames a message is
counted by the rule of OpenAI's cookbook ("How to count tokens with tiktoken"); what tools add is not published, and
counted by rendering them as the TypeScript namespace that models of this family repeat when asked. Knows no engine:
a local model counts its own tokens (`Engine.count_tokens`). Pictures are counted in `media.image_tokens`.
"""

from __future__ import annotations

import asyncio
import gzip
import json
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib.machinery import PathFinder
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from typing import Protocol, TypeVar

from firstline.types import Json, Message

T = TypeVar("T")

INLINE_CHARACTERS = 20_000
"""What is shorter is counted on the event loop: at most 6 ms, where a thread costs 0.1 ms and a turn of the loop."""
_SEARCHED = 10_000
_PART = 200_000
"""Characters of a long text that are counted at once, so that other threads run in between."""
PER_MESSAGE = 3
"""`<|start|>`, `<|message|>` and `<|end|>`, as the cookbook counts them."""
PER_NAME = 1
PRIMER = 3
"""Every answer is primed with `<|start|>assistant<|message|>`."""
PER_CALL = 3
PER_TOOLS = 9
WITH_SYSTEM = 4
"""The namespace joins the system message, where there is one, and saves the frame of its own."""
FORCED = 7


class Function(Protocol):
    """A tool as far as it is counted; `parameters` is a JSON Schema."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def description(self) -> str:
        """What it is for; may be empty."""

    @property
    def parameters(self) -> Mapping[str, Json] | None:
        """The schema of its arguments."""


class _Backend(Protocol):
    def count(self, text: str) -> int: ...
    def count_till_limit(self, text: str, token_limit: int) -> int | None: ...
    def encode(self, text: str) -> list[int]: ...


def _is_letter(character: str) -> bool:
    return character.isascii() and character.isalpha()


def _parts(text: str) -> Iterator[str]:
    """Part a long text where its tokens part; in a text without blanks that may be wrong by a token a part."""
    at = 0
    while len(text) - at > _PART:
        end = at + _PART
        blank = text.rfind(" ", end - _SEARCHED, end)
        # A blank between letters is where every encoding of OpenAI's parts a text.
        while blank > 0 and not (_is_letter(text[blank - 1]) and _is_letter(text[blank + 1])):
            blank = text.rfind(" ", end - _SEARCHED, blank)
        end = blank if blank > 0 else end
        yield text[at:end]
        at = end
    yield text[at:]


class Encoding:
    """An encoding of OpenAI's, loaded on first use; safe to use from several threads.

    Counting takes time linear in the text, whatever it holds: 1 MB takes 0.02 to 0.3 s.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.Lock()
        self._backend: _Backend | None = None
        self._bytes: tuple[bytes, ...] = ()

    async def run(self, characters: int, count: Callable[[], T]) -> T:
        """Do `count` here when the encoding is loaded and `characters` are few, else on a thread.

        `await encoding.run(len(text), lambda: encoding.count_text(text))`
        """
        if self._backend is not None and characters <= INLINE_CHARACTERS:
            return count()
        return await asyncio.to_thread(count)

    def count_text(self, text: str) -> int:
        """Count the tokens of a text; control marks in it (`<|endoftext|>`) are words like others."""
        return sum(self._load().count(_valid(part)) for part in _parts(text))

    def count_within(self, text: str, limit: int) -> int | None:
        """Count as `count_text`, but stop past the limit and give None: bounded work for whatever is sent."""
        return self._load().count_till_limit(_valid(text), limit)

    def encode(self, text: str) -> list[int]:
        """Return the token ids of a text."""
        return list(self._load().encode(_valid(text)))

    def token_bytes(self, token: int) -> bytes:
        """Return the bytes of a token id (a token may be half a character). Raises KeyError for what is no id."""
        vocabulary = self._vocabulary()
        if not 0 <= token < len(vocabulary):
            raise KeyError(token)
        return vocabulary[token]

    def decode(self, tokens: Sequence[int]) -> str:
        """Return the text of token ids; U+FFFD where they are no text. Raises KeyError for what is no id."""
        return b"".join(self.token_bytes(token) for token in tokens).decode("utf-8", "replace")

    def _load(self) -> _Backend:
        with self._lock:
            if self._backend is None:
                self._backend = _binding(self._name)
            return self._backend

    def _vocabulary(self) -> tuple[bytes, ...]:
        with self._lock:
            if not self._bytes:
                packed = (_package() / "data" / f"{self._name}.tiktoken.gz").read_bytes()
                # Each line is a token in base64 and its id; ids count up from 0.
                lines = gzip.decompress(packed).splitlines()
                self._bytes = tuple(b64decode(line.partition(b" ")[0]) for line in lines)
            return self._bytes


class Cl100k(Encoding):
    """The encoding of OpenAI's embedding models: what token ids in a request for vectors name."""

    def __init__(self) -> None:
        super().__init__("cl100k_base")


class O200k(Encoding):
    """The encoding of `gpt-4o-mini` and its family, and what frames a prompt for them."""

    def __init__(self) -> None:
        super().__init__("o200k_base")

    def count_messages(self, messages: Sequence[Message], tools: Sequence[Function] = ()) -> int:
        """Count a prompt: its messages, their frames, the primer of the answer, and the tools. Pictures count 0."""
        total = PRIMER + sum(self._message(message) for message in messages)
        if not tools:
            return total
        with_system = any(message.role == "system" for message in messages)
        return total + self.count_tools(tools) - (WITH_SYSTEM if with_system else 0)

    def count_tools(self, tools: Sequence[Function], *, forced: str | None = None) -> int:
        """Estimate what tools add to a prompt; `forced` is the one that `tool_choice` names.

        Exact on the cookbook's example; at most 3 above the API's count on nested objects.
        """
        total = PER_TOOLS + self.count_text(namespace(tools)) if tools else 0
        return total if forced is None else total + FORCED + self.count_text(forced)

    def _message(self, message: Message) -> int:
        total = PER_MESSAGE + self.count_text(message.role) + self.count_text(message.text)
        if message.name is not None:
            total += PER_NAME + self.count_text(message.name)
        return total + sum(
            PER_CALL + self.count_text(call.name) + self.count_text(call.arguments) for call in message.tool_calls
        )


def _package() -> Path:
    spec = find_spec("bpe_openai")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("bpe-openai is not installed")
    return Path(spec.submodule_search_locations[0])


def _binding(encoding: str) -> _Backend:
    """Load the compiled part of bpe-openai alone: 0.1 s and 68 MB.

    Its Python part would read two vocabularies more when it is imported (0.9 s, 140 MB), refuses a million characters
    and cannot count without listing the tokens.
    """
    spec = PathFinder.find_spec("_bindings", [str(_package())])
    if spec is None or spec.loader is None:
        raise ImportError("bpe-openai has no compiled part for this platform")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    backend: _Backend = module.tokenizer_for_encoding(encoding)
    return backend


def namespace(tools: Sequence[Function]) -> str:
    """Render tools as the TypeScript namespace in which models of this family are shown them."""
    lines = ["namespace functions {", ""]
    for tool in tools:
        lines += _comment(tool.description)
        schema = tool.parameters or {}
        if schema.get("properties"):
            lines += [f"type {tool.name} = (_: {{", *_members(schema, 0), "}) => any;", ""]
        else:
            lines += [f"type {tool.name} = () => any;", ""]
    return "\n".join([*lines, "} // namespace functions"])


_DEEPEST = 10
"""OpenAI's limit on nesting; what is deeper is not rendered, so that no schema costs more than its text."""


def _members(schema: Mapping[str, Json], depth: int) -> Iterator[str]:
    required = schema.get("required")
    names = required if isinstance(required, list) else []
    properties = schema.get("properties")
    for name, inner in properties.items() if isinstance(properties, dict) else ():
        if isinstance(inner, dict):
            for line in _comment(inner.get("description")):
                yield "  " * depth + line
        yield f"{'  ' * depth}{name}{'' if name in names else '?'}: {_type(inner, depth)},"


def _type(schema: Json, depth: int) -> str:
    if not isinstance(schema, dict) or depth > _DEEPEST:
        return "any"
    if isinstance(schema.get("enum"), list):
        return " | ".join(json.dumps(value, ensure_ascii=False) for value in schema["enum"])
    if isinstance(schema.get("anyOf"), list):
        return " | ".join(_type(option, depth + 1) for option in schema["anyOf"])
    match schema.get("type"):
        case "string" | "boolean" | "null" as plain:
            return str(plain)
        case "integer" | "number":
            return "number"
        case "array":
            return f"{_type(schema.get('items'), depth + 1)}[]"
        case "object" if schema.get("properties"):
            return "\n".join(["{", *_members(schema, depth + 1), "  " * depth + "}"])
        case "object":
            return "object"
        case list() as several:
            return " | ".join(_type({**schema, "type": one}, depth + 1) for one in several)
        case _:
            return "any"


def _comment(description: Json) -> list[str]:
    return [f"// {description}"] if isinstance(description, str) and description else []


def _valid(text: str) -> str:
    """Replace lone surrogates, which JSON escapes can make and UTF-8 cannot hold."""
    return text.encode("utf-8", "replace").decode() if not text.isascii() else text
