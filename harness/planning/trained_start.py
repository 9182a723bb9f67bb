"""W0 as a network that its user trained elsewhere: what is refused, how it is named, and what is said of it."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from harness.adopted.adopted_network import adopted_state, zeros_in
from harness.data.locating import DataPlan
from harness.errors import UsageError
from harness.initial.weights_choice import AUTO, IMAGENET, SCRATCH, SIMULATED, TRAINED, TRAINED_SWAPPED, Weights
from harness.initial.weights_file import file_digest
from harness.networks.architecture import Architecture
from harness.planning.configuration import Configuration
from harness.planning.entries import Entry

COMMON: dict[str, Any] = {"criterion": "magnitude"}
"""Parameters that methods get unless they are given: what a training changed of W0 is nothing where W0 is trained."""

_SPARSE = 0.05
"""Share of zeros from which a network is said to be pruned already."""


def trained_start(options: Configuration) -> tuple[Weights, list[str]]:
    """Return W0's name and file under ``trained``, and notes on it, once it is read as the network that is named.

    Raises `UsageError` with all that does not go together, `DataError` for a file that does not fit.
    """
    if faults := [*_faults(options)]:
        raise UsageError("--trained cannot be had so", faults=faults, fix="docs/own-network.md has an example")
    path, swapped = Path(options.weights), options.trained_positive == 0
    state = adopted_state(path, Architecture(options.network), swapped=swapped)
    name = f"{TRAINED_SWAPPED if swapped else TRAINED}:{file_digest(path)}"
    return Weights(name, str(path.absolute())), [*_remarks(path, zeros_in(state))]


def _faults(options: Configuration) -> Iterator[str]:
    if options.weights in (AUTO, IMAGENET, SIMULATED, SCRATCH):
        yield f"weights is {options.weights!r}, which has no head: name the file of your network by --weights FILE"
    elif not Path(options.weights).is_file():
        yield f"weights: there is no file {options.weights!r}"
    if options.data.folds:
        yield (
            f"data.folds is {options.data.folds}: folds test every image, those too that your one network was trained"
            " on; use --folds 0, and test images of your own"
        )


def _remarks(path: Path, zeros: float) -> Iterator[str]:
    yield (
        f"the dense network is your own, {path}, and is not trained here; whether it has seen the images that are"
        " tested here only you know"
    )
    if zeros >= _SPARSE:
        yield f"{100 * zeros:.0f} % of your network's weights are zero: it was pruned before"


def remarks_on(entries: Iterable[Entry], data: DataPlan) -> Iterator[str]:
    """Yield what must be said of methods that run otherwise, and of test images that the harness itself draws."""
    if changed := [one.text for one in entries if COMMON.items() <= dict(one.parameters).items()]:
        yield (
            f"{', '.join(changed)}: by magnitude, since W0 is trained already: a score of what training changed of it"
            " would be 0 for all weights"
        )
    if all(sample.split is None for sample in data.samples()):
        yield (
            f"{data.name} has no test images of its own, so that some are drawn: a network that was trained on these"
            " images has seen most of them. Put those that it never saw into test/ (docs/own-network.md)"
        )
