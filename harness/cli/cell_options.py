"""Which cell of the leaderboard a verb is about: options that several verbs share."""

from typing import Annotated

import typer

from harness.cli.completions import datasets

CELL = "Which network"

EntryOption = Annotated[
    str,
    typer.Option(
        "--entry", metavar="NAME", rich_help_panel=CELL, help="Entry as the leaderboard has it: 'lt[rate=0.75]'."
    ),
]
DensityOption = Annotated[
    float,
    typer.Option("--density", metavar="X", rich_help_panel=CELL, help="Its level, in (0, 1]: 0.0625."),
]
CellSeedOption = Annotated[int, typer.Option("--seed", metavar="N", rich_help_panel=CELL, help="Seed of the network.")]
FoldOption = Annotated[
    int | None,
    typer.Option("--fold", metavar="K", rich_help_panel=CELL, help="Fold that it was tested on, from 1."),
]
RatioOption = Annotated[
    float | None,
    typer.Option("--imbalance", metavar="X", rich_help_panel=CELL, help="Negatives per positive in its training."),
]
GroupOption = Annotated[
    str | None,
    typer.Option("--group", metavar="ID", rich_help_panel=CELL, help="Group of results, where several have it."),
]
HeldDatasetOption = Annotated[
    str | None,
    typer.Option(
        "--dataset",
        metavar="NAME",
        autocompletion=datasets,
        rich_help_panel=CELL,
        help="Data set, folder:PATH of your own images; default: the only one that has results.",
    ),
]
