"""Which data set is meant: ``isic``, ``elpv[strict=true]``, ``folder:/data/cells``."""

import functools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from harness import plugins
from harness.data.dataset import Dataset, full_name
from harness.entry_text import parse_entry
from harness.errors import DataError, DatasetNotFound, HarnessError, UsageError, text_of
from harness.field_values import built

_WRITTEN = re.compile(r"(?P<kind>[^:\[\]]*)(:(?P<path>.*?))?(?P<options>\[[^\[\]=]+=[^\[\]]*\])?", re.DOTALL)

_PATH = re.compile(r"[/\\~]|^\.|\.(csv|tsv|txt)$", re.IGNORECASE)
"""What is in a path and in no name."""

_TOLD = ("name", "version", "classes", "licence", "citation")


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A data set as it was asked for: its registered name, the ``path`` of a user's own images, its options."""

    kind: str
    path: str | None = None
    options: tuple[tuple[str, Any], ...] = ()

    def dataset(self) -> Dataset:
        """Return the data set itself.

        Raises `UsageError` for options that it does not have, `DataError` where its code is at fault.
        """
        return _made(self)

    @property
    def name(self) -> str:
        """What results on it are kept under: its own name, with the options that are not their defaults."""
        return full_name(self.dataset())


def parse_dataset(written: str, options: Mapping[str, Any] | None = None) -> Asked:
    """Return the data set that is ``written`` as NAME, NAME[option=value,...] or NAME:PATH, with further ``options``.

    Nothing is looked for. Raises `UsageError` where it cannot be read.
    """
    match = _WRITTEN.fullmatch(written.strip())
    if match is None or not match["kind"] or match["path"] == "":  # which would be the folder that one is in
        raise UsageError(
            f"cannot read data set {written!r}", fix="write NAME, NAME[option=value], folder:PATH or csv:PATH"
        )
    _, given = parse_entry(f"{match['kind']}{match['options'] or ''}", "data set")
    return Asked(kind=match["kind"], path=match["path"], options=tuple(sorted({**given, **(options or {})}.items())))


def asked_for(written: str, positive: str | None = None) -> Asked:
    """Return the data set that a user means, also by a path alone; paths are made absolute.

    ``positive`` names the class not to miss. Raises as `parse_dataset` and `understood` do.
    """
    asked = parse_dataset(understood(written), {} if positive is None else {"positive": positive})
    if asked.path is None:
        return asked
    return replace(asked, path=os.path.abspath(os.path.expanduser(asked.path)))


def understood(written: str) -> str:
    """Return how a user's own images are asked for where only their path is ``written``; anything else as it is.

    A registered name stays a name, also where a folder is called like it. Raises `DatasetNotFound` for what can only be
    a path, where nothing is.
    """
    match = _WRITTEN.fullmatch(written.strip())
    known = plugins.available(plugins.DATASETS)
    if match is None or match["kind"] in known:
        return written
    options = match["options"] or ""
    path = written.strip().removesuffix(options)
    if os.path.isdir(os.path.expanduser(path)):
        return f"folder:{path}{options}"
    if os.path.exists(os.path.expanduser(path)):
        return f"csv:{path}{options}"
    if match["path"] is None and _PATH.search(path):
        raise DatasetNotFound(
            f"there is neither a folder nor a label file {path}",
            fix="write --dataset folder:PATH for class folders of images, --dataset csv:PATH for a label file, or the"
            f" name of a data set: {', '.join(sorted(known))}",
        )
    return written


def load_dataset(written: str) -> Dataset:
    """Return the data set that is ``written`` as `parse_dataset` reads it."""
    return parse_dataset(written).dataset()


def folder_of(dataset: Dataset, root: Path) -> Path:
    """Return where the files of a data set lie: below the data folder ``root``, or where the user says."""
    return Path(str(getattr(dataset, "path", ""))) if takes_path(type(dataset)) else root / dataset.name


def takes_path(kind: type) -> bool:
    """Return whether a data set's class is asked for with the path of a user's own images."""
    return is_dataclass(kind) and "path" in {item.name for item in fields(kind)}


@functools.lru_cache(maxsize=8)
def _made(asked: Asked) -> Dataset:
    kind = plugins.load(plugins.DATASETS, asked.kind)
    if not isinstance(kind, type):
        raise DataError(f"data set {asked.kind!r}: its entry point is not a class", fix="register the class itself")
    if takes_path(kind) != (asked.path is not None):
        way = f"{asked.kind}:PATH" if takes_path(kind) else asked.kind
        raise UsageError(f"data set {asked.kind!r} is asked for as {way}", fix=f"write --dataset {way}")
    fixed = {} if asked.path is None else {"path": asked.path}
    if not is_dataclass(kind) and asked.options:
        raise UsageError(f"data set {asked.kind!r} has no options", fix=f"write --dataset {asked.kind}")
    try:
        what = f"data set {asked.kind!r}"
        made: Any = built(kind, dict(asked.options), what, fixed) if is_dataclass(kind) else kind()
    except HarnessError:
        raise
    except Exception as error:
        raise _spoiled(asked, "cannot be made", error) from error
    if lacking := [name for name in _TOLD if not hasattr(made, name)]:
        raise _spoiled(asked, f"lacks {', '.join(lacking)}")
    if asked.path is None and made.name != asked.kind:  # its results would stand under another set's name
        raise _spoiled(asked, f"is registered as {asked.kind!r}, and its name is {made.name!r}")
    found: Dataset = made
    return found


def _spoiled(asked: Asked, what: str, error: Exception | None = None) -> DataError:
    """Return the fault of a data set's own code."""
    source = plugins.available(plugins.DATASETS)[asked.kind].source
    reason = f": {text_of(error)}" if error else ""
    return DataError(
        f"data set {asked.kind!r} of {source} {what}{reason}", fix=f"mend it; `harness check {asked.kind}` tries it"
    )
