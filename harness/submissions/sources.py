"""Bundles as sources of results: those that do not verify are left out, with what is wrong with them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from harness.errors import DataError, UsageError
from harness.results import names
from harness.results.mlflow_tracker import Tracker, experiments_with
from harness.submissions.attestation import Attestation, attestations
from harness.submissions.bundle import Bundle
from harness.submissions.merging import Source
from harness.submissions.reading import published_runs, studies
from harness.submissions.verification import verify_bundle

SELF_REPORTED = "self-reported"
ENDING = ".zip"


@dataclass
class Bundles:
    """Sources by data set, and what is wrong with bundles and records that were left out."""

    sources: dict[str, list[Source]] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def bundles_in(paths: Sequence[Path]) -> list[Path]:
    """Return all bundles: files that are named, and those below folders, by name. Raises `UsageError` for none."""
    found: dict[Path, None] = {}
    for path in paths:
        inner = sorted(path.rglob(f"*{ENDING}")) if path.is_dir() else [path]
        if not inner:
            raise UsageError(f"{path} has no file that ends in {ENDING}", fix="name bundles, or a folder of bundles")
        found |= dict.fromkeys(inner)
    return list(found)


def read_bundles(paths: Sequence[Path], seen: Callable[[], None] = lambda: None) -> Bundles:
    """Read and verify every bundle; one whose file was read already under another name is not read again."""
    found, known = Bundles(), set[str]()
    for path in paths:
        try:
            with Bundle(path.absolute()) as bundle:
                if bundle.sha256 not in known:
                    known.add(bundle.sha256)
                    _add(found, bundle)
        except DataError as error:
            found.left_out.append(error.message)
        seen()
    return found


def _add(found: Bundles, bundle: Bundle) -> None:
    if differences := verify_bundle(bundle).differences:
        more = f", and {len(differences) - 1} more" if differences[1:] else ""
        found.left_out.append(f"{bundle.path} does not verify: {differences[0]}{more}")
        return
    try:
        reruns = attestations(bundle.path, bundle.sha256)
    except DataError as error:
        reruns = ()
        found.left_out.append(error.message)
    facts = bundle.facts
    source = Source(
        author=facts.author,
        code=facts.code,
        date=facts.date,
        state="; ".join(_words(reruns)) or SELF_REPORTED,
        runs=published_runs(bundle),
        studies=studies(bundle),
    )
    found.sources.setdefault(facts.dataset, []).append(source)


def _words(reruns: Sequence[Attestation]) -> Iterator[str]:
    for one in reruns:
        yield f"verified: {one.by} computed {one.cells:,} of {one.of:,} cells anew on {one.date}, every bit equal"


def stored_sources(uri: str, store: Path) -> dict[str, Source]:
    """Return what an MLflow holds by data set, as the results of no author's name. Raises `MachineError`."""
    trackers = {name: Tracker(uri, store, name) for name in experiments_with(names.RESULT, uri, store)}
    return {
        name: Source(
            runs=tracker.read(),
            studies=tracker.documents(names.STUDY, names.STUDY_FILE),
            thumbnails=tracker.documents(names.THUMBNAILS, names.THUMBNAILS_FILE),
        )
        for name, tracker in trackers.items()
    }
