"""What may be tuned of an entry: its method's own fields, its loss's; of the dense network, its schedule."""

import math
import warnings
from collections.abc import Mapping
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution, IntDistribution

from harness.errors import UsageError, nearest
from harness.planning.description import search_space_of, traits_of
from harness.planning.tuning_options import Range
from harness.results.names import DENSE
from harness.results.study_record import Choices, Interval
from harness.training.schedule import Optimiser
from harness.tuning.candidate import Candidate, Values

Space = Mapping[str, BaseDistribution]

SCHEDULE_SPACES: Mapping[Optimiser, Space] = {
    "sgd": {"learning_rate": FloatDistribution(5e-4, 0.2, log=True), "weight_decay": FloatDistribution(0.0, 5e-3)},
    "adamw": {"learning_rate": FloatDistribution(1e-5, 1e-2, log=True), "weight_decay": FloatDistribution(0.0, 0.5)},
}
"""What is tuned once, on the dense network, and then the same for every method; by optimiser."""

_DIGITS = 3
_EDGE = 0.02


def space_of(candidate: Candidate, written: Mapping[str, Mapping[str, Range]]) -> Space:
    """Return the search space of an entry: the one ``written`` for its method, or the method's own with its loss's.

    Empty where the method has none. Raises `UsageError` with everything that is wrong with it.
    """
    method = candidate.entry.method
    own = written.get(method)
    if own is not None and not own:
        raise UsageError(f"tuning.space.{method} is empty", fix="name a parameter there, or leave the table out")
    space, faults = (_usual_space(candidate), []) if own is None else written_space(candidate, own)
    for name, values in space.items():
        if name in candidate.parameters:
            faults += _faults(candidate, name, values)
        else:
            faults.append(f"{name}: its class declares a range for it and has no such field")
    if faults:
        raise UsageError(
            f"the search space of {candidate.entry.text} cannot be used",
            faults=faults,
            fix=f"change [tuning.space.{method}], or what the configuration sets",
        )
    return space


def _usual_space(candidate: Candidate) -> Space:
    if candidate.entry.method == DENSE:
        return SCHEDULE_SPACES[candidate.schedule.optimiser]
    method, loss = candidate.entry.method, candidate.entry.loss
    numbers = {name: loss.search_space[name] for name in loss.parameters if name in loss.search_space}
    own = traits_of(method).parameters
    return {**search_space_of(method), **{name: space for name, space in numbers.items() if name not in own}}


def _faults(candidate: Candidate, name: str, distribution: BaseDistribution) -> list[str]:
    """Return what is wrong with one parameter's range: nothing to choose, values refused, the default outside."""
    if distribution.single():
        return [f"{name} has a single value: there is nothing to tune"]
    found = []
    for value in _ends(distribution):
        try:
            candidate.with_values({name: value})
        except UsageError as error:
            found += [f"{name} = {value}: {fault}" for fault in error.faults or [error.message]]
    default = candidate.values({name: distribution})[name]
    if not _holds(distribution, default):
        found.append(
            f"the default, {name} = {default}, is not in {searched(distribution).words}; it must be, as trial 0"
        )
    return found


def _ends(distribution: BaseDistribution) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    return [distribution.low, distribution.high]


def _holds(distribution: BaseDistribution, value: Any) -> bool:
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    if not isinstance(value, int | float) or not distribution.low <= value <= distribution.high:
        return False
    steps = (value - distribution.low) / distribution.step if distribution.step else 0.0
    return math.isclose(steps, round(steps), abs_tol=1e-6)


def rounded(space: Space, values: Values) -> dict[str, Any]:
    """Return suggested ``values`` as they are used: floats with three digits, so that a name stays readable."""
    return {name: _rounded(space[name], value) for name, value in values.items()}


def _rounded(distribution: BaseDistribution, value: Any) -> Any:
    if not isinstance(distribution, FloatDistribution):
        return value
    short = float(f"{value:.{_DIGITS}g}") if distribution.step is None else round(float(value), 10)
    return min(max(short, distribution.low), distribution.high)


def edges(candidate: Candidate, space: Space, values: Values) -> list[str]:
    """Return the numeric parameters whose value lies on an edge of its range that could be moved (within 2 % of it)."""
    return [name for name, value in values.items() if _on_edge(candidate, name, space[name], value)]


def _on_edge(candidate: Candidate, name: str, distribution: BaseDistribution, value: Any) -> bool:
    if not isinstance(distribution, FloatDistribution | IntDistribution):
        return False
    low, high, here = float(distribution.low), float(distribution.high), float(value)
    if distribution.step:
        margin, width = 0.0, float(distribution.step)
    else:
        if distribution.log:
            low, high, here = math.log(low), math.log(high), math.log(here)
        margin = width = _EDGE * (high - low)
    if low + margin < here < high - margin:
        return False
    beyond = low - width if here <= low + margin else high + width
    return _accepts(candidate, name, math.exp(beyond) if distribution.log and not distribution.step else beyond)


def _accepts(candidate: Candidate, name: str, value: float) -> bool:
    """Return whether a parameter takes a value outside its range: where not, the edge is nature's and not ours."""
    try:
        candidate.with_values({name: value})
    except UsageError:
        return False
    return True


def searched(distribution: BaseDistribution) -> Choices | Interval:
    """Return a distribution as plain values."""
    if isinstance(distribution, CategoricalDistribution):
        return Choices(tuple(distribution.choices))
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    step = distribution.step if isinstance(distribution, FloatDistribution) or distribution.step != 1 else None
    return Interval(distribution.low, distribution.high, distribution.log, step)


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
        except ArithmeticError:  # Optuna counts the steps by decimals
            faults.append(f"tuning.space.{method}.{name}: its numbers, or the steps in it, are too many to count")
        except (ValueError, UserWarning) as error:
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
