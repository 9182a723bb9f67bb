"""Every score as compressed CSV: what each figure of a page can be counted from again."""

import csv
import io
import zlib
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from harness.reports.export.csv_export import inert
from harness.results.names import Field, place
from harness.results.reading import Results

SCORES = "scores.csv.gz"
COLUMNS = (
    *(Field.GROUP, Field.ENTRY, Field.FOLD, Field.SEED, Field.DENSITY),
    *(Field.SPLIT, Field.IMAGE, Field.LABEL, Field.SCORE),
)
_NETWORK = [Field.RUN, Field.ENTRY, Field.SEED, Field.DENSITY, Field.SPLIT]
_LEVEL = 6
_GZIP = 31  # zlib's word for its largest window in gzip's frame


def to_scores(results: Results) -> bytes:
    """Return one row per (entry, fold, seed, level, split, image), gzipped; the same results give the same bytes.

    A score is written with as few digits as tell it apart as the float32 that a network gives. Text is as in the CSV
    of cells.
    """
    packer = zlib.compressobj(_LEVEL, wbits=_GZIP)  # piece by piece: the text of a large study is a gigabyte
    parts = [packer.compress(text.encode("utf-8", "backslashreplace")) for text in _texts(results)]
    return b"".join([*parts, packer.flush()])


def _texts(results: Results) -> Iterator[str]:
    yield ",".join(COLUMNS) + "\n"
    yield from _networks(results)


def _networks(results: Results) -> Iterator[str]:
    """Yield the rows of each network, in an order that does not depend on when it was run."""
    if results.scores.empty:
        return
    wanted = results.cells.drop_duplicates(Field.RUN).set_index(Field.RUN)
    where = wanted.reindex(columns=[Field.GROUP, Field.FOLD]).to_dict("index")
    networks = []
    key: Any
    for key, rows in results.scores.groupby(_NETWORK, sort=False):
        run, entry, seed, density, split = key
        if run in where:
            group, fold = where[run][Field.GROUP], where[run][Field.FOLD]
            part = 0 if pd.isna(fold) else int(fold)
            order = (str(group), place(entry), str(entry), part, int(seed), -float(density), str(split))
            networks.append((order, rows))
    written: dict[str, str] = {}
    for (group, _, entry, fold, seed, sparser, split), rows in sorted(networks, key=lambda one: one[0]):
        begin = _written((inert(group), inert(entry), fold or "", seed, -sparser, split))
        yield _rows(begin, rows, written)


def _rows(begin: str, rows: pd.DataFrame, written: dict[str, str]) -> str:
    """Return a network's rows by image; ``written`` remembers how each image's name is written."""
    images, labels = rows[Field.IMAGE].tolist(), rows[Field.LABEL].tolist()
    for image in images:
        if image not in written:
            written[image] = _written([inert(image)])
    listed = sorted(zip(images, labels, _short(rows[Field.SCORE].to_numpy(dtype=np.float64)), strict=True))
    return "".join(f"{begin},{written[image]},{int(label)},{score}\n" for image, label, score in listed)


def _written(values: Iterable[Any]) -> str:
    """Return values as CSV has them, quoted where that is needed."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()


def _short(scores: npt.NDArray[np.float64]) -> list[str]:
    with np.errstate(over="ignore"):
        singles = scores.astype(np.float32)
    same = (singles == scores).tolist()
    pairs = zip(singles, scores.tolist(), same, strict=True)
    return [str(single) if exact else repr(score) for single, score, exact in pairs]
