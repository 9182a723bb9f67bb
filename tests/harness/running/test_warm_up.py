import json
import subprocess
import sys

from harness.training.schedule import OPTIMISERS

CODE = """
import json
from torch import nn
from harness.running.process_state import Code
from harness.running.warm_up import step_without_gradients
from harness.training.optimisers import optimiser_of
from harness.training.schedule import OPTIMISERS, Schedule

{first}
changes = {{}}
for name in OPTIMISERS:
    code = Code()
    optimiser_of(nn.Linear(2, 2), Schedule(optimiser=name))
    changes[name] = code.changes()
print(json.dumps(changes))
"""


def changes(first):
    """Return what the first optimiser of each kind changes in a fresh process."""
    ran = subprocess.run(
        [sys.executable, "-P", "-c", CODE.format(first=first)], check=True, capture_output=True, text=True
    )
    return json.loads(ran.stdout)


def test_after_the_warm_up_an_optimiser_changes_nothing_that_decides_bits():
    """Torch wraps the step of an optimiser's class when the first is made, which jobs would answer for."""
    assert changes("step_without_gradients(nn.Linear(2, 2))") == {name: [] for name in OPTIMISERS}
    assert all(any(".step" in change for change in found) for found in changes("").values())
