"""Writes the pages of docs/reference from what the code declares. `scripts/reference` runs it."""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints

import msgspec
import typer
from msgspec import Meta

import firstline
from firstline import errors, settings
from firstline.api.openapi import by_status, document, summary
from firstline.api.routes import ROUTES
from firstline.api.wire.operation import failures, method_of, operation_of
from firstline.checks.registry import checks
from firstline.cli.main import app
from firstline.tasks.task import Target, TaskBudget
from firstline.tasks.task_file import FieldPart, LabelPart, ParameterPart, TaskFile

FOLDER = Path(__file__).parent / "reference"
NOTE = "<!-- Written by scripts/reference; do not edit. -->\n\n"
HEAD_OF_KEYS = "| key | type | default | what it is |\n|---|---|---|---|\n"


def pages() -> dict[str, str]:
    """Return the text of each page by its file name."""
    made = {
        "settings.md": settings_page(),
        "tasks.md": tasks_page(),
        "checks.md": checks_page(),
        "errors.md": errors_page(),
        "cli.md": cli_page(),
        "python.md": python_page(),
        "api.md": api_page(),
    }
    description = json.dumps(document(ROUTES, version("firstline")), indent=1, ensure_ascii=False) + "\n"
    return {name: NOTE + text.rstrip() + "\n" for name, text in made.items()} | {"openapi.json": description}


def settings_page() -> str:
    """List every setting, and the keys of a model's section."""
    plain = settings.Loaded(
        settings=settings.Settings(), sources={}, file=None, secrets={}, folder=Path(), own_path=Path()
    )
    rows = "".join(
        f"| `{one.path}` | `{one.env}` | {cell(one.kind)} | {value(one.value)} | {cell(one.help)} |\n"
        for one in plain.describe()
    )
    return (
        "# Settings\n\nRead from `firstline.toml` in the working folder (or where `FIRSTLINE_CONFIG` points) and the "
        "environment, which wins. An unknown key is an error. `firstline doctor` shows each value and its source. "
        "What a file may not set by itself waits for `firstline allow` or `FIRSTLINE_ALLOW`: "
        "[strange folders](../concepts/folders.md)."
        "\n\n| key | variable | type | default | what it is |\n|---|---|---|---|---|\n"
        + rows
        + '\n## `[models."vendor/name"]`\n\n'
        "How one model is reached; in the file only.\n\n" + keys(settings.ModelSettings)
    )


def tasks_page() -> str:
    """List the keys of a task file, part by part."""
    parts: dict[str, type[msgspec.Struct]] = {
        "The file": TaskFile,
        "`[output.NAME]`": FieldPart,
        "`[labels.NAME]`": LabelPart,
        "`[parameters.NAME]`": ParameterPart,
        "`[budget]`": TaskBudget,
        "`[target]`": Target,
    }
    return (
        "# Task files\n\nOne TOML file a task, named after it. An unknown key is refused with its line. "
        "[Your first own task](../guides/first-task.md) writes one; [checks](checks.md) are listed apart.\n\n"
        + "\n".join(f"## {title}\n\n{keys(part)}" for title, part in parts.items())
    )


def checks_page() -> str:
    """List the checks that a task file may name."""
    text = (
        '# Checks\n\nWritten as a name (`"grounded"`) or as a table of the name and its value '
        '(`{ rule = "output.total >= 0.0" }`, `{ length = { max_words = 60 } }`); further parameters may stand beside. '
        "The answer's schema is always checked.\n"
    )
    for name, entry in sorted(checks().items()):
        text += f"\n## `{name}`\n\n{' '.join(entry.help.split())}\n"
        if entry.main:
            text += f"\nThe value of `{name}` sets `{entry.main}`.\n"
        if entry.parameters.__struct_fields__:
            text += "\n" + keys(entry.parameters)
    return text


def errors_page() -> str:
    """List every error with what is true of its class."""
    rows = "".join(
        f"| `{one.code}` | {one.status} | `{one.type}` | {'yes' if one.retryable else 'no'} "
        f"| {cell(first_line(one))} |\n"
        for one in tree(errors.FirstlineError)
    )
    return (
        "# Errors\n\nThe server answers with `status` and OpenAI's error object (`type`, `code`, `message`, `param`), "
        "and a `hint` where there is one. The command line shows message and hint and leaves with 2 where the caller's "
        "words were wrong, else with 1.\n\n| code | status | type | retryable | when |\n|---|---|---|---|---|\n" + rows
    )


def cli_page() -> str:
    """Return the help of every command."""
    return (
        "# Command line\n\nExit status 0: done, 1: the work failed, 2: the words were wrong, 3: left to a person (with "
        "`firstline run --exit-code`); of several inputs the highest. `firstline --version` prints the version, "
        "`firstline --install-completion` has your shell complete commands and options, and `python -m firstline` "
        "is `firstline`.\n" + "".join(commands("firstline", typer.main.get_command(app)))
    )


