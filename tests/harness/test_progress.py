import io
import re

from rich.console import Console

from harness.progress import EVERY_S, Reporter, about, hours


def reporter(terminal):
    return Reporter(
        Console(file=io.StringIO(), force_terminal=terminal, width=100, color_system=None, legacy_windows=False)
    )


def test_a_note_commands_no_terminal_and_keeps_its_lines():
    told = reporter(terminal=False)
    told.note("ValueError: \x1b]0;owned\x07\u202e [red]\n  line :bomb:", style="dim")
    assert told.console.file.getvalue() == "ValueError: \\x1b]0;owned\\x07\\u202e [red]\n  line :bomb:\n"


def test_a_bar_shows_a_name_as_it_is():
    told = reporter(terminal=True)
    with told.task("checking lt[rate=0.5][/x]\x1b[2J", 3, "checks") as task:
        task.update(1)
    text = told.console.file.getvalue()
    assert "checking lt[rate=0.5][/x]\\x1b[2J" in text
    assert "\x1b[2J" not in text


def told(terminal, width=80, quiet=False):
    console = Console(file=io.StringIO(), force_terminal=terminal, width=width, color_system=None, legacy_windows=False)
    return Reporter(console, quiet=quiet)


def shown(reporter):
    """Return what was written to a terminal, line by line, without what moves its cursor."""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", reporter.console.file.getvalue()).replace("\r", "\n").split("\n")


def test_at_eighty_columns_nothing_wraps():
    reporter = told(terminal=True)
    with reporter.task("Training and scoring", 12345, "cells") as task:
        task.update(12344)
        task.within(7800, ["lt[rate=0.5] seed 0 at 25 %: training, step 45 of 150" + 40 * "y", "snip\x1b[2J"])
        reporter._bar.refresh()
    lines = shown(reporter)
    assert max(map(len, lines)) <= 80
    assert any("12344/12345 cells" in line and "about" in line for line in lines)
    assert "  snip\\x1b[2J" in lines


def test_a_plain_line_has_the_count_the_time_left_and_each_worker_and_is_cut(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("harness.progress.time.monotonic", lambda: now[0])
    reporter = told(terminal=False)
    with reporter.task("Training", 30, "cells") as task:
        task.update(4)
        now[0] = EVERY_S
        task.within(700, ["lt at 25 %: step 3 of 9", 100 * "y"])
    assert reporter.console.file.getvalue().splitlines() == [
        "Training: 4 of 30 cells, about 12 min left",
        "  lt at 25 %: step 3 of 9",
        "  " + 77 * "y" + "…",
    ]


def test_eight_hours_give_hundreds_of_lines_and_not_thousands(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("harness.progress.time.monotonic", lambda: now[0])
    reporter = told(terminal=False)
    with reporter.task("Training", None, "cells") as task:
        for half_second in range(8 * 3600 * 2):
            now[0] = half_second / 2
            task.within(None)
    assert 100 < len(reporter.console.file.getvalue().splitlines()) < 500


def test_a_quiet_reporter_has_warnings_alone():
    for terminal in (True, False):
        reporter = told(terminal=terminal, quiet=True)
        reporter.note("nothing")
        with reporter.task("Training", 1, "cells") as task:
            task.update(1)
        reporter.warn("a warning")
        assert reporter.console.file.getvalue() == "a warning\n"


def test_times_in_words():
    assert [about(seconds) for seconds in (0, 12, 57, 58, 95, 3540, 3590, 5000, 6000, 7500, 200_000)] == [
        *("5 s", "10 s", "55 s", "1 min", "2 min", "59 min", "1 h", "1 h 23 min", "1 h 40 min", "2 h", "55 h 30 min")
    ]
    assert [hours(seconds) for seconds in (0.4, 59.4, 59.6, 680, 3600, 3661, 7500)] == [
        *("0 s", "59 s", "1 min", "11 min 20 s", "1 h", "1 h 1 min", "2 h 5 min")
    ]
