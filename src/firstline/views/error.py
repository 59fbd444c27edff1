"""The object of an error as the wire gives it; the command line prints the same with `--json`.

It imports nothing of the server, so that a command starts quickly.
"""

from __future__ import annotations

from firstline.errors import FirstlineError
from firstline.types import Json


def error_body(error: FirstlineError, message: str | None = None) -> dict[str, Json]:
    """Return `{"error": {…}}` of an error of ours; `message` takes the place of its own."""
    told = sentence(error.message if message is None else message, error.hint)
    return body(told, type=error.type, param=error.param, code=error.code, hint=error.hint)


def body(message: str, *, type: str, param: str | None, code: str, hint: str | None) -> dict[str, Json]:
    """Return `{"error": {"message", "type", "param", "code"}}`, OpenAI's four keys, and `hint` where one is known."""
    inner: dict[str, Json] = {"message": message, "type": type, "param": param, "code": code}
    if hint is not None:
        inner["hint"] = hint
    return {"error": inner}


def sentence(message: str, hint: str | None) -> str:
    """Return a message that ends with its hint, because most clients show nothing else."""
    if hint is None:
        return message
    end = "" if message.endswith((".", "!", "?")) else "."
    return f"{message}{end} Hint: {hint}"
