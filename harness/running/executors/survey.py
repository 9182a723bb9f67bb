"""What a cluster's machines are, asked in a process of its own: ``python -m``, with its address and a device.

So the command itself, which forks, has no thread of the cluster's software before it begins to run jobs.
"""

import functools
import json
import subprocess
import sys
from typing import Any

from harness.errors import HarnessError, MachineError
from harness.planning.hardware import OtherMachines
from harness.training.schedule import Device

LIMIT_S = 180.0


def survey(address: str) -> OtherMachines:
    """Return what the machines of the cluster at ``address`` are, its GPUs asked once that is wanted.

    Raises `MachineError`, then too.
    """

    @functools.cache
    def answer(device: Device) -> dict[str, Any]:
        return _answer(address, device)

    return OtherMachines(answer("cpu")["counts"], lambda device: answer(device)["told"])


def _answer(address: str, device: Device) -> dict[str, Any]:
    try:
        asked = subprocess.run(
            [sys.executable, "-P", "-m", __name__, address, device],
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise MachineError(
            f"no node of the cluster at {address} said what it is on {device} in {LIMIT_S:g} s",
            fix="see by `ray status` whether others have all of it, or use --set training.device=cpu",
        ) from None
    last = asked.stdout.strip().rpartition("\n")[2]
    try:
        answer: dict[str, Any] = json.loads(last)
    except ValueError:
        said = asked.stderr.strip()[-400:]
        raise MachineError(f"the cluster at {address} cannot be asked: {said}", fix="see `ray status`") from None
    if "error" in answer:
        raise MachineError(answer["error"], fix=answer["fix"])
    return answer


def machine(device: str) -> tuple[str, str]:
    """Return the environment class and the precision of the machine that this runs on."""
    from harness.environment import environment_class, native_precision

    return environment_class(device), native_precision(device)


def main() -> None:
    """Print what the machines are as one line of JSON."""
    from harness.running.executors.ray import RayCluster

    cluster = RayCluster(sys.argv[1], 0)
    try:
        print(json.dumps(cluster.survey(machine, sys.argv[2])))
    except HarnessError as error:
        print(json.dumps({"error": error.message, "fix": error.fix}))
    finally:
        cluster.close()


if __name__ == "__main__":
    main()
