"""Every score as compressed CSV: what each figure of a page can be counted from again."""

import csv
import gzip
import io
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
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


def to_scores(results: Results) -> bytes:
    """Return one row per (entry, fold, seed, level, split, image), gzipped; the same results give the same bytes.

    A score is written with as few digits as tell it apart as the float32 that a network gives. Text is as in the CSV
    of cells.
    """
    text = ",".join(COLUMNS) + "\n" + "".join(_lines(results))
    return gzip.compress(text.encode("utf-8", "backslashreplace"), _LEVEL, mtime=0)


def _lines(results: Results) -> Iterator[str]:
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
    for (group, _, entry, fold, seed, sparser, split), rows in sorted(networks, key=lambda one: one[0]):
        yield from _rows((inert(group), inert(entry), fold or "", seed, -sparser, split), rows)


def _rows(network: Iterable[Any], rows: pd.DataFrame) -> Iterator[str]:
    """Yield a network's rows by image."""
    begin = _written(network)
    own = rows.sort_values(Field.IMAGE)
    listed = zip(own[Field.IMAGE], own[Field.LABEL], own[Field.SCORE], strict=True)
    yield from (f"{begin},{_written([inert(image)])},{int(label)},{_short(score)}\n" for image, label, score in listed)


def _written(values: Iterable[Any]) -> str:
    """Return values as CSV has them, quoted where that is needed."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="").writerow(values)
    return text.getvalue()


def _short(score: float) -> str:
    single = np.float32(score)
    return str(single) if float(single) == score else repr(float(score))
