"""`harness choose`: which network to ship. Exit code 6 where none can, 7 where that is not decided."""

from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import completions
from harness.cli.amounts import BYTES, COUNT, SECONDS, amount
from harness.cli.check import ANSWERED_NO
from harness.cli.gate import UNDECIDED
from harness.cli.held import kept_under, only_experiment
from harness.cli.loudness import speak, tell_places
from harness.cli.messages import show, show_json
from harness.cli.options import (
    DEFAULT_STORE,
    SHOWN,
    JsonOption,
    QuietOption,
    StoreOption,
    TrackingOption,
    VerboseOption,
)
from harness.cli.report import contradiction, results_shown
from harness.errors import UsageError, nearest
from harness.outgoing.secrets import shown_address
from harness.results.address import results_uri
from harness.results.names import REFERENCES

if TYPE_CHECKING:
    from harness.reports.analysis.boards import Subject
    from harness.reports.analysis.choosing import Choice, Wanted
    from harness.reports.analysis.outcomes import Outcome
    from harness.results.reading import Results

_ASKED = "What is asked"
_LIMITS = "Limits"


def choose(
    max_loss: Annotated[
        float,
        typer.Option(
            "--max-loss", metavar="X", rich_help_panel=_ASKED, help="Loss of sensitivity that is too large: 0.05."
        ),
    ],
    fpr: Annotated[
        float, typer.Option("--fpr", metavar="X", rich_help_panel=_ASKED, help="False alarms at which it counts.")
    ] = 0.30,
    entry: Annotated[
        list[str] | None,
        typer.Option(
            "--entry",
            metavar="NAME",
            rich_help_panel=_ASKED,
            help="Only entries of this name or glob; may be given again.",
        ),
    ] = None,
    max_bytes: Annotated[
        str | None, typer.Option("--max-bytes", metavar="SIZE", rich_help_panel=_LIMITS, help="Of its file: 200kB.")
    ] = None,
    max_macs: Annotated[
        str | None, typer.Option("--max-macs", metavar="N", rich_help_panel=_LIMITS, help="Left, for one image: 20M.")
    ] = None,
    max_parameters: Annotated[
        str | None, typer.Option("--max-parameters", metavar="N", rich_help_panel=_LIMITS, help="That are left: 150k.")
    ] = None,
    max_latency: Annotated[
        str | None,
        typer.Option("--max-latency", metavar="TIME", rich_help_panel=_LIMITS, help="For one image, median: 5ms."),
    ] = None,
    device: Annotated[
        str | None,
        typer.Option("--device", metavar="NAME", rich_help_panel=_LIMITS, help="The machine on which it was measured."),
    ] = None,
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=completions.datasets,
            rich_help_panel=SHOWN,
            help="Data set whose results are chosen from; default: the only one that has any.",
        ),
    ] = None,
    group: Annotated[
        str | None,
        typer.Option("--group", metavar="ID", rich_help_panel=SHOWN, help="Group, or the beginning of its id."),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Name the network to ship, or the limit that is in the way and what would decide."""
    speak(quiet=quiet, verbose=verbose)
    limits = {"bytes": max_bytes, "macs": max_macs, "parameters": max_parameters, "latency": max_latency}
    wanted = _wanted(max_loss, fpr, limits, device)
    uri, given, store = results_uri(store, tracking_uri), store, store.absolute()
    tell_places(store=store, mlflow=shown_address(uri))
    places = _places(given, tracking_uri)
    dataset = dataset or only_experiment(uri, store)
    results = results_shown(uri, store, kept_under(dataset))
    try:
        subject, found = _choice(results, group, wanted, entry, device)
    except ValueError as error:
        raise contradiction(uri, error) from error
    from harness.reports.words.next_command import commands

    next_ones = commands(found, subject.facts, dataset, places)
    if as_json:
        from harness.reports.export.choice_values import choice_values

        show_json(choice_values(found, subject.identity, next_ones))
    else:
        from harness.cli.choose_text import choose_text

        for part in choose_text(found, subject, next_ones):
            show(part)
    if code := exit_code(found):
        raise typer.Exit(code)


def _places(store: Path, tracking_uri: str | None) -> list[str]:
    """Return the options that say where the results are, as far as that must be said; secrets are left out."""
    from harness.storage.mirror import address_of

    words = [] if store == DEFAULT_STORE else ["--store", address_of(store) or str(store)]
    return words + ([] if tracking_uri is None else ["--tracking-uri", shown_address(tracking_uri)])


def exit_code(found: "Choice") -> int:
    """Return 0 where a network is chosen, 6 where none can be, 7 where that is not decided."""
    from harness.reports.analysis.choosing import Decision

    return {Decision.CHOSEN: 0, Decision.NONE: ANSWERED_NO, Decision.UNDECIDED: UNDECIDED}[found.decision]


def _wanted(max_loss: float, fpr: float, limits: Mapping[str, str | None], device: str | None) -> "Wanted":
    """Return what is asked for. Raises `UsageError` with everything that cannot be."""
    from harness.reports.analysis.candidates import Axis
    from harness.reports.analysis.choosing import Wanted

    read = {"bytes": (BYTES, "200kB or 1.5MB"), "latency": (SECONDS, "5ms or 0.2s")}
    faults = [
        *([] if 0 < max_loss < 0.5 else [f"--max-loss {max_loss:g} is not above 0 and below 0.5"]),
        *([] if 0 < fpr < 1 else [f"--fpr {fpr:g} is not above 0 and below 1"]),
        *([] if (limits["latency"] is None) == (device is None) else ["--max-latency and --device go together"]),
    ]
    found: dict[Axis, float] = {}
    for name, text in limits.items():
        if text is not None:
            units, example = read.get(name, (COUNT, "150000, 150k or 20M"))
            try:
                found[Axis(name)] = amount(f"--max-{name}", text, units, example)
            except UsageError as error:
                faults.append(f"{error.message}: {error.fix}")
    if faults:
        raise UsageError("nothing can be chosen so", faults=faults, fix="`harness choose --help` shows every option")
    return Wanted(max_loss, fpr, found)


def _choice(
    results: "Results", group: str | None, wanted: "Wanted", entry: Sequence[str] | None, device: str | None
) -> tuple["Subject", "Choice"]:
    """Return what the board is that is chosen from, and the choice. Raises `UsageError` as `_subject` and `_named`."""
    from harness.reports.analysis.choosing import choose as chosen
    from harness.reports.analysis.outcomes import read_outcomes

    subject = _subject(results, group)
    cells = [cell for cell in read_outcomes(results) if cell.group in subject.groups]
    entries = None if entry is None else _named(entry, cells)
    measured = {} if device is None else _measured(results, subject, device)
    return subject, chosen(cells, subject.design(cells), wanted, measured, entries)


def _subject(results: "Results", group: str | None) -> "Subject":
    """Return the board that is meant. Raises `UsageError` where that is not clear."""
    from harness.reports.analysis.boards import subjects

    known = subjects(results.groups)
    found = [one for one in known if group is None or one.identity.startswith(group) or group in one.groups]
    if len(found) != 1:
        raise UsageError(
            f"--group {group!r} names {'no group' if not found else 'more than one group'} of these results"
            if group
            else f"these results are {len(known)} groups, of which each has networks of its own",
            faults=[f"{one.identity}: {_told(one.facts)}" for one in known],
            fix="name one: --group ID",
        )
    return found[0]


def _told(facts: Mapping[str, Any]) -> str:
    parts = [str(facts[name]) for name in ("network", "preset") if facts.get(name)]
    parts += [f"{facts['folds']} folds"] if facts.get("folds") else []
    parts += [f"{facts['imbalance']} negatives per positive"] if facts.get("imbalance") else []
    return ", ".join(parts)


def _named(asked: Sequence[str], cells: Sequence["Outcome"]) -> list[str]:
    """Return the entries that are asked for. Raises `UsageError` for a name that none has."""
    known = sorted({cell.entry for cell in cells if cell.entry not in REFERENCES})
    found = {one: [name for name in known if name == one or fnmatchcase(name, one)] for one in asked}
    if absent := [one for one, names in found.items() if not names]:
        raise UsageError(
            f"--entry {absent[0]!r} is no entry of these results{nearest(absent[0], known)}",
            fix=f"name one of: {', '.join(known)}",
        )
    return sorted({name for names in found.values() for name in names})


def _measured(results: "Results", subject: "Subject", device: str) -> dict[tuple[str, float], float]:
    """Return the median seconds of one image by entry and density, of the slowest measured of its networks.

    Not every network is measured, and masked ones of one level take about as long. Raises `UsageError` for no such
    machine.
    """
    from harness.results.measurement import labels

    shown = labels(results.measurements)
    machines = sorted(set(shown.values()))
    if device not in machines:
        known = f"name one of: {', '.join(machines)}" if machines else "first: harness measure, on that machine"
        raise UsageError(f"nothing was measured on a --device {device!r}{nearest(device, machines)}", fix=known)
    found: dict[tuple[str, float], float] = {}
    for one in results.measurements:
        cell = one.file.cell
        alone = one.latency.get(1)  # a file of a fixed batch has no time of one image
        if shown[one.machine] == device and cell is not None and cell.group in subject.groups and alone is not None:
            key = (cell.entry, cell.density)
            found[key] = max(found.get(key, 0.0), alone.median)
    return found
