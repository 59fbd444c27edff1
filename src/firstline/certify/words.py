"""Why a promise could not be made, in words with numbers."""

from __future__ import annotations

from firstline.certify.percent import percent
from firstline.certify.statistics.bounds import least_clean, most_wrong, served_needed


def too_few(*, at_most: int, tested: int, max_error: float, delta: float) -> str:
    """Say that even without an error there would be too few."""
    least = least_clean(max_error, delta)
    return (
        f"of {tested} examples kept for the test, at most about {at_most} would be served; "
        f"it takes {least} served without one wrong to promise {percent(max_error)} "
        f"with confidence {percent(1 - delta)}"
    )


def too_wrong(*, error: float, max_error: float) -> str:
    """Say that no threshold is expected to reach the target."""
    return (
        f"at no threshold are the served answers expected to keep to {percent(max_error)} wrong: "
        f"the surest of them are wrong in about {percent(error)}"
    )


def unsure(*, error: float, served: int, max_error: float, delta: float) -> str:
    """Say that the expected error is low enough, but not to be proven with what there is."""
    needed = served_needed(error, max_error, delta)
    takes = "" if needed is None else f"; it takes about {needed} served to prove it"
    told = f"about {served} answers would be served, {percent(error)} of them wrong"
    return f"{told}: too few to tell from {percent(max_error)}{takes}"


def failed(*, served: int, wrong: int, max_error: float, delta: float) -> str:
    """Say that the test did not pass."""
    most = int(most_wrong(served, max_error, delta))
    allowed = "not even without an error could so few prove it" if most < 0 else f"it could have been {most} at most"
    return f"{wrong} of {served} served answers of the test were wrong: {allowed}"
