import io
from types import SimpleNamespace

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
