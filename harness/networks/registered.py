"""The networks by name: entry points, ours by the same path as a third party's. No torch: the command line lists them.

A network that is asked for is imported in the process that asks; nothing else imports another distribution's.
"""

import pkgutil
from typing import TYPE_CHECKING, Any

from harness import plugins
from harness.errors import UsageError, nearest

if TYPE_CHECKING:
    from harness.networks.architecture import Network

LINEAR_PROBE = "linear-probe"

INTERNAL: dict[str, "str | type[Network]"] = {
    LINEAR_PROBE: "harness.networks.linear_probe:LinearProbe",
    "stand-in": "harness.networks.stand_in:StandIn",
}
"""What only the harness itself builds, and no user names: a class, or where it is. A registered name comes first."""

TORCHVISION = "torchvision:"
"""Before the name of a model of torchvision's."""

HELD_TO = (
    *("resnet18", "resnet50", "mobilenet_v2", "mobilenet_v3_small", "efficientnet_b0", "convnext_tiny", "densenet121"),
    "shufflenet_v2_x1_0",
)
"""The models that every test of a network is run on; any other one is at the user's risk."""

_CLASSIFIER = "harness.networks.torchvision_classifier:classifier"


def built_in() -> tuple[str, ...]:
    """Return the names of the harness's own networks that a user may ask for."""
    return tuple(name for name, plugin in plugins.available(plugins.NETWORKS).items() if plugin.is_ours)


def factory_of(name: str) -> "type[Network]":
    """Return the class of the network ``name``; its module is imported.

    Raises `UsageError` naming the nearest one, or the rule that what is registered breaks.
    """
    known = plugins.available(plugins.NETWORKS)
    if name.startswith(TORCHVISION):
        theirs: type[Network] = pkgutil.resolve_name(_CLASSIFIER)(name.removeprefix(TORCHVISION))
        return theirs
    if name in known:
        return _checked(known[name].load(), known[name])
    if name in INTERNAL:
        written = INTERNAL[name]
        factory: type[Network] = pkgutil.resolve_name(written) if isinstance(written, str) else written
        return factory
    raise unknown_network(name)


def unknown_network(name: str) -> UsageError:
    """Return the error that no network is called ``name``, with the nearest one that is."""
    known = plugins.available(plugins.NETWORKS)
    if name in HELD_TO:
        return UsageError(f"unknown network {name!r}", fix=f"write {TORCHVISION}{name} for torchvision's")
    return UsageError(
        f"unknown network {name!r}{nearest(name, known)}", fix=f"use one of: {', '.join(known)}, {TORCHVISION}NAME"
    )


def _checked(found: Any, plugin: plugins.Plugin) -> "type[Network]":
    from harness.networks.architecture import Network

    if isinstance(found, type) and issubclass(found, Network):
        return found
    raise UsageError(
        f"network {plugin.name!r} of {plugin.source} is no network: {plugin.entry_point.value} is not a class derived"
        " from harness.networks.Network",
        fix="derive it, and register the class itself (docs/plugins.md)",
    )