def python_page() -> str:
    """List the public names, with the methods of the product."""
    text = (
        "# Python\n\nWhat `from firstline import …` gives, and nothing else; "
        "[the guide](../guides/python.md) has examples.\n"
    )
    for name in firstline.__all__:
        text += f"\n## `{name}`\n\n{about(getattr(firstline, name))}\n"
    for name, method in vars(firstline.Firstline).items():
        if inspect.isfunction(method) and not name.startswith("_"):
            text += f"\n## `Firstline.{name}`\n\n{about(method)}\n"
    return text


def api_page() -> str:
    """List every endpoint with what it takes, gives and refuses."""
    text = (
        "# HTTP API\n\nOpenAI's shapes, with what became of the answer under `firstline`. "
        "[openapi.json](openapi.json), which the server gives at `/openapi.json`, has every shape in full; "
        "[errors](errors.md) says when a code comes; [the server](../guides/server.md) has examples.\n\n"
        "| endpoint | what it does |\n|---|---|\n"
    )
    text += "".join(f"| `{method_of(route)} {shown_path(route)}` | {cell(summary(route))} |\n" for route in ROUTES)
    for route in ROUTES:
        text += f"\n## `{method_of(route)} {shown_path(route)}`\n\n{api_section(route)}"
    return text


def api_section(route: Any) -> str:
    """Tell of one endpoint."""
    declared = operation_of(route)
    text = f"{summary(route)}.\n"
    if declared.rights:
        text += f"\nA key needs the right {' or '.join(map('`{}`'.format, declared.rights))}.\n"
    for title, shape in (("Body", declared.body), ("Form, beside `file`", declared.form), ("Query", declared.query)):
        if shape is not None:
            text += f"\n{title}:\n\n{fields(shape)}"
    for name in declared.query_maps:
        text += f"\nThe query may say `{name}[KEY]=VALUE` too.\n"
    if declared.left_alone:
        text += "\nAccepted, without any effect on the answer: " + ", ".join(map("`{}`".format, declared.left_alone))
        text += ".\n"
    if declared.refused:
        text += "\nRefused by name: " + ", ".join(map("`{}`".format, declared.refused)) + ".\n"
    if declared.example:
        text += f"\n```json\n{json.dumps(declared.example, ensure_ascii=False)}\n```\n"
    shape = declared.answer
    text += f"\nAnswer: {shape.__name__ if shape is not None else declared.media_type}"
    # Where events are of several kinds each says its own.
    kinds = [
        kind.__struct_config__.tag or kind.__name__ for kind in get_args(declared.events) or (declared.events,) if kind
    ]
    text += f", or with `stream` events of {', '.join(kinds)}.\n" if kinds else ".\n"
    refused = "; ".join(
        f"{status} {', '.join(f'`{code}`' for code in codes)}"
        for status, codes in by_status(failures(route), operation_of(route).surface).items()
    )
    return f"{text}\nErrors: {refused}.\n"


def fields(shape: type[msgspec.Struct]) -> str:
    """Return the table of what stands in a body or query, with its bounds."""
    (ref,), shapes = msgspec.json.schema_components((shape,))
    schema = shapes[ref["$ref"].rpartition("/")[2]]
    rows = []
    for name, one in schema["properties"].items():
        needed = "required" if name in schema.get("required", ()) else value(one.get("default"))
        about = [shapes[shape].get("description", "") for shape in referred(one)]
        rows.append(f"| `{name}` | {cell(wire_type(one))} | {needed} | {cell(about[0]) if len(about) == 1 else ''} |\n")
    return HEAD_OF_KEYS + "".join(rows)


