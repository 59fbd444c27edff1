"""The tables of the ledger as SQLAlchemy knows them; how they came to be stands in `migrations/`.

`runs` is one line an input, `attempts` one line a rung that was asked or skipped (the facts of `types.Attempt`), and
`entries` one line an engine call that may cost money: written as `held` before the call, so that a crash leaves a
trace, and after it `settled`, `failed` (it may have been charged) or `refused` (it was not). An attempt may make
several calls (long text is worked on in pieces), so the two are separate; `position` ties an entry to its attempt.
Money is integer nano-USD, times are seconds since 1970, JSON is text. The tables of money are STRICT and refuse numbers
out of their range (`migrations/versions/r0017_exact_money.py`). A run holds only the sha256 of its input.

`inputs` are those that are kept for a person to see, `input_files` which bytes in the data folder belong to them,
`reviews` the queue of what a person is asked, `examples` what their answers teach. Which inputs are kept, and how long,
is a setting. `audits` are the runs that were drawn to see whether a certificate keeps its promise, each with the end of
its run; a run with `audit_of` asked the top rung for another's sake.

`students` are those distilled for a task and which of them is in charge.

`fine_tuning_jobs` are jobs that make a student of an uploaded file, `fine_tuning_events` what is told of them.

`api_keys` holds the terms of each key and its money: what it was granted is the sum of its `credits`, what it spent the
sum of its entries' costs, what it holds the sum of its open holds; `key_days` is what a day counts against its budgets
(`wallet.py`), `key_storage` how many bytes it keeps (`storage.py`). `rate_buckets` are the limits that the workers of
one server share. `claims` are requests that may come twice, with what was answered; `runs.claim` says which run was
made for one. `changes` is the audit log, which is only added to.
"""

from __future__ import annotations

from sqlalchemy import (
    REAL,
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)
from sqlalchemy.ext.compiler import compiles

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

Counter = BigInteger().with_variant(Integer, "sqlite")
"""SQLite numbers rows by itself in a column of exactly this type."""


class _Flag(Boolean):
    """True or false in a STRICT table, which knows no such type: 1 or 0."""


@compiles(_Flag)
def _as_integer(_flag: _Flag, _compiler: object, **_options: object) -> str:
    return "INTEGER"


Flag = _Flag(create_constraint=False)

