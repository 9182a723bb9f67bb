"""Registered methods built from parameters, and what one borrows from another."""

from collections.abc import Mapping
from typing import Any

from harness import plugins
from harness.entry_text import parse_entry
from harness.errors import UsageError
from harness.field_values import built
from harness.networks.architecture import Network
from harness.pruning.dense import Dense
from harness.pruning.probe import Probe
from harness.pruning.pruner import Pruner
from harness.results.names import DENSE, PROBE

REFERENCES: Mapping[str, type[Pruner]] = {DENSE: Dense, PROBE: Probe}


def pruner_class(method: str) -> type[Pruner]:
    """Return the class that is registered as ``method``. Raises `UsageError`."""
    kind = REFERENCES.get(method) or plugins.load(plugins.PRUNERS, method)
    if not (isinstance(kind, type) and issubclass(kind, Pruner)):
        raise UsageError(f"plugin {method!r} is not a Pruner class", fix="derive it from harness.pruning.Pruner")
    return kind


def build_pruner(method: str, parameters: Mapping[str, Any]) -> Pruner:
    """Return the registered ``method`` with ``parameters``; numbers may be given as text.

    Raises `UsageError` with every unknown or wrong parameter at once.
    """
    return built(pruner_class(method), parameters, f"method {method!r}")


def borrowed(written: str) -> Pruner:
    """Return the method that another one borrows from, written as an entry. Raises `UsageError`."""
    return build_pruner(*parse_entry(written))


def why_skipped(pruner: Pruner, network: Network, *, trained: bool = False) -> str | None:
    """Return one sentence why a method, or one that it borrows from, does not apply to ``network``, or None.

    ``trained``: W0 was trained elsewhere.
    """
    if sentence := why_it_is_skipped(pruner, network, trained=trained):
        return sentence
    sentences = ((other, why_it_is_skipped(borrowed(other), network, trained=trained)) for other in pruner.borrows_from)
    return next((f"{other}, which it borrows from: {sentence}" for other, sentence in sentences if sentence), None)


def why_it_is_skipped(pruner: Pruner, network: Network, *, trained: bool) -> str | None:
    """Return one sentence why a method itself does not apply to ``network``, or None."""
    return pruner.skip(network) or (pruner.skip_trained() if trained else None)
