"""`harness new`: the beginning of something of the user's own."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.messages import show

new_verbs = typer.Typer(no_args_is_help=True, help="Begin a method of your own.")


@new_verbs.command("method")
def method_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name on the command line, such as my-method.")],
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where its folder is made.")] = Path(),
) -> None:
    """Write a distribution with a working method and its tests, to be changed into your own."""
    from harness.scaffold.new_method import write_method

    show("\n".join(_written(name, write_method(name, folder))))


def _written(name: str, folder: Path) -> list[str]:
    return [
        f"Written into {folder}:",
        *(f"  {path.name}" for path in sorted(folder.iterdir())),
        "It works as it is. Make it yours, and try:",
        f"  pip install -e {shlex.quote(str(folder))}",
        f"  harness check {name}",
        f"  harness run --methods {name},lt",
    ]
