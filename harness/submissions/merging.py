"""Results of several people as one: the same cell once, different results of one cell under their authors' names.

Groups are what they are in one store: results of two are never in one table. Of one author the newest run counts.
"""

import json
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from harness.results import names
from harness.results.published import PublishedRun, ReadDocument, ReadLevel
from harness.results.reading import Results, results_of
from harness.results.submission import Submission
from harness.results.thumbnails import thumbnails_of

Key = tuple[str, str, str]
"""Group, entry, seed."""
Entry = tuple[str, str]
"""Family of groups, entry."""


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where runs come from: a bundle with its author, or a store, whose author is an empty text.

    A store may have ``thumbnails`` of tested images; a bundle carries no images.
    """

    author: str = ""
    code: str = ""
    date: str = ""
    state: str = ""
    runs: Sequence[PublishedRun]
    studies: Sequence[ReadDocument] = ()
    thumbnails: Sequence[ReadDocument] = ()


@dataclass(frozen=True)
class Merged:
    """All results of one data set, and ``notes``: what is not as its author named it, and why."""

    results: Results
    notes: tuple[str, ...]


def merge(dataset: str, sources: Sequence[Source]) -> Merged:
    """Return the results of all sources together; who is named first stays where two contradict each other.

    A cell that two authors have with the same scores is one. One that they have with different scores makes the entry
    two, with the authors' names behind it; where it is one of the references, the later author's groups stand apart,
    since all comparisons of a table are with one dense network.
    """
    notes: list[str] = []
    current, older = _newest_of_each_author(sources)
    named = _renamed(_apart(current, notes), notes)
    studies = {document.text: document for source in sources for document in source.studies}
    results = results_of(dataset, [*older, *_united(named)], studies.values())
    submissions = tuple(_submission(source) for source in named if source.author)
    pictures = thumbnails_of(document for source in sources for document in source.thumbnails)
    return Merged(replace(results, submissions=submissions, thumbnails=pictures), tuple(notes))


def _key(run: PublishedRun) -> Key:
    return run.tags[names.GROUP], run.tags[names.ENTRY], run.tags[names.SEED]


def _newest_of_each_author(sources: Sequence[Source]) -> tuple[list[Source], list[PublishedRun]]:
    """Return the sources with the runs that count, and all other runs, which are still looks at the test images."""
    newest: dict[tuple[str, Key], tuple[int, int]] = {}
    for place, source in enumerate(sources):
        for number, run in enumerate(source.runs):
            before = newest.get((source.author, _key(run)))
            if before is None or sources[before[0]].runs[before[1]].started <= run.started:
                newest[source.author, _key(run)] = place, number
    kept = {*newest.values()}
    split = [
        [
            [run for number, run in enumerate(source.runs) if ((place, number) in kept) == counts]
            for counts in (True, False)
        ]
        for place, source in enumerate(sources)
    ]
    current = [replace(source, runs=runs) for source, (runs, _) in zip(sources, split, strict=True)]
    return current, [run for _, others in split for run in others]


def _families(sources: Sequence[Source]) -> dict[str, str]:
    """Return by group the family of folds that it belongs to, itself without folds."""
    found: dict[str, str] = {}
    for run in (run for source in sources for run in source.runs):
        facts = _facts(run)
        group = run.tags[names.GROUP]
        found[group] = str(facts.get("family") or group) if facts.get("folds") else found.get(group, group)
    return found


def _facts(run: PublishedRun) -> dict[str, Any]:
    """Return a run's provenance, nothing where it is lost."""
    try:
        found = json.loads(run.provenance)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _differing(one: Source, other: Source) -> Iterator[Key]:
    """Yield each run of which two authors have a level with different scores."""
    mine, theirs = ({_key(run): run for run in source.runs} for source in (one, other))
    for key in mine.keys() & theirs.keys() if one.author != other.author else ():
        own = {level.density: _content(level) for level in mine[key].levels}
        if any(own.get(level.density, _content(level)) != _content(level) for level in theirs[key].levels):
            yield key


def _content(level: ReadLevel) -> str:
    return level.files.get(names.SCORES_FILE, level.damage)


def _apart(sources: Sequence[Source], notes: list[str]) -> list[Source]:
    """Give groups names of their own whose references are not those of the authors before."""
    families, kept = _families(sources), list[Source]()
    for source in sources:
        keys = [key for before in kept for key in _differing(before, source) if key[1] in names.REFERENCES]
        others = {families[group] for group, _, _ in keys}
        whose = source.author or "the store"
        notes += [
            f"{whose}: the dense network or probe of group {family} is not the one that others have, so that {whose}'s"
            " results are a table of their own"
            for family in sorted(others)
        ]
        runs = [_regrouped(run, whose) if families[run.tags[names.GROUP]] in others else run for run in source.runs]
        kept.append(replace(source, runs=runs))
    return kept


def _regrouped(run: PublishedRun, whose: str) -> PublishedRun:
    facts = _facts(run)
    facts |= {name: f"{facts[name]} ({whose})" for name in ("group", "family") if name in facts}
    tags = {**run.tags, names.GROUP: f"{run.tags[names.GROUP]} ({whose})"}
    return replace(run, tags=tags, provenance=json.dumps(facts))


def _renamed(sources: Sequence[Source], notes: list[str]) -> list[Source]:
    """Put authors' names behind entries of which two authors have different results."""
    families = _families(sources)
    pairs = [(one, other) for place, one in enumerate(sources) for other in sources[place + 1 :]]
    keys = [key for one, other in pairs for key in _differing(one, other)]
    twice = {(families[group], entry) for group, entry, _ in keys}
    notes += [
        f"{entry} in group {family}: its authors have different scores of one cell, so that each has an entry"
        for family, entry in sorted(twice)
    ]
    return [
        replace(source, runs=[_under(source.author, run, families, twice) for run in source.runs]) for source in sources
    ]


def _under(author: str, run: PublishedRun, families: Mapping[str, str], twice: set[Entry]) -> PublishedRun:
    family = families[run.tags[names.GROUP]]
    called = {
        tag: f"{run.tags[tag]} ({author})"
        for tag in (names.ENTRY, names.PLAIN)
        if author and (family, run.tags.get(tag, "")) in twice
    }
    return replace(run, tags={**run.tags, **called}) if called else run


def _united(sources: Sequence[Source]) -> list[PublishedRun]:
    """Return each run once, with the levels that any author has of it; it is the newest of its key."""
    found: dict[Key, list[PublishedRun]] = defaultdict(list)
    for run in (run for source in sources for run in source.runs):
        found[_key(run)].append(run)
    return [_one(same) for same in found.values()]


def _one(same: Sequence[PublishedRun]) -> PublishedRun:
    levels = {level.density: level for run in reversed(same) for level in run.levels}
    return replace(
        same[0],
        levels=[levels[density] for density in sorted(levels, reverse=True)],
        started=max(run.started for run in same),
        finished=max(run.finished for run in same),
    )


def _submission(source: Source) -> Submission:
    entries: dict[str, set[str]] = defaultdict(set)
    for run in source.runs:
        entries[run.tags[names.GROUP]] |= {run.tags[names.ENTRY]} - {*names.REFERENCES}
    told = {group: tuple(sorted(own)) for group, own in entries.items()}
    return Submission(author=source.author, code=source.code, date=source.date, state=source.state, entries=told)
