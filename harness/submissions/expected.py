"""What each file of a run may hold: kinds and ranges of values, so that no stranger's file surprises what reads it.

What the values say is not judged here: figures are recounted from the scores by `harness.integrity`.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from harness.evaluation.terms import Terms
from harness.results import names
from harness.results.study_record import StudyRecord
from harness.submissions.bundle_facts import Hash, told
from harness.submissions.plain_json import plain_json

MOST_LEVELS = 500
_COUNTED = (f"{names.TEST}/", f"{names.VALIDATION}/", names.THRESHOLD)
"""Metrics that begin so are recounted, and may be no number where their scores give none."""
_MOST = 1e18

Density = Annotated[float, Field(strict=True, gt=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(strict=True, ge=0)]
Flag = Annotated[bool, Field(strict=True)]
Whole = Annotated[int, Field(strict=True)]
Fact = str | int | float | bool | None
_ABSENT: Any = None


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Level(_Closed):
    step: Whole
    density: Density
    folder: Annotated[str, StringConstraints(pattern=r"^levels/[0-9][0-9.e-]{0,30}$")]
    digest: Hash
    sha256: Mapping[str, Hash]


class _Manifest(_Closed):
    levels: Annotated[list[_Level], Field(max_length=MOST_LEVELS)]
    documents: Mapping[str, Hash]
    tags: Mapping[str, str]
    sha256: Hash


class _Cell(_Closed):
    density: Density
    status: Literal["done", "failed", "diverged", "skipped"]
    reason: str
    metrics: Mapping[str, Annotated[float, Field(strict=True)]]
    layers: Mapping[str, tuple[Count, Count, Count]] = _ABSENT


class _Counts(BaseModel):
    p: Count
    n: Count


class _Partial(BaseModel):
    found: Count
    expected: Count


class _Provenance(BaseModel):
    """Facts that a page may show or count with; each may be absent, none is of another kind."""

    group: str = _ABSENT
    family: str = _ABSENT
    kin: str = _ABSENT
    setting: str = _ABSENT
    network: str = _ABSENT
    size: Count = _ABSENT
    weights: str = _ABSENT
    trained: Flag = _ABSENT
    own_weights: str | None = None
    schedule: Mapping[str, Fact] = _ABSENT
    pretraining: Mapping[str, Any] | None = None
    w0_saw_classes: Flag = _ABSENT
    split_seed: Whole | None = None
    split: str = _ABSENT
    preset: str = _ABSENT
    verdict: Terms = _ABSENT
    test_part: str = _ABSENT
    fingerprint: str = _ABSENT
    environment: str = _ABSENT
    versions: Mapping[str, str] = _ABSENT
    command: str = _ABSENT
    dataset: str = _ABSENT
    dataset_version: str | None = None
    licence: str | None = None
    citation: str | None = None
    simulated: Flag = _ABSENT
    fallback_for: str | None = None
    partial: Mapping[str, _Partial] | None = None
    broken: list[str] | None = None
    duplicates_allowed: Flag = _ABSENT
    near_duplicates: Whole | None = None
    fold: Count | None = None
    folds: Annotated[int, Field(strict=True, ge=2, le=1000)] | None = None
    imbalance: Annotated[float, Field(strict=True, gt=0, allow_inf_nan=False)] | None = None
    large_groups: Mapping[str, list[str]] = _ABSENT
    recipe: str | None = None
    caveats: list[str] = _ABSENT
    classes: Annotated[list[str], Field(min_length=2, max_length=2)] = _ABSENT
    positive: str = _ABSENT
    counts: Mapping[str, _Counts] = _ABSENT


class _Tag(NamedTuple):
    """What a tag of a result may be, and whether every result has it."""

    pattern: str
    needed: bool = True


_TAGS = {
    **dict.fromkeys((names.ENTRY, names.METHOD, names.LOSS), _Tag(r".{1,2000}")),
    names.SEED: _Tag(r"[0-9]{1,9}"),
    names.GROUP: _Tag(r"[0-9a-f]{1,64}"),
    **dict.fromkeys((names.FOLD, names.FOLDS), _Tag(r"[1-9][0-9]{0,2}", needed=False)),
    names.IMBALANCE: _Tag(r"[0-9]{1,9}(\.[0-9]{1,9})?(e[+-]?[0-9]{1,2})?", needed=False),
}
_MANIFEST = TypeAdapter(_Manifest)
_OF_FILE: Mapping[str, TypeAdapter[Any]] = {
    names.CELL_FILE: TypeAdapter(_Cell),
    names.PROVENANCE: TypeAdapter(_Provenance),
    names.STUDY_FILE: TypeAdapter(StudyRecord),
    names.PLAN: TypeAdapter(dict[str, Any]),
}


def faults_of(file: str, content: bytes) -> list[str]:
    """Return what a file of a run, by its name without folders, holds that it cannot; of scores and masks nothing."""
    adapter = _OF_FILE.get(file)
    if adapter is None:
        return []
    try:
        values = plain_json(content)
        adapter.validate_python(values)
    except ValidationError as error:
        return told(error)
    except ValueError as error:
        return [str(error)[:200]]
    return list(_metrics(values)) if file == names.CELL_FILE else []


def manifest_faults(content: bytes) -> list[str]:
    """Return what a run's manifest.json holds that it cannot."""
    try:
        values = plain_json(content)
        _MANIFEST.validate_python(values)
    except ValidationError as error:
        return told(error)
    except ValueError as error:
        return [str(error)[:200]]
    return [*_tags(values["tags"]), *_listed(values)]


def _tags(tags: Mapping[str, str]) -> Iterator[str]:
    for name, tag in _TAGS.items() if tags.get(names.KIND) == names.RESULT else ():
        if name not in tags and tag.needed:
            yield f"tags: {name} is missing"
        elif name in tags and not re.fullmatch(tag.pattern, tags[name], re.DOTALL):
            yield f"tags.{name}: {tags[name][:60]!r} is none that a result has"


def _listed(manifest: Mapping[str, Any]) -> Iterator[str]:
    is_result = manifest["tags"].get(names.KIND) == names.RESULT
    needed = {names.PROVENANCE, names.PLAN} if is_result else set()
    known = needed or {names.STUDY_FILE, names.BEST_FILE}
    for name in [*sorted(manifest["documents"].keys() - known), *sorted(needed - manifest["documents"].keys())]:
        yield f"documents: {name[:60]!r} is {'missing' if name in needed else 'none that a run has'}"
    for what in ("density", "folder"):
        values = [level[what] for level in manifest["levels"]]
        if len(set(values)) < len(values):
            yield f"levels: two have one {what}"
    files = {names.CELL_FILE, names.SCORES_FILE} if is_result else set()
    for level in manifest["levels"]:
        if not files <= level["sha256"].keys() <= files | {names.MASK_FILE}:
            yield f"levels: {level['folder']} has other files than a level has"


def _metrics(cell: Mapping[str, Any]) -> Iterator[str]:
    for name, value in cell["metrics"].items():
        if not name.startswith(_COUNTED) and not -_MOST <= value <= _MOST:
            yield f"metrics.{name[:100]}: {value!r} is no number that a run can have"
