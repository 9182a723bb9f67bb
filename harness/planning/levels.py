"""The levels of a run: densities that one network can tell apart, densest first."""

from collections.abc import Iterable, Sequence

from harness.networks.architecture import Architecture
from harness.networks.factories import parameter_count, skeleton


def levels_asked(densities: Iterable[float], network: str) -> tuple[tuple[float, ...], list[str]]:
    """Return the levels, from 1 downwards, and notes on densities that stand for another.

    Two that are nearer to each other than one parameter of ``network`` are one level. Of such, 1 is run, else what is
    written shortest. Raises `UsageError` for an unknown network.
    """
    total = parameter_count(skeleton(Architecture(network)))
    groups: list[list[float]] = []
    for density in sorted({1.0, *densities}, reverse=True):
        if groups and (groups[-1][0] - density) * total < 1:
            groups[-1].append(density)
        else:
            groups.append([density])
    levels = tuple(map(_written_shortest, groups))
    notes = [_note(group, level, network, total) for group, level in zip(groups, levels, strict=True) if group[1:]]
    return levels, notes


def _written_shortest(group: Sequence[float]) -> float:
    """Return what stands for densities that are one level, densest first."""
    return 1.0 if group[0] == 1 else min(group, key=lambda density: len(repr(density)))


def _note(group: Sequence[float], level: float, network: str, total: int) -> str:
    others = ", ".join(repr(density) for density in group if density != level)
    return f"density {others}: the same level as {level!r}, less than one of the {total:,} parameters of {network} away"
