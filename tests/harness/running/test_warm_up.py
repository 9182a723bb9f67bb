import json
import os
import subprocess
import sys

import pytest

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


SHARED = """
import os, sys, threading
from pathlib import Path
from harness.data.loading import image_set, read_images
from harness.planning.configuration_file import load_configuration
from harness.planning.planner import Flags, build_plan
from harness.running import warm_up
from harness.storage.mirror import local_folder_of
from harness.storage.remote import Remote

def planned(machine):
    os.environ["XDG_CACHE_HOME"] = f"{sys.argv[1]}/{machine}"
    store = local_folder_of("s3://bucket/images")
    flags = {"data": {"name": "crack-sim", "size": 64}, "network": "small-cnn", "weights": "kaiming"}
    return build_plan(load_configuration("smoke", None, [], flags), Flags("smoke", None, store))[0]

def read(self, name):
    asked.append(name)
    return real(self, name)

asked, real, Remote.read = [], Remote.read, read
machine = sys.argv[2]
plan = planned(machine)
assert plan.shared == "s3://bucket/images"
if machine == "two":
    warm_up._bring_images(plan)
    assert [thread.name for thread in threading.enumerate()] == ["MainThread"]
found = image_set(plan.data, plan.store)
print(len(found.ids), len(asked), int(found.images.sum()))
"""


def images_on(machine, place, variables):
    command = [sys.executable, "-P", "-c", SHARED, str(place), machine]
    ran = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, **variables})
    assert ran.returncode == 0, ran.stderr
    return [int(word) for word in ran.stdout.split()]


@pytest.mark.slow
def test_a_worker_has_the_images_from_object_storage_and_no_thread_from_it(tmp_path, object_storage):
    """A worker forks: what speaks to the storage has threads, and is a child."""
    drawn, asked, pixels = images_on("one", tmp_path, object_storage.variables)
    assert drawn > 0
    assert asked > 0
    assert images_on("two", tmp_path, object_storage.variables) == [drawn, 0, pixels]
