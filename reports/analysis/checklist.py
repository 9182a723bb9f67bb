"""The checklist for evaluations of pruning, answered from a board. Source: Blalock, Gonzalez Ortiz, Frankle & Guttag
2020, What is the State of Neural Network Pruning?, appendix B, in words of our own.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum

from harness.reports.analysis.leaderboard import Board
from harness.results import names
from harness.results.method_facts import ONE_SHOT, OTHER, TICKET, TRAINED, family_of

ENOUGH_LEVELS = 5
"""So many operating points are asked for."""
FEWEST_OTHERS = 2
OLD = 2010
"""A method from before counts as one of the old ones."""

RANDOM, RANDOM_LAYERWISE = "random", "random-layerwise"
MAGNITUDE, MAGNITUDE_LAYERWISE = "magnitude", "magnitude-layerwise"
DEFAULT_OF = "snip"
"""The method whose layers the layerwise controls keep unless their entry names another."""

LEVELS, FALL, NETWORKS, INITIAL, STEPS = "levels", "a fall", "networks", "initial weights", "steps"
"""What some items lack."""

_OF = re.compile(r"\bof=((?:[^\[\],]|\[[^\[\]]*\])+)")
_YEAR = re.compile(r"\b(?:19|20)\d\d\b")
_OF_WEIGHTS = (TICKET, ONE_SHOT, TRAINED)
_RUN = ("network", "size", "weights", "schedule")
_DATA = ("dataset", "dataset_version", "citation", "counts", "split_seed", "fingerprint", "schedule")
_MACHINE = ("environment", "versions")


class Item(StrEnum):
    """What is asked."""

    CONTEXT, DETAIL, CLAIMS, CODE = "context", "detail", "claims", "code"
    NETWORK, ARCHITECTURE, DATA, MACHINE = "network", "architecture", "data", "machine"
    LEVELS, RAW, SEEDS, ERROR_BARS, FLOPS = "levels", "raw figures", "seeds", "error bars", "flops"
    RANDOM, RANDOM_LAYERWISE = "random", "random layerwise"
    MAGNITUDE, MAGNITUDE_LAYERWISE = "magnitude", "magnitude layerwise"
    OTHERS, ALIKE = "others", "alike"


class Answer(StrEnum):
    """How far an item is met."""

    YES, PARTLY, NO = "yes", "partly", "no"


@dataclass(frozen=True)
class Checked:
    """The ``answer`` on one item; ``has`` and ``lacks`` name what speaks for it and what is missing."""

    item: Item
    answer: Answer
    has: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()


def checklist(board: Board) -> tuple[Checked, ...]:
    """Return the answer on every item, in the order of `Item`."""
    return tuple(_of(item, *_ANSWERS[item](board)) for item in Item)


Found = tuple[Iterable[str], Iterable[str]]


def _of(item: Item, has: Iterable[str], lacks: Iterable[str]) -> Checked:
    """Return yes where nothing lacks, no where there is nothing, and partly between."""
    there, missing = tuple(has), tuple(lacks)
    answer = Answer.YES if not missing else Answer.PARTLY if there else Answer.NO
    return Checked(item, answer, there, missing)


def _context(board: Board) -> Found:
    years = [int(year) for one in board.methods for year in _YEAR.findall(one.facts.source)]
    kinds = {
        "magnitude pruning": bool(_entries(board, MAGNITUDE)),
        "published methods": len(_others(board)) >= FEWEST_OTHERS,
        f"a method from before {OLD}": any(year < OLD for year in years),
    }
    return _split(kinds)


def _detail(board: Board) -> Found:
    return _split({one.name: bool(one.facts.source and one.facts.code) for one in board.methods}, none="any method")


def _claims(board: Board) -> Found:
    named = [str(board.provenance[name]) for name in ("dataset", "network") if board.provenance.get(name)]
    return named, [] if named else ["dataset", "network"]


def _code(board: Board) -> Found:
    return _split({one.name: bool(one.facts.code) for one in board.methods}, none="any method")


def _known(*facts: str) -> Callable[[Board], Found]:
    """Return what asks whether facts are known of a group."""
    return lambda board: _split({name: board.provenance.get(name) not in (None, "") for name in facts})


def _architecture(board: Board) -> Found:
    return [str(board.provenance.get("network"))] * bool(board.provenance.get("network")), ["its publication"]


def _levels(board: Board) -> Found:
    levels = [level.density for level in board.levels if level.density < 1]
    falls = [
        step.density
        for one in board.verdicts
        if not one.control
        for step in one.steps
        if step.judgement and step.density < 1 and step.judgement.loss.value >= board.terms.delta
    ]
    kinds = {LEVELS: len(levels) >= ENOUGH_LEVELS, FALL: bool(falls)}
    return ([str(len(levels))] if levels else []), _split(kinds)[1]


def _raw(board: Board) -> Found:
    missing = {row.entry: row.asked - row.done for level in board.levels for row in level.rows if row.done < row.asked}
    done = any(row.done for level in board.levels for row in level.rows)
    return (["figures"] if done else []), (sorted(missing) if done else ["figures"])


def _seeds(board: Board) -> Found:
    number = len(board.design.networks)
    drawn = str(board.provenance.get("weights")) == "kaiming"
    kinds = {NETWORKS: not board.design.anecdote, INITIAL: drawn}
    return ([str(number)] if number > 1 else []), _split(kinds)[1]


def _error_bars(board: Board) -> Found:
    done = any(row.auc for level in board.levels for row in level.rows)
    return (["images"] if done else []), ([NETWORKS] if board.design.anecdote or not done else [])


def _flops(board: Board) -> Found:
    done = [cell for cell in board.cells if cell.done and cell.entry not in names.REFERENCES]
    counted = {cell.entry: cell.metric(names.FLOPS) == cell.metric(names.FLOPS) for cell in done}
    return _split(counted, none="any entry")


def _random(board: Board) -> Found:
    own = _entries(board, RANDOM)
    over_all = [entry for entry in own if "scope=global" in entry]
    return own, [] if over_all else ["all layers"]


def _layerwise(method: str, own: str = "") -> Callable[[Board], Found]:
    """Return what asks for which entries over single weights a layerwise control keeps the layers.

    Of ``own`` it does so by itself: that method chooses weights as the control does.
    """

    def found(board: Board) -> Found:
        lent = {(_OF.search(entry) or [entry, DEFAULT_OF])[1] for entry in _entries(board, method)}
        weights = [
            entry
            for one in board.methods
            if not one.control and one.facts.family in _OF_WEIGHTS and one.name not in (MAGNITUDE_LAYERWISE, own)
            for entry in one.entries
        ]
        return _split({entry: entry in lent for entry in weights}, none="any method")

    return found


def _magnitude(board: Board) -> Found:
    own = _entries(board, MAGNITUDE)
    return own, [] if own else ["any"]


def _others(board: Board) -> list[str]:
    asked = [one for one in board.methods if not one.control and one.name not in (MAGNITUDE, MAGNITUDE_LAYERWISE)]
    return [one.name for one in asked if one.facts.source or family_of(one.name) != OTHER]


def _enough_others(board: Board) -> Found:
    found = _others(board)
    return found, [] if len(found) >= FEWEST_OTHERS else ["others"]


def _alike(board: Board) -> Found:
    budgets = {row.budget for level in board.levels for row in level.rows if level.density < 1 and row.done}
    return ["images", "seeds", "schedule"], [STEPS] if len(budgets) > 1 else []


def _entries(board: Board, method: str) -> list[str]:
    """Return a method's entries that gave a network at every pruned level."""
    levels = [level for level in board.levels if level.density < 1]
    done = [{row.entry for row in level.rows if row.done} for level in levels]
    own = [entry for one in board.methods if one.name == method for entry in one.entries]
    return [entry for entry in own if done and all(entry in rows for rows in done)]


