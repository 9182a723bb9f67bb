"""Faults of a module: it speaks and seeds when it is imported."""

import random
from dataclasses import dataclass

from sound_pruner import Sound

random.seed(7)


@dataclass(frozen=True, kw_only=True)
class SeedsOnImport(Sound):
    pass


MEANT = [(SeedsOnImport(), "import_has_no_side_effects", "Python's random state")]
