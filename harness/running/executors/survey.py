"""What a cluster's machines are, asked in a process of its own: ``python -m``, with the cluster's address.

So the command itself, which forks, has no thread of the cluster's software before it begins to run jobs.
"""

import json
import subprocess
import sys

from harness.errors import HarnessError, MachineError
from harness.planning.hardware import OtherMachines

LIMIT_S = 180.0


def survey(address: str) -> OtherMachines:
    """Return what the machines of the cluster at ``address`` are. Raises `MachineError`."""
    try:
        asked = subprocess.run(
            [sys.executable, "-P", "-m", __name__, address],
            capture_output=True,
            text=True,
            check=False,
            timeout=LIMIT_S,
        )
    except subprocess.TimeoutExpired:
        raise MachineError(
            f"no node of the cluster at {address} said what it is in {LIMIT_S:g} s",
            fix="see by `ray status` whether others have all of it",
        ) from None
    last = asked.stdout.strip().rpartition("\n")[2]
    try:
        answer = json.loads(last)
    except ValueError:
        said = asked.stderr.strip()[-400:]
        raise MachineError(f"the cluster at {address} cannot be asked: {said}", fix="see `ray status`") from None
    if "error" in answer:
        raise MachineError(answer["error"], fix=answer["fix"])
    return OtherMachines(**answer)


def machine(device: str) -> tuple[str, str]:
    """Return the environment class and the precision of the machine that this runs on."""
    from harness.environment import environment_class, native_precision

    return environment_class(device), native_precision(device)


def main() -> None:
    """Print what the machines are as one line of JSON."""
    from harness.running.executors.ray import RayCluster

    cluster = RayCluster(sys.argv[1], 0)
    try:
        print(json.dumps(cluster.survey(machine)))
    except HarnessError as error:
        print(json.dumps({"error": error.message, "fix": error.fix}))
    finally:
        cluster.close()


if __name__ == "__main__":
    main()
