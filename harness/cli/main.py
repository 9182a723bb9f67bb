"""The command line. Nothing heavy is imported before a verb needs it: `harness --help` loads no torch."""

import contextlib
import io
import os
import signal
import sys
import traceback
from types import FrameType
from typing import Annotated, NoReturn

import typer

from harness import __version__
from harness.cli.bundle import bundle
from harness.cli.check import check
from harness.cli.choose import choose
from harness.cli.config import config
from harness.cli.data import data_verbs
from harness.cli.doctor import doctor
from harness.cli.export import export
from harness.cli.gate import gate
from harness.cli.help import Verbs, add, example
from harness.cli.list import list_
from harness.cli.measure import measure
from harness.cli.messages import say
from harness.cli.new import new_verbs
from harness.cli.plan_study import plan_study
from harness.cli.publish import publish
from harness.cli.report import report
from harness.cli.run import run
from harness.cli.store import store_
from harness.cli.tune import tune
from harness.cli.verify import verify
from harness.errors import HarnessError, MachineError
from harness.outgoing.streams import guard_streams

app = typer.Typer(
    name="harness",
    help="Pruning methods side by side on imbalanced images: how small before a network misses more positives?",
    no_args_is_help=True,
    rich_markup_mode=None,
    cls=Verbs,
    epilog=example("harness run --preset smoke"),
    pretty_exceptions_enable=False,
)
add(app, run, "harness run --dataset isic-sim --methods magnitude,lt")
add(app, tune, "harness tune --methods lt,snip --trials 30")
add(app, report, "harness report --dataset isic")
add(app, publish, "harness publish site --dataset isic")
add(app, bundle, "harness bundle isic.zip --author 'Ada L.'")
add(app, choose, "harness choose --max-loss 0.05 --max-bytes 200kB")
add(app, export, "harness export --entry snip --density 0.25 -o snip.onnx")
add(app, measure, "harness measure --entry lt --density 0.25")
add(app, gate, "harness gate new.csv --against old.csv --max-loss 0.05")
add(app, list_, "harness list methods")
add(app, check, "harness check 'lt[rate=0.75]' --full")
app.add_typer(new_verbs, name="new")
app.add_typer(data_verbs, name="data")
add(app, store_, "harness store --shrink-to 20GB")
add(app, config, "harness config quick > my.toml")
add(app, plan_study, "harness plan-study --positives 75 --seeds 5 --entries 8")
add(app, verify, "harness verify --rerun 5%")
add(app, doctor, "harness doctor --store harness-store")


_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_STOP_S = 9
"""Seconds for workers to end, and whatever else is in hand; they end by themselves once this process is gone."""


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
    """Stop in order at the first signal; further ones are ignored, and where order takes too long it is cut short."""
    for one in _SIGNALS:
        signal.signal(one, signal.SIG_IGN)
    signal.signal(signal.SIGALRM, lambda *_: os._exit(128 + number))
    signal.alarm(_STOP_S)
    raise Stopped(number)


def main() -> None:
    """Run the command line; every expected failure ends with its message on stderr and its exit code."""
    for stream in (sys.stdout, sys.stderr):  # an argument may hold bytes that are no text, a terminal know few signs
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    guard_streams()
    for number in _SIGNALS:
        signal.signal(number, _stop)
    try:
        app(standalone_mode=True, prog_name="harness")  # the same for python -m harness
    except HarnessError as error:
        _fail(f"error: {error}", error.exit_code)
    except OSError as error:  # what the system refused, wherever: a disk, a folder, a name that is too long
        _fail(f"error: {_refused(error)}", MachineError.exit_code)
    except Stopped as stop:
        say("Stopped. Every finished stage is kept: the same command continues.", "yellow")
        with contextlib.suppress(OSError):
            sys.stdout.flush()
        os._exit(128 + stop.args[0])  # now: what libraries do at the end takes as long as they like
    except Exception:  # our bug; by Python's own hook a message could command the terminal
        _fail(traceback.format_exc().rstrip(), HarnessError.exit_code)


def _refused(error: OSError) -> MachineError:
    where = f"{str(error.filename)[:200]}: " if error.filename else ""
    return MachineError(
        f"the system refused: {where}{error.strerror or error}", fix="mend the disk, the permissions or the name"
    )


def _fail(text: str, code: int, style: str = "red") -> NoReturn:
    say(text, style)
    sys.exit(code)
