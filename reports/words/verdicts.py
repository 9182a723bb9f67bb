"""Numbers in words, the same on the page and in the terminal: no error rate without its k/n."""

from harness.reports.analysis.estimates import Rate
from harness.reports.analysis.safety import Safety
from harness.reports.formatting import count, percent


def of(rate: Rate) -> str:
    """Return "k/n"."""
    return f"{count(rate.k)}/{count(rate.n)}"


def verdict(safety: Safety) -> str:
    """Return how small the entry may get: a share, "none", "not decidable ..." or "not measured"."""
    result = safety.result
    if result is None:
        return "not measured"
    if result.verdict == "not decidable":
        return f"not decidable with {result.positives} positives"
    if safety.density is not None:
        return percent(safety.density)
    return "none" if any(step.density < 1 for step in safety.steps) else "not measured"
