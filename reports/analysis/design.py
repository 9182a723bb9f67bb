"""Which networks a comparison needs: one a seed on each test part, the publisher's or every fold."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.evaluation.safety import FEWEST_NETWORKS
from harness.reports.analysis.outcomes import Outcome
from harness.reports.formatting import listed
from harness.results import names

Network = tuple[int, int]
"""Fold, 0 where the publisher's test images are tested, and seed."""


@dataclass(frozen=True)
class Design:
    """The ``parts`` that are tested, folds from 1 or the publisher's as 0, and the ``seeds`` on each of them."""

    parts: tuple[int, ...]
    seeds: tuple[int, ...]

    @property
    def folded(self) -> bool:
        """Return whether the test parts are folds."""
        return self.parts != (0,)

    @property
    def networks(self) -> tuple[Network, ...]:
        """Return every network that an entry is asked for at a level."""
        return tuple((part, seed) for part in self.parts for seed in self.seeds)

    @property
    def anecdote(self) -> bool:
        """Return whether there are too few networks for any verdict or rank."""
        return len(self.networks) < FEWEST_NETWORKS

    def absent(self, outcomes: Iterable[Outcome]) -> list[str]:
        """Say which networks of one entry at one level are missing or collapsed, a text for each cause."""
        own = {one.network: one for one in outcomes}
        causes: dict[str, list[Network]] = {}
        for network in self.networks:
            if cause := _cause(own.get(network)):
                causes.setdefault(cause, []).append(network)
        return [f"{cause} in {self.named(found)}" for cause, found in causes.items()]

    def named(self, networks: Sequence[Network]) -> str:
        """Return networks in words: seeds 0 and 1; folds 2 and 3, seed 1 of fold 4."""
        if not self.folded:
            return _numbered("seed", [seed for _, seed in networks])
        whole = [part for part in self.parts if all((part, seed) in networks for seed in self.seeds)]
        single = [f"seed {seed} of fold {part}" for part, seed in networks if part not in whole]
        return ", ".join([*([_numbered("fold", whole)] if whole else []), *single])


def _cause(outcome: Outcome | None) -> str:
    if outcome is None:
        return "not run"
    if not outcome.done:
        return outcome.status
    return "collapsed" if outcome.collapsed else ""


def _numbered(word: str, numbers: Sequence[int]) -> str:
    return f"{word}{'s' if len(numbers) > 1 else ''} {listed([*map(str, numbers)])}"


def by_part(done: Iterable[Outcome]) -> list[list[Outcome]]:
    """Return outcomes of one test part together, parts in order, each by seed."""
    parts: dict[int, list[Outcome]] = {}
    for outcome in sorted(done, key=lambda one: one.network):
        parts.setdefault(outcome.fold, []).append(outcome)
    return list(parts.values())


def entries_of(outcomes: Iterable[Outcome]) -> dict[str, list[Outcome]]:
    """Return the outcomes of each entry, the references first, then by name."""
    found: dict[str, list[Outcome]] = {}
    for outcome in sorted(outcomes, key=lambda one: (names.place(one.entry), one.entry, one.network)):
        found.setdefault(outcome.entry, []).append(outcome)
    return found
