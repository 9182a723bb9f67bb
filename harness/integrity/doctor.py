"""All examinations of a machine, in the order in which a user needs what they look at."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from harness.integrity import holdings, machine
from harness.integrity.finding import Finding, examined
from harness.integrity.plugin_check import foreign_plugins


@dataclass(frozen=True)
class Places:
    """Where to look: images, stages and results, and the databases where these are not in the store."""

    data_root: Path
    store: Path
    tracking_uri: str | None = None
    storage: str | None = None


def examine(places: Places) -> Iterator[Finding]:
    """Yield every finding; nothing is computed, downloaded or changed."""
    looks = (
        ("packages", machine.packages),
        ("processor", machine.processor),
        ("memory", machine.memory),
        ("devices", machine.devices),
        ("network", holdings.offline),
        ("plugins", foreign_plugins),
        ("disk", partial(machine.folder, "disk", places.store)),
        ("data", partial(holdings.data_sets, places.data_root)),
        ("weights", holdings.start_weights),
        ("store", partial(holdings.store, places.store)),
        ("mlflow", partial(holdings.results, places.store, places.tracking_uri)),
        ("studies", partial(holdings.studies, places.store, places.storage)),
    )
    for subject, look in looks:
        yield from examined(subject, look)
