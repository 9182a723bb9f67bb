"""From the options that `run` and `tune` share to a configuration and a plan."""

import re
import shlex
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness.cli.loudness import reporter, speak, tell_places
from harness.cli.machines import Machines
from harness.cli.messages import show_notes
from harness.cli.shared_options import SharedOptions
from harness.errors import UsageError
from harness.outgoing.published import published_argument
from harness.outgoing.secrets import shown_address
from harness.storage.disk import disk_errors

_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")

if TYPE_CHECKING:
    from harness.planning.configuration import Configuration
    from harness.planning.plan import Plan
    from harness.progress import Reporter


@dataclass(frozen=True)
class Planned:
    """What `run` and `tune` work on: a plan a fold and ratio, what they were made from, who tells of progress, and who
    computes.
    """

    plans: "list[Plan]"
    configuration: "Configuration"
    reporter: "Reporter"
    machines: Machines = field(default_factory=Machines)

    @property
    def plan(self) -> "Plan":
        """The first of the plans; all share what is not data."""
        return self.plans[0]


def configuration_of(shared: SharedOptions, own: Mapping[str, Any]) -> "Configuration":
    """Return the configuration of preset, file, ``--set`` and the options that were given, a verb's ``own`` by key.

    None, there too: was not given.
    """
    from harness.planning.configuration_file import load_configuration

    given = {
        "methods": methods_of(shared.methods),
        "data": {
            "name": shared.dataset,
            "positive": shared.positive,
            "folds": shared.folds,
            "imbalance": numbers_of(shared.imbalance),
            "max_pixels": shared.max_pixels,
        },
        "densities": numbers_of(shared.densities),
        "loss": shared.loss,
        "network": shared.network,
        "weights": shared.weights,
        "trained": shared.trained or None,
        "jobs": shared.jobs,
        "cell_limit": shared.cell_limit,
        **own,
    }
    return load_configuration(shared.preset, shared.config, shared.assign or [], _without_none(given))


def _without_none(given: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: _without_none(value) if isinstance(value, Mapping) else value for name, value in given.items()}
    return {name: value for name, value in kept.items() if value is not None and value != {}}


def planned(shared: SharedOptions, own: Mapping[str, Any]) -> Planned:
    """Return what a verb works on, and say what a user must know of it. A dry run downloads nothing."""
    speak(quiet=shared.quiet, verbose=shared.verbose)
    configuration = configuration_of(shared, own)
    machines = Machines(shared.executor, shared.ray_address)

    from harness.cli.downloads import downloads
    from harness.planning.planner import Flags, build_plan, variants
    from harness.results.mlflow_tracker import default_uri

    _check_places(shared)
    flags = Flags(
        shared.preset,
        shared.data_dir,
        shared.store,
        allow_missing=shared.allow_missing,
        real_only=shared.real_only,
        skip_broken=shared.skip_broken,
        allow_duplicates=shared.allow_duplicates,
    )
    telling = reporter()
    tell_places(
        preset=shared.preset,
        configuration_file=shared.config,
        store=shared.store.absolute(),
        mlflow=shown_address(shared.tracking_uri or default_uri(shared.store.absolute())),
    )
    plan, notes = build_plan(configuration, flags, downloads(telling, dry_run=shared.dry_run), machines.hardware)
    telling.detail(f"images: {plan.data.folder or 'from no folder'}")
    show_notes(plan, notes)
    if machines.are_here and plan.training.device == "cuda" and not configuration.jobs:
        from harness.forecast.worker_count import with_workers

        plan = with_workers(plan, telling, measure=not shared.dry_run)
    return Planned(variants(plan, configuration.data), configuration, telling, machines)


def _check_places(shared: SharedOptions) -> None:
    """Refuse what could not be written to after the first training; nothing is connected to, nothing made."""
    from harness.storage.addresses import check_storage, check_tracking

    place = shared.store.absolute()
    with disk_errors(place):
        nearest = next(folder for folder in (place, *place.parents) if folder.exists())
    if not nearest.is_dir():
        raise UsageError(f"--store {shared.store}: {nearest} is not a folder", fix="name a folder; it may be absent")
    if shared.tracking_uri is not None:
        check_tracking(shared.tracking_uri)
    if shared.storage is not None:
        check_storage(shared.storage)


def methods_of(text: str | None) -> list[str] | None:
    """Return the methods of a comma-separated list."""
    from harness.entry_text import split_list

    return None if text is None else split_list(text)


def numbers_of(text: str | None) -> list[float | str] | None:
    """Return the numbers of a comma-separated list; what is none stays text, for the configuration to refuse."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return [float(part) if _is_number(part) else part for part in parts]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def seeds_of(text: str | None) -> int | list[int] | None:
    """Return a number of seeds, or a list of them. Raises `UsageError`."""
    if text is None:
        return None
    try:
        seeds = [_whole(part) for part in text.rstrip(", ").split(",")]
    except ValueError:
        raise UsageError(f"--seeds {text[:100]!r} is neither a number nor a list", fix="write 5 or 0,3,7") from None
    return seeds if "," in text else seeds[0]


def _whole(text: str) -> int:
    if not _WHOLE.fullmatch(text.strip()):  # Python's int takes more: 1_000, other scripts' digits
        raise ValueError(text)
    return int(text)


def command_line() -> str:
    """Return the command as it was typed, for strangers: without who logs in where, and with names for paths."""
    return shlex.join(["harness", *map(published_argument, sys.argv[1:])])


def estimated(work: Planned, shared: SharedOptions) -> bool:
    """Return whether to say how long it takes: this machine's steps are timed, in a fork of this process.

    Of other machines they tell nothing, and beside the threads of a cluster's or an object storage's software, which an
    earlier plan of this command may have begun, no fork is.
    """
    from harness.storage.remote import remote_at

    storage = work.plan.shared
    threads = work.machines.is_connected or bool(storage and remote_at(storage).is_open)
    return shared.estimate and work.machines.are_here and not threads
