import io

from rich.console import Console

from harness.progress import Reporter


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