def wire_type(schema: dict[str, Any]) -> str:
    """Return the type of a value on the wire in words."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(wire_type(one) for one in schema["anyOf"] if one != {"type": "null"}))
    if "$ref" in schema:
        return "object"
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    bounds = [
        f"{words} {schema[name]:g}"
        for name, words in (
            ("minimum", "from"),
            ("maximum", "to"),
            ("minItems", "at least"),
            ("maxItems", "at most"),
            ("maxLength", "at most"),
            ("maxProperties", "at most"),
        )
        if name in schema
    ]
    words = {"string": "text", "integer": "whole number", "boolean": "true or false", "array": "list of "}
    named = words.get(schema.get("type", ""), schema.get("type", "any value"))
    if named == "list of ":
        named += wire_type(schema["items"]) if "items" in schema else "any values"
    return f"{named} ({' '.join(bounds)})" if bounds else named


def referred(schema: dict[str, Any]) -> list[str]:
    """Return the names of the shapes that a schema refers to."""
    inner = [*([schema["items"]] if "items" in schema else ()), *schema.get("anyOf", ())]
    own = [schema["$ref"].rpartition("/")[2]] if "$ref" in schema else []
    return own + [name for one in inner for name in referred(one)]


def shown_path(route: Any) -> str:
    """Return the path of a route as one writes it."""
    return str(route.path).replace(":path}", "}")


def about(thing: Any) -> str:
    """Return the signature of a function, the values of a closed set, or the fields of a struct, and what it is."""
    if get_origin(thing) is Literal:
        return "One of " + ", ".join(f"`{one}`" for one in get_args(thing)) + "."
    words = inspect.getdoc(thing) or ""
    if inspect.isfunction(thing):
        marked = "async def" if inspect.iscoroutinefunction(thing) else "def"
        shown = re.sub(r"(: |-> )'([^']+)'", r"\1\2", str(inspect.signature(thing)).replace("self, ", ""))
        return f"```python\n{marked} {thing.__name__}{shown}\n```\n\n{words}"
    if issubclass(thing, msgspec.Struct):
        return f"{words}\n\nFields: " + ", ".join(f"`{one}`" for one in thing.__struct_fields__) + "."
    return words


def commands(path: str, command: Any) -> Iterator[str]:
    """Return the section of a command, or of those below it. (Typer carries a click of its own, hence `Any`.)"""
    below = getattr(command, "commands", {})
    for name, inner in below.items():
        yield from commands(f"{path} {name}", inner)
    if not below:
        yield f"\n## `{path}`\n\n{' '.join((command.help or '').split())}\n"
        rows = "".join(parameter(one) for one in command.params if one.name != "help")
        yield "\n| word | what it is |\n|---|---|\n" + rows if rows else ""


def parameter(one: Any) -> str:
    """Return the row of one argument or option."""
    words = ", ".join(one.opts) if one.param_type_name == "option" else (one.metavar or one.name.upper())
    return f"| `{cell(words)}` | {cell(one.help or '')} |\n"


def keys(struct: type[msgspec.Struct]) -> str:
    """Return the table of a struct's keys."""
    hints = get_type_hints(struct, include_extras=True)
    return HEAD_OF_KEYS + "".join(
        f"| `{one.encode_name}` | {kind(hints[one.name])} | {default(one)} | {cell(described(hints[one.name]))} |\n"
        for one in msgspec.structs.fields(struct)
    )


def default(one: msgspec.structs.FieldInfo) -> str:
    """Return the default of a key in words."""
    if one.required:
        return "required"
    made = one.default if one.default is not msgspec.NODEFAULT else one.default_factory()
    return "" if isinstance(made, msgspec.Struct) else value(made)


def kind(hint: Any) -> str:
    """Return a type as a reader of TOML knows it."""
    base = get_args(hint)[0] if hasattr(hint, "__metadata__") else hint
    if get_origin(base) is Literal:
        return ", ".join(f"`{one}`" for one in get_args(base))
    inner = [one for one in get_args(base) if one not in (type(None), msgspec.UnsetType, ...)]
    if get_origin(base) in (list, tuple):
        return f"list of {kind(inner[0])}"
    if get_origin(base) is dict:
        return "table"
    if inner:
        return " or ".join(kind(one) for one in inner)
    names = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false", "Any": "any value"}
    if isinstance(base, type) and issubclass(base, msgspec.Struct):
        return "table"
    return names.get(getattr(base, "__name__", str(base)), str(base))


def described(hint: Any) -> str:
    """Return the description that a type is annotated with."""
    return next(
        (one.description for one in getattr(hint, "__metadata__", ()) if isinstance(one, Meta) and one.description), ""
    )


def tree(error: type[errors.FirstlineError]) -> Iterator[type[errors.FirstlineError]]:
    """Return an error and all below it, in the order of their declaration."""
    yield error
    for below in (one for one in error.__subclasses__() if one.__module__ == error.__module__):
        yield from tree(below)


def first_line(error: type[errors.FirstlineError]) -> str:
    """Return the first paragraph of an error's docstring."""
    return " ".join((error.__doc__ or "").strip().split("\n\n")[0].split())


def value(given: Any) -> str:
    """Return a default as TOML would write it; empty where there is none."""
    if given is None or given is msgspec.UNSET or given in ("", [], (), {}):
        return ""
    return f"`{msgspec.json.encode(given).decode()}`"


def cell(text: str) -> str:
    """Keep a text from ending a table's cell."""
    return text.replace("|", "\\|")


def main() -> None:
    """Write the pages."""
    FOLDER.mkdir(exist_ok=True)
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
