"""That somebody computed cells of a bundle anew: FILE.verified.json beside it, which names the bundle by its sha256."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from harness.errors import DataError
from harness.storage.disk import disk_errors, write_whole
from harness.submissions.bundle_facts import Hash, fit_author, fit_day, told
from harness.submissions.plain_json import plain_json

FORMAT = "prune-harness/verified"
SCHEMA = 1
_MOST_BYTES = 2**20


@dataclass(frozen=True, kw_only=True)
class Attestation:
    """One rerun: who did it when, on what ``environment``, and how many ``cells`` of how many agreed in every bit."""

    by: Annotated[str, AfterValidator(fit_author)]
    date: Annotated[str, AfterValidator(fit_day)]
    environment: Annotated[str, StringConstraints(max_length=500)]
    harness: Annotated[str, StringConstraints(max_length=100)]
    cells: Annotated[int, Field(strict=True, ge=1, le=10**6)]
    of: Annotated[int, Field(strict=True, ge=1, le=10**6)]


class _File(BaseModel):
    model_config = ConfigDict(extra="forbid")

    format: Annotated[str, StringConstraints(pattern=f"^{FORMAT}$")]
    schema_: Annotated[int, Field(alias="schema", ge=SCHEMA, le=SCHEMA)]
    bundle: Hash
    reruns: Annotated[list[Attestation], Field(max_length=1000)]


_FILE = TypeAdapter(_File)


def place_of(bundle: Path) -> Path:
    """Return where the record of a bundle's reruns is."""
    return bundle.with_name(f"{bundle.name}.verified.json")


def attestations(bundle: Path, sha256: str) -> tuple[Attestation, ...]:
    """Return the reruns that are recorded beside a bundle with this ``sha256``, none where there is no record.

    Raises `DataError` where the record is of another bundle, or none that a harness writes.
    """
    path = place_of(bundle)
    if not path.is_file():
        return ()
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"it has more than {_MOST_BYTES:,} bytes")
        found = _FILE.validate_python(plain_json(path.read_bytes()))
    except ValidationError as error:
        raise _unfit(path, told(error)[0]) from error
    except ValueError as error:
        raise _unfit(path, str(error)[:200]) from error
    if found.bundle != sha256:
        raise _unfit(path, f"it is of a bundle with sha256 {found.bundle[:12]}..., this one has {sha256[:12]}...")
    return tuple(found.reruns)


def attest(bundle: Path, sha256: str, done: Attestation) -> Path:
    """Add a rerun to the record beside a bundle, in the place of an earlier one by the same person; return its path.

    What was recorded of another file of that name is dropped.
    """
    try:
        known = attestations(bundle, sha256)
    except DataError:
        known = ()
    reruns = [*(one for one in known if one.by != done.by), done]
    path = place_of(bundle)
    with disk_errors(path):
        write_whole(path, json.dumps(_values(sha256, reruns), indent=1, ensure_ascii=False).encode())
    return path


def _values(sha256: str, reruns: Sequence[Attestation]) -> dict[str, Any]:
    return {"format": FORMAT, "schema": SCHEMA, "bundle": sha256, "reruns": [asdict(one) for one in reruns]}


def _unfit(path: Path, why: str) -> DataError:
    return DataError(f"{path} does not vouch for its bundle: {why}", fix="remove it, or make it anew by --attest")
