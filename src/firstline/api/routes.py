"""Every route of the server, in one table."""

from __future__ import annotations

from starlette.routing import Route

from firstline.api.audit_log import audit_log
from firstline.api.certificates import list_certificates, retrieve_certificate
from firstline.api.chat.endpoint import chat_completions
from firstline.api.chat.stored import (
    delete_completion,
    list_completions,
    list_messages,
    retrieve_completion,
    update_completion,
)
from firstline.api.decisions.endpoint import decisions
from firstline.api.embeddings import embeddings
from firstline.api.files import delete_file, file_content, list_files, retrieve_file, upload_file
from firstline.api.fine_tuning.endpoint import (
    cancel_job,
    create_job,
    list_checkpoints,
    list_events,
    list_jobs,
    pause_job,
    resume_job,
    retrieve_job,
)
from firstline.api.health import health, ready
from firstline.api.messages.endpoint import count_tokens, messages
from firstline.api.models import delete_model, list_models, retrieve_model
from firstline.api.openapi import openapi
from firstline.api.responses.endpoint import create_response, input_tokens
from firstline.api.responses.stored import cancel_response, delete_response, list_input_items, retrieve_response
from firstline.api.reviews.endpoint import (
    answer_review,
    get_review,
    list_reviews,
    reject_review,
    release_review,
    review_source,
    take_review,
)
from firstline.api.runs import get_run, list_runs
from firstline.api.usage import credits, usage

ROUTES = (
    Route("/v1/audit_log", audit_log, methods=["GET"]),
    Route("/v1/certificates", list_certificates, methods=["GET"]),
    Route("/v1/certificates/{id}", retrieve_certificate, methods=["GET"]),
    Route("/v1/chat/completions", chat_completions, methods=["POST"]),
    Route("/v1/chat/completions", list_completions, methods=["GET"]),
    Route("/v1/chat/completions/{id}", retrieve_completion, methods=["GET"]),
    Route("/v1/chat/completions/{id}", update_completion, methods=["POST"]),
    Route("/v1/chat/completions/{id}", delete_completion, methods=["DELETE"]),
    Route("/v1/chat/completions/{id}/messages", list_messages, methods=["GET"]),
    Route("/v1/decisions", decisions, methods=["POST"]),
    Route("/v1/embeddings", embeddings, methods=["POST"]),
    Route("/v1/files", upload_file, methods=["POST"]),
    Route("/v1/files", list_files, methods=["GET"]),
    Route("/v1/files/{id}", retrieve_file, methods=["GET"]),
    Route("/v1/files/{id}", delete_file, methods=["DELETE"]),
    Route("/v1/files/{id}/content", file_content, methods=["GET"]),
    Route("/v1/fine_tuning/jobs", create_job, methods=["POST"]),
    Route("/v1/fine_tuning/jobs", list_jobs, methods=["GET"]),
    Route("/v1/fine_tuning/jobs/{id}", retrieve_job, methods=["GET"]),
    Route("/v1/fine_tuning/jobs/{id}/cancel", cancel_job, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{id}/pause", pause_job, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{id}/resume", resume_job, methods=["POST"]),
    Route("/v1/fine_tuning/jobs/{id}/events", list_events, methods=["GET"]),
    Route("/v1/fine_tuning/jobs/{id}/checkpoints", list_checkpoints, methods=["GET"]),
    Route("/v1/messages", messages, methods=["POST"]),
    Route("/v1/messages/count_tokens", count_tokens, methods=["POST"]),
    Route("/v1/models", list_models, methods=["GET"]),
    Route("/v1/models/{id:path}", retrieve_model, methods=["GET"]),
    Route("/v1/models/{id:path}", delete_model, methods=["DELETE"]),
    Route("/v1/responses", create_response, methods=["POST"]),
    Route("/v1/responses/input_tokens", input_tokens, methods=["POST"]),
    Route("/v1/responses/{id}", retrieve_response, methods=["GET"]),
    Route("/v1/responses/{id}", delete_response, methods=["DELETE"]),
    Route("/v1/responses/{id}/input_items", list_input_items, methods=["GET"]),
    Route("/v1/responses/{id}/cancel", cancel_response, methods=["POST"]),
    Route("/v1/reviews", list_reviews, methods=["GET"]),
    Route("/v1/reviews/{id}", get_review, methods=["GET"]),
    Route("/v1/reviews/{id}/source/{place}", review_source, methods=["GET"]),
    Route("/v1/reviews/{id}/take", take_review, methods=["POST"]),
    Route("/v1/reviews/{id}/release", release_review, methods=["POST"]),
    Route("/v1/reviews/{id}/answer", answer_review, methods=["POST"]),
    Route("/v1/reviews/{id}/reject", reject_review, methods=["POST"]),
    Route("/v1/runs", list_runs, methods=["GET"]),
    Route("/v1/runs/{id}", get_run, methods=["GET"]),
    Route("/v1/usage", usage, methods=["GET"]),
    Route("/v1/credits", credits, methods=["GET"]),
    Route("/health", health, methods=["GET"]),
    Route("/ready", ready, methods=["GET"]),
    Route("/openapi.json", openapi, methods=["GET"]),
)
