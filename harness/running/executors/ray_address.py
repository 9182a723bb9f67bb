"""Where a Ray cluster is: what is said of an address before Ray itself is loaded."""

import importlib.util
import socket

from harness.errors import MachineError, UsageError

REACH_S = 5.0
AUTO = "auto"
_ASK = "pip install 'prune-harness[ray]'"


def require_ray() -> None:
    """Raise `MachineError` where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise MachineError("--executor ray: Ray is not installed", fix=_ASK)


def check_address(address: str) -> None:
    """Raise `UsageError` for what is no address of a cluster, and `MachineError` where nobody listens there."""
    if address == AUTO:
        return
    host, _, port = address.rpartition(":")
    if not host or not port.isdecimal() or "/" in address:
        raise UsageError(f"--ray-address {address[:100]!r} is no address", fix="write HOST:PORT, or auto")
    try:
        socket.create_connection((host.strip("[]"), int(port)), REACH_S).close()
    except (OSError, OverflowError) as error:
        raise unreachable(address, str(error)) from error


def unreachable(address: str, why: str) -> MachineError:
    """Return the error of a cluster that does not answer."""
    return MachineError(
        f"no Ray cluster answers at {address}: {why}",
        fix="see that `ray status` answers on this machine, which must have joined the cluster (docs/scale.md)",
    )


def answers(host: str, port: str) -> bool:
    """Return whether anybody listens there."""
    try:
        socket.create_connection((host, int(port)), REACH_S).close()
    except (OSError, OverflowError):
        return False
    return True
