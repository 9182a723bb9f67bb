"""A module that speaks when it is imported."""

from dataclasses import dataclass

from sound_pruner import Sound

print("ready to prune")


@dataclass(frozen=True, kw_only=True)
class SpeaksOnImport(Sound):
    pass


MEANT = [(SpeaksOnImport(), "import_has_no_side_effects", "ready to prune")]
