"""The words of a CEL expression, as far as a rule's fields, loops and whole numbers are read off them.

Lexical elements as in the CEL language definition. Says nothing on whether an expression is right: the library does.
"""

from __future__ import annotations

from firstline import patterns
from firstline.types import Value

_TOKEN = patterns.compile(
    r"""(?P<space>\s+|//[^\n]*)
      | (?P<text>[rRbB]{0,2}(?:\"\"\"(?:.|\n)*?\"\"\"|'''(?:.|\n)*?'''|"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*'))
      | (?P<decimal>\d+\.\d+(?:[eE][+-]?\d+)?|\d+[eE][+-]?\d+|\.\d+(?:[eE][+-]?\d+)?)
      | (?P<other>0x[0-9a-fA-F]+[uU]?|\d+[uU])
      | (?P<whole>\d+)
      | (?P<name>[A-Za-z_]\w*)
      | (?P<sign>&&|\|\||[=!<>]=|.)""",
    patterns.VERBOSE | patterns.DOTALL,
)
_LOOPS = frozenset({"all", "exists", "exists_one", "existsOne", "map", "filter"})


class Token(Value, frozen=True, kw_only=True):
    """One word: `kind` is `text`, `decimal`, `other` (hexadecimal, unsigned), `whole`, `name` or `sign`."""

    kind: str
    text: str


def tokens(expression: str) -> tuple[Token, ...]:
    """Split an expression into its words; blanks and comments are left out."""
    return tuple(
        Token(kind=str(match.lastgroup), text=match.group())
        for match in _TOKEN.finditer(expression)
        if match.lastgroup != "space"
    )


def fields_in(parts: tuple[Token, ...]) -> tuple[str, ...]:
    """Return the names read as `output.NAME` or `output["NAME"]`, each once, in order."""
    found: dict[str, None] = {}
    for i, part in enumerate(parts):
        if part.text != "output" or part.kind != "name" or (i and parts[i - 1].text == "."):
            continue
        after = [token.text for token in parts[i + 1 : i + 4]] + [""] * 3
        if after[0] == "." and after[2] != "(":
            found[after[1]] = None
        elif after[0] == "[" and parts[i + 2].kind == "text":
            found[after[1].lstrip("rRbB").strip("\"'")] = None
    return tuple(found)


def loop_variables(parts: tuple[Token, ...]) -> set[str]:
    """Return the names that comprehensions bind: the `x` of `list.all(x, …)`."""
    return {parts[i + 3].text for i in _loops(parts) if i + 3 < len(parts)}


def comprehension_depth(parts: tuple[Token, ...]) -> int:
    """Count how deep comprehensions stand inside each other; 0 where there is none."""
    starts = {i + 2 for i in _loops(parts)}
    open_brackets: list[bool] = []
    deepest = 0
    for i, part in enumerate(parts):
        if part.kind == "sign" and part.text == "(":
            open_brackets.append(i in starts)
            deepest = max(deepest, sum(open_brackets))
        elif part.kind == "sign" and part.text == ")" and open_brackets:
            open_brackets.pop()
    return deepest


def _loops(parts: tuple[Token, ...]) -> list[int]:
    """Return the positions of the dots of `.all(`, `.map(` and their kin."""
    return [
        i
        for i in range(len(parts) - 2)
        if parts[i].text == "." and parts[i + 1].text in _LOOPS and parts[i + 2].text == "("
    ]
