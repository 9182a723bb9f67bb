"""From the published runs of one data set to one file: plain, in a fixed order, without secrets or local paths."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import harness
from harness.errors import DataError, UsageError
from harness.integrity.run_check import RunCheck, check_run
from harness.integrity.verification import Verification, note_documents, note_runs
from harness.outgoing.published import published, published_values
from harness.results import names
from harness.results.manifest import LoggedLevel, hashes
from harness.results.mlflow_tracker import Tracker
from harness.results.recorded import RecordedRun
from harness.running.publication import lasting_digest
from harness.storage.disk import disk_errors, write_whole
from harness.submissions.archive import BUNDLE_FILE, Archive
from harness.submissions.bundle import Bundle
from harness.submissions.bundle_facts import BundledRun, BundleFacts, Kind, Member

_EPOCH = (1980, 1, 1, 0, 0, 0)
_PLAIN_FILE = 0o100644 << 16
_UNIX = 3
_FAULTS_SHOWN = 5
_OURS, _OF_MLFLOW = "harness.", (names.KEY, names.LEVELS)


@dataclass(frozen=True, kw_only=True)
class Submitter:
    """Who submits: a name, and where the code is, or an empty text."""

    author: str
    code: str = ""


@dataclass(frozen=True)
class Written:
    """What was put into a bundle: number of runs, levels, and bytes of the file."""

    runs: int
    levels: int
    bytes: int


def write_bundle(tracker: Tracker, path: Path, by: Submitter, *, masks: bool = False) -> Written:
    """Write all published runs of the tracker's data set, and its studies, into one file at ``path``.

    Raises `UsageError` where there are none or ``path`` is something else, `DataError` with what `harness verify`
    would find, and `MachineError`.
    """
    _refuse_foreign(path)
    checks, studies = _sound(tracker)
    runs: list[tuple[Kind, RecordedRun]] = [("result", check.run) for check in checks]
    runs += [("study", run) for run in studies]
    files = {
        f"runs/{run.run_id}/{name}": content for _, run in runs for name, content in outgoing(run, masks=masks).items()
    }
    newest = max(check.run.finished for check in checks)
    facts = BundleFacts(
        harness=harness.__version__,
        author=published(by.author),
        code=published(by.code),
        date=datetime.fromtimestamp(newest / 1000, UTC).date().isoformat(),
        dataset=published(tracker.experiment),
        masks=masks,
        runs=tuple(_listed(kind, run) for kind, run in runs),
        members={name: Member(bytes=len(files[name]), sha256=_sha256(files[name])) for name in sorted(files)},
    )
    content = packed({BUNDLE_FILE: facts.to_bytes(), **{name: files[name] for name in sorted(files)}})
    with disk_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_whole(path, content)
    with Bundle(path) as bundle:  # what no reader would take must not look like a success
        if bundle.faults:
            raise DataError(f"{path} does not hold what a reader takes", faults=[str(one) for one in bundle.faults[:5]])
    return Written(len(runs), sum(len(check.levels) for check in checks), len(content))


def packed(members: Mapping[str, bytes]) -> bytes:
    """Return a plain zip file: members in the order given, all of one date, so that bytes say nothing else."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, allowZip64=False) as archive:
        for name, content in members.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type, info.create_system, info.external_attr = zipfile.ZIP_DEFLATED, _UNIX, _PLAIN_FILE
            archive.writestr(info, content)
    return buffer.getvalue()


def _refuse_foreign(path: Path) -> None:
    if not path.exists():
        return
    try:
        with Archive(path) as archive:
            ours = BUNDLE_FILE in archive.names
    except (DataError, UsageError):
        ours = False
    if not ours:
        raise UsageError(f"{path} is there and is no bundle", fix="name another file, or move it away")


