"""What makes a published run another run: here the method's code."""

from pathlib import Path

import pytest

from harness.canonical import digest
from harness.entries import entry_of
from harness.method_code import code_of

METHODS = Path(__file__).parents[2] / "methods"


@pytest.mark.parametrize(
    ("method", "files"),
    [
        ("l-obs", ["l_obs.py", "layer_hessians.py"]),
        ("class-dependent-lt", ["class_dependent_lt.py", "lt.py"]),
        ("snip", ["snip.py"]),
    ],
)
def test_a_change_in_any_file_of_a_method_makes_another_run(method, files):
    code = code_of(entry_of(method, {}))
    own = {path.name for path in METHODS.glob("*.py") if digest(path.read_text("utf-8")) in code}
    assert own == set(files)
