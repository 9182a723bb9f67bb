"""`harness verify`: is what is kept what was computed? Exit code 6 names what is not."""

import re
import tempfile
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

import typer

from harness import __version__
from harness.cli.check import ANSWERED_NO
from harness.cli.loudness import reporter, speak, tell_places
from harness.cli.machines import Machines
from harness.cli.messages import note, show, show_json
from harness.cli.options import (
    DEFAULT_STORE,
    DataDirOption,
    ExecutorOption,
    JobsOption,
    JsonOption,
    QuietOption,
    RayAddressOption,
    StoreOption,
    TrackingOption,
    VerboseOption,
)
from harness.errors import MachineError, UsageError
from harness.outgoing.published import published
from harness.outgoing.secrets import shown_address
from harness.results.address import results_uri
from harness.storage.mirror import address_of

if TYPE_CHECKING:
    from harness.integrity.repetition import Repetition
    from harness.integrity.verification import Verification
    from harness.progress import Reporter
    from harness.submissions.bundle import Bundle

_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,6})?)\s*%")
_SHOWN = 5
_VERIFIED = "What is verified"


def verify(
    run: Annotated[
        list[str] | None,
        typer.Option(
            "--run", metavar="ID", rich_help_panel=_VERIFIED, help="Only this MLflow run; may be given again."
        ),
    ] = None,
    bundle: Annotated[
        Path | None,
        typer.Option(
            "--bundle", metavar="FILE", rich_help_panel=_VERIFIED, help="What `harness bundle` wrote, and no store."
        ),
    ] = None,
    store: StoreOption = DEFAULT_STORE,
    tracking_uri: TrackingOption = None,
    rerun: Annotated[
        str | None,
        typer.Option(
            "--rerun", metavar="SHARE", rich_help_panel=_VERIFIED, help="Also compute a share of the cells anew: 5%."
        ),
    ] = None,
    attest: Annotated[
        str | None,
        typer.Option(
            "--attest", metavar="AUTHOR", rich_help_panel=_VERIFIED, help="Vouch for a rerun in FILE.verified.json."
        ),
    ] = None,
    data_dir: DataDirOption = None,
    jobs: JobsOption = None,
    executor: ExecutorOption = "local",
    ray_address: RayAddressOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Hold published results against their hashes, and count every figure anew from the scores."""
    speak(quiet=quiet, verbose=verbose)
    share = None if rerun is None else _share(rerun)
    _refuse_together(bundle, run, tracking_uri)
    by = None if attest is None else _attester(attest, bundle, rerun)
    if rerun is not None and ray_address is not None:
        _require_shared_folder(bundle, store)
    machines = Machines(executor, ray_address)

    telling = reporter()
    with ExitStack() as opened:
        opened.enter_context(machines)
        if bundle is None:
            uri = results_uri(store, tracking_uri)
            tell_places(store=store.absolute(), mlflow=shown_address(uri))
            held, found = None, _verified(uri, store.absolute(), run or [], telling)
        else:
            tell_places(bundle=bundle.absolute())
            held, found = _verified_bundle(opened, bundle, telling)
        # Nothing is computed by the plans of a bundle that is not even what it says.
        again = share is not None and not (held and found.differences)
        place = _Place(data_dir, store.absolute() if bundle is None else None, jobs, machines)
        repeated = _repeated(found, share or 0, place, telling) if again else None
        if as_json:
            show_json(_values(found, repeated))
        else:
            show("\n".join(_lines(found, repeated)))
        if found.differences:
            raise typer.Exit(ANSWERED_NO)
        if by is not None and held is not None and repeated is not None:
            _vouch(held, by, found, repeated)


def _refuse_together(bundle: Path | None, run: list[str] | None, tracking_uri: str | None) -> None:
    if bundle is not None and (run or tracking_uri is not None):
        raise UsageError("--bundle is a place of its own", fix="leave out --run and --tracking-uri, or --bundle")


def _require_shared_folder(bundle: Path | None, store: Path) -> None:
    """Raise `UsageError` where the nodes of a cluster would have no folder in which to compute cells anew."""
    here_alone = "a bundle" if bundle is not None else address_of(store)
    if here_alone:
        raise UsageError(
            f"--rerun on a cluster needs a folder that all nodes see, and {here_alone} has none",
            fix="leave out --executor and --ray-address: the cells are computed on this machine",
        )


def _attester(attest: str, bundle: Path | None, rerun: str | None) -> str:
    """Return who vouches. Raises `UsageError` where there is nothing to vouch for."""
    from harness.submissions.bundle_facts import fit_author

    if bundle is None or rerun is None:
        raise UsageError("--attest vouches for a rerun of a bundle", fix="give it with --bundle FILE and --rerun 5%")
    try:
        return published(fit_author(attest))
    except ValueError as error:
        raise UsageError(f"{error}", fix="say it by --attest") from error


def _verified_bundle(opened: ExitStack, path: Path, reporter: "Reporter") -> tuple["Bundle", "Verification"]:
    from harness.submissions.bundle import Bundle
    from harness.submissions.verification import verify_bundle

    held = opened.enter_context(Bundle(path.absolute()))
    with reporter.task("Reading results", len(held.facts.runs), "runs") as task:
        return held, verify_bundle(held, task.one_more)


def _vouch(held: "Bundle", by: str, found: "Verification", repeated: "Repetition") -> None:
    """Record that cells were computed anew and agree in every bit."""
    from harness.submissions.attestation import Attestation, attest

    done = Attestation(
        by=by,
        date=datetime.now(UTC).date().isoformat(),
        environment=repeated.done[0].check.provenance.get("environment", ""),
        harness=__version__,
        cells=len(repeated.done),
        of=found.counts["levels"],
    )
    note(f"recorded in {attest(held.path, held.sha256, done)}")  # stdout is the answer's, which may be JSON


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


class _Place(NamedTuple):
    """Where cells are computed anew: with which images, beside which store, by how many workers of whom."""

    data_dir: Path | None
    store: Path | None
    jobs: int | None
    machines: Machines


def _repeated(found: "Verification", share: float, place: _Place, reporter: "Reporter") -> "Repetition":
    """Compute cells anew and add what differs to ``found``. Raises `MachineError` where none can be."""
    from harness.integrity.recorded_plan import Machine
    from harness.integrity.repetition import repeat

    machines = place.machines
    beside = None if machines.are_here else place.store  # a folder that all nodes see, as the store is
    with tempfile.TemporaryDirectory(prefix="harness-verify-", dir=beside) as folder:
        jobs = place.jobs or machines.hardware.workers("cpu")
        machine = Machine(place.data_dir, Path(folder), place.jobs or 0, _weights_here, hardware=machines.hardware)
        repeated = repeat(found.runs, share, machine, reporter, employ=machines.employ(jobs))
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
        note(f"{len(repeated.not_here)} runs cannot be computed anew here; {where}: {why}")
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
