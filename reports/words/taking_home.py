"""The command that takes a network from the leaderboard home."""

import re
import shlex
from collections.abc import Sequence

from harness.reports.analysis.design import Network

ENTRY, SHARE = "ENTRY", "SHARE"
"""What stands in the command until a reader has chosen an entry and a level."""

FILE = "network.onnx"

_OWN_IMAGES = re.compile(r"(folder|csv)-.+")
"""What results on a user's own images are kept under: the kind, and the last name of the path, which is all of it."""


def export_command(
    dataset: str,
    group: str,
    network: Network,
    entry: str = ENTRY,
    density: float | None = None,
    *,
    file: str = FILE,
    places: Sequence[str] = (),
) -> str:
    """Return the command for one network, which is in the results of ``group``.

    ``dataset`` is as results are kept or as a user typed it; ``places`` are the options that say where results are,
    without which it is run where the store is.
    """
    fold, seed = network
    share = SHARE if density is None else f"{density:.12g}"
    words = ["harness", "export", "--dataset", typed(dataset), "--entry", entry, "--density", share]
    words += ["--seed", f"{seed}", *(["--fold", f"{fold}"] if fold else []), "--group", group, *places]
    return shlex.join([*words, "-o", file])


def typed(dataset: str) -> str:
    """Return how a data set is asked for; PATH stands for the place of a user's own images, which is not published."""
    own = _OWN_IMAGES.fullmatch(dataset)
    return f"{own[1]}:PATH" if own else dataset
