"""What covers a run of a task: an active certificate and its policy, what follows a withdrawn one, or nothing."""

from __future__ import annotations

from firstline.runs.policy import Policy
from firstline.tasks.task import Fallback
from firstline.types import Value


class ActiveCertificate(Value, frozen=True, kw_only=True):
    """How a run is decided beside its checks.

    `certificate` and `policy` are those of an active certificate, of the `first` rungs alone where it says so.
    `fallback` says what takes over because one was withdrawn: the top rung alone, or a person. `note` tells why nothing
    covers the run where something once did.
    """

    certificate: str | None = None
    policy: Policy | None = None
    first: int | None = None
    fallback: Fallback | None = None
    note: str = ""

    def leaves_out(self, place: int, rungs: int) -> str | None:
        """Say why a fallback leaves out the rung at this place of so many; None where it does not."""
        if self.fallback is None or (self.fallback == "top" and place == rungs - 1):
            return None
        return self.note


NOTHING = ActiveCertificate()
"""No certificate, and none that was."""
