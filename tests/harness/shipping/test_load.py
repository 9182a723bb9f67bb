"""A network in a script of the user's own, as docs/export.md has it."""

import shutil
import subprocess
import sys

import pytest

from harness.storage.store import Store
from tests.commands import environment

SCRIPT = """
import harness
network = harness.load_network("store", "magnitude", 0.25)
import torch
images = torch.zeros(2, 3, 63, 63, dtype=torch.uint8)
print(network(images).shape, sorted(network.thresholds), network.training)
"""


@pytest.mark.long
@pytest.mark.parametrize("evicted", [False, True])
def test_a_script_without_a_guard_has_its_network(copied, evicted):
    for folder, kind in Store(copied).folders() if evicted else ():
        if kind == "train":
            shutil.rmtree(folder)
    script = copied.parent / "own.py"
    script.write_text(SCRIPT)
    done = subprocess.run(
        [sys.executable, script], cwd=copied.parent, env=environment(), capture_output=True, text=True, timeout=240
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "torch.Size([2]) ['argmax', 'deployed', 'sens95', 'youden'] False\n"
    assert ("anew" in done.stderr) == evicted
