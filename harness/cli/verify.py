"""`harness verify`: is what is kept what was computed? Exit code 6 names what is not."""

import re
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from harness.cli.check import ANSWERED_NO
from harness.cli.messages import say, show, show_json
from harness.cli.options import DEFAULT_STORE, DataDirOption, JobsOption, JsonOption, StoreOption, TrackingOption
from harness.cli.report import results_uri
from harness.errors import MachineError, UsageError

if TYPE_CHECKING:
    from harness.integrity.repetition import Repetition
    from harness.integrity.verification import Verification
    from harness.progress import Reporter

_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%")
_SHOWN = 5


def verify(
    run: Annotated[
        list[str] | None, typer.Option("--run", metavar="ID", help="Only this MLflow run; may be given again.")
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
    rerun: Annotated[
        str | None, typer.Option("--rerun", metavar="SHARE", help="Also compute a share of the cells anew: 5%.")
    ] = None,
    data_dir: DataDirOption = None,
    jobs: JobsOption = None,
    as_json: JsonOption = False,
) -> None:
    """Hold published results against their hashes, and count every figure anew from the scores."""
    share = None if rerun is None else _share(rerun)
    uri = results_uri(store, tracking_uri)

    from harness.progress import Reporter

    reporter = Reporter(Console(stderr=True))
    found = _verified(uri, store.absolute(), run or [], reporter)
    repeated = None if share is None else _repeated(found, share, data_dir, jobs, reporter)
    if as_json:
        show_json(_values(found, repeated))
    else:
        show("\n".join(_lines(found, repeated)))
    if found.differences:
        raise typer.Exit(ANSWERED_NO)


def _share(text: str) -> float:
    """Return the part of all cells that a text like 5% asks for. Raises `UsageError`."""
    match = _SHARE.fullmatch(text.strip())
    percent = float(match[1]) if match else 0.0
    if not 0 < percent <= 100:
        raise UsageError(f"--rerun {text[:40]!r} is not a share of the cells", fix="write 5%, at most 100%")
    return percent / 100


def _verified(uri: str, store: Path, run_ids: list[str], reporter: "Reporter") -> "Verification":
    from harness.integrity.verification import verify_results, verify_stages

    with reporter.task("Reading results", None, "runs") as task:
        found = verify_results(uri, store, run_ids, task.one_more)
    if absent := sorted({*run_ids} - {one.run.run_id for one in found.runs}):
        raise UsageError(
            f"there is no published run {', '.join(absent)}", fix="name one of the column run_id in cells.csv"
        )
    if not run_ids and (store / "FORMAT").is_file():
        with reporter.task("Reading stages", None, "stages") as task:
            verify_stages(store, found, task.one_more)
    return found


def _repeated(
    found: "Verification", share: float, data_dir: Path | None, jobs: int | None, reporter: "Reporter"
) -> "Repetition":
    """Compute cells anew and add what differs to ``found``. Raises `MachineError` where none can be."""
    from harness.environment import usable_cores
    from harness.integrity.recorded_plan import Machine
    from harness.integrity.repetition import repeat

    with tempfile.TemporaryDirectory(prefix="harness-verify-") as folder:
        machine = Machine(data_dir, Path(folder), jobs or usable_cores(), _weights_here)
        repeated = repeat(found.runs, share, machine, reporter)
    if not repeated.done:
        raise MachineError(
            "no cell can be computed anew on this machine",
            faults=[f"{where}: {why}" for where, why in list(repeated.not_here.items())[:_SHOWN]],
            fix="name the images by --data-dir, go to a machine like the one that made them, or leave --rerun out",
        )
    for chosen, what in repeated.differences:
        found.add(f"{chosen}", [what])
    if repeated.not_here:
        where, why = next(iter(repeated.not_here.items()))
        say(f"note: {len(repeated.not_here)} runs cannot be computed anew here; {where}: {why}", "yellow")
    return repeated


def _weights_here(source: str, _download: bool) -> Path | None:
    from harness.downloads.imagenet import imagenet_file

    return imagenet_file(source, fetch=False, reporter=None)


def _values(found: "Verification", repeated: "Repetition | None") -> dict[str, Any]:
    values: dict[str, Any] = {
        "looked_at": found.counts,
        "differences": [{"where": one.where, "what": one.what} for one in found.differences],
    }
    if repeated is not None:
        values["computed_anew"] = [str(one) for one in repeated.done]
        values["not_computed_anew"] = repeated.not_here
    return values


def _lines(found: "Verification", repeated: "Repetition | None") -> list[str]:
    counts = found.counts
    lines = [
        f"Looked at {counts['runs']:,} runs with {counts['levels']:,} levels: {counts['files']:,} files against their"
        " sha256,",
        f"{counts['figures']:,} figures against {counts['scores']:,} scores, {counts['stages']:,} stages.",
    ]
    if repeated is not None:
        lines.append(f"Computed {len(repeated.done):,} cells anew:")
        lines += [f"  {one}" for one in sorted(map(str, repeated.done))]
    number = len(found.differences)
    if not number:
        return [*lines, "Nothing differs."]
    return [*lines, f"{number:,} difference{'s' * (number > 1)}:", *(f"  {one}" for one in found.differences)]
