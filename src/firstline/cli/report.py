"""A certification as an operator reads it: what was found, of which task and models, and what became of it.

Made alike of what `firstline certify` gives and of a certificate that is kept; the page and the terminal show it.
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence

import msgspec

from firstline.certify.certificates import Certificate, Provenance
from firstline.certify.certifier import Certification
from firstline.certify.result import Result
from firstline.errors import UsageError
from firstline.runs.policy import Policy
from firstline.types import Value
from firstline.versions.lock import LockedTask


class Report(Value, frozen=True, kw_only=True):
    """Everything that is told. `certificate` and `state` are None where none was put in force.

    `policy` is what would serve, None where nothing can be promised. `reason` says why it was withdrawn, `moved` what
    of the task is not as it was measured.
    """

    task: str
    pin: LockedTask
    result: Result
    policy: Policy | None
    provenance: Provenance | None
    certificate: str | None = None
    state: str | None = None
    reason: str = ""
    moved: Sequence[str] = ()
    fallback: str | None = None

    @property
    def version(self) -> str:
        """The version of the task that was measured."""
        return self.pin.version

    @property
    def void(self) -> bool:
        """Whether it is in force by itself but something moved."""
        return self.state == "active" and bool(self.moved)

    def command(self) -> str | None:
        """Return the words that measure it again, for a shell; None where it is not known from what."""
        if self.provenance is None:
            return None
        target = self.result.target
        words = ["firstline", "certify", self.task, self.provenance.data]
        words += ["--max-error", f"{target.max_error:g}", "--confidence", f"{target.confidence:g}"]
        words += ["--per", target.per, "--seed", str(self.provenance.seed)]
        return shlex.join(words if self.provenance.benefit else [*words, "--no-benefit"])


def report_of(found: Certification) -> Report:
    """Report what came of certifying."""
    certificate = found.certificate
    return Report(
        task=found.task,
        pin=found.pin,
        result=found.result,
        policy=found.policy,
        provenance=found.provenance,
        certificate=None if certificate is None else certificate.id,
        state=None if certificate is None else certificate.state,
        fallback=None if certificate is None else certificate.fallback,
    )


def kept_report(certificate: Certificate, moved: Sequence[str]) -> Report:
    """Report on a certificate that is kept. Raises UsageError where its figures are of another version of Firstline."""
    try:
        result = msgspec.convert(certificate.measured, Result)
    except msgspec.ValidationError as error:
        raise UsageError(
            f"the figures of {certificate.id} cannot be shown: {error}",
            hint="another version of Firstline measured it; certify again",
        ) from None
    return Report(
        task=certificate.task,
        pin=certificate.pin,
        result=result,
        policy=certificate.policy,
        provenance=certificate.provenance,
        certificate=certificate.id,
        state=certificate.state,
        reason=certificate.reason,
        moved=moved,
        fallback=certificate.fallback,
    )
