import pytest

from harness.reports.analysis.start import w0_saw_classes


@pytest.mark.parametrize(
    ("facts", "saw"),
    [
        ({"w0_saw_classes": True, "pretraining": {"dataset": "isic-sim[seed=7]"}, "dataset": "isic-sim"}, True),
        ({"w0_saw_classes": False, "pretraining": {"dataset": "crack-sim"}, "dataset": "isic-sim"}, False),
        # Results of before it was kept, when all pretraining was on isic-sim.
        ({"pretraining": {"dataset": "isic-sim"}, "dataset": "isic-sim"}, True),
        ({"pretraining": {"dataset": "isic-sim"}, "dataset": "isic"}, False),
        ({"pretraining": None, "dataset": "isic-sim"}, False),
        ({}, False),
    ],
)
def test_who_was_pretrained_on_the_sets_own_simulator_saw_its_classes(facts, saw):
    assert w0_saw_classes(facts) == saw
