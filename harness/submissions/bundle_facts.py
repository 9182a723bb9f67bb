"""What bundle.json says: whose results these are, which runs, and the sha256 and size of every other member."""

import hashlib
import json
import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Annotated, Any, ClassVar, Literal

from pydantic import AfterValidator, ConfigDict, Field, StringConstraints, TypeAdapter, ValidationError

from harness.outgoing.visible import visible

FORMAT = "prune-harness/bundle"
SCHEMA = 1
"""Raised by whoever renames or removes a key or gives one another meaning (docs/leaderboard.md)."""
MOST_AUTHOR, MOST_CODE = 200, 500
_ADDRESS = re.compile(r"https?://[^\s\"'<>\\]+")
_LATEST_MS = 253_402_300_799_000
"""The end of the year 9999."""


def fit_author(text: str) -> str:
    """Return an author's name. Raises `ValueError` where it is empty, too long, or hides or turns letters."""
    if not text.strip() or len(text) > MOST_AUTHOR or visible(text) != text:
        raise ValueError(f"an author is 1 to {MOST_AUTHOR} letters that all show, and no line end")
    return text


def fit_code(text: str) -> str:
    """Return the address of the code, or an empty text. Raises `ValueError` where it is no address of a page."""
    if text and (not _ADDRESS.fullmatch(text) or len(text) > MOST_CODE or visible(text) != text):
        raise ValueError(f"a link to code begins with https:// and has at most {MOST_CODE} letters, none of them blank")
    return text


def fit_day(text: str) -> str:
    """Return a day in ISO 8601. Raises `ValueError`."""
    return date.fromisoformat(text).isoformat()


Hash = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Identity = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Moment = Annotated[int, Field(strict=True, ge=0, le=_LATEST_MS)]
Kind = Literal["result", "study"]
"""As `harness.results.names` has them; trials are read by no report and stay where they are."""


@dataclass(frozen=True, kw_only=True)
class BundledRun:
    """A run: its id in MLflow, its kind, its key, and when it was started and finished, in ms since 1970."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    id: Identity
    kind: Kind
    key: Hash
    started: Moment
    finished: Moment


@dataclass(frozen=True, kw_only=True)
class Member:
    """A member: its size unpacked, and its sha256."""

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    bytes: Annotated[int, Field(strict=True, ge=0)]
    sha256: Hash


@dataclass(frozen=True, kw_only=True)
class BundleFacts:
    """All of bundle.json. ``harness`` is the version that wrote it, ``date`` the day of the newest result (UTC).

    ``masks``: the masks are in the bundle, too; without them their hashes still are, in each run's manifest.
    """

    __pydantic_config__: ClassVar[ConfigDict] = ConfigDict(extra="forbid")

    harness: Annotated[str, StringConstraints(max_length=100)]
    author: Annotated[str, AfterValidator(fit_author)]
    code: Annotated[str, AfterValidator(fit_code)] = ""
    date: Annotated[str, AfterValidator(fit_day)]
    dataset: Annotated[str, StringConstraints(min_length=1, max_length=500)]
    masks: Annotated[bool, Field(strict=True)]
    runs: tuple[BundledRun, ...]
    members: Mapping[str, Member]

    def to_bytes(self) -> bytes:
        """Return what bundle.json holds, with a hash of it all."""
        content = {"format": FORMAT, "schema": SCHEMA, **asdict(self)}
        return json.dumps({**content, "sha256": own_hash(content)}, indent=1, ensure_ascii=False).encode()


def facts_of(content: Any) -> tuple[BundleFacts | None, list[str]]:
    """Return what a bundle.json of this schema says, None where it says no such thing, and what is wrong with it."""
    if not isinstance(content, dict):
        return None, ["it is no table"]
    rest = {name: value for name, value in content.items() if name != "sha256"}
    faults = [] if content.get("sha256") == own_hash(rest) else ["it does not have the sha256 that it gives itself"]
    if (format_ := rest.pop("format", None)) != FORMAT:
        faults.append(f"format is {format_!r:.60}, not {FORMAT!r}")
    if (schema := rest.pop("schema", None)) != SCHEMA:
        faults.append(f"schema is {schema!r:.60}, this harness reads {SCHEMA}")
    try:
        facts = _FACTS.validate_python(rest)
    except ValidationError as error:
        return None, [*faults, *told(error)]
    ids = [run.id for run in facts.runs]
    if len(set(ids)) < len(ids):
        faults.append(f"runs has {next(one for one in ids if ids.count(one) > 1)} twice")
    return facts, faults


def told(error: ValidationError, most: int = 5) -> list[str]:
    """Return what is wrong with values, a field each."""
    found = [(".".join(map(str, one["loc"]))[:100], one["msg"]) for one in error.errors(include_input=False)[:most]]
    return [f"{field}: {what[:100]}" for field, what in found]


def own_hash(content: Mapping[str, Any]) -> str:
    """Return the sha256 of values as JSON with sorted keys."""
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


_FACTS = TypeAdapter(BundleFacts)
