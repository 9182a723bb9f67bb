import torch

from harness.methods.class_dependent_lt import ClassDependentLotteryTicket
from harness.methods.lt import LotteryTicket
from harness.networks.factories import state_of
from harness.planning.entries import entry_of


def run(make_bench, scenario, levels):
    method = ClassDependentLotteryTicket(scenario=scenario)
    return list(method.prune(make_bench(loss=method.loss), levels))


def same(left, right):
    left, right = state_of(left.network), state_of(right.network)
    return all(torch.equal(left[name], right[name]) for name in left)


def test_blue_and_black_are_identical_in_round_one_and_differ_after(make_bench):
    blue, black = run(make_bench, "blue", [1.0, 0.5]), run(make_bench, "black", [1.0, 0.5])
    assert same(blue[0], black[0])
    assert not same(blue[1], black[1])


def test_green_differs_from_the_start(make_bench):
    assert not same(run(make_bench, "blue", [1.0])[0], run(make_bench, "green", [1.0])[0])


def test_a_scenario_is_the_lottery_ticket_with_that_loss(make_bench):
    ours = run(make_bench, "green", [1.0, 0.5])
    plain = list(LotteryTicket().prune(make_bench(loss="green"), [1.0, 0.5]))
    assert same(ours[0], plain[0])
    assert same(ours[1], plain[1])


def test_another_loss_leaves_the_plain_lottery_ticket():
    entry = entry_of("class-dependent-lt", {"scenario": "green", "rate": 0.75}, "plain")
    assert (entry.text, entry.method, entry.loss.name) == ("lt[rate=0.75]", "lt", "plain")


def test_another_loss_keeps_the_criterion_and_a_scenario_has_its_own_form_by_name():
    entry = entry_of("class-dependent-lt", {"criterion": "distance"}, "black-pointwise")
    assert entry.text == "lt[criterion=distance,loss=black-pointwise]"
    assert entry.loss.ranking == "pointwise"


def test_the_pointwise_ranking_term_trains_another_network(make_bench):
    pairs, points, first = (
        next(LotteryTicket().prune(make_bench(loss=loss), [1.0]))
        for loss in ("black", "black-pointwise", "blue-pointwise")
    )
    assert not same(pairs, points)
    assert same(points, first)
