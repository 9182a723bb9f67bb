"""Checks on the class: its source, its parameters, and whether the same method can be written down and built again."""

import copy
import inspect
import json
import math
import pickle
from collections.abc import Callable, Iterator, Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
    distribution_to_json,
)
from pydantic import TypeAdapter, ValidationError

from harness.errors import UsageError
from harness.losses.registered import schedule_named
from harness.planning.method_facts import LONGEST_FAMILY
from harness.pruning.pruner import Pruner
from harness.randomness import generator
from harness.testing.case.case import Case
from harness.testing.case.failures import CheckFailed
from harness.testing.case.subject import parameters_of
from harness.testing.checks.registry import rule

LARGEST_TOLERANCE = 0.1
"""Above it a method may be called by a density that it does not have."""


def rebuilt(kind: type[Pruner], values: Mapping[str, Any]) -> Pruner:
    """Return the method built as the harness does, its values checked against their types."""
    pruner: Pruner = TypeAdapter(kind).validate_python(dict(values))
    return pruner


@rule(
    "core",
    catches="a result that nobody can trace to a publication.",
    fix="set `source` to citation and section",
    group="class",
)
def source_is_given(case: Case) -> None:
    """Require a text."""
    source = getattr(type(case.pruner), "source", None)
    if not isinstance(source, str) or not source.strip():
        raise CheckFailed(f"source is {source!r}, expected citation, section and equation as a text")


@rule(
    "core",
    catches="a family that no table has room for.",
    fix=f"set `family` to a word or two, of at most {LONGEST_FAMILY} characters",
    group="class",
)
def family_is_a_word(case: Case) -> None:
    """Require a short text on one line."""
    family = type(case.pruner).family
    if not isinstance(family, str) or not family.strip() or len(family) > LONGEST_FAMILY or not family.isprintable():
        raise CheckFailed(f"family is {family!r}, expected a text of at most {LONGEST_FAMILY} characters")


@rule(
    "core",
    catches="hidden parameters, and work in the constructor: a method is its fields and nothing else.",
    fix="decorate the class with @dataclass(frozen=True, kw_only=True), annotate every parameter, write no __init__",
    group="class",
)
def parameters_are_fields(case: Case) -> None:
    """Compare annotations, instance attributes and fields."""
    kind, pruner = type(case.pruner), case.pruner
    names = {field.name for field in fields(pruner)}
    own = [owner for owner in kind.__mro__ if issubclass(owner, Pruner) and owner is not Pruner]
    if written := sorted(owner.__name__ for owner in own if _writes_its_constructor(owner)):
        raise CheckFailed(f"{', '.join(written)}: has an __init__ of its own; expected the one that dataclass makes")
    annotations = [item for owner in own for item in inspect.get_annotations(owner).items()]
    hidden = {name for name, written in annotations if "ClassVar" not in str(written)}
    if missing := sorted(hidden - names):
        raise CheckFailed(f"{', '.join(missing)}: annotated, but no field; expected a dataclass of its own")
    if extra := sorted(set(vars(pruner)) - names):
        raise CheckFailed(f"the constructor set {', '.join(extra)}; expected it to keep its parameters alone")
    parameters = getattr(kind, "__dataclass_params__", None)
    if not is_dataclass(kind) or not getattr(parameters, "frozen", False) or not getattr(parameters, "init", False):
        raise CheckFailed("the class is no frozen dataclass with a generated __init__; expected one")
    if loose := [field.name for field in fields(pruner) if not field.kw_only]:
        raise CheckFailed(f"{', '.join(loose)}: may be given by position; expected keyword-only fields")


def _writes_its_constructor(owner: type) -> bool:
    """Return whether ``owner`` has an __init__ that is not dataclass's: those are compiled from no file."""
    constructor = vars(owner).get("__init__")
    return constructor is not None and getattr(getattr(constructor, "__code__", None), "co_filename", "") != "<string>"


