"""One rung's try at a class: the probability of every label, instead of prose."""

from __future__ import annotations

from collections.abc import Mapping

from firstline.types import Json, ModelRequest, Sampling, message
from firstline.workflow import prompt
from firstline.workflow.answer import Draft, parse_object, value_confidences
from firstline.workflow.call import Account
from firstline.workflow.task import Task


async def classify(account: Account, task: Task, text: str, parameters: Mapping[str, Json]) -> Draft:
    """Have the model weigh the labels (here) or name one under the schema (at a remote address)."""
    listed = "\n".join(
        f"- {label.name}: {label.description}" if label.description else f"- {label.name}" for label in task.labels
    )
    about = "\n".join([task.instruction, "The classes:", listed, *prompt.parameter_lines(parameters)])
    messages = (
        message("system", f"{about}\nAnswer with the name of the class alone."),
        message("user", text),
    )
    if account.model.engine == "llama_cpp":
        completion = await account.ask(
            ModelRequest(
                messages=messages,
                choices=tuple(label.name for label in task.labels),
                prefill='{"label": "',
                sampling=Sampling(temperature=0.0),
            )
        )
        shares = completion.choice_probs or ()
        return Draft(values={"label": completion.text}, confidences={"label": max(shares)} if shares else {})
    completion = await account.ask(
        ModelRequest(
            messages=messages,
            schema=task.schema,
            schema_name="classification",
            sampling=Sampling(temperature=0.0, max_tokens=64),
        )
    )
    values = parse_object(completion)
    return Draft(values={"label": values.get("label")}, confidences=value_confidences(completion, values))
