"""GET /v1/certificates and /v1/certificates/{id}: what was promised of which task, and whether it still holds.

A certificate is the machine's, not a key's: whoever may name its task may read what covers the answers.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta
from starlette.requests import Request
from starlette.responses import Response

from firstline.api.wire.answering import json_response
from firstline.api.wire.auth import caller_of
from firstline.api.wire.fields import read_query
from firstline.api.wire.operation import Operation
from firstline.certify.certificates import Certificate, Provenance
from firstline.errors import FirstlineError, NotFoundError
from firstline.ledger.certificates import CertificateState
from firstline.rights import TASK
from firstline.services import Services
from firstline.tasks.task import Fallback, Per
from firstline.types import Json, Value
from firstline.views.certificate import certificate_object


class CertificateQuery(msgspec.Struct, frozen=True, kw_only=True):
    """The query of a list."""

    task: str | None = None
    limit: Annotated[int, Meta(ge=1, le=100)] = 20


class AuditsObject(Value, frozen=True, kw_only=True):
    """What became of the audited answers. What is not answered counts as right: it never withdraws a certificate.

    At `evidence_limit` the certificate is withdrawn. About `more` further audits would do that if answers were wrong at
    the share `more_at`: that found so far where that would show, else twice the promise (null: not even that would).
    """

    drawn: int
    answered: int
    wrong: int
    pending: int
    suspect: int
    skipped: int
    expired: int
    evidence: float
    evidence_limit: float
    more: int | None
    more_at: float


class CertificateObject(Value, frozen=True, kw_only=True):
    """The measured promise of one task version. It is void where something `moved` since it was measured."""

    id: str
    object: Literal["certificate"]
    task: str
    version: str
    state: CertificateState
    reason: str
    void: bool
    moved: list[str]
    max_error: float
    confidence: float
    per: Per
    fallback: Fallback
    models: list[str]
    thresholds: dict[str, dict[str, float]]
    measured: dict[str, Any]
    provenance: Provenance | None
    audits: AuditsObject
    created: float
    ended: float | None


class CertificateList(Value, frozen=True, kw_only=True):
    """The latest certificates, newest first."""

    object: Literal["list"]
    data: list[CertificateObject]


@Operation(rights=("certificates",), answer=CertificateObject)
async def retrieve_certificate(request: Request) -> Response:
    """Show one certificate. Raises NotFoundError."""
    services: Services = request.app.state.services
    certificate = await services.certificates.get(request.path_params["id"])
    caller = caller_of(request)
    if caller is not None and not caller.may_use(TASK + certificate.task):
        raise NotFoundError(f"there is no certificate {certificate.id!r}", param="id")
    return json_response(await shown(services, certificate))


@Operation(rights=("certificates",), query=CertificateQuery, answer=CertificateList)
async def list_certificates(request: Request) -> Response:
    """List the latest certificates, newest first, of one task where it is named."""
    services: Services = request.app.state.services
    query = read_query(request, CertificateQuery)
    caller = caller_of(request)
    scopes = () if caller is None else caller.scopes
    found = await services.certificates.latest(task=query.task, scopes=scopes, limit=query.limit)
    data = [await shown(services, one) for one in found]
    return json_response({"object": "list", "data": data})


async def shown(services: Services, certificate: Certificate) -> dict[str, Json]:
    """Return a certificate with what moved since, and its audits."""
    return certificate_object(certificate, await services.audits.tally(certificate), await moved(services, certificate))


async def moved(services: Services, certificate: Certificate) -> list[str]:
    """Say what moved since; nothing for one that is replaced, and what is wrong with a task that cannot be read."""
    if certificate.state == "replaced":
        return []
    try:
        task = await services.tasks.find(certificate.task)
        return await services.certificates.moved(certificate, task, await services.runner.rungs(task))
    except FirstlineError as error:
        return [error.message]
