"""One published level against itself: its files by their hashes, and every figure of its scores, counted anew."""

import io
import json
import math
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field

import numpy as np

from harness.evaluation.terms import Terms
from harness.integrity.recounting import ScoreTable, as_told, read_scores, recounted
from harness.results import names
from harness.results.cell_record import CellRecord
from harness.results.manifest import LoggedLevel
from harness.results.recorded import READ_FILES
from harness.results.run_files import RunFiles
from harness.running.publication import lasting_digest


@dataclass
class LevelCheck:
    """What one level holds, and what of it is not as it should be: ``figures`` were counted anew from ``scores``."""

    level: LoggedLevel
    differences: list[str] = field(default_factory=list)
    record: CellRecord | None = None
    scores: ScoreTable = field(default_factory=dict)
    figures: Mapping[str, float] = field(default_factory=dict)

    @property
    def images(self) -> int:
        """Number of scores."""
        return sum(len(split.scores) for split in self.scores.values())


def check_level(level: LoggedLevel, files: RunFiles, terms: Terms, withheld: Collection[str] = ()) -> LevelCheck:
    """Read a level's files and hold them against the manifest and against each other, by the run's ``terms``.

    Files that were ``withheld`` are not looked for.
    """
    found = LevelCheck(level)
    contents, damage = level.read(files, [name for name in level.sha256 or READ_FILES if name not in withheld])
    found.differences += damage
    try:
        _check_cell(found, contents)
        _check_scores(found, contents, terms)
        _check_mask(found, contents)
    except Exception as error:  # whatever is wrong with a file is a difference, and the other levels are looked at
        found.differences.append(f"{level.folder} cannot be read ({type(error).__name__}: {error})")
    return found


def _check_cell(found: LevelCheck, contents: Mapping[str, bytes]) -> None:
    if names.CELL_FILE not in contents:
        return
    cell = json.loads(contents[names.CELL_FILE])
    found.record = CellRecord.from_json(cell)
    told, asked = found.record.density, found.level.density
    if told != asked:
        found.differences.append(f"{names.CELL_FILE} is of density {told!r}, not {asked!r}")
    if found.level.digest and lasting_digest(cell) != found.level.digest:
        found.differences.append(f"{names.CELL_FILE} does not have the digest that the manifest gives for it")


def _check_scores(found: LevelCheck, contents: Mapping[str, bytes], terms: Terms) -> None:
    if found.record is None or names.SCORES_FILE not in contents:
        return
    found.scores = read_scores(contents[names.SCORES_FILE].decode())
    if found.record.status != names.DONE:
        if names.TEST in found.scores:
            found.differences.append(f"{names.CELL_FILE} says {found.record.status}, and it has scores of test images")
        return
    found.figures = as_told(recounted(found.scores, terms), found.record.metrics)
    found.differences += differing(found.figures, found.record.metrics)


def differing(counted: Mapping[str, float], recorded: Mapping[str, float]) -> list[str]:
    """Return each figure that is not recorded as it is counted from the scores.

    To nine digits: the exponential of another processor may round its last bit otherwise.
    """
    return [
        f"{name} is recorded as {recorded.get(name)!r}, its scores give {value!r}"
        for name, value in counted.items()
        if not math.isclose(recorded.get(name, math.nan), value, rel_tol=1e-9, abs_tol=1e-12)
    ]


def _check_mask(found: LevelCheck, contents: Mapping[str, bytes]) -> None:
    if found.record is None or names.MASK_FILE not in contents:
        return
    with np.load(io.BytesIO(contents[names.MASK_FILE]), allow_pickle=False) as masks:
        left = {name: int(np.unpackbits(masks[name]).sum()) for name in masks.files}
    found.differences += list(_masked_otherwise(left, found.record))


def _masked_otherwise(left: Mapping[str, int], record: CellRecord) -> Iterator[str]:
    for name in left.keys() & record.layers.keys():
        if left[name] != record.layers[name][0]:
            told = record.layers[name][0]
            yield f"{names.MASK_FILE} leaves {left[name]:,} weights of {name}, {names.CELL_FILE} says {told:,}"
