import subprocess
import sys

import pytest

from harness.training.schedule import OPTIMISERS

CODE = """
from torch import nn
from harness.running.process_state import Code
from harness.running.warm_up import step_without_gradients
from harness.training.optimisers import optimiser_of
from harness.training.schedule import Schedule

{first}
code = Code()
optimiser_of(nn.Linear(2, 2), Schedule(optimiser="{name}"))
print(code.changes())
"""


@pytest.mark.parametrize("name", OPTIMISERS)
def test_after_the_warm_up_an_optimiser_changes_nothing_that_decides_bits(name):
    """Torch wraps the step of an optimiser's class when the first is made, which jobs would answer for."""
    warm, cold = (
        subprocess.run(
            [sys.executable, "-P", "-c", CODE.format(name=name, first=first)],
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for first in ("step_without_gradients(nn.Linear(2, 2))", "")
    )
    assert warm == "[]"
    assert ".step" in cold
