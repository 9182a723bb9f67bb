from harness.forecast.rates import Rates
from harness.forecast.work import CELL, Cost

TRAIN = Cost("train", "small-cnn")


def test_what_was_known_before_gives_way_to_what_happens_now():
    rates = Rates({TRAIN: 0.1})
    assert rates.of(TRAIN) == 0.1
    rates.learn(TRAIN, 20, 6.0)
    assert rates.of(TRAIN) == (20 * 0.1 + 6.0) / 40
    rates.learn(TRAIN, 960, 288.0)
    assert abs(rates.of(TRAIN) - 0.3) < 0.3 * 0.02


def test_nothing_known_is_none_and_then_what_happened():
    rates = Rates()
    assert rates.of(CELL) is None
    rates.learn(CELL, 2.0, 3.0)
    assert rates.of(CELL) == 1.5


def test_a_network_that_nobody_timed_is_like_the_others_and_a_pretraining_like_its_network():
    rates = Rates({TRAIN: 0.1, Cost("train", "large"): 0.5, Cost("compute", "f"): 9.0})
    assert rates.of(Cost("train", "other")) == 0.3
    assert rates.of(Cost("pretrain", "large")) == 0.5
    assert rates.of(Cost("compute", "g")) is None
