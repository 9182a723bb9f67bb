"""Which results a verb means; and what there is, where it is asked for what there is not."""

from collections.abc import Sequence
from pathlib import Path

from harness.errors import UsageError, nearest
from harness.outgoing.secrets import shown_address


def only_experiment(uri: str, store: Path) -> str:
    """Return the one data set that has results. Raises `UsageError` where there is none, and lists several."""
    from harness.results.reading import experiments

    held = experiments(uri, store)
    if len(held) != 1:
        raise UsageError(
            f"MLflow at {shown_address(uri)} holds {_listed(uri, store)}: which results are meant is not clear"
            if held
            else f"there are no results in MLflow at {shown_address(uri)}",
            fix=f"name one: --dataset {held[0]}" if held else "first: harness run",
        )
    return held[0]


def kept_under(dataset: str) -> str:
    """Return the name of the results on a data set that is asked for, which may be a user's own: ``folder:PATH``."""
    from harness.data.asked import asked_for

    return asked_for(dataset).name if ":" in dataset else dataset


def no_results(uri: str, store: Path, asked: Sequence[str]) -> UsageError:
    """Return the error for data sets of which there are no results: it says of which there are."""
    from harness.results.reading import experiments

    held = experiments(uri, store)
    close = nearest(asked[0], held) if len(asked) == 1 else ""
    return UsageError(
        f"no results of {', '.join(map(repr, asked))} in MLflow at {shown_address(uri)}; it holds"
        f" {_listed(uri, store) or 'none'}{close}",
        fix=f"{'name one of these, or ' if held else ''}first: harness run --dataset {asked[0]}",
    )


def _listed(uri: str, store: Path) -> str:
    from harness.results.reading import groups_held

    held = groups_held(uri, store)
    return ", ".join(name if number == 1 else f"{name} ({number} groups)" for name, number in held.items())
