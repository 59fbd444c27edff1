"""One rung's try at a class: the probability of every label, pooled with a second reader's, instead of prose."""

from __future__ import annotations

from collections.abc import Mapping

from firstline.answering import prompt
from firstline.answering.answer import Draft, parse_object, value_confidences
from firstline.answering.asker import Asker
from firstline.answering.labels import LabelReader, LabelReading, reading_signals
from firstline.tasks.task import Task
from firstline.types import Json, ModelRequest, Sampling, message


async def weigh(
    account: Asker, task: Task, text: str, parameters: Mapping[str, Json], reader: LabelReader
) -> tuple[Draft, LabelReading]:
    """Have a model that runs here weigh the labels, and pool that with the sentence encoder's view."""
    view = await reader.view(text)
    question = reader.question(text, view, instruction=task.instruction, lines=prompt.parameter_lines(parameters))
    completion = await account.ask(question.request)
    reading = reader.decide(question, completion.choice_probs or (), view)
    shares = {} if reading.probability is None else {"label": reading.probability}
    notes = () if reading.second_label else ("there was no second reader: its weights are not on disk",)
    signals = {"label": reading_signals(reading, view)}
    return Draft(values={"label": reading.label}, confidences=shares, signals=signals, notes=notes), reading


def dissent(reading: LabelReading) -> Json:
    """The label that the answer is compared with: of the two readers, one that names another label if there is one."""
    if reading.second_label is None:
        return None
    return reading.model_label if reading.model_label != reading.label else reading.second_label


async def name(account: Asker, task: Task, text: str, parameters: Mapping[str, Json]) -> Draft:
    """Have a remote model name one label under the schema."""
    listed = [f"- {label.name}: {label.description or label.name}" for label in task.labels]
    about = "\n".join([task.instruction, "The labels:", *listed, *prompt.parameter_lines(parameters)])
    completion = await account.ask(
        ModelRequest(
            messages=(message("system", about), message("user", text)),
            schema=task.schema,
            schema_name="classification",
            sampling=Sampling(temperature=0.0, max_tokens=64),
        )
    )
    values, faults = parse_object(completion)
    confidences = value_confidences(completion, values)
    return Draft(values={"label": values.get("label")}, confidences=confidences, faults=faults)
