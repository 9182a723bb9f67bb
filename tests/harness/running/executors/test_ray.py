"""What is asked of Ray; its library is not loaded."""

import os

import pytest

from harness.running.executors import ray
from harness.running.executors.ray import RayCluster


def test_what_ray_reads_when_it_is_imported_is_set_before(monkeypatch):
    for name in ("RAY_USAGE_STATS_ENABLED", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN"):
        monkeypatch.setenv(name, "")  # and so taken back

    def importing():
        assert os.environ["RAY_AUTH_MODE"] == "token"
        assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
        raise KeyboardInterrupt

    monkeypatch.setattr(ray, "_silence", importing)
    with pytest.raises(KeyboardInterrupt):
        RayCluster(None, 1).nodes(0.0)
