import pytest


@pytest.fixture
def store(make, join):
    """Two data sets, one of them with two networks."""
    return [
        join(make("isic", network="big"), make("isic", group="h", network="small", entries=("only-small",), shift=3)),
        make("isic-sim", network="big", simulated=True),
    ]


@pytest.fixture
def old(make):
    return [make("isic", network="big"), make("kept", network="big")]


@pytest.fixture
def new(make):
    later = {"started": "2026-02-01T00:00:00+00:00"}
    return [make("isic", network="big", seeds=(0, 1), **later), make("isic-sim", network="small", simulated=True)]
