"""The rules of data sets that are about processes: what is the same in each, and what one must not do to its own."""

import inspect
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import torch

from harness.testing.case.failures import CheckFailed
from harness.testing.case.watchers import RECORDER, global_state
from harness.testing.dataset_case import DatasetCase, case_of
from harness.testing.dataset_rule import dataset_rule
from harness.testing.dataset_rules import some
from harness.testing.registered_rule import require

_ELSEWHERE = (
    "import json, sys; from harness.testing.dataset_process_rules import told; print(json.dumps(told(*sys.argv[1:])))"
)
_LIMIT_S = 50.0


@dataset_rule(
    "draw from a generator that a constant seeds, np.random.default_rng((3, index)); keep nothing between calls"
)
def two_calls_are_the_same(case: DatasetCase) -> None:
    """Catch labels, an order or pixels that global random state or an earlier call decides."""
    first = case.summary()
    with _other_random_states():
        _require_same(first, case.summary(), "the second time")


@contextmanager
def _other_random_states() -> Iterator[None]:
    """Put the global random states where nobody else does, and back."""
    state = random.getstate(), np.random.get_state(), torch.get_rng_state()
    try:
        random.seed(8_191)
        np.random.seed(8_191)
        torch.manual_seed(8_191)
        yield
    finally:
        random.setstate(state[0])
        np.random.set_state(state[1])
        torch.set_rng_state(state[2])


@dataset_rule("sort what comes from a set, hash() or a listing; let nothing depend on time, process or machine")
def a_fresh_process_is_the_same(case: DatasetCase) -> None:
    """Catch what differs from process to process: a resumed run would go on with other images or other labels."""
    first = case.summary()
    hashes = "1" if os.environ.get("PYTHONHASHSEED") == "2" else "2"
    path = os.pathsep.join(filter(None, sys.path))
    done = subprocess.run(
        [sys.executable, "-P", "-c", _ELSEWHERE, case.written, str(case.root)],
        env={**os.environ, "PYTHONHASHSEED": hashes, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        timeout=_LIMIT_S,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["nothing"])[-1]
        raise CheckFailed(f"a fresh process ended with exit code {done.returncode}; it wrote: {last}")
    _require_same(first, json.loads(done.stdout.splitlines()[-1]), "in a fresh process")


def told(written: str, root: str) -> dict[str, Any]:
    """Return the summary of a data set, asked in this process."""
    return case_of(written, root).summary()


def _require_same(first: Mapping[str, Any], second: Mapping[str, Any], when: str) -> None:
    other = [name for name in first if first[name] != second[name]]
    require(not other, f"{when} {some(other)} differ")


@dataset_rule("use generators of your own; set nothing that others share")
def global_state_is_untouched(case: DatasetCase) -> None:
    """Catch random states, variables and folders that the rest of the process meets afterwards."""
    case.summary()  # what is imported or made when first asked for is no matter
    with _other_random_states():
        before = global_state()
        case.summary()
        after = global_state()
    moved = [name for name in before if before[name] != after[name]]
    require(not moved, f"it changes {some(moved)}")


@dataset_rule("read below the folder that samples is given, or what your distribution brings; write nowhere else")
def keeps_to_its_folder(case: DatasetCase) -> None:
    """Catch files that no other machine has, traces elsewhere, and downloads nobody asked for."""
    case.summary()
    RECORDER.install(*_homes(case))
    with RECORDER.listening():
        case.summary()
    require(not RECORDER.opened, f"it opens {some(sorted(set(RECORDER.opened)))}")
    require(not RECORDER.connected, f"it connects: {some(RECORDER.connected)}")


def _homes(case: DatasetCase) -> list[Path]:
    """Return the folders that a data set may read: its data's, its code's, and those of installed distributions."""
    source = inspect.getsourcefile(type(case.dataset))
    folders = [case.folder] if case.dataset.in_folder or case.asked.path is not None else []
    if case.asked.path is not None and case.folder.is_file():
        folders = [case.folder.parent]
    code = [Path(source).parent] if source else []
    installed = [Path(place) for place in sys.path if place.endswith(("site-packages", "dist-packages"))]
    return [folder.absolute() for folder in (*folders, *code, *installed)]