runs = Table(
    "runs",
    metadata,
    Column("id", Text, primary_key=True),
    Column("session", Text, nullable=False, comment="the process that makes the run"),
    Column("task", Text, nullable=False),
    Column("version", Text, nullable=False),
    Column("verdict", Text, comment="null while the run is being made; `unverified`: none was claimed"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("error_code", Text, comment="what is wrong with a rejected input, or why there is no verdict"),
    Column("answer", Text, comment="JSON"),
    Column("fields", Text, comment="JSON: name to outcome"),
    Column("notes", Text, comment="JSON: array of text"),
    Column("input_sha256", Text, nullable=False),
    Column("cost_nano_usd", Integer, nullable=False, server_default="0"),
    Column("saved_nano_usd", Integer, nullable=False, server_default="0"),
    Column("ms", Integer, nullable=False, server_default="0"),
    Column("created", REAL, nullable=False),
    Column("key_id", Text, comment="the API key it was asked with; null: asked at this machine"),
    Column("certificate", Text, comment="the certificate that its answer was served under; null: uncertified"),
    Column("parameters", Text, comment="JSON: those of the task; null: none"),
    Column("audit_of", Text, comment="the run whose answer this one was asked to audit; null: none"),
    Column("claim", Text, comment="the repeatable request that it was made for; null: none"),
    Index("ix_runs_claim", "claim", sqlite_where=text("claim IS NOT NULL")),
    Index("ix_runs_created_id", "created", "id"),
    Index("ix_runs_task_created", "task", "created"),
    Index("ix_runs_key_id_created", "key_id", "created"),
    sqlite_strict=True,
)

attempts = Table(
    "attempts",
    metadata,
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("model", Text, nullable=False),
    Column("passed", Flag, nullable=False),
    Column("skipped", Text, comment="why the rung was not asked"),
    Column("error", Text, comment="why it gave no answer"),
    Column("answer", Text, comment="JSON"),
    Column("findings", Text, nullable=False, comment="JSON: array of check, field, reason"),
    Column("fields", Text, nullable=False, comment="JSON: array of the fields asked for; empty: all"),
    Column("confidence", REAL),
    Column("confidences", Text, nullable=False, comment="JSON: field to share"),
    Column("signals", Text, comment="JSON: field to name to number; null: not kept"),
    Column("prompt_tokens", Integer, nullable=False),
    Column("cached_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("reasoning_tokens", Integer, nullable=False),
    Column("estimated", Flag, nullable=False, comment="the tokens are an upper estimate"),
    Column("cost_nano_usd", Integer, nullable=False),
    Column("ms", Integer, nullable=False),
    Column("notes", Text, nullable=False, comment="JSON: array of text"),
    sqlite_strict=True,
)

entries = Table(
    "entries",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("position", Integer, nullable=False),
    Column("model", Text, nullable=False),
    Column("state", Text, nullable=False, comment="held, settled, failed or refused"),
    Column("hold_nano_usd", Integer, nullable=False),
    Column("cost_nano_usd", Integer, nullable=False, server_default="0"),
    Column("prompt_tokens", Integer, nullable=False, server_default="0"),
    Column("cached_tokens", Integer, nullable=False, server_default="0"),
    Column("completion_tokens", Integer, nullable=False, server_default="0"),
    Column("reasoning_tokens", Integer, nullable=False, server_default="0"),
    Column("estimated", Flag, nullable=False, server_default=false()),
    Column("ms", Integer, nullable=False, server_default="0"),
    Column("error", Text),
    Column("created", REAL, nullable=False),
    Column("key_id", Text, comment="the API key that pays; null: nobody's wallet"),
    Index("ix_entries_run_id_position", "run_id", "position"),
    Index("ix_entries_created", "created"),
    Index("ix_entries_key_id_created", "key_id", "created"),
    Index("ix_entries_state_held", "run_id", sqlite_where=text("state = 'held'")),
    sqlite_strict=True,
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True, comment="sha256 of the secret, which is kept nowhere"),
    Column("shown", Text, nullable=False, comment="its first and last characters, to tell it by"),
    Column("state", Text, nullable=False, comment="active, disabled or revoked"),
    Column("scopes", Text, nullable=False, comment="JSON: array of patterns; empty: everything"),
    Column("rights", Text, nullable=False, server_default="[]", comment="JSON: array of what it may do"),
    Column("requests_per_minute", Integer),
    Column("tokens_per_minute", Integer),
    Column("day_nano_usd", Integer, comment="budget of a day (UTC); null: none"),
    Column("month_nano_usd", Integer, comment="budget of a month (UTC); null: none"),
    Column("prepaid", Flag, nullable=False, comment="only what was granted may be spent"),
    Column("granted_nano_usd", Integer, nullable=False, server_default="0", comment="the sum of its credits"),
    Column("spent_nano_usd", Integer, nullable=False, server_default="0", comment="the sum of its entries' costs"),
    Column("held_nano_usd", Integer, nullable=False, server_default="0", comment="the sum of its open holds"),
    Column("created", REAL, nullable=False),
    Column("reads_per_minute", Integer),
    Column("storage_bytes", Integer, comment="what it may keep; null: what the settings say"),
    Column("expires", REAL, comment="when it is refused; null: never"),
    Column("previous_digest", Text, comment="sha256 of the secret before the last rotation; null: there was none"),
    Column("previous_ends", REAL, comment="until when that one is accepted"),
    Column("on_review", Text, comment="refuse or best; null: what the task or the settings say"),
    Index("ix_api_keys_previous_digest", "previous_digest", unique=True),
    sqlite_strict=True,
)

credits = Table(
    "credits",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("key_id", Text, ForeignKey("api_keys.id"), nullable=False),
    Column("amount_nano_usd", Integer, nullable=False),
    Column("note", Text, nullable=False),
    Column("created", REAL, nullable=False),
    Index("ix_credits_key_id", "key_id"),
    sqlite_strict=True,
)

key_days = Table(
    "key_days",
    metadata,
    Column("key_id", Text, ForeignKey("api_keys.id"), primary_key=True),
    Column("day", Integer, primary_key=True, comment="days since 1970-01-01 UTC"),
    Column("counted_nano_usd", Integer, nullable=False, comment="what calls begun on it have cost at most"),
    sqlite_strict=True,
)

changes = Table(
    "changes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at", REAL, nullable=False),
    Column("actor_kind", Text, nullable=False, comment="user or key"),
    Column("actor_id", Text, nullable=False),
    Column("actor_name", Text, nullable=False, comment="as it was called then"),
    Column("action", Text, nullable=False, comment="such as key.rotate"),
    Column("subject", Text, nullable=False, comment="id or name of what was changed"),
    Column("details", Text, nullable=False, comment="JSON; no secret"),
    Index("ix_changes_subject_id", "subject", "id"),
    Index("ix_changes_action_subject_id", "action", "subject", "id"),
)

