"""Faults of the class and its parameters."""

from dataclasses import dataclass
from typing import ClassVar

from optuna.distributions import FloatDistribution
from sound_pruner import Sound


@dataclass(frozen=True, kw_only=True)
class NoSource(Sound):
    source = " "


@dataclass(frozen=True, kw_only=True)
class LongFamily(Sound):
    family = "a family of twenty-one"


class Undecorated(Sound):
    strength: float = 1.0


@dataclass(frozen=True, kw_only=True)
class KeepsMoreThanFields(Sound):
    def __post_init__(self):
        object.__setattr__(self, "cache", {})


@dataclass(frozen=True, kw_only=True)
class WorksInItsConstructor(Sound):
    share: float = 0.5

    def __init__(self, *, share=0.5, **others):
        super().__init__(**others)
        object.__setattr__(self, "share", min(share, 0.9))


@dataclass(frozen=True)
class TakesPositions(Sound):
    share: int = 1


@dataclass(frozen=True, kw_only=True)
class WrongVariant(Sound):
    variants = ({"speed": 3},)


@dataclass(frozen=True, kw_only=True)
class NeedsAField(Sound):
    share: int


@dataclass(frozen=True, kw_only=True)
class FailsWhenBuilt(Sound):
    variants = ({}, {"share": 0})
    share: int = 1

    def __post_init__(self):
        object.__setattr__(self, "share", 1 // self.share)


@dataclass(frozen=True, kw_only=True)
class HoldsASet(Sound):
    layers: frozenset[str] = frozenset({"conv1"})


@dataclass(frozen=True, kw_only=True)
class HoldsAList(Sound):
    widths: tuple[int, ...] = (1, 2)


@dataclass(frozen=True, kw_only=True)
class MayHoldNone(Sound):
    limit: float | None = 1.0


@dataclass(frozen=True, kw_only=True, init=False)
class TakesAnything(Sound):
    def __init__(self, **given):
        pass


@dataclass(frozen=True, kw_only=True)
class Unbounded(Sound):
    strength: float = 1.0


@dataclass(frozen=True, kw_only=True)
class SearchesWhatIsNotThere(Sound):
    search_space: ClassVar = {"speed": FloatDistribution(0, 1)}


@dataclass(frozen=True, kw_only=True)
class DefaultOutsideItsRange(Sound):
    search_space: ClassVar = {"strength": FloatDistribution(2, 3)}
    strength: float = 1.0


@dataclass(frozen=True, kw_only=True)
class UnknownLoss(Sound):
    @property
    def loss(self):
        return "red"


@dataclass(frozen=True, kw_only=True)
class AnythingPasses(Sound):
    @property
    def density_tolerance(self):
        return 1.0


@dataclass(frozen=True, kw_only=True)
class BetweenTheTwo(Sound):
    level_order = "both"


@dataclass(frozen=True, kw_only=True, eq=False)
class EqualToItselfAlone(Sound):
    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__


MEANT = [
    (NoSource(), "source_is_given", "source is ' '"),
    (LongFamily(), "family_is_a_word", "family is 'a family of twenty-one', expected a text of at most 20 characters"),
    (Undecorated(), "parameters_are_fields", "strength: annotated, but no field"),
    (KeepsMoreThanFields(), "parameters_are_fields", "the constructor set cache"),
    (WorksInItsConstructor(), "parameters_are_fields", "has an __init__ of its own"),
    (TakesPositions(), "parameters_are_fields", "share: may be given by position"),
    (WrongVariant(), "variants_can_be_built", "names speed"),
    (NeedsAField(share=1), "variants_can_be_built", "is refused"),
    (NeedsAField, "variants_can_be_built", "variant {} is refused: share: Field required"),
    (FailsWhenBuilt, "variants_can_be_built", "cannot be built"),
    (HoldsASet(), "parameters_survive_json", "do not survive JSON"),
    (HoldsAList(widths=(3, 4)), "parameters_survive_text", "cannot be written"),
    (MayHoldNone(limit=None), "parameters_survive_text", "cannot be read back"),
    (TakesAnything(), "unknown_parameters_are_refused", "took no_such_parameter=1"),
    (Unbounded(), "wrong_values_are_refused", "strength=nan is taken"),
    (SearchesWhatIsNotThere(), "search_space_fits_the_parameters", "names 'speed'"),
    (DefaultOutsideItsRange(), "search_space_fits_the_parameters", "is outside"),
    (UnknownLoss(), "loss_is_known", "loss is 'red'"),
    (AnythingPasses(), "promises_are_readable", "density_tolerance is 1.0"),
    (BetweenTheTwo(), "promises_are_readable", "level_order is 'both'"),
    (EqualToItselfAlone(), "copies_are_equal", "copied it is"),
]
