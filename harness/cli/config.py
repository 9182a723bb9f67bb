"""`harness config`: a configuration file to begin with."""

from typing import Annotated

import typer

from harness.cli import completions
from harness.cli.messages import show


def config(
    preset: Annotated[
        str | None,
        typer.Argument(
            metavar="PRESET",
            autocompletion=completions.presets,
            help="Set every key as this preset has it; default: all defaults, none of them set.",
        ),
    ] = None,
) -> None:
    """Print every key of a configuration with its meaning and its value, as a TOML file for --config."""
    from harness.planning.sample_file import sample_file

    show(sample_file(preset).rstrip("\n"))