key_storage = Table(
    "key_storage",
    metadata,
    Column("key_id", Text, primary_key=True, comment="empty: everybody without a key"),
    Column("bytes", Integer, nullable=False, comment="the sum of its files, stored completions and responses"),
)

rate_buckets = Table(
    "rate_buckets",
    metadata,
    Column("key_id", String(64), primary_key=True, comment="empty: everybody without a key"),
    Column("kind", String(16), primary_key=True, comment="requests or tokens"),
    Column("level", Float, nullable=False),
    Column("at", Float, nullable=False),
)

files = Table(
    "files",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("key_id", String(64), comment="the API key that sent it; null: the machine's owner"),
    Column("sha256", String(64), nullable=False, comment="names its bytes in the data folder"),
    Column("bytes", BigInteger, nullable=False),
    Column("filename", Text, nullable=False, comment="as the caller named it; never a path here"),
    Column("purpose", String(32), nullable=False),
    Column("created", Float, nullable=False),
    Column("expires", Float, comment="when it is gone; null: never"),
    Index("ix_files_created_id", "created", "id"),
    Index("ix_files_key_id_created_id", "key_id", "created", "id"),
    Index("ix_files_sha256", "sha256"),
    Index("ix_files_expires", "expires"),
)

stored_completions = Table(
    "stored_completions",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("key_id", String(64), comment="the API key that asked; null: the machine's owner"),
    Column("model", Text, nullable=False, comment="as it was asked for"),
    Column("request", Text, nullable=False, comment="JSON, as it was sent"),
    Column("response", Text, nullable=False, comment="JSON, as it was answered"),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Column("bytes", Integer, nullable=False, server_default="0", comment="of request, response and metadata"),
    Index("ix_stored_completions_created_id", "created", "id"),
    Index("ix_stored_completions_key_id_created_id", "key_id", "created", "id"),
    Index("ix_stored_completions_expires", "expires"),
)

stored_metadata = Table(
    "stored_metadata",
    metadata,
    Column("completion_id", String(64), ForeignKey("stored_completions.id", ondelete="CASCADE"), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
    Index("ix_stored_metadata_name_value", "name", "value"),
)

stored_responses = Table(
    "stored_responses",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("key_id", String(64), comment="the API key it was asked with; null: asked at this machine"),
    Column("previous_id", String(64), comment="the response that it goes on from"),
    Column("items", Text, nullable=False, comment="JSON: the input items, each with its id"),
    Column("response", Text, nullable=False, comment="JSON: the body as it was sent"),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False, comment="when it is gone"),
    Column("bytes", Integer, nullable=False, server_default="0", comment="of items and response"),
    Index("ix_stored_responses_expires", "expires"),
)

