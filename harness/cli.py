"""The command line. Nothing heavy is imported before a verb needs it: `harness --help` loads no torch."""

import signal
import sys
from types import FrameType
from typing import Annotated, NoReturn

import typer

from harness import __version__, cli_check, cli_data, cli_inspect, cli_new, cli_results, cli_run, cli_tune
from harness.errors import HarnessError
from harness.messages import say

app = typer.Typer(
    name="harness",
    help="Pruning methods side by side on imbalanced images: how small before a network misses more positives?",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
app.command()(cli_run.run)
app.command()(cli_tune.tune)
app.command()(cli_results.report)
app.command()(cli_results.publish)
app.command("list")(cli_inspect.list_)
app.command()(cli_check.check)
app.add_typer(cli_new.app, name="new")
app.add_typer(cli_data.app, name="data")
app.command("store")(cli_inspect.store_)


class Stopped(BaseException):
    """SIGINT or SIGTERM, whose number it carries: stop now; what is finished is kept."""


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"harness {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and stop.")
    ] = False,
) -> None:
    """Compare pruning methods on imbalanced images: how small before a network misses more positives?"""  # noqa: D400


def _stop(number: int, _frame: FrameType | None) -> NoReturn:
    raise Stopped(number)


def main() -> None:
    """Run the command line; every expected failure ends with its message on stderr and its exit code."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _stop)
    try:
        app(standalone_mode=True)
    except HarnessError as error:
        _fail(f"error: {error}", error.exit_code)
    except Stopped as stop:
        _fail("Stopped. Every finished stage is kept: the same command continues.", 128 + stop.args[0], "yellow")


def _fail(text: str, code: int, style: str = "red") -> NoReturn:
    say(text, style)
    sys.exit(code)
