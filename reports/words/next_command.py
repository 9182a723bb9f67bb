"""What to type after a choice: what takes the network home, or the run that would decide."""

import shlex
from collections.abc import Mapping, Sequence
from typing import Any

from harness.evaluation.safety import Answer
from harness.reports.analysis.candidates import Axis
from harness.reports.analysis.choosing import Choice
from harness.reports.analysis.outcomes import Outcome
from harness.reports.words.taking_home import FILE, export_command
from harness.results.names import is_twin


def commands(found: Choice, facts: Mapping[str, Any], dataset: str, places: Sequence[str] = ()) -> list[str]:
    """Return what to type next: what takes the network home, or the run that would decide.

    ``dataset`` and ``places`` as `export_command` takes them. Of paths in the run only the last names are known.
    """
    network = found.ships or (found.hopeful and found.hopeful.network)
    if network:
        file = file_of(found, network)
        where = (dataset, network.group, network.network)
        return [export_command(*where, network.entry, network.density, file=file, places=places)]
    seeds = _seeds_that_decide(found)
    command = str(facts.get("command") or "")
    return [with_seeds(command, seeds)] if seeds and command else []


def file_of(found: Choice, network: Outcome) -> str:
    """Return which file to write: the one whose bytes were limited, if they were. A twin is an ONNX file alone."""
    return "network.safetensors" if Axis.BYTES in found.wanted.limits and not is_twin(network.entry) else FILE


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