@rule(
    "core",
    catches="a method that `--methods all` cannot run: a field without a default, or a variant with a wrong field.",
    fix="give each field a default or a value in every variant; name only fields in `variants`",
    group="class",
)
def variants_can_be_built(case: Case) -> None:
    """Build every variant."""
    kind = case.subject.kind
    if not kind.variants:
        raise CheckFailed("variants is empty, expected at least one: ({},)")
    known = {field.name for field in fields(kind)}
    for variant in kind.variants:
        if unknown := sorted(set(variant) - known):
            raise CheckFailed(f"variant {dict(variant)} names {', '.join(unknown)}, expected names of fields")
        try:
            rebuilt(kind, variant)
        except ValidationError as error:
            fault = error.errors()[0]
            place = ".".join(map(str, fault["loc"]))
            raise CheckFailed(f"variant {dict(variant)} is refused: {place}: {fault['msg']}") from error
        except Exception as error:
            what = f"variant {dict(variant)} cannot be built: {type(error).__name__}: {error}; expected a method"
            raise CheckFailed(what) from error


@rule(
    "core",
    catches="a parameter that no record can hold, so that the run cannot be repeated.",
    fix="use texts, numbers, booleans and Literals as parameters",
    group="class",
)
def parameters_survive_json(case: Case) -> None:
    """Write and read the parameters."""
    values = parameters_of(case.pruner)
    try:
        again = rebuilt(type(case.pruner), json.loads(json.dumps(values)))
    except (TypeError, ValueError) as error:
        raise CheckFailed(f"the parameters {values} do not survive JSON: {error}") from error
    if again != case.pruner:
        raise CheckFailed(f"JSON gives back {parameters_of(again)}, expected {values}")


@rule(
    "core",
    catches="a parameter that cannot be given as name[parameter=value], or reads as another one when it is.",
    fix="use texts, numbers, booleans and Literals, no lists and no None; no comma, bracket or blank in a text",
    group="class",
)
def parameters_survive_text(case: Case) -> None:
    """Write each non-default value, and those that tuning would try, as in an entry's name."""
    kind = type(case.pruner)
    changed = {f.name: getattr(case.pruner, f.name) for f in fields(kind) if getattr(case.pruner, f.name) != f.default}
    for values in [changed, *sampled(kind)]:
        written = {name: str(value) for name, value in values.items()}
        wrong = [text for text in written.values() if text != text.strip() or any(sign in text for sign in ",[]")]
        if wrong:
            raise CheckFailed(f"the value {wrong[0]!r} cannot be written in an entry's name, expected plain text")
        try:
            again = rebuilt(kind, {**parameters_of(case.pruner), **written})
        except ValidationError as error:
            raise CheckFailed(f"{written} cannot be read back: {error.errors()[0]['msg']}") from error
        if again != rebuilt(kind, {**parameters_of(case.pruner), **values}):
            raise CheckFailed(f"{written} is read as {parameters_of(again)}, expected {values}")


@rule(
    "core",
    catches="a misspelt parameter that is swallowed, so that the default runs under another name.",
    fix="let the dataclass make the __init__; take no **kwargs",
    group="class",
)
def unknown_parameters_are_refused(case: Case) -> None:
    """Give a parameter that does not exist."""
    name = "no_such_parameter"
    try:
        type(case.pruner)(**{**parameters_of(case.pruner), name: 1})
    except TypeError:
        return
    raise CheckFailed(f"the class took {name}=1, expected a TypeError")


@rule(
    "core",
    catches="nonsense that a method takes without a word: NaN or infinity for a number, words for a number.",
    fix="bound the field: `Annotated[float, Field(gt=0, lt=1)]`, or `Field(allow_inf_nan=False)`; Literal for words",
    group="class",
)
def wrong_values_are_refused(case: Case) -> None:
    """Give each number what is none."""
    kind, values = type(case.pruner), parameters_of(case.pruner)
    for name, value in values.items():
        if isinstance(value, bool) or not isinstance(value, int | float):
            continue
        for wrong in ("nonsense", math.nan, math.inf, -math.inf):
            try:
                rebuilt(kind, {**values, name: wrong})
            except ValidationError:
                continue
            raise CheckFailed(f"{name}={wrong} is taken, expected it to be refused")


@rule(
    "core",
    catches="a search space that tunes what does not exist, leaves out the default, or tries what is refused.",
    fix="name only fields; make each range hold the default and only values that the field accepts",
    group="class",
)
def search_space_fits_the_parameters(case: Case) -> None:
    """Compare the search space with fields, defaults and accepted values."""
    kind = type(case.pruner)
    defaults = {f.name: getattr(case.pruner, f.name) if f.default is MISSING else f.default for f in fields(kind)}
    for name, distribution in kind.search_space.items():
        if name not in defaults:
            raise CheckFailed(f"search_space names {name!r}, expected one of: {', '.join(defaults) or 'no field'}")
        if not isinstance(distribution, BaseDistribution):
            raise CheckFailed(f"search_space[{name!r}] is {distribution!r}, expected an Optuna distribution")
        distribution_to_json(distribution)
        if not _holds(distribution, defaults[name]):
            raise CheckFailed(f"{name}={defaults[name]}, the default, is outside {distribution}; expected it inside")
    for values in sampled(kind):
        try:
            rebuilt(kind, {**parameters_of(case.pruner), **values})
        except ValidationError as error:
            raise CheckFailed(f"{values} of the search space is refused: {error.errors()[0]['msg']}") from error


