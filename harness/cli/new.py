"""`harness new`: the beginning of something of the user's own."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from harness.cli.help import Verbs, add, example
from harness.cli.messages import show


def method_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name on the command line, such as my-method.")],
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where its folder is made.")] = Path(),
) -> None:
    """Write a distribution with a working method and its tests, to be changed into your own."""
    from harness.scaffold.new_plugin import write_plugin

    show("\n".join(_written(name, write_plugin(name, folder), f"--methods {name},lt")))


def network_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name on the command line, such as my-network.")],
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where its folder is made.")] = Path(),
) -> None:
    """Write a distribution with a working network and its tests, to be changed into your own."""
    from harness.scaffold.new_plugin import write_plugin
    from harness.scaffold.plugin_files import NETWORK

    show("\n".join(_written(name, write_plugin(name, folder, NETWORK), f"--preset smoke --network {name}")))


def dataset_(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name on the command line, such as my-dataset.")],
    folder: Annotated[Path, typer.Option("--folder", metavar="DIR", help="Where its folder is made.")] = Path(),
) -> None:
    """Write a distribution with a working data set and its tests, to be changed into your own."""
    from harness.scaffold.new_plugin import write_plugin
    from harness.scaffold.plugin_files import DATASET

    lines = _written(name, write_plugin(name, folder, DATASET), f"--preset smoke --dataset {name}")
    show("\n".join([*lines, f"The last two want images: put yours into the folder {name} of the data folder."]))


def leaderboard_(
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="The repository's folder, new or empty.")],
) -> None:
    """Write the repository of a leaderboard that several people share: layout, workflow and guides."""
    from harness.scaffold.new_leaderboard import leaderboard_files, write_leaderboard

    written = write_leaderboard(folder.absolute())
    show("\n".join([f"Written into {written}:", *(f"  {place}" for place in sorted(leaderboard_files()))]))
    show("README.md says how to set it up, CONTRIBUTING.md how to submit.")


def _written(name: str, folder: Path, run: str) -> list[str]:
    return [
        f"Written into {folder}:",
        *(f"  {path.name}" for path in sorted(folder.iterdir())),
        "It works as it is. Make it yours, and try:",
        f"  pip install -e {shlex.quote(str(folder))}",
        f"  harness check {name}",
        f"  harness run {run}",
    ]


new_verbs = typer.Typer(
    cls=Verbs,
    no_args_is_help=True,
    help="Begin a method, a network, a data set or a leaderboard of your own.",
    epilog=example("harness new method my-method"),
)
add(new_verbs, method_, "harness new method my-method")
add(new_verbs, network_, "harness new network my-network")
add(new_verbs, dataset_, "harness new dataset my-dataset")
add(new_verbs, leaderboard_, "harness new leaderboard our-leaderboard")
