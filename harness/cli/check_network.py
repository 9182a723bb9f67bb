"""`harness check` of a network: one line a rule."""

from typing import TYPE_CHECKING, Any

from harness import plugins
from harness.errors import UsageError, nearest
from harness.networks.registered import TORCHVISION

if TYPE_CHECKING:
    from harness.testing.checks.registry import CheckOutcome


def is_network(name: str) -> bool:
    """Return whether ``name`` is a network's and no method's."""
    networks, methods = plugins.available(plugins.NETWORKS), plugins.available(plugins.PRUNERS)
    return name.startswith(TORCHVISION) or (name in networks and name not in methods)


def network_rows(name: str, only: str | None) -> list[tuple[dict[str, Any], "CheckOutcome"]]:
    """Return a row for each rule and its outcome. Raises `UsageError` for an unknown rule in ``only``."""
    import harness.testing.network_rules  # noqa: F401 - each registers itself
    from harness.testing.network_rule import NETWORK_RULES

    if only is not None and only not in NETWORK_RULES:
        raise UsageError(
            f"unknown check {only!r} of a network{nearest(only, NETWORK_RULES)}",
            fix=f"use one of: {', '.join(NETWORK_RULES)}",
        )
    found = []
    for rule in NETWORK_RULES.values() if only is None else [NETWORK_RULES[only]]:
        outcome = _outcome(name, rule.name)
        row = {"network": name, "check": rule.name, "status": outcome.status}
        if outcome.status == "failed":
            parts = {"kind": outcome.kind, "what": outcome.what, "where": outcome.where, "why": rule.catches}
            row |= {**parts, "fix": outcome.fix}
        found.append((row, outcome))
    return found


def _outcome(name: str, rule: str) -> "CheckOutcome":
    """Return what comes of a rule; another distribution's network is asked in a process of its own."""
    from harness.plugin_process import ask
    from harness.testing.checks.registry import CheckOutcome
    from harness.testing.network_rules import network_outcome

    plugin = plugins.available(plugins.NETWORKS).get(name)
    if plugin is None:  # torchvision's
        return network_outcome(name, rule)
    try:
        return ask(plugin, network_outcome, name, rule)
    except UsageError as error:
        return CheckOutcome("failed", error.message, kind="ended", fix=error.fix)
