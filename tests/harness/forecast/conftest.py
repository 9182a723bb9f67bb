from types import SimpleNamespace

import pytest

from harness.data.draw import Cutting
from harness.planning.entries import entry_of
from harness.planning.plan import Plan
from harness.training.schedule import Schedule


@pytest.fixture
def make_plan(tmp_path):
    """A plan of methods with their parameters, on 48 training images: 6 steps of 8 an epoch, 12 in all."""

    def make(
        *methods, densities=(1.0, 0.25, 0.0625), network="tiny", weights="kaiming", seeds=(0,), jobs=2, **training
    ):
        entries = (entry_of("dense", {}), *(entry_of(name, values) for name, values in methods))
        return Plan(
            preset="quick",
            entries=entries,
            seeds=seeds,
            densities=densities,
            network=network,
            weights=weights,
            weights_file=None,
            data=SimpleNamespace(size=16, name="made-up", fallback_for=None, cutting=Cutting(0.25, 0.25, False, 0)),
            training=Schedule(**{"epochs": 2, "batch_size": 8, "precision": "float32", **training}),
            pretraining=None,
            environment="here",
            store=tmp_path,
            jobs=jobs,
        )

    return make
