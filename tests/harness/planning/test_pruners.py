"""Methods built from parameters: what is refused, and in which words."""

import pytest

from harness.errors import UsageError
from harness.planning.pruners import build_pruner

NO_CHOICE = "retrain is for start=trained: what is pruned at W0 is always trained from there"
RETRAIN = {"none", "finetune", "rewind-rate", "rewind-weights"}
AT_W0 = [
    ("grasp", {}, "rewind-weights"),
    ("synflow", {}, "rewind-weights"),
    ("random", {}, "rewind-weights"),
    ("random-layerwise", {}, "rewind-weights"),
    ("snip", {"start": "W0"}, "none"),
    ("snip-retrain", {"start": "W0"}, "rewind-rate"),
    ("magnitude", {"start": "W0"}, "rewind-rate"),
]


@pytest.mark.parametrize(("method", "given", "own"), AT_W0)
def test_another_retrain_than_its_own_is_refused_in_its_sentence_where_a_method_prunes_w0(method, given, own):
    assert build_pruner(method, {**given, "retrain": own}) == build_pruner(method, given)
    for retrain in RETRAIN - {own}:
        with pytest.raises(UsageError) as caught:
            build_pruner(method, {**given, "retrain": retrain})
        assert caught.value.faults == [NO_CHOICE]
        trained = build_pruner(method, {"start": "trained", "retrain": retrain})
        assert (trained.start, trained.retrain) == ("trained", retrain)


def test_such_a_refusal_is_told_beside_an_unknown_parameter():
    with pytest.raises(UsageError) as caught:
        build_pruner("grasp", {"retrain": "finetune", "image": 3})
    assert caught.value.faults == ["'image' is not a parameter (did you mean 'images'?)", NO_CHOICE]


def test_a_wrong_value_is_told_with_its_field():
    with pytest.raises(UsageError) as caught:
        build_pruner("grasp", {"retrain": "twice"})
    (fault,) = caught.value.faults
    assert fault.startswith("retrain: Input should be 'none', 'finetune'")
