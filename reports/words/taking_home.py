"""The command that takes a network from the leaderboard home."""

import shlex
from collections.abc import Mapping
from typing import Any

from harness.reports.analysis.design import Network

ENTRY, SHARE = "ENTRY", "SHARE"
"""What stands in the command until a reader has chosen an entry and a level."""


def export_command(
    facts: Mapping[str, Any], network: Network, group: str, entry: str = ENTRY, density: float | None = None
) -> str:
    """Return the command for one network, ``facts`` the provenance of its board; run it where the store is.

    ``group`` is the board's, which a network of a fold does without.
    """
    fold, seed = network
    share = SHARE if density is None else f"{density!r}"
    words = ["harness", "export", "--dataset", f"{facts['dataset']}", "--entry", entry, "--density", share]
    words += ["--seed", f"{seed}", *(["--fold", f"{fold}"] if fold else ["--group", group])]
    if facts.get("imbalance") is not None:
        words += ["--imbalance", f"{facts['imbalance']:g}"]
    return shlex.join([*words, "-o", "network.onnx"])