def _sound(tracker: Tracker) -> tuple[list[RunCheck], list[RecordedRun]]:
    """Return the checked runs and the studies. Raises `UsageError` without any run, `DataError` for a bad one."""
    found = Verification()
    checks = tracker.recorded(names.RESULT, check_run)
    if not checks:
        raise UsageError(f"there are no results of {tracker.experiment!r}", fix="first: harness run")
    note_runs(found, checks)
    studies = tracker.recorded(names.STUDY, lambda run: run)
    for study in studies:
        note_documents(found, study)
    older = [check.run for check in checks if not check.run.manifest.tags]
    faults = [str(one) for one in found.differences]
    faults += [f"run {run.run_id}: an older harness logged it, and it has no {names.MANIFEST}" for run in older]
    if faults:
        more = len(faults) - _FAULTS_SHOWN
        raise DataError(
            f"the results of {tracker.experiment!r} are not fit to be bundled",
            faults=[*faults[:_FAULTS_SHOWN], *([f"and {more} more: harness verify"] if more > 0 else [])],
            fix="give the `harness run` that made them again; it logs just what is damaged anew",
        )
    return checks, studies


def _listed(kind: Kind, run: RecordedRun) -> BundledRun:
    return BundledRun(id=run.run_id, kind=kind, key=run.tags[names.KEY], started=run.started, finished=run.finished)


def outgoing(run: RecordedRun, *, masks: bool) -> dict[str, bytes]:
    """Return a run's files by their path in it as strangers may read them.

    Hashes are those of MLflow where no text had to be changed, made anew elsewhere. Of masks that are left behind the
    hash stays.
    """
    documents = {name: _outgoing(name, _whole(run, name)) for name in run.manifest.documents}
    levels = {density: _level(run, level, masks=masks) for density, level in run.manifest.levels.items()}
    manifest = replace(
        run.manifest,
        levels={density: level for density, (level, _) in levels.items()},
        documents=hashes(documents),
        tags={name: published(value) for name, value in _tags(run).items()},
    )
    files = {f"{level.folder}/{name}": text for level, texts in levels.values() for name, text in texts.items()}
    same = manifest == run.manifest
    return {**files, **documents, names.MANIFEST: _whole(run, names.MANIFEST) if same else manifest.to_bytes()}


def _tags(run: RecordedRun) -> dict[str, str]:
    """Return a run's tags, those among them that a later command added in MLflow alone."""
    added = {name: value for name, value in run.tags.items() if name.startswith(_OURS) and name not in _OF_MLFLOW}
    return {**added, **run.manifest.tags}


def _level(run: RecordedRun, level: LoggedLevel, *, masks: bool) -> tuple[LoggedLevel, dict[str, bytes]]:
    wanted = [name for name in level.sha256 or () if masks or name != names.MASK_FILE]
    files = {name: _outgoing(name, _whole(run, f"{level.folder}/{name}")) for name in wanted}
    known = {**(level.sha256 or {}), **hashes(files)}
    digest = level.digest
    if level.sha256 and known[names.CELL_FILE] != level.sha256[names.CELL_FILE]:
        digest = lasting_digest(json.loads(files[names.CELL_FILE]))
    return replace(level, digest=digest, sha256=known), files


def _whole(run: RecordedRun, name: str) -> bytes:
    content = run.files.read(name)
    if content is None:
        raise DataError(f"run {run.run_id}: {name} went away while it was read")
    return content


def _outgoing(name: str, content: bytes) -> bytes:
    """Return a file as it may be published: its very bytes where nothing in it needs to be changed."""
    if name.endswith(".json"):
        values = json.loads(content)
        told = published_values(values)
        return content if told == values else json.dumps(told, indent=1, sort_keys=True).encode()
    if name == names.SCORES_FILE and published(content.decode()) != content.decode():
        raise DataError("ids of images hold paths of this machine", fix="name them otherwise in the label file")
    if name == names.BEST_FILE:
        text = content.decode()
        return published(text).encode() if published(text) != text else content
    return content


def _sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
