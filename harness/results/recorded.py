"""A run as it is kept, for who doubts it: what MLflow holds, the files, and the manifest that should know them."""

from collections.abc import Mapping
from dataclasses import dataclass

from harness.results.manifest import Manifest
from harness.results.run_files import RunFiles

Points = Mapping[tuple[str, int], tuple[float, ...]]
"""What MLflow holds of each (metric, step); more than one value where several levels share a step, or one is double."""


@dataclass(frozen=True)
class RecordedRun:
    """One finished run, unread: ``tags`` and ``points`` are MLflow's own, ``lost`` what is wrong with the manifest."""

    run_id: str
    tags: Mapping[str, str]
    points: Points
    manifest: Manifest
    files: RunFiles
    lost: tuple[str, ...] = ()
