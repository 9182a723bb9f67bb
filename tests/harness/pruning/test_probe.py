import pytest

from harness.networks.architecture import Architecture
from harness.networks.factories import state_of
from harness.pruning.meter import Meter
from harness.pruning.probe import Probe
from harness.pruning.workbench import TrainingDiverged


def test_it_is_w0s_features_under_one_layer_and_trains_nothing(make_bench, tiny):
    meter = Meter()
    (found,) = Probe().prune(make_bench(meter=meter), [1.0])
    assert found.mask is None
    assert found.network.architecture == Architecture("linear-probe", {"of": "tiny", "arguments": {}})
    state = state_of(found.network)
    assert all(state[f"base.{name}"].equal(tensor) for name, tensor in state_of(tiny).items() if "features" in name)
    assert meter.steps == 0
    assert meter.processor_seconds > 0
    assert (meter.kept_step, meter.untrained) == (None, False)


def test_what_cannot_be_fitted_has_diverged(make_bench, tiny):
    tiny.features.norm1.weight.data.fill_(float("inf"))
    with pytest.raises(TrainingDiverged, match="the features of the start weights are not finite"):
        list(Probe().prune(make_bench(), [1.0]))
