import io

from rich.console import Console

from harness.reports.analysis.group_comparison import compare_groups
from harness.reports.terminal_groups import side_by_side


def test_each_entry_stands_with_both_figures_and_an_answer_in_80_columns(make, join):
    first = make(seeds=(0, 1, 2), group="aa", schedule={"epochs": 1})
    second = make(seeds=(0, 1, 2), group="bb", schedule={"epochs": 10})
    console = Console(width=80, record=True, file=io.StringIO())
    console.print(side_by_side(compare_groups(join(first, second), "aa", "bb")))
    text = console.export_text()
    assert max(map(len, text.splitlines())) <= 80
    assert "epochs 1 and 10" in text
    (line,) = [line for line in text.splitlines() if line.startswith("lt")]
    assert line.split()[1] == "50%"
    assert line.split()[-1] == "equivalent"
