"""Files of fine-tuning in OpenAI's chat format: one JSON object a line, whose messages end with what is right.

Only the form is looked at here, as OpenAI does when such a file is uploaded; what it teaches is found by
`chat_lessons.py`. Pure: bytes in, lines or mistakes by line out.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

from firstline import strict_json
from firstline.errors import UsageError
from firstline.evaluation.json_lines import lines_of
from firstline.media.foreign import foreign
from firstline.types import Json, Value

MOST_LINES = 100_000
LARGEST = 200_000_000
"""Bytes of a file."""

Role = Literal["system", "user", "assistant", "tool"]
_ROLES = {"developer": "system", "function": "tool"} | {role: role for role in get_args(Role)}
_KEYS = ("messages", "tools", "functions", "parallel_tool_calls")
_MESSAGE_KEYS = (
    "role",
    "content",
    "name",
    "weight",
    "refusal",
    "audio",
    "tool_calls",
    "tool_call_id",
    "function_call",
    "annotations",
)
_MOST_TOLD = 5
_FORMAT = 'a line is {"messages": [{"role": "user", "content": …}, {"role": "assistant", "content": …}]}'


class ChatTurn(Value, frozen=True, kw_only=True):
    """A message: its texts, and whether it holds what is no text (`pictures`) or calls a tool (`calls`).

    `weight` 0 says that it is not to be learned.
    """

    role: Role
    texts: tuple[str, ...] = ()
    pictures: bool = False
    calls: bool = False
    weight: int = 1

    @property
    def text(self) -> str:
        """All of its text."""
        return "\n\n".join(self.texts)


class ChatLine(Value, frozen=True, kw_only=True):
    """A line: its number, counted from 1, its messages, and whether it offers tools."""

    number: int
    turns: tuple[ChatTurn, ...]
    tools: bool = False


def read_chat(data: bytes) -> list[ChatLine]:
    """Read a file. Raises UsageError that tells the first mistakes, each with its line."""
    if len(data) > LARGEST:
        raise UsageError(f"the file has {len(data) / 1e6:.0f} MB, the most is {LARGEST / 1e6:.0f} MB", param="file")
    if (other := foreign(data)) is not None:
        raise UsageError(f"the file is {other[0]}, not lines of JSON", hint="save it as JSONL in UTF-8", param="file")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        place = data.count(b"\n", 0, error.start) + 1
        raise UsageError(f"line {place}: not UTF-8: {error.reason}", hint="save it as UTF-8", param="file") from None
    found: list[ChatLine] = []
    wrong: list[str] = []
    for number, line in lines_of(text):
        if len(found) + len(wrong) >= MOST_LINES:
            raise UsageError(f"the file has more than {MOST_LINES:,} lines", param="file")
        try:
            found.append(_line(line, number))
        except UsageError as error:
            wrong.append(f"line {number}: {error.message}")
    if wrong:
        more = len(wrong) - _MOST_TOLD
        told = [*wrong[:_MOST_TOLD], *([f"… and {more} more"] if more > 0 else [])]
        raise UsageError("\n".join(told), hint=_FORMAT, param="file")
    if not found:
        raise UsageError("the file holds no lines", hint=_FORMAT, param="file")
    return found


def _line(text: str, number: int) -> ChatLine:
    tree = _object(text)
    for key in ("prompt", "input"):
        if key in tree and "messages" not in tree:
            told = {"prompt": "the format of completions", "input": "the format of preferences"}[key]
            raise UsageError(f"this is {told}, and a chat is wanted: the key `messages` is missing")
    unknown = [key for key in tree if key not in _KEYS]
    if "messages" not in tree:
        raise UsageError("the key `messages` is missing")
    if unknown:
        raise UsageError(f"there is no key {unknown[0][:64]!r} in a line")
    messages = tree["messages"]
    if not isinstance(messages, list) or not messages:
        raise UsageError("`messages` is a list of at least one message")
    turns = tuple(_turn(message, place) for place, message in enumerate(messages, start=1))
    if turns[-1].role != "assistant":
        raise UsageError("the last message is not the assistant's: it is what is to be learned")
    if not any(turn.role == "user" for turn in turns):
        raise UsageError("no message is the user's")
    return ChatLine(number=number, turns=turns, tools=bool(tree.get("tools") or tree.get("functions")))


def _object(text: str) -> dict[str, Json]:
    try:
        tree = strict_json.read_sound(text)
    except strict_json.NotJSONError as error:
        raise UsageError(f"not JSON: {error}") from None
    except strict_json.FaultyError as error:
        raise UsageError(f"cannot be used: {error}") from None
    if not isinstance(tree, dict):
        raise UsageError("not a JSON object")
    return tree


def _turn(message: Json, place: int) -> ChatTurn:
    where = f"message {place}"
    if not isinstance(message, dict):
        raise UsageError(f"{where} is not a JSON object")
    unknown = [key for key in message if key not in _MESSAGE_KEYS]
    if unknown:
        raise UsageError(f"{where}: there is no key {unknown[0][:64]!r} in a message")
    role = message.get("role")
    if not isinstance(role, str) or role not in _ROLES:
        raise UsageError(f"{where}: `role` is {str(role)[:64]!r}, and one of {', '.join(_ROLES)} is wanted")
    told = message.get("weight")
    weight = 1 if told is None else told
    if weight not in (0, 1) or isinstance(weight, bool):
        raise UsageError(f"{where}: `weight` is 0 or 1")
    if told is not None and role != "assistant":
        raise UsageError(f"{where}: only a message of the assistant has a `weight`")
    calls = bool(message.get("tool_calls") or message.get("function_call"))
    content = message.get("content")
    if content is None:
        if role == "assistant" and calls:
            return ChatTurn(role="assistant", calls=True, weight=weight)
        raise UsageError(f"{where}: `content` is missing")
    texts, pictures = _content(content, where)
    if role == "assistant":
        _check_answer("".join(texts), where)
    if role == "assistant" and not calls and not any(text.strip() for text in texts):
        raise UsageError(f"{where}: the assistant's `content` is empty")
    return ChatTurn(role=_role(role), texts=texts, pictures=pictures, calls=calls, weight=weight)


def _check_answer(text: str, where: str) -> None:
    """Refuse an answer that is JSON and can be understood in two ways: nobody could say what it teaches."""
    if not text.lstrip().startswith("{"):
        return
    try:
        strict_json.read_sound(text)
    except strict_json.NotJSONError:
        return  # a text that begins with a brace
    except strict_json.FaultyError as error:
        raise UsageError(f"{where}: `content` cannot be used: {error}") from None


def _role(name: str) -> Role:
    found: Any = _ROLES[name]
    role: Role = found
    return role


def _content(content: Json, where: str) -> tuple[tuple[str, ...], bool]:
    if isinstance(content, str):
        return (content,), False
    if not isinstance(content, list) or not content:
        raise UsageError(f"{where}: `content` is a text or a list of parts")
    return tuple(_texts(content, where)), any(part.get("type") == "image_url" for part in content)


def _texts(parts: Sequence[Json], where: str) -> Iterator[str]:
    for part in parts:
        match part:
            case {"type": "text", "text": str(text)}:
                yield text
            case {"type": "image_url", "image_url": dict()}:
                continue
            case _:
                raise UsageError(f"{where}: not a part of a content: {json.dumps(part, ensure_ascii=False)[:80]}")