def _split(kinds: dict[str, bool], none: str = "") -> Found:
    """Return what holds and what does not; ``none`` lacks where nothing was asked."""
    has = [kind for kind, holds in kinds.items() if holds]
    return has, [kind for kind, holds in kinds.items() if not holds] or ([] if has else [none])


_ANSWERS: dict[Item, Callable[[Board], Found]] = {
    Item.CONTEXT: _context,
    Item.DETAIL: _detail,
    Item.CLAIMS: _claims,
    Item.CODE: _code,
    Item.NETWORK: _known(*_RUN),
    Item.ARCHITECTURE: _architecture,
    Item.DATA: _known(*_DATA),
    Item.MACHINE: _known(*_MACHINE),
    Item.LEVELS: _levels,
    Item.RAW: _raw,
    Item.SEEDS: _seeds,
    Item.ERROR_BARS: _error_bars,
    Item.FLOPS: _flops,
    Item.RANDOM: _random,
    Item.RANDOM_LAYERWISE: _layerwise(RANDOM_LAYERWISE),
    Item.MAGNITUDE: _magnitude,
    Item.MAGNITUDE_LAYERWISE: _layerwise(MAGNITUDE_LAYERWISE, own=MAGNITUDE),
    Item.OTHERS: _enough_others,
    Item.ALIKE: _alike,
}
