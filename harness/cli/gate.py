"""`harness gate`: may this network ship in the place of that one? Exit code 6 where it loses positives, 7 unclear."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli import completions
from harness.cli.check import ANSWERED_NO
from harness.cli.held import only_experiment
from harness.cli.loudness import speak
from harness.cli.messages import show, show_json
from harness.cli.options import (
    DEFAULT_STORE,
    AllowMissingOption,
    DataDirOption,
    JsonOption,
    QuietOption,
    StoreOption,
    TrackingOption,
)
from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.evaluation.contrasts import Contrast
    from harness.evaluation.two_networks import TwoNetworks
    from harness.gating.scored import Joined, Scored
    from harness.gating.sides import Side

UNDECIDED = 7
_ASKED = "What is asked"
_SCORES = "Scores from elsewhere"


def gate(
    candidate: Annotated[
        str,
        typer.Argument(
            metavar="CANDIDATE", help="A scores CSV, a network's file, or a cell: cell:lt@0.0625,seed=0 (docs/gate.md)."
        ),
    ],
    against: Annotated[
        str, typer.Option("--against", metavar="BASELINE", rich_help_panel=_ASKED, help="The same, of what ships now.")
    ],
    dataset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            autocompletion=completions.datasets,
            rich_help_panel=_ASKED,
            help="Whose test images they are; two CSV files need none.",
        ),
    ] = None,
    fpr: Annotated[
        float, typer.Option("--fpr", metavar="X", rich_help_panel=_ASKED, help="False alarms at which both are cut.")
    ] = 0.30,
    max_loss: Annotated[
        float, typer.Option("--max-loss", metavar="X", rich_help_panel=_ASKED, help="Loss that is too large.")
    ] = 0.10,
    scores: Annotated[
        Path | None,
        typer.Option("--scores", metavar="CSV", rich_help_panel=_SCORES, help="What the candidate's file gives."),
    ] = None,
    baseline_scores: Annotated[
        Path | None,
        typer.Option("--baseline-scores", metavar="CSV", rich_help_panel=_SCORES, help="What the baseline's gives."),
    ] = None,
    threshold: Annotated[
        float | None,
        typer.Option("--threshold", metavar="X", rich_help_panel=_SCORES, help="Where the candidate's score is cut."),
    ] = None,
    baseline_threshold: Annotated[
        float | None,
        typer.Option("--baseline-threshold", metavar="X", rich_help_panel=_SCORES, help="Where the baseline's is."),
    ] = None,
    data_dir: DataDirOption = None,
    allow_missing: AllowMissingOption = False,
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Hold a network against the one that ships now: which positives would it lose at equal false alarms."""
    speak(quiet=quiet)
    _refuse_bad(fpr, max_loss, threshold, baseline_threshold)
    from harness.evaluation.two_networks import two_networks
    from harness.gating.scored import joined
    from harness.gating.sides import Places, Side, read_sides

    sides = (
        Side(written=candidate, scores=scores, cut=threshold),
        Side(written=against, scores=baseline_scores, cut=baseline_threshold),
    )
    uri, dataset = _results(sides, dataset, store, tracking_uri)
    places = Places(dataset=dataset, uri=uri, store=store.absolute(), data_dir=data_dir, partial=allow_missing)
    one, other = read_sides(*sides, places)
    both = joined(one, other)
    cuts = None if one.cut is None or other.cut is None else (other.cut, one.cut)
    found = two_networks(both.labels, both.baseline, both.candidate, fpr, max_loss, cuts)
    if as_json:
        show_json(gate_values(found, both, (one, other), fpr, max_loss))
    else:
        from harness.cli.gate_text import gate_text

        show(gate_text(found, both, (one, other), fpr, max_loss))
    if code := exit_code(found):
        raise typer.Exit(code)


def exit_code(found: "TwoNetworks") -> int:
    """Return 0 where the candidate may ship, 6 where it loses positives, 7 where that cannot be said."""
    from harness.evaluation.safety import Answer

    return {Answer.SAFE: 0, Answer.LOSES: ANSWERED_NO}.get(found.answer, UNDECIDED)


def gate_values(
    found: "TwoNetworks", both: "Joined", sides: tuple["Scored", "Scored"], fpr: float, max_loss: float
) -> dict[str, Any]:
    """Return everything that is shown as plain values; shares, each with its 95 % interval, losses with both bounds."""
    from harness.gating.scored import limits_of

    judged = found.judgement
    named = zip(("candidate", "baseline"), sides, (found.candidate, found.baseline), strict=True)
    return {
        "limits": limits_of(*sides),
        "answer": str(found.answer),
        "fpr": fpr,
        "max_loss": max_loss,
        "positives": int(both.labels.sum()),
        "negatives": int((both.labels == 0).sum()),
        **{
            name: {"name": side.name, **side.told, "threshold": side.cut, "sensitivity": share._asdict()}
            for name, side, share in named
        },
        "loss": _bounds(judged.loss),
        "lift": _bounds(judged.lift),
        "positives_would_decide": judged.needed and judged.needed.positives,
        "tied": found.tied,
        "lost": [image for image, lost in zip(both.ids, found.lost, strict=True) if lost],
        "deployed": found.deployed
        and {
            "missed": _bounds(found.deployed.missed),
            "alarms": _bounds(found.deployed.alarms),
            "within": found.deployed.within,
        },
    }


def _bounds(found: "Contrast") -> dict[str, float]:
    return {"value": found.value, "lower": found.lower(), "upper": found.upper()}


def _refuse_bad(fpr: float, max_loss: float, *cuts: float | None) -> None:
    """Raise `UsageError` with every number that is out of its range."""
    faults = [
        *([] if 0 < fpr < 1 else [f"--fpr {fpr:g} is not above 0 and below 1"]),
        *([] if 0 < max_loss < 0.5 else [f"--max-loss {max_loss:g} is not above 0 and below 0.5"]),
        *[f"a threshold of {cut} cuts nothing" for cut in cuts if cut is not None and not math.isfinite(cut)],
    ]
    if faults:
        raise UsageError("cannot hold one network against the other", faults=faults, fix="harness gate --help")


def _results(
    sides: tuple["Side", "Side"], dataset: str | None, store: Path, tracking_uri: str | None
) -> tuple[str | None, str | None]:
    """Return where results are read from and of which data set, both as they are where no cell is asked for."""
    if not any(side.is_cell for side in sides):
        return None, dataset
    from harness.results.address import results_uri

    uri = results_uri(store, tracking_uri)
    return uri, dataset or only_experiment(uri, store.absolute())
