"""The tables of the ledger as SQLAlchemy knows them; how they came to be stands in `migrations/`.

`runs` is one line an input, `attempts` one line a rung that was asked or skipped (the facts of `types.Attempt`), and
`entries` one line an engine call that may cost money: written as `held` before the call, so that a crash leaves a
trace, and after it `settled`, `failed` (it may have been charged) or `refused` (it was not). An attempt may make
several calls (long text is worked on in pieces), so the two are separate; `position` ties an entry to its attempt.
Money is integer nano-USD, times are seconds since 1970, JSON is text. Every table is STRICT and refuses numbers out of
their range (`columns.py`). A run holds only the sha256 of its input;
one that is `purged` holds nothing any longer that its user wrote or was answered (`purging.py`).

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

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, LargeBinary, Text, false, text

from firstline.ledger.columns import AMOUNT, CALL, SUM, TOKENS, flag, real, table, whole
from firstline.ledger.columns import metadata as metadata

runs = table(
    "runs",
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
    whole("cost_nano_usd", nullable=False, server_default=text("0")),
    whole("saved_nano_usd", least=-AMOUNT, nullable=False, server_default=text("0")),
    whole("ms", nullable=False, server_default=text("0")),
    real("created", nullable=False),
    Column("key_id", Text, comment="the API key it was asked with; null: asked at this machine"),
    Column("certificate", Text, comment="the certificate that its answer was served under; null: uncertified"),
    Column("parameters", Text, comment="JSON: those of the task; null: none"),
    Column("audit_of", Text, comment="the run whose answer this one was asked to audit; null: none"),
    Column("claim", Text, comment="the repeatable request that it was made for; null: none"),
    real("purged", comment="when its contents were taken out; null: it is whole"),
    Index("ix_runs_claim", "claim", sqlite_where=text("claim IS NOT NULL")),
    Index("ix_runs_created_id", "created", "id"),
    Index("ix_runs_task_created", "task", "created"),
    Index("ix_runs_key_id_created", "key_id", "created"),
)

attempts = table(
    "attempts",
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    whole("position", primary_key=True),
    Column("model", Text, nullable=False),
    flag("passed", nullable=False),
    Column("skipped", Text, comment="why the rung was not asked"),
    Column("error", Text, comment="why it gave no answer"),
    Column("answer", Text, comment="JSON"),
    Column("findings", Text, nullable=False, comment="JSON: array of check, field, reason"),
    Column("fields", Text, nullable=False, comment="JSON: array of the fields asked for; empty: all"),
    real("confidence"),
    Column("confidences", Text, nullable=False, comment="JSON: field to share"),
    Column("signals", Text, comment="JSON: field to name to number; null: not kept"),
    whole("prompt_tokens", nullable=False),
    whole("cached_tokens", nullable=False),
    whole("completion_tokens", nullable=False),
    whole("reasoning_tokens", nullable=False),
    flag("estimated", nullable=False, comment="the tokens are an upper estimate"),
    whole("cost_nano_usd", nullable=False),
    whole("ms", nullable=False),
    Column("notes", Text, nullable=False, comment="JSON: array of text"),
)

entries = table(
    "entries",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    whole("position", nullable=False),
    Column("model", Text, nullable=False),
    Column("state", Text, nullable=False, comment="held, settled, failed or refused"),
    whole("hold_nano_usd", most=CALL, nullable=False),
    whole("cost_nano_usd", most=CALL, nullable=False, server_default=text("0")),
    whole("prompt_tokens", most=TOKENS, nullable=False, server_default=text("0")),
    whole("cached_tokens", most=TOKENS, nullable=False, server_default=text("0")),
    whole("completion_tokens", most=TOKENS, nullable=False, server_default=text("0")),
    whole("reasoning_tokens", most=TOKENS, nullable=False, server_default=text("0")),
    flag("estimated", nullable=False, server_default=false()),
    whole("ms", nullable=False, server_default=text("0")),
    Column("error", Text),
    real("created", nullable=False),
    Column("key_id", Text, comment="the API key that pays; null: nobody's wallet"),
    whole(
        "surplus_tokens",
        most=TOKENS,
        nullable=False,
        server_default=text("0"),
        comment="claimed beyond what it could use",
    ),
    whole(
        "surplus_nano_usd",
        most=CALL,
        nullable=False,
        server_default=text("0"),
        comment="what they would cost; charged to nobody",
    ),
    CheckConstraint("cost_nano_usd <= hold_nano_usd", name="0"),
    Index("ix_entries_run_id_position", "run_id", "position"),
    Index("ix_entries_created", "created"),
    Index("ix_entries_key_id_created", "key_id", "created"),
    Index("ix_entries_state_held", "run_id", sqlite_where=text("state = 'held'")),
)

api_keys = table(
    "api_keys",
    Column("id", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("digest", Text, nullable=False, unique=True, comment="sha256 of the secret, which is kept nowhere"),
    Column("shown", Text, nullable=False, comment="its first and last characters, to tell it by"),
    Column("state", Text, nullable=False, comment="active, disabled or revoked"),
    Column("scopes", Text, nullable=False, comment="JSON: array of patterns; empty: everything"),
    Column("rights", Text, nullable=False, server_default="[]", comment="JSON: array of what it may do"),
    whole("requests_per_minute"),
    whole("tokens_per_minute"),
    whole("day_nano_usd", comment="budget of a day (UTC); null: none"),
    whole("month_nano_usd", comment="budget of a month (UTC); null: none"),
    flag("prepaid", nullable=False, comment="only what was granted may be spent"),
    whole("granted_nano_usd", nullable=False, server_default=text("0"), comment="the sum of its credits"),
    whole(
        "spent_nano_usd", most=SUM, nullable=False, server_default=text("0"), comment="the sum of its entries' costs"
    ),
    whole("held_nano_usd", most=SUM, nullable=False, server_default=text("0"), comment="the sum of its open holds"),
    real("created", nullable=False),
    whole("reads_per_minute"),
    whole("storage_bytes", comment="what it may keep; null: what the settings say"),
    real("expires", comment="when it is refused; null: never"),
    Column("previous_digest", Text, comment="sha256 of the secret before the last rotation; null: there was none"),
    real("previous_ends", comment="until when that one is accepted"),
    Column("on_review", Text, comment="refuse or best; null: what the task or the settings say"),
    Index("ix_api_keys_previous_digest", "previous_digest", unique=True),
)

credits = table(
    "credits",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key_id", Text, ForeignKey("api_keys.id"), nullable=False),
    whole("amount_nano_usd", nullable=False),
    Column("note", Text, nullable=False),
    real("created", nullable=False),
    Index("ix_credits_key_id", "key_id"),
)

key_days = table(
    "key_days",
    Column("key_id", Text, ForeignKey("api_keys.id"), primary_key=True),
    whole("day", primary_key=True, comment="days since 1970-01-01 UTC"),
    whole("counted_nano_usd", most=SUM, nullable=False, comment="what calls begun on it have cost at most"),
)

changes = table(
    "changes",
    Column("id", Integer, primary_key=True, autoincrement=True),
    real("at", nullable=False),
    Column("actor_kind", Text, nullable=False, comment="user or key"),
    Column("actor_id", Text, nullable=False),
    Column("actor_name", Text, nullable=False, comment="as it was called then"),
    Column("action", Text, nullable=False, comment="such as key.rotate"),
    Column("subject", Text, nullable=False, comment="id or name of what was changed"),
    Column("details", Text, nullable=False, comment="JSON; no secret"),
    Index("ix_changes_subject_id", "subject", "id"),
    Index("ix_changes_action_subject_id", "action", "subject", "id"),
)

key_storage = table(
    "key_storage",
    Column("key_id", Text, primary_key=True, comment="empty: everybody without a key"),
    whole("bytes", nullable=False, comment="the sum of its files, stored completions and responses"),
)

rate_buckets = table(
    "rate_buckets",
    Column("key_id", Text, primary_key=True, comment="empty: everybody without a key"),
    Column("kind", Text, primary_key=True, comment="requests or tokens"),
    real("level", nullable=False),
    real("at", nullable=False),
)

files = table(
    "files",
    Column("id", Text, primary_key=True),
    Column("key_id", Text, comment="the API key that sent it; null: the machine's owner"),
    Column("sha256", Text, nullable=False, comment="names its bytes in the data folder"),
    whole("bytes", nullable=False),
    Column("filename", Text, nullable=False, comment="as the caller named it; never a path here"),
    Column("purpose", Text, nullable=False),
    real("created", nullable=False),
    real("expires", comment="when it is gone; null: never"),
    Column("claim", Text, comment="the repeatable request that it was made by; null: none"),
    Index("ix_files_claim", "claim", sqlite_where=text("claim IS NOT NULL")),
    Index("ix_files_created_id", "created", "id"),
    Index("ix_files_key_id_created_id", "key_id", "created", "id"),
    Index("ix_files_sha256", "sha256"),
    Index("ix_files_expires", "expires"),
)

stored_completions = table(
    "stored_completions",
    Column("id", Text, primary_key=True),
    Column("key_id", Text, comment="the API key that asked; null: the machine's owner"),
    Column("model", Text, nullable=False, comment="as it was asked for"),
    Column("request", Text, nullable=False, comment="JSON, as it was sent"),
    Column("response", Text, nullable=False, comment="JSON, as it was answered"),
    real("created", nullable=False),
    real("expires", nullable=False),
    whole("bytes", nullable=False, server_default=text("0"), comment="of request, response and metadata"),
    Index("ix_stored_completions_created_id", "created", "id"),
    Index("ix_stored_completions_key_id_created_id", "key_id", "created", "id"),
    Index("ix_stored_completions_expires", "expires"),
)

stored_metadata = table(
    "stored_metadata",
    Column("completion_id", Text, ForeignKey("stored_completions.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    Index("ix_stored_metadata_name_value", "name", "value"),
)

stored_responses = table(
    "stored_responses",
    Column("id", Text, primary_key=True),
    Column("key_id", Text, comment="the API key it was asked with; null: asked at this machine"),
    Column("previous_id", Text, comment="the response that it goes on from"),
    Column("items", Text, nullable=False, comment="JSON: the input items, each with its id"),
    Column("response", Text, nullable=False, comment="JSON: the body as it was sent"),
    real("created", nullable=False),
    real("expires", nullable=False, comment="when it is gone"),
    whole("bytes", nullable=False, server_default=text("0"), comment="of items and response"),
    Index("ix_stored_responses_created_id", "created", "id"),
    Index("ix_stored_responses_expires", "expires"),
)

certificates = table(
    "certificates",
    Column("id", Text, primary_key=True),
    Column("task", Text, nullable=False),
    Column("version", Text, nullable=False, comment="the task's, when it was measured"),
    Column("document", Text, nullable=False, comment="JSON: what it is bound to, its policy and what was measured"),
    Column("state", Text, nullable=False, comment="active, withdrawn or replaced"),
    Column("reason", Text, nullable=False, server_default="", comment="why it was withdrawn"),
    real("created", nullable=False),
    real("ended", comment="when it was withdrawn or replaced"),
    Index("ix_certificates_task_created", "task", "created"),
)

students = table(
    "students",
    Column("sha256", Text, primary_key=True, comment="names its bytes in the data folder"),
    Column("task", Text, nullable=False),
    Column("version", Text, nullable=False, comment="of its task, when it was made"),
    Column("kind", Text, nullable=False),
    Column("provenance", Text, nullable=False, comment="JSON: what it was made of"),
    Column("measured", Text, nullable=False, comment="JSON: what it was found to do"),
    Column("state", Text, nullable=False, comment="candidate, promoted, retired or rolled_back"),
    Column("reason", Text, nullable=False, server_default=""),
    Column("certificate", Text, comment="the certificate that it was promoted under"),
    Column("previous", Text, comment="the student that it took over from"),
    real("created", nullable=False),
    real("promoted"),
    real("ended"),
    Index("ix_students_task_created", "task", "created"),
)

fine_tuning_jobs = table(
    "fine_tuning_jobs",
    Column("id", Text, primary_key=True),
    Column("key_id", Text, comment="the API key that made it; null: the machine's owner"),
    Column("session", Text, comment="the process that trains it"),
    Column("state", Text, nullable=False, comment="as OpenAI names it"),
    Column("request", Text, nullable=False, comment="JSON: what was asked for, with its defaults"),
    Column("error", Text, comment="JSON: code, message and param of what failed"),
    Column("model", Text, comment="the name of what it made"),
    Column("form", Text, comment="JSON: how the model writes its answers"),
    Column("made", Text, comment="JSON: task, student, certificate and what was measured"),
    whole("trained_tokens"),
    real("created", nullable=False),
    real("finished"),
    Column("claim", Text, comment="the repeatable request that it was made by; null: none"),
    Index("ix_fine_tuning_jobs_claim", "claim", sqlite_where=text("claim IS NOT NULL")),
    Index("ix_fine_tuning_jobs_created_id", "created", "id"),
    Index("ix_fine_tuning_jobs_key_id_created_id", "key_id", "created", "id"),
    Index("ix_fine_tuning_jobs_state_created", "state", "created"),
    Index("ix_fine_tuning_jobs_model", "model", unique=True),
)

fine_tuning_events = table(
    "fine_tuning_events",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("job_id", Text, ForeignKey("fine_tuning_jobs.id", ondelete="CASCADE"), nullable=False),
    Column("level", Text, nullable=False, comment="info, warn or error"),
    Column("type", Text, nullable=False, comment="message or metrics"),
    Column("message", Text, nullable=False),
    Column("data", Text, comment="JSON"),
    real("created", nullable=False),
    Index("ix_fine_tuning_events_job_id_id", "job_id", "id"),
)

inputs = table(
    "inputs",
    Column("sha256", Text, primary_key=True, comment="as in `runs.input_sha256`"),
    Column("parts", Text, nullable=False, comment="JSON: texts, and what is known of the files"),
    real("kept", nullable=False, comment="when it was last asked to be kept"),
    Index("ix_inputs_kept", "kept"),
)

input_files = table(
    "input_files",
    Column("input_sha256", Text, ForeignKey("inputs.sha256", ondelete="CASCADE"), primary_key=True),
    Column("sha256", Text, primary_key=True, comment="names its bytes in the data folder"),
    Index("ix_input_files_sha256", "sha256"),
)

reviews = table(
    "reviews",
    Column("id", Text, primary_key=True),
    Column("kind", Text, nullable=False, comment="review or audit"),
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    Column("task", Text, nullable=False),
    Column("key_id", Text, comment="the API key of the run; null: asked at this machine"),
    Column("input_sha256", Text, nullable=False),
    Column("certificate_id", Text, comment="whose served answer is audited; null: none"),
    Column("state", Text, nullable=False, comment="open, taken, answered or rejected"),
    Column("reviewer", Text, comment="who holds it or has answered it"),
    real("at", nullable=False, comment="since when it is in this state"),
    real("lease_ends", comment="when a taken one is open again"),
    Column("answer", Text, comment="JSON: the person's"),
    Column("findings", Text, comment="JSON: what the checks have against it all the same"),
    Column("reason", Text, comment="why it was rejected"),
    real("created", nullable=False),
    Index("ix_reviews_created_id", "created", "id"),
    Index("ix_reviews_key_id_created_id", "key_id", "created", "id"),
    Index("ix_reviews_state_created", "state", "created"),
    Index("ix_reviews_run_id_kind", "run_id", "kind", unique=True),
    Index("ix_reviews_input_sha256", "input_sha256"),
)

audits = table(
    "audits",
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), primary_key=True),
    Column("certificate_id", Text, nullable=False, comment="under which the answer was served"),
    Column("task", Text, nullable=False),
    real("begun", nullable=False, comment="when the run began: audits count in this order"),
    Column("asks", Text, nullable=False, comment="who is asked first: review (a person) or top (the top rung)"),
    Column("state", Text, nullable=False, comment="pending, suspect, right, wrong, skipped or expired"),
    Column("wrong", Text, comment="JSON: the fields whose served value is wrong"),
    real("settled", comment="when it came to this state; null: nobody has looked yet"),
    Column("settled_by", Text, comment="a person, or the model that was asked"),
    Column("note", Text, nullable=False, server_default="", comment="why it was skipped, or goes to a person"),
    real("claim_ends", comment="until when a process asks the top rung; null: none does"),
    Column("label", Text, comment="that was served, where the run is purged and the certificate counts by it"),
    Index("ix_audits_certificate_id_begun", "certificate_id", "begun", "run_id"),
    Index("ix_audits_state_asks_begun", "state", "asks", "begun"),
)

examples = table(
    "examples",
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("task", Text, nullable=False),
    Column("input_sha256", Text, nullable=False),
    Column("parameters", Text, nullable=False, comment="JSON"),
    Column("expected", Text, nullable=False, comment="JSON: values by field"),
    Column("origin", Text, nullable=False, comment="review or audit: why a person was asked"),
    Column("run_id", Text, ForeignKey("runs.id", ondelete="CASCADE"), nullable=False),
    real("created", nullable=False),
    Index("ix_examples_task_created", "task", "created"),
    Index("ix_examples_input_sha256", "input_sha256"),
    Index("ix_examples_created", "created"),
    Index("ix_examples_run_id_origin", "run_id", "origin", unique=True),
)

claims = table(
    "claims",
    Column("id", Text, primary_key=True),
    Column("key_id", Text, nullable=False, comment="the API key that asks; empty: the machine's owner"),
    Column("name", Text, nullable=False, comment="sha256 of the Idempotency-Key"),
    Column("request", Text, nullable=False, comment="method and path"),
    Column("session", Text, nullable=False, comment="the process that works on it"),
    Column("state", Text, nullable=False, comment="working, done or lost"),
    whole("status", most=999),
    Column("headers", Text, comment="JSON: array of name and value"),
    Column("body", LargeBinary, comment="as it was answered; null: not kept"),
    whole("bytes", nullable=False, server_default=text("0"), comment="of the body that is kept"),
    Column("sha256", Text, comment="of the request's body; null: the answer did not depend on it"),
    flag("cut", nullable=False, server_default=false(), comment="it broke off"),
    real("created", nullable=False),
    real("expires", nullable=False),
    Index("ix_claims_key_id_name", "key_id", "name", unique=True),
    Index("ix_claims_expires", "expires"),
    Index("ix_claims_key_id_created", "key_id", "created"),
)
