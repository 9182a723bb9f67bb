from harness.forecast.rates import Rates
from harness.forecast.work import CELL, Cost

TRAIN = Cost("train", "small-cnn")


def test_what_was_known_before_gives_way_to_what_happens_now():
    rates = Rates({TRAIN: 0.1})
    assert rates.of(TRAIN) == 0.1
    rates.learn(TRAIN, 20, 6.0)
    slower = (2 + 6.0) / (2 + 2.0)
    assert rates.of(TRAIN) == (20 * 0.1 * slower + 6.0) / 40
    rates.learn(TRAIN, 960, 288.0)
    assert abs(rates.of(TRAIN) - 0.3) < 0.3 * 0.02


def test_where_trainings_are_slower_than_they_were_all_else_is_too():
    rates = Rates({TRAIN: 0.1, CELL: 1.0, Cost("compute", "f"): 9.0})
    rates.learn(TRAIN, 980, 294.0)
    slower = (2 + 294) / (2 + 98)
    assert rates.of(CELL) == slower
    assert rates.of(Cost("compute", "f")) == 9.0 * slower
    rates.learn(CELL, 3.0, 3.0)
    assert rates.of(CELL) == (slower + 3.0) / 4


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