certificates = Table(
    "certificates",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("task", Text, nullable=False),
    Column("version", Text, nullable=False, comment="the task's, when it was measured"),
    Column("document", Text, nullable=False, comment="JSON: what it is bound to, its policy and what was measured"),
    Column("state", String(16), nullable=False, comment="active, withdrawn or replaced"),
    Column("reason", Text, nullable=False, server_default="", comment="why it was withdrawn"),
    Column("created", Float, nullable=False),
    Column("ended", Float, comment="when it was withdrawn or replaced"),
    Index("ix_certificates_task_created", "task", "created"),
)

students = Table(
    "students",
    metadata,
    Column("sha256", String(64), primary_key=True, comment="names its bytes in the data folder"),
    Column("task", Text, nullable=False),
    Column("version", Text, nullable=False, comment="of its task, when it was made"),
    Column("kind", String(16), nullable=False),
    Column("provenance", Text, nullable=False, comment="JSON: what it was made of"),
    Column("measured", Text, nullable=False, comment="JSON: what it was found to do"),
    Column("state", String(16), nullable=False, comment="candidate, promoted, retired or rolled_back"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("certificate", String(64), comment="the certificate that it was promoted under"),
    Column("previous", String(64), comment="the student that it took over from"),
    Column("created", Float, nullable=False),
    Column("promoted", Float),
    Column("ended", Float),
    Index("ix_students_task_created", "task", "created"),
)

fine_tuning_jobs = Table(
    "fine_tuning_jobs",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("key_id", String(64), comment="the API key that made it; null: the machine's owner"),
    Column("session", String(64), comment="the process that trains it"),
    Column("state", String(32), nullable=False, comment="as OpenAI names it"),
    Column("request", Text, nullable=False, comment="JSON: what was asked for, with its defaults"),
    Column("error", Text, comment="JSON: code, message and param of what failed"),
    Column("model", Text, comment="the name of what it made"),
    Column("form", Text, comment="JSON: how the model writes its answers"),
    Column("made", Text, comment="JSON: task, student, certificate and what was measured"),
    Column("trained_tokens", BigInteger),
    Column("created", Float, nullable=False),
    Column("finished", Float),
    Index("ix_fine_tuning_jobs_created_id", "created", "id"),
    Index("ix_fine_tuning_jobs_key_id_created_id", "key_id", "created", "id"),
    Index("ix_fine_tuning_jobs_state_created", "state", "created"),
    Index("ix_fine_tuning_jobs_model", "model", unique=True),
)

fine_tuning_events = Table(
    "fine_tuning_events",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("job_id", String(64), ForeignKey("fine_tuning_jobs.id", ondelete="CASCADE"), nullable=False),
    Column("level", String(8), nullable=False, comment="info, warn or error"),
    Column("type", String(16), nullable=False, comment="message or metrics"),
    Column("message", Text, nullable=False),
    Column("data", Text, comment="JSON"),
    Column("created", Float, nullable=False),
    Index("ix_fine_tuning_events_job_id_id", "job_id", "id"),
)

inputs = Table(
    "inputs",
    metadata,
    Column("sha256", String(64), primary_key=True, comment="as in `runs.input_sha256`"),
    Column("parts", Text, nullable=False, comment="JSON: texts, and what is known of the files"),
    Column("kept", Float, nullable=False, comment="when it was last asked to be kept"),
    Index("ix_inputs_kept", "kept"),
)

input_files = Table(
    "input_files",
    metadata,
    Column("input_sha256", String(64), ForeignKey("inputs.sha256", ondelete="CASCADE"), primary_key=True),
    Column("sha256", String(64), primary_key=True, comment="names its bytes in the data folder"),
    Index("ix_input_files_sha256", "sha256"),
)

reviews = Table(
    "reviews",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("kind", String(16), nullable=False, comment="review or audit"),
    Column("run_id", String(64), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("task", Text, nullable=False),
    Column("key_id", String(64), comment="the API key of the run; null: asked at this machine"),
    Column("input_sha256", String(64), nullable=False),
    Column("certificate_id", String(64), comment="whose served answer is audited; null: none"),
    Column("state", String(16), nullable=False, comment="open, taken, answered or rejected"),
    Column("reviewer", Text, comment="who holds it or has answered it"),
    Column("at", Float, nullable=False, comment="since when it is in this state"),
    Column("lease_ends", Float, comment="when a taken one is open again"),
    Column("answer", Text, comment="JSON: the person's"),
    Column("findings", Text, comment="JSON: what the checks have against it all the same"),
    Column("reason", Text, comment="why it was rejected"),
    Column("created", Float, nullable=False),
    Index("ix_reviews_created_id", "created", "id"),
    Index("ix_reviews_key_id_created_id", "key_id", "created", "id"),
    Index("ix_reviews_state_created", "state", "created"),
    Index("ix_reviews_run_id_kind", "run_id", "kind", unique=True),
    Index("ix_reviews_input_sha256", "input_sha256"),
)

audits = Table(
    "audits",
    metadata,
    Column("run_id", String(64), ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("certificate_id", String(64), nullable=False, comment="under which the answer was served"),
    Column("task", Text, nullable=False),
    Column("begun", Float, nullable=False, comment="when the run began: audits count in this order"),
    Column("asks", String(16), nullable=False, comment="who is asked first: review (a person) or top (the top rung)"),
    Column("state", String(16), nullable=False, comment="pending, suspect, right, wrong, skipped or expired"),
    Column("wrong", Text, comment="JSON: the fields whose served value is wrong"),
    Column("settled", Float, comment="when it came to this state; null: nobody has looked yet"),
    Column("settled_by", Text, comment="a person, or the model that was asked"),
    Column("note", Text, nullable=False, server_default="", comment="why it was skipped, or goes to a person"),
    Column("claim_ends", Float, comment="until when a process asks the top rung; null: none does"),
    Index("ix_audits_certificate_id_begun", "certificate_id", "begun", "run_id"),
    Index("ix_audits_state_asks_begun", "state", "asks", "begun"),
)

examples = Table(
    "examples",
    metadata,
    Column("id", Counter, primary_key=True, autoincrement=True),
    Column("task", Text, nullable=False),
    Column("input_sha256", String(64), nullable=False),
    Column("parameters", Text, nullable=False, comment="JSON"),
    Column("expected", Text, nullable=False, comment="JSON: values by field"),
    Column("origin", String(16), nullable=False, comment="review or audit: why a person was asked"),
    Column("run_id", String(64), ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("created", Float, nullable=False),
    Index("ix_examples_task_created", "task", "created"),
    Index("ix_examples_input_sha256", "input_sha256"),
    Index("ix_examples_created", "created"),
    Index("ix_examples_run_id_origin", "run_id", "origin", unique=True),
)

claims = Table(
    "claims",
    metadata,
    Column("id", String(64), primary_key=True),
    Column("key_id", String(64), nullable=False, comment="the API key that asks; empty: the machine's owner"),
    Column("name", String(64), nullable=False, comment="sha256 of the Idempotency-Key"),
    Column("request", Text, nullable=False, comment="method and path"),
    Column("session", String(64), nullable=False, comment="the process that works on it"),
    Column("state", String(16), nullable=False, comment="working, done or lost"),
    Column("status", Integer),
    Column("headers", Text, comment="JSON: array of name and value"),
    Column("body", LargeBinary, comment="as it was answered; null: not kept"),
    Column("bytes", Integer, nullable=False, server_default="0", comment="of the body that is kept"),
    Column("sha256", String(64), comment="of the request's body; null: the answer did not depend on it"),
    Column("cut", Boolean(create_constraint=False), nullable=False, server_default=false(), comment="it broke off"),
    Column("created", Float, nullable=False),
    Column("expires", Float, nullable=False),
    Index("ix_claims_key_id_name", "key_id", "name", unique=True),
    Index("ix_claims_expires", "expires"),
    Index("ix_claims_key_id_created", "key_id", "created"),
)
