"""What to type after a choice: what takes the network home, or the run that would decide."""

import shlex
from collections.abc import Mapping
from typing import Any

from harness.evaluation.safety import Answer
from harness.reports.analysis.candidates import Candidate
from harness.reports.analysis.choosing import Choice


def commands(found: Choice, facts: Mapping[str, Any], dataset: str, *, several: bool) -> list[str]:
    """Return what to type next: what takes the network home, or the run that would decide.

    ``several``: the results have more than one group.
    """
    if found.chosen is not None:
        return [export_command(found.chosen, dataset, several=several)]
    if found.hopeful is not None:
        return [export_command(found.hopeful, dataset, several=several)]
    seeds = _seeds_that_decide(found)
    command = str(facts.get("command") or "")
    return [with_seeds(command, seeds)] if seeds and command else []


def export_command(one: Candidate, dataset: str, *, several: bool) -> str:
    """Return the command that writes the network to a file."""
    cell = one.network
    words = ["harness", "export", "--dataset", dataset, "--entry", one.entry, "--density", f"{one.density:.12g}"]
    words += ["--seed", str(cell.seed), *(["--fold", str(cell.fold)] if cell.fold else [])]
    words += [*(["--group", cell.group] if several else []), "-o", "network.onnx"]
    return shlex.join(words)


def _seeds_that_decide(found: Choice) -> int | None:
    if any(one.stop and one.stop.answer == Answer.ANECDOTE for one in found.fitting):
        return 3
    return found.nearest.needed.networks if found.nearest and found.nearest.needed else None


def with_seeds(command: str, seeds: int) -> str:
    """Return a `harness run` with so many seeds in the place of those that it had."""
    try:
        words = shlex.split(command)
    except ValueError:
        return ""
    kept: list[str] = []
    skipping = False
    for word in words:
        if skipping or word.startswith("--seeds="):
            skipping = False
        elif word == "--seeds":
            skipping = True
        else:
            kept.append(word)
    return shlex.join([*kept, "--seeds", str(seeds)])
