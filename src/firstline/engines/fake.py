"""The engine `fake`: answers from a script. Product code, so that docs, demos and tests need neither model nor network.

A script is a list of rules; the first that fits answers. As TOML:

    [[rules]]
    when = "refund"              # a regular expression looked for in the last user text; left out: always
    answer = '{"total": 12.5}'   # text, or any TOML/JSON value (then written as JSON)
    confidence = 0.97            # probability of each token of the answer, or of the choice
    times = 1                    # how often the rule may be used; left out: always

    [[rules]]
    calls = [{ name = "get_weather", arguments = { city = "Paris" } }] # tool calls, beside the answer's text

    [[rules]]
    result = "sunny"             # a regular expression looked for in what tools gave back since the last user text
    answer = "Take no umbrella."

    [[rules]]
    choice = "card_lost"         # for a request with choices: which one, by its text or its place (0, 1, …)
    delay_ms = 50

    [[rules]]
    error = "engine_rate_limit"  # fail with the error of this code (`firstline.errors`)
    usage = { prompt_tokens = 900, completion_tokens = 30 }

A request no rule fits is echoed: the last user text; for a schema the least document that meets it, unless that is very
long (`minimal`); for choices the first that stands in the text, else the first; where a tool has to be called, the
first with the least arguments. An answer longer than `max_tokens` is cut there, and one with a stop sequence before it.
Tokens are counted as words.
"""

from __future__ import annotations

import asyncio
import math
import tomllib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from firstline import errors, patterns
from firstline.engines.minimal import minimal
from firstline.engines.openai_wire import input_schema
from firstline.errors import EngineRefusedError, FirstlineError, SettingsError
from firstline.types import Completion, Delta, Json, Message, ModelRequest, TokenProb, ToolCall, Usage

T = TypeVar("T")

_TOKEN = patterns.compile(r"\s*\S+|\s+$")
_SHORT = 20_000
"""Characters of a prompt that are worked on at once."""

Share = Annotated[float, msgspec.Meta(gt=0, le=1)]


