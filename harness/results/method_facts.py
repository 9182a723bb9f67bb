"""What a result tells of its method: who made it, what it does, and where that is written down."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

from harness.results import names

TICKET, ONE_SHOT, CHANNELS, ARCHITECTURE, TRAINED = "ticket", "one shot", "channels", "architecture", "trained"
OF_CONTROLS, OF_REFERENCES, OTHER = "control", "reference", "other"
"""Families of methods; others' methods may have words of their own."""

FAMILIES = {
    **dict.fromkeys(names.REFERENCES, OF_REFERENCES),
    **dict.fromkeys(names.CONTROLS, OF_CONTROLS),
    **dict.fromkeys(("lt", "class-dependent-lt"), TICKET),
    **dict.fromkeys(("snip", "grasp", "synflow"), ONE_SHOT),
    **dict.fromkeys(("snip-retrain", "magnitude", "magnitude-layerwise", "l-obs", "exact-obs"), TRAINED),
    **dict.fromkeys(("beta-rank", "cdc", "structured-magnitude", "structured-taylor"), CHANNELS),
    **dict.fromkeys(("structured-group-norm",), CHANNELS),
    "mobilenet": ARCHITECTURE,
}
"""The families of the harness's own methods, for who may not import them, and of runs that do not say theirs."""

_TAGS = {
    "family": names.FAMILY,
    "description": names.DESCRIPTION,
    "source": names.SOURCE,
    "version": names.METHOD_VERSION,
    "author": names.AUTHOR,
    "code": names.CODE,
}


@dataclass(frozen=True, kw_only=True)
class MethodFacts:
    """Texts, empty where nobody told.

    ``family``: what kind of method it is. ``description``: a line. ``source``: its publication. ``version`` and
    ``author`` are of the distribution that registers it, "prune-harness 0.1.0"; ``code`` is that one's address, or the
    module.
    """

    family: str
    description: str = ""
    source: str = ""
    version: str = ""
    author: str = ""
    code: str = ""

    @property
    def told(self) -> bool:
        """Return whether the harness that ran the method told of it."""
        return bool(self.version)

    def to_tags(self) -> dict[str, str]:
        """Return the facts as tags of a run."""
        return {_TAGS[field.name]: getattr(self, field.name) for field in fields(self)}

    @classmethod
    def from_values(cls, values: Mapping[str, str]) -> "MethodFacts":
        """Return the facts among plain values by their names; what another harness tells beside them is left out."""
        return cls(**{field.name: str(values.get(field.name, "")) for field in fields(cls)})

    @classmethod
    def from_tags(cls, method: str, tags: Mapping[str, str]) -> "MethodFacts":
        """Return what a run tells of its ``method``; of one before it told, the family, where that is known."""
        found = {name: tags.get(tag, "") for name, tag in _TAGS.items()}
        return cls(**found | {"family": found["family"] or family_of(method)})


def family_of(method: str) -> str:
    """Return the family of a method of the harness's own by its name, `OTHER` of any other."""
    return FAMILIES.get(method, OTHER)
