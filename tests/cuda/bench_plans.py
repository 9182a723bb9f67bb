"""The plans that the parts work on: presets on the real images of a folder, on the device that is tried."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from harness.cli.downloads import downloads
from harness.planning.configuration_file import load_configuration
from harness.planning.plan import Plan
from harness.planning.planner import Flags, build_plan, variants
from harness.progress import Reporter

if TYPE_CHECKING:
    from bench import Given

SMALL = {
    "network": "small-cnn",
    "weights": "kaiming",
    "densities": [1.0, 0.25],
    "seeds": 1,
    "data": {"size": 64},
    "training": {"max_steps": 3},
}
"""What is tried in the place of a preset where there is little time."""


def reporter() -> Reporter:
    """Return who tells of progress: on the other stream, so that lines stay lines."""
    return Reporter(Console(stderr=True))


def plans_of(given: "Given", preset: str, store: Path, **changes: Any) -> list[Plan]:
    """Return the plans of a preset, one a fold."""
    settings = [f"training.device={given.device}", f"pretraining.training.device={given.device}"]
    options = load_configuration(preset, None, settings, {**changes, **(SMALL if given.small else {})})
    flags = Flags(preset, given.data, store, allow_missing=True, real_only=True)
    plan, _ = build_plan(options, flags, downloads(reporter(), dry_run=False))
    return variants(plan, options.data)


def plan_of(given: "Given", preset: str, store: Path, **changes: Any) -> Plan:
    """Return the first of them."""
    return plans_of(given, preset, store, **changes)[0]
