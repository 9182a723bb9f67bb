"""What is lost at each level: the positives by how many entries miss them, and how far an entry's networks agree."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from harness.evaluation.safety import Answer
from harness.reports.analysis.design import Design, by_part, entries_of
from harness.reports.analysis.lost_positives import countable, missed_by
from harness.reports.analysis.outcomes import Outcome
from harness.reports.analysis.verdicts import Verdict
from harness.results import names


@dataclass(frozen=True)
class LostImage:
    """A positive by its id: which ``entries`` miss it, and how many of the ``dense_networks`` that test it do."""

    identity: str
    entries: tuple[str, ...]
    dense_missed: int
    dense_networks: int

    @property
    def dense_finds(self) -> bool:
        """Return whether more than half of the dense networks find it: pruning lost it, where an entry misses it."""
        return 2 * self.dense_missed < self.dense_networks


@dataclass(frozen=True)
class Agreement:
    """How far the networks of an entry agree on each positive.

    ``missed`` is the share of the positives that a network misses, a mean; ``agreement`` the share of networks on the
    side of the majority, a mean over positives, .5 to 1; ``kappa`` Fleiss' (1971), None where it is not defined.
    """

    entry: str
    missed: float
    agreement: float
    kappa: float | None


@dataclass(frozen=True)
class LostLevel:
    """One level: the ``entries`` that were looked at, the ``images`` that one of them misses: those that the
    dense network finds first, and the most missed first of each.

    ``positives`` are all that are tested. ``agreements`` are those of the dense network and of the entries, controls
    among them. ``left_out`` are entries that are not whole.
    """

    density: float
    entries: tuple[str, ...]
    images: tuple[LostImage, ...]
    positives: int
    agreements: tuple[Agreement, ...]
    left_out: tuple[str, ...] = ()


def lost_by_image(cells: Sequence[Outcome], design: Design) -> tuple[LostLevel, ...]:
    """Return the pruned levels, densest first; nothing where networks are too few to speak of a majority of them.

    A network misses a positive as `missed_by` says; an entry does where more than half of its networks do that test it.
    Controls are counted for no image: they miss by chance.
    """
    dense = [cell for cell in cells if cell.entry == names.DENSE]
    if not countable(design) or design.absent(dense):
        return ()
    densities = sorted({cell.density for cell in cells if cell.density < 1}, reverse=True)
    return tuple(
        _level(density, [cell for cell in cells if cell.density == density], dense, design) for density in densities
    )


def _level(density: float, cells: Sequence[Outcome], dense: Sequence[Outcome], design: Design) -> LostLevel:
    every = {entry: own for entry, own in entries_of(cells).items() if entry not in names.REFERENCES}
    whole = {entry: _by_network(own) for entry, own in every.items() if not design.absent(own)}
    methods = [entry for entry in whole if not every[entry][0].control]
    reference = _by_network(dense)
    lost = {entry: np.concatenate([part.mean(axis=0) > 0.5 for part in whole[entry]]) for entry in methods}
    known = list(zip(_positives(dense), _counts(reference), strict=True))
    images = [
        LostImage(identity, tuple(entry for entry in methods if lost[entry][place]), missed, networks)
        for place, (identity, (missed, networks)) in enumerate(known)
    ]
    images = sorted((one for one in images if one.entries), key=_gravity)
    agreements = [_agreement(entry, parts) for entry, parts in {names.DENSE: reference, **whole}.items()]
    left_out = tuple(entry for entry in every if entry not in whole)
    return LostLevel(density, tuple(methods), tuple(images), len(known), tuple(agreements), left_out)


def _gravity(image: LostImage) -> tuple[bool, int, int, str]:
    return not image.dense_finds, -len(image.entries), image.dense_missed, image.identity


def _by_network(done: Sequence[Outcome]) -> list[npt.NDArray[np.bool_]]:
    """Return which positives of each test part are missed, (J, P) a part."""
    return [np.array([missed_by(one) for one in part]) for part in by_part(done)]


def _positives(done: Sequence[Outcome]) -> list[str]:
    """Return the ids of the positives in the order of `_by_network`, parts in order."""
    found: list[str] = []
    for first, *_ in by_part(done):
        assert first.labels is not None
        found += [identity for identity, label in zip(first.images, first.labels, strict=True) if label == 1]
    return found


def _counts(parts: Sequence[npt.NDArray[np.bool_]]) -> list[tuple[int, int]]:
    """Return by positive how many networks miss it, and how many there are."""
    return [(int(missed), len(part)) for part in parts for missed in part.sum(axis=0)]


def _agreement(entry: str, parts: Sequence[npt.NDArray[np.bool_]]) -> Agreement:
    shares = np.concatenate([part.mean(axis=0) for part in parts])
    counts = np.array(_counts(parts))
    with_majority = float(np.maximum(shares, 1 - shares).mean())
    return Agreement(entry, float(shares.mean()), with_majority, fleiss_kappa(counts[:, 0], counts[:, 1]))


def fleiss_kappa(missed: npt.NDArray[np.int64], networks: npt.NDArray[np.int64]) -> float | None:
    """Return the agreement of networks beyond chance, 1 where all agree on each image, 0 where as by chance.

    ``missed`` (P,) of the ``networks`` (P,) miss an image. None where fewer than two networks tested one, or all say
    the same of all. Source: Fleiss 1971, Measuring nominal scale agreement among many raters, equations (1)-(7).
    """
    if networks.size == 0 or networks.min() < 2:
        return None
    found = networks - missed
    pairs = (missed * (missed - 1) + found * (found - 1)) / (networks * (networks - 1))
    share = float((missed / networks).mean())
    by_chance = share**2 + (1 - share) ** 2
    return None if by_chance == 1 else (float(pairs.mean()) - by_chance) / (1 - by_chance)


def decisive_level(found: Sequence[Verdict]) -> float | None:
    """Return the smallest level at which an entry is shown to be safe or to lose positives, None where none is."""
    decided = (Answer.SAFE, Answer.LOSES)
    levels = {step.density for one in found for step in one.steps if step.answer in decided and step.density < 1}
    return min(levels, default=None)
