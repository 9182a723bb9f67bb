from rich.text import Text

from harness.cli.messages import say, show

HOSTILE = "a\x1b[2J\u202e [bold]:warning:\nb"
SHOWN = r"a\x1b[2J\u202e [bold]:warning:" + "\nb\n"


def test_what_is_said_and_shown_has_every_character_visible_and_no_markup(capsys):
    say(HOSTILE, "red")
    show(HOSTILE)
    out, err = capsys.readouterr()
    assert (out, err) == (SHOWN, SHOWN)


def test_a_table_is_shown_as_it_was_built(capsys):
    show(Text("a\nb", style="bold"))
    assert capsys.readouterr().out == "a\nb\n"
