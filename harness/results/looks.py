"""How often a test part was looked at: each look is a chance for the best of many to be luck."""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping

from harness.results import names
from harness.results.published import PublishedRun, ReadLevel
from harness.results.run_tables import UNREADABLE


def part_of(ids: Iterable[str], labels: Iterable[int]) -> str:
    """Return a hash of test images by their ids and labels, (N,) each: the same at any size and for any network."""
    images = sorted([identity, int(label)] for identity, label in zip(ids, labels, strict=True))
    return hashlib.sha256(json.dumps(images).encode()).hexdigest()[:16]


def looks(runs: Iterable[PublishedRun], parts: Mapping[str, str]) -> dict[str, int]:
    """Return by group how many entries were ever scored on its test part; ``parts`` has the part of each group.

    An entry counts once in each group and for each version of its method, the references never. Of versions as many
    are known as one seed has runs.
    """
    keys: dict[tuple[str, str], dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for run in runs:
        group, entry = run.tags[names.GROUP], run.tags[names.ENTRY]
        if group in parts and entry not in names.REFERENCES and any(map(_scored, run.levels)):
            keys[group, entry][run.tags[names.SEED]].add(run.tags.get(names.KEY, run.run_id))
    counted: Counter[str] = Counter()
    for (group, _), by_seed in keys.items():
        counted[parts[group]] += max(map(len, by_seed.values()))
    return {group: counted[part] for group, part in parts.items()}


def _scored(level: ReadLevel) -> bool:
    try:
        return bool(json.loads(level.files[names.CELL_FILE])["status"] == names.DONE)
    except UNREADABLE:
        return False
