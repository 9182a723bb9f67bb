"""Search spaces that a user wrote: ranges as Optuna distributions."""

import warnings
from collections.abc import Mapping

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from harness.planning.tuning_options import Range
from harness.suggestions import nearest
from harness.tuning.candidate import Candidate


def written_space(candidate: Candidate, written: Mapping[str, Range]) -> tuple[dict[str, BaseDistribution], list[str]]:
    """Return the distributions of what can be read of a written space, and what is wrong with the rest."""
    known, method = candidate.parameters, candidate.entry.method
    space: dict[str, BaseDistribution] = {}
    faults = []
    for name, one in written.items():
        if name not in known:
            has = ", ".join(known) or "none"
            faults.append(f"tuning.space.{method}.{name}: no such parameter{nearest(name, known)}; it has {has}")
            continue
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")  # Optuna's on a step that does not divide its range
                space[name] = _distribution(one, whole=isinstance(candidate.values([name])[name], int))
        except (ValueError, OverflowError, UserWarning) as error:
            faults.append(f"tuning.space.{method}.{name}: {error}")
    return space, faults


def _distribution(written: Range, *, whole: bool) -> BaseDistribution:
    """Return one range; of whole numbers where the parameter is one. Raises ValueError for one that is none."""
    low, high, step = written.low, written.high, written.step
    if written.choices is not None:
        if (low, high, step, written.log) != (None, None, None, False):
            raise ValueError("give low and high, or choices alone")
        return CategoricalDistribution(list(dict.fromkeys(written.choices)))
    if low is None or high is None:
        raise ValueError("give low and high, or choices alone")
    if not whole:
        return FloatDistribution(float(low), float(high), log=written.log, step=None if step is None else float(step))
    if any(value is not None and not float(value).is_integer() for value in (low, high, step)):
        raise ValueError("low, high and step must be whole numbers")
    return IntDistribution(int(low), int(high), log=written.log, step=1 if step is None else int(step))
