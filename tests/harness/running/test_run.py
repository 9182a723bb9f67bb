import io
from types import SimpleNamespace

import pytest
from rich.console import Console

from harness.data.draw import Cutting
from harness.progress import Reporter
from harness.results.cell_record import CellRecord
from harness.running.pool import Job
from harness.running.run import CellLines


def test_what_a_method_raises_does_not_command_the_terminal():
    reporter = Reporter(Console(file=io.StringIO(), force_terminal=True, color_system=None))
    data = SimpleNamespace(cutting=Cutting(0.25, 0.25, fixed=False, split_seed=0))
    plan = SimpleNamespace(entries=[SimpleNamespace(text="mine\x1b[2J[red]")], data=data)
    hostile = "ValueError: \x1b]0;owned\x07\u202e"
    lines = CellLines(reporter, SimpleNamespace(update=lambda _: None), 1)
    lines(plan, Job(0, 3), CellRecord(density=0.5, status="failed", reason=hostile), f"Traceback:\n  {hostile}\n")
    assert reporter.console.file.getvalue().splitlines() == [
        r"[1/1] mine\x1b[2J[red] seed 3 at 50 %: failed: ValueError: \x1b]0;owned\x07\u202e",
        "Traceback:",
        r"  ValueError: \x1b]0;owned\x07\u202e",
    ]


@pytest.mark.parametrize(
    ("weights", "entry", "auc", "said"),
    [
        ("trained:01", "dense", 0.31, "use --set trained_positive=0"),
        ("trained-swapped:01", "dense", 0.31, "use --set trained_positive=1"),
        ("trained:01", "dense", 0.5, ""),
        ("trained:01", "lt", 0.31, ""),
        ("kaiming", "dense", 0.31, ""),
    ],
)
def test_a_network_of_ones_own_that_ranks_the_wrong_way_round_is_shouted_at(weights, entry, auc, said):
    reporter = Reporter(Console(file=io.StringIO(), width=400))
    dataset = SimpleNamespace(classes=("well", "ill"))
    data = SimpleNamespace(cutting=Cutting(0.25, 0.25, fixed=False, split_seed=0), dataset=lambda: dataset)
    trained = weights.startswith("trained")
    plan = SimpleNamespace(entries=[SimpleNamespace(text=entry)], data=data, weights=weights, trained=trained)
    metrics = {"validation/auc": auc, "flag/collapsed": 0.0}
    lines = CellLines(reporter, SimpleNamespace(update=lambda _: None), 1)
    lines(plan, Job(0, 3), CellRecord(density=1.0, status="done", reason="", metrics=metrics), "")
    told = reporter.console.file.getvalue()
    assert f"validation AUC {auc:.3f}" in told
    assert ("THE WRONG WAY ROUND, 'ill' below 'well'" in told) == bool(said)
    assert said in told
