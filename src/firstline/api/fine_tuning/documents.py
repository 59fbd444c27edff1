"""The shapes of /v1/fine_tuning: what a job is asked for, and jobs, events and checkpoints as they are answered."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from firstline.api.wire.documents import Page
from firstline.ledger.fine_tuning import JobState, Level
from firstline.types import Value

Auto = Literal["auto"]
Epochs = Annotated[int, Meta(ge=1, le=50)]
Batch = Annotated[int, Meta(ge=1, le=256)]
Rate = Annotated[float, Meta(gt=0)]
Metadata = Annotated[
    dict[Annotated[str, Meta(min_length=1, max_length=64)], Annotated[str, Meta(max_length=512)]], Meta(max_length=16)
]


class Hyperparameters(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Kept and shown again. A student is trained by its own rules, so that they change nothing."""

    n_epochs: Auto | Epochs | UnsetType = UNSET
    batch_size: Auto | Batch | UnsetType = UNSET
    learning_rate_multiplier: Auto | Rate | UnsetType = UNSET


class Supervised(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What belongs to `supervised`."""

    hyperparameters: Hyperparameters | UnsetType = UNSET


class Method(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How it is trained: from one right answer a line."""

    type: Literal["supervised"]
    supervised: Supervised | UnsetType = UNSET


class JobBody(msgspec.Struct, frozen=True, kw_only=True):
    """The body of a new job. `integrations` can only be none: nothing is sent elsewhere."""

    model: Annotated[str, Meta(max_length=256)]
    training_file: Annotated[str, Meta(max_length=256)]
    validation_file: Annotated[str, Meta(max_length=256)] | None = None
    suffix: Annotated[str, Meta(min_length=1, max_length=64)] | None = None
    seed: Annotated[int, Meta(ge=0, le=2_147_483_647)] | None = None
    hyperparameters: Hyperparameters | None = None
    method: Method | None = None
    metadata: Metadata | None = None
    integrations: Annotated[list[Any], Meta(max_length=0)] | None = None


class JobQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of a list; `after` is the id of the last thing of the page before."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    after: str | None = None


class CheckpointQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of a list of checkpoints."""

    limit: Annotated[int, Meta(ge=1, le=100)] = 10
    after: str | None = None


class JobError(Value, frozen=True, kw_only=True):
    """Why a job failed."""

    code: str
    message: str
    param: str | None


class HeldOut(Value, frozen=True, kw_only=True):
    """What a student did with the lines that it was not taught: shares between 0 and 1.

    `step` is the number of lines it had been taught then; the student that is made may have been taught the others as
    well, after they were measured on (`taught`). Answers are right by meaning (`held_out_accuracy`) or to the letter
    (`held_out_exact`); it `served` those that it was sure of.
    """

    step: int
    held_out: int
    held_out_accuracy: float
    held_out_exact: float
    served: float
    right_of_served: float | None
    fields: dict[str, float]


class Made(Value, frozen=True, kw_only=True):
    """What a job made: a task, its student (sha256), and the certificate it serves under (null: `reason` says why)."""

    task: str
    kind: Literal["classify", "extract"]
    version: str
    student: str
    certificate: str | None
    reason: str
    taught: int
    metrics: HeldOut


class ShownHyperparameters(Value, frozen=True, kw_only=True):
    """The hyperparameters as they were said, else `auto`."""

    n_epochs: Auto | int
    batch_size: Auto | int
    learning_rate_multiplier: Auto | float


class FineTuningJob(Value, frozen=True, kw_only=True):
    """A job. `firstline` says what it made."""

    id: str
    object: Literal["fine_tuning.job"]
    created_at: int
    finished_at: int | None
    model: str
    fine_tuned_model: str | None
    organization_id: str
    status: JobState
    hyperparameters: ShownHyperparameters
    method: dict[str, Any]
    training_file: str
    validation_file: str | None
    result_files: list[str]
    trained_tokens: int | None
    error: JobError | None
    user_provided_suffix: str | None
    seed: int
    estimated_finish: None
    integrations: list[Any]
    metadata: dict[str, str] | None
    firstline: Made | None


class FineTuningJobList(Page, frozen=True, kw_only=True):
    """A page of jobs, newest first."""

    data: list[FineTuningJob]


class FineTuningJobEvent(Value, frozen=True, kw_only=True):
    """Something that is told of a job."""

    id: str
    object: Literal["fine_tuning.job.event"]
    created_at: int
    level: Level
    message: str
    type: Literal["message", "metrics"]
    data: dict[str, Any]


class FineTuningJobEventList(Page, frozen=True, kw_only=True):
    """A page of events, newest first."""

    data: list[FineTuningJobEvent]


class CheckpointMetrics(Value, frozen=True, kw_only=True):
    """How many lines were taught; losses of tokens there are none of."""

    step: int


class FineTuningJobCheckpoint(Value, frozen=True, kw_only=True):
    """The one checkpoint of a job that succeeded: the model itself."""

    id: str
    object: Literal["fine_tuning.job.checkpoint"]
    created_at: int
    fine_tuned_model_checkpoint: str
    fine_tuning_job_id: str
    step_number: int
    metrics: CheckpointMetrics
    firstline: HeldOut


class FineTuningJobCheckpointList(Page, frozen=True, kw_only=True):
    """The checkpoints of a job."""

    data: list[FineTuningJobCheckpoint]