def _holds(distribution: BaseDistribution, value: Any) -> bool:
    try:
        return bool(distribution._contains(distribution.to_internal_repr(value)))
    except (TypeError, ValueError):
        return False


def sampled(kind: type[Pruner]) -> Iterator[dict[str, Any]]:
    """Yield values of each searched parameter: the ends of its range and a few drawn between, or all its choices."""
    for name, distribution in kind.search_space.items():
        for value in _values(distribution, name):
            yield {name: value}


def _values(distribution: BaseDistribution, name: str) -> list[Any]:
    if isinstance(distribution, CategoricalDistribution):
        return list(distribution.choices)
    assert isinstance(distribution, FloatDistribution | IntDistribution)
    import torch

    shares = torch.rand(5, generator=generator(0, "check", name)).tolist()
    between = [distribution.low + share * (distribution.high - distribution.low) for share in shares]
    if distribution.step:
        steps = [round((value - distribution.low) / distribution.step) for value in between]
        between = [distribution.low + step * distribution.step for step in steps]
    return [distribution.low, distribution.high, *(min(value, distribution.high) for value in between)]


@rule(
    "core",
    catches="a default loss that does not exist, or a method that cannot say what it is without its loss.",
    fix="name one of the schedules of docs/losses.md; return (name or None, pruner) from without_loss",
    group="class",
)
def loss_is_known(case: Case) -> None:
    """Resolve the default loss, and the method without it."""
    loss = case.pruner.loss
    try:
        schedule_named(loss)
    except UsageError as error:
        raise CheckFailed(f"loss is {loss!r}, expected a known schedule: {error.fix}") from error
    name, without = case.pruner.without_loss()
    if not (name is None or isinstance(name, str)) or not isinstance(without, Pruner):
        raise CheckFailed(f"without_loss gives ({name!r}, {without!r}), expected a name or None, and a Pruner")


@rule(
    "core",
    catches="a tolerance so wide that any network passes for any density, or a promise that the harness cannot read.",
    fix=f"set level_order to sequential or independent, and density_tolerance to a number in [0, {LARGEST_TOLERANCE}]",
    group="class",
)
def promises_are_readable(case: Case) -> None:
    """Look at level_order and density_tolerance."""
    order, tolerance = case.pruner.level_order, case.pruner.density_tolerance
    if order not in ("sequential", "independent"):
        raise CheckFailed(f"level_order is {order!r}, expected 'sequential' or 'independent'")
    if isinstance(tolerance, bool) or not isinstance(tolerance, int | float) or not 0 <= tolerance <= LARGEST_TOLERANCE:
        raise CheckFailed(f"density_tolerance is {tolerance!r}, expected a number in [0, {LARGEST_TOLERANCE}]")
    if not inspect.isgeneratorfunction(type(case.pruner).prune):
        raise CheckFailed("prune is no generator function, expected one that yields a network per density")


@rule(
    "core",
    catches="a method that is not the same after being copied or sent to a worker process.",
    fix="keep nothing on the instance but its fields, and compare by them alone",
    group="class",
)
def copies_are_equal(case: Case) -> None:
    """Copy, pickle, and build from the fields."""
    pruner = case.pruner
    ways: dict[str, Callable[[], Any]] = {
        "copied": lambda: copy.deepcopy(pruner),
        "pickled": lambda: pickle.loads(pickle.dumps(pruner)),  # noqa: S301 - our own
        "built from its fields": lambda: type(pruner)(**parameters_of(pruner)),
    }
    for way, made in ways.items():
        try:
            other = made()
        except Exception as error:
            raise CheckFailed(f"the method cannot be {way}: {type(error).__name__}: {error}") from error
        if other != pruner or vars(other) != vars(pruner):
            raise CheckFailed(f"{way} it is {other!r}, expected {pruner!r}")