class Call(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A tool call of a script; `arguments` is an object, or text where broken arguments are to be played."""

    name: str
    arguments: Json = {}


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One rule of a script; the module's docstring explains each key."""

    when: str = ""
    result: str = ""
    answer: Json = None
    calls: tuple[Call, ...] = ()
    choice: int | str | None = None
    confidence: Share | None = None
    delay_ms: Annotated[int, msgspec.Meta(ge=0)] = 0
    error: str = ""
    usage: Usage | None = None
    times: Annotated[int, msgspec.Meta(gt=0)] | None = None


class Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Rules in order."""

    rules: tuple[Rule, ...] = ()


class Fake:
    """Answers from a script; see the module. `sleep` waits for `delay_ms`; `requests` are those asked, with `keep`."""

    def __init__(
        self,
        script: Script | None = None,
        *,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        keep: bool = False,
    ) -> None:
        self._rules = (script or Script()).rules
        self._left = [rule.times for rule in self._rules]
        self._sleep = sleep
        self._keep = keep
        self._turn = asyncio.Semaphore(1)
        self.requests: list[ModelRequest] = []

    @classmethod
    def load(cls, path: Path) -> Fake:
        """Read a script from a `.toml` or `.json` file. Raises SettingsError with the file and the reason."""
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SettingsError(f"the script {path} cannot be read: {error}", param="script") from None
        return cls(parse(text, name=path.name))

    async def complete(self, request: ModelRequest) -> Completion:
        """Answer by the first rule that fits. Raises the rule's error."""
        if self._keep:
            self.requests.append(request)
        rule = await self._beside(
            request, lambda: self._rule(_last_text(request.messages), _last_results(request.messages))
        )
        if rule.delay_ms:
            await self._sleep(rule.delay_ms / 1000)
        if rule.error:
            raise error_of(rule.error)(f"scripted: {rule.error}")
        return await self._beside(request, lambda: _completion(rule, request))

    async def _beside(self, request: ModelRequest, work: Callable[[], T]) -> T:
        """Do work that grows with the request: where that is long on a thread, one request after the other."""
        if sum(len(message.text) for message in request.messages) <= _SHORT:
            return work()
        async with self._turn:
            return await asyncio.to_thread(work)

    async def stream(self, request: ModelRequest) -> AsyncIterator[Delta]:
        """Answer word by word."""
        whole = await self.complete(request)
        shares = whole.logprobs or ()
        for place, token in enumerate(await self._beside(request, lambda: _tokens(whole.text))):
            yield Delta(text=token, logprobs=shares[place : place + 1])
        for place, call in enumerate(whole.tool_calls):
            yield Delta(calls=((place, call),))
        yield Delta(finish_reason=whole.finish_reason, stopped_by=whole.stopped_by, usage=whole.usage)

    async def count_tokens(self, messages: tuple[Message, ...]) -> int:
        """Count words."""
        return sum(_count(message.text) for message in messages)

    async def close(self) -> None:
        """Nothing to end."""

    def _rule(self, text: str, results: str) -> Rule:
        for at, rule in enumerate(self._rules):
            left = self._left[at]
            if left == 0 or not _found(rule.when, text) or (rule.result and not _found(rule.result, results)):
                continue
            if left is not None:
                self._left[at] = left - 1
            return rule
        return Rule()


def parse(text: str, *, name: str = "script") -> Script:
    """Read a script, JSON where it begins with a brace, else TOML. Raises SettingsError that names what is wrong."""
    try:
        tree = msgspec.json.decode(text) if text.lstrip().startswith("{") else tomllib.loads(text)
        script = msgspec.convert(tree, Script)
    except (msgspec.DecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{name}: {error}", param="script") from None
    for rule in script.rules:
        for key, pattern in (("when", rule.when), ("result", rule.result)):
            try:
                patterns.compile_foreign(pattern)
            except patterns.PatternError as error:
                raise SettingsError(f"{name}: `{key}` is not a regular expression: {error}", param="script") from None
        if rule.error:
            error_of(rule.error)
    return script


def error_of(code: str) -> type[FirstlineError]:
    """Return the class of an error code, an engine's own first. Raises SettingsError for a code nobody has."""
    for kind in (*_below(errors.EngineError), *_below(errors.FirstlineError)):
        if kind.code == code:
            return kind
    raise SettingsError(f"no error has the code {code}", hint="the codes stand in `firstline.errors`", param="script")


def _below(kind: type[FirstlineError]) -> Iterator[type[FirstlineError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _below(child)


def _completion(rule: Rule, request: ModelRequest) -> Completion:
    if request.choices:
        return _choice(rule, request)
    calls = _calls(rule, request)
    text = "" if calls and rule.answer is None else _text(rule, request)
    stopped_by = _stop(text, request.sampling.stop)
    text = text.partition(stopped_by)[0] if stopped_by else text
    count, most = _count(text), request.sampling.max_tokens
    cut = most is not None and count > most
    if cut:
        text, count = "".join(_tokens(text)[:most]), most or 0
    return Completion(
        text=text,
        finish_reason="length" if cut else "tool_calls" if calls else "stop",
        usage=rule.usage or _usage(request, count + len(calls)),
        logprobs=_logprobs(_tokens(text), rule.confidence or 1.0) if request.top_logprobs else None,
        tool_calls=calls,
        stopped_by=None if cut else stopped_by,
    )


def _text(rule: Rule, request: ModelRequest) -> str:
    if rule.answer is not None:
        return _as_text(rule.answer)
    if request.schema is not None:
        return msgspec.json.encode(minimal(request.schema)).decode()
    return "{}" if request.json_object else _last_text(request.messages)


def _calls(rule: Rule, request: ModelRequest) -> tuple[ToolCall, ...]:
    made = rule.calls
    if not made and rule.answer is None and request.tool_choice.mode == "required" and request.tools:
        names = request.tool_choice.names
        tool = next(one for one in request.tools if not names or one.name in names)
        made = (Call(name=tool.name, arguments=minimal(input_schema(tool))),)
    return tuple(
        ToolCall(id=f"call_{place}", name=call.name, arguments=_as_text(call.arguments))
        for place, call in enumerate(made)
        if request.tools
    )


def _as_text(value: Json) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _stop(text: str, stops: tuple[str, ...]) -> str | None:
    """Find the stop sequence that comes first in a text."""
    found = [stop for stop in stops if stop in text]
    return min(found, key=text.index) if found else None


def _choice(rule: Rule, request: ModelRequest) -> Completion:
    choices = request.choices
    wanted = rule.choice if rule.choice is not None else rule.answer
    if isinstance(wanted, int) and 0 <= wanted < len(choices):
        at = wanted
    elif isinstance(wanted, str) and wanted in choices:
        at = choices.index(wanted)
    elif wanted is not None:
        raise EngineRefusedError(f"scripted choice {wanted!r} is not among the choices", param="choices")
    else:
        text = _last_text(request.messages)
        at = next((place for place, choice in enumerate(choices) if choice in text), 0)
    sure = (rule.confidence or 1.0) if len(choices) > 1 else 1.0
    rest = (1.0 - sure) / max(1, len(choices) - 1)
    return Completion(
        text=choices[at],
        usage=rule.usage or _usage(request, 1),
        choice_probs=tuple(sure if place == at else rest for place in range(len(choices))),
    )


def _found(pattern: str, text: str) -> bool:
    return patterns.compile_foreign(pattern).search(text) is not None


def _tokens(text: str) -> list[str]:
    return _TOKEN.findall(text)


def _count(text: str) -> int:
    """Count what `_tokens` lists: words, and the space after the last."""
    return len(text.split()) + text[-1:].isspace()


def _logprobs(tokens: Iterable[str], share: float) -> tuple[TokenProb, ...]:
    return tuple(TokenProb(token=token, logprob=math.log(share), top=((token, math.log(share)),)) for token in tokens)


def _usage(request: ModelRequest, completion: int) -> Usage:
    prompt = sum(_count(message.text) for message in request.messages)
    return Usage(prompt_tokens=prompt, completion_tokens=completion)


def _last_text(messages: tuple[Message, ...]) -> str:
    return next((message.text for message in reversed(messages) if message.role == "user"), "")


def _last_results(messages: tuple[Message, ...]) -> str:
    """Return what tools gave back since the last user text."""
    results: list[str] = []
    for message in messages:
        results = [] if message.role == "user" else [*results, message.text] if message.role == "tool" else results
    return "\n".join(results)
