"""The networks by name: a new one is a file of its own and a line here. No torch: the command line lists them."""

import pkgutil
from typing import TYPE_CHECKING

from harness.errors import UsageError, nearest

if TYPE_CHECKING:
    from harness.networks.architecture import Network

FACTORIES: dict[str, "str | type[Network]"] = {
    "alexnet": "harness.networks.alexnet:AlexNet",
    "alexnet-bn": "harness.networks.alexnet:AlexNetBN",
    "efficientnet-lite0": "harness.networks.efficientnet_lite0:EfficientNetLite0",
    "mobilenet-v1": "harness.networks.mobilenet_v1:MobileNetV1",
    "resnet18": "harness.networks.resnet:ResNet18",
    "small-cnn": "harness.networks.small_cnn:SmallCNN",
    "vgg16": "harness.networks.vgg:VGG16",
}
"""Each network's class, or where it is: what rebuilds networks must not depend on all of them."""

INTERNAL: dict[str, "str | type[Network]"] = {"linear-probe": "harness.networks.linear_probe:LinearProbe"}
"""Networks that the harness builds for itself: results name them, users do not."""


def require_network(name: str) -> None:
    """Raise `UsageError` naming the nearest network where ``name`` is none that a user may ask for."""
    if name not in FACTORIES:
        raise UsageError(
            f"unknown network {name!r}{nearest(name, FACTORIES)}", fix=f"use one of: {', '.join(FACTORIES)}"
        )


def factory_of(name: str) -> "type[Network]":
    """Return the class of the network ``name``. Raises `UsageError` naming the nearest one."""
    if name not in INTERNAL:
        require_network(name)
    written = INTERNAL.get(name) or FACTORIES[name]
    factory: type[Network] = pkgutil.resolve_name(written) if isinstance(written, str) else written
    return factory
