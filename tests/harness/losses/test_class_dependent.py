import decimal
import math

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.errors import UsageError
from harness.losses.class_dependent import (
    ClassDependent,
    ClassDependentLoss,
    PointwiseLoss,
    resolve_gamma,
)
from harness.losses.effective_numbers import effective_number_gamma
from harness.losses.loss import weighted_cross_entropy
from harness.losses.ranking_terms import all_pairs_squared_hinge, pointwise_squared_hinge
from harness.losses.registered import schedule_named
from harness.planning.configuration_file import load_configuration
from harness.storage.canonical import digest

RANKINGS = ("all-pairs", "pointwise")

# Steps of 1/4, so that ties and pairs exactly on the margin (the hinge's kink) are common.
BATCHES = st.lists(st.tuples(st.integers(0, 1), st.integers(-12, 12).map(lambda step: step / 4)), min_size=2).filter(
    lambda batch: len({label for label, _ in batch}) == 2
)


def pairs_by_loop(scores, labels, margin):
    """Value and gradient, by definition."""
    positives = [index for index, label in enumerate(labels) if label]
    negatives = [index for index, label in enumerate(labels) if not label]
    value, gradient = 0.0, [0.0] * len(scores)
    for i in positives:
        for j in negatives:
            gap = max(0.0, margin - (scores[i] - scores[j])) / (len(positives) * len(negatives))
            value += gap * max(0.0, margin - (scores[i] - scores[j]))
            gradient[i] -= 2 * gap
            gradient[j] += 2 * gap
    return value, gradient


def value_and_gradient(scores, labels, margin=1.0):
    scores = scores.clone().requires_grad_()
    value = all_pairs_squared_hinge(scores, labels, margin)
    value.backward()
    return value.item(), scores.grad.tolist()


@settings(max_examples=150, deadline=None)
@given(BATCHES, st.sampled_from([0.0, 0.5, 1.0, 2.0]))
def test_all_pairs_equal_a_double_loop_in_value_and_gradient(batch, margin):
    labels, scores = zip(*batch, strict=True)
    expected, slope = pairs_by_loop(scores, labels, margin)
    value, gradient = value_and_gradient(torch.tensor(scores, dtype=torch.float64), torch.tensor(labels), margin)
    assert value == pytest.approx(expected, abs=1e-10)
    assert gradient == pytest.approx(slope, abs=1e-10)


@pytest.mark.parametrize("offset", [0.0, 1000.0, -1000.0])
@pytest.mark.parametrize("label_type", [torch.uint8, torch.int64, torch.float32])
def test_all_pairs_survive_a_large_offset_in_float32(offset, label_type):
    generator = torch.Generator().manual_seed(3)
    scores = torch.randn(200, generator=generator) + offset
    labels = (torch.rand(200, generator=generator) < 0.1).to(label_type)
    expected, slope = pairs_by_loop(scores.tolist(), labels.tolist(), 1.0)
    value, gradient = value_and_gradient(scores, labels)
    assert value == pytest.approx(expected, rel=1e-6)
    assert gradient == pytest.approx(slope, rel=1e-5, abs=1e-9)
    assert sum(gradient) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(("gap", "expected"), [(-1.0, 4.0), (0.0, 1.0), (0.5, 0.25), (1.0, 0.0), (7.0, 0.0)])
def test_one_pair_by_hand(gap, expected):
    value, gradient = value_and_gradient(torch.tensor([gap, 0.0]), torch.tensor([1, 0]))
    assert value == expected
    assert gradient == [-2 * math.sqrt(expected), 2 * math.sqrt(expected)]


def test_all_tied_scores_cost_the_squared_margin():
    assert value_and_gradient(torch.full((7,), 3.0), torch.tensor([1, 0, 0, 1, 0, 0, 0]), 1.5)[0] == 2.25


def test_all_pairs_pass_gradcheck():
    generator = torch.Generator().manual_seed(1)
    scores = torch.randn(12, generator=generator, dtype=torch.float64).requires_grad_()
    labels = torch.tensor([1, 0, 0] * 4)
    assert torch.autograd.gradcheck(lambda scores: all_pairs_squared_hinge(scores, labels), scores)


def test_all_pairs_do_not_depend_on_the_order_of_the_batch():
    generator = torch.Generator().manual_seed(2)
    scores, labels = torch.randn(50, generator=generator), torch.arange(50) % 7 == 0
    order = torch.randperm(50, generator=generator)
    value, gradient = value_and_gradient(scores, labels)
    shuffled, other = value_and_gradient(scores[order], labels[order])
    assert shuffled == pytest.approx(value, rel=1e-6)
    assert other == pytest.approx([gradient[index] for index in order.tolist()], abs=1e-7)


@settings(max_examples=100, deadline=None)
@given(BATCHES)
def test_all_pairs_at_margin_one_bound_one_minus_auc(batch):
    positives = [score for label, score in batch if label]
    negatives = [score for label, score in batch if not label]
    wins = sum(1.0 if a > b else 0.5 if a == b else 0.0 for a in positives for b in negatives)
    auc = wins / (len(positives) * len(negatives))
    labels, scores = zip(*batch, strict=True)
    value = all_pairs_squared_hinge(torch.tensor(scores), torch.tensor(labels)).item()
    assert value >= 1 - auc - 1e-6


def pointwise_by_loop(scores, labels):
    """Value and gradient, by definition: each class's mean of the squared distance to its side of the margin."""
    value, gradient = 0.0, [0.0] * len(scores)
    for index, (score, label) in enumerate(zip(scores, labels, strict=True)):
        count = sum(1 for other in labels if bool(other) == bool(label))
        side = 1.0 if label else -1.0
        gap = max(0.0, 1.0 - side * score)
        value += gap * gap / count
        gradient[index] = -2 * side * gap / count
    return value, gradient


def pointwise(scores, labels):
    scores = scores.clone().requires_grad_()
    value = pointwise_squared_hinge(scores, labels)
    value.backward()
    return value.item(), scores.grad.tolist()


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.integers(-12, 12).map(lambda step: step / 4)), min_size=1))
def test_the_pointwise_hinge_equals_a_loop_in_value_and_gradient(batch):
    labels, scores = zip(*batch, strict=True)
    value, gradient = pointwise(torch.tensor(scores, dtype=torch.float64), torch.tensor(labels))
    expected, slope = pointwise_by_loop(scores, labels)
    assert value == pytest.approx(expected, abs=1e-12)
    assert gradient == pytest.approx(slope, abs=1e-12)


def test_the_pointwise_hinge_passes_gradcheck():
    scores = torch.randn(12, generator=torch.Generator().manual_seed(1), dtype=torch.float64).requires_grad_()
    labels = torch.tensor([1, 0, 0] * 4)
    assert torch.autograd.gradcheck(lambda scores: pointwise_squared_hinge(scores, labels), scores)


@pytest.mark.parametrize("label", [0, 1])
@pytest.mark.parametrize("label_type", [torch.uint8, torch.int64, torch.float32])
def test_a_class_that_is_absent_adds_nothing_to_the_pointwise_hinge(label, label_type):
    labels = torch.full((3,), label).to(label_type)
    side = 1.0 if label else -1.0
    value, gradient = pointwise(torch.tensor([0.5, -2.0, 3.0]) * side, labels)
    assert value == pytest.approx((0.25 + 9 + 0) / 3)
    assert gradient == pytest.approx([-side * 1 / 3, -side * 6 / 3, 0.0])


@settings(max_examples=200, deadline=None)
@given(BATCHES)
def test_the_pointwise_hinge_bounds_all_pairs_at_margin_two_and_one_minus_auc(batch):
    labels, scores = zip(*batch, strict=True)
    wins = [
        1.0 if a > b else 0.5 if a == b else 0.0
        for a, one in zip(scores, labels, strict=True)
        for b, other in zip(scores, labels, strict=True)
        if one and not other
    ]
    value = pointwise_squared_hinge(torch.tensor(scores, dtype=torch.float64), torch.tensor(labels)).item()
    assert pairs_by_loop(scores, labels, 2.0)[0] <= 2 * value + 1e-12
    assert 1 - sum(wins) / len(wins) <= value / 2 + 1e-12


def test_the_bound_is_reached_where_every_pair_shares_its_gap_evenly():
    value = pointwise_squared_hinge(torch.tensor([0.25, -0.25, -0.25]), torch.tensor([1, 0, 0])).item()
    assert pairs_by_loop([0.25, -0.25, -0.25], [1, 0, 0], 2.0)[0] == pytest.approx(2 * value)


@pytest.mark.parametrize("gamma", [1.0, 4.2, 10.0])
def test_weighted_cross_entropy_equals_a_loop_over_the_batch(gamma):
    logits = torch.tensor([[0.3, -1.2], [2.0, 0.1], [-0.4, 0.9], [5.0, -30.0], [0.0, 0.0]])
    labels = torch.tensor([0, 1, 1, 1, 0], dtype=torch.uint8)
    total = 0.0
    for (negative, positive), label in zip(logits.tolist(), labels.tolist(), strict=True):
        right, other = (positive, negative) if label else (negative, positive)
        total += (gamma if label else 1.0) * math.log(1 + math.exp(other - right))
    assert weighted_cross_entropy(logits, labels, gamma).item() == pytest.approx(total / 5, rel=1e-6)


def test_weighted_cross_entropy_is_the_plain_mean_not_torchs_weighted_one():
    # torch divides by the sum of weights: a batch of positives alone would not feel gamma at all.
    logits, labels = torch.tensor([[0.0, 1.0], [1.0, 0.0]]), torch.tensor([1, 1])
    plain = F.cross_entropy(logits, labels)
    torchs = F.cross_entropy(logits, labels, weight=torch.tensor([1.0, 5.0]))
    assert torchs.item() == pytest.approx(plain.item())
    assert weighted_cross_entropy(logits, labels, 5.0).item() == pytest.approx(5 * plain.item())


@pytest.mark.parametrize("beta", [0.0, 0.5, 0.99, 0.999, 0.9999, 0.99997, 0.999999, 1 - 1e-9, 1 - 1e-15])
@pytest.mark.parametrize(("positives", "negatives"), [(173, 727), (2800, 14000), (1, 1), (1, 900), (500, 20)])
def test_effective_number_gamma_equals_plain_powers(beta, positives, negatives):
    with decimal.localcontext(prec=80):
        exact = decimal.Decimal(beta)
        gamma = [(1 - exact) / (1 - exact**count) for count in (positives, negatives)]
        expected = float(gamma[0] / gamma[1])
    assert effective_number_gamma(beta, positives, negatives) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    ("beta", "isic", "crack"),
    [
        (0.999, 3.252, 1.065),
        (0.9999, 4.088, 3.085),
        (0.99997, 4.168, 4.257),  # the paper's beta: neither data set reaches its gamma of 5
        (0.999999, 4.201, 4.972),
        (1 - 1e-12, 4.2023, 5.0),
    ],
)
def test_effective_number_gamma_equals_the_computed_table(beta, isic, crack):
    assert effective_number_gamma(beta, 173, 727) == pytest.approx(isic, abs=6e-4)
    assert effective_number_gamma(beta, 2800, 14000) == pytest.approx(crack, abs=6e-4)


def test_loss_is_cross_entropy_plus_lambda_times_pairs():
    logits = torch.tensor([[0.2, 0.4], [0.1, -0.3], [1.0, 0.5]])
    labels = torch.tensor([1, 0, 0])
    scores = [row[1] - row[0] for row in logits.tolist()]
    expected = weighted_cross_entropy(logits, labels, 5.0).item() + 3 * pairs_by_loop(scores, [1, 0, 0], 1.0)[0]
    assert ClassDependentLoss(5.0, 3.0)(logits, labels).item() == pytest.approx(expected, rel=1e-6)
    assert ClassDependentLoss()(logits, labels).item() == pytest.approx(F.cross_entropy(logits, labels).item())


@pytest.mark.parametrize("label", [0, 1])
def test_a_batch_of_one_class_has_no_ranking_term_but_keeps_its_graph(label):
    logits = torch.randn(6, 2, generator=torch.Generator().manual_seed(0), requires_grad=True)
    labels = torch.full((6,), label, dtype=torch.uint8)
    value = ClassDependentLoss(2.0, 5.0)(logits, labels)
    assert value.item() == weighted_cross_entropy(logits, labels, 2.0).item()
    value.backward()
    assert logits.grad.abs().min() > 0


@pytest.mark.parametrize("labels", [[1, 0, 0], [0, 0, 0], [1, 1, 1]])
def test_a_pointwise_loss_is_cross_entropy_plus_lambda_times_the_hinge(labels):
    logits = torch.tensor([[0.2, 0.4], [0.1, -0.3], [1.0, 0.5]])
    scores = [row[1] - row[0] for row in logits.tolist()]
    plain = weighted_cross_entropy(logits, torch.tensor(labels), 5.0).item()
    expected = plain + 3 * pointwise_by_loop(scores, labels)[0]
    assert PointwiseLoss(5.0, 3.0)(logits, torch.tensor(labels)).item() == pytest.approx(expected, rel=1e-6)
    assert PointwiseLoss(5.0, 0.0)(logits, torch.tensor(labels)).item() == plain


@pytest.mark.parametrize(
    ("name", "first", "later"),
    [
        ("plain", ClassDependentLoss(1, 0), ClassDependentLoss(1, 0)),
        ("blue", ClassDependentLoss(1, 5), ClassDependentLoss(1, 5)),
        ("black", ClassDependentLoss(1, 5), ClassDependentLoss(5, 5)),
        ("green", ClassDependentLoss(10, 5), ClassDependentLoss(10, 5)),
        ("weights-only", ClassDependentLoss(5, 0), ClassDependentLoss(5, 0)),
        ("blue-pointwise", PointwiseLoss(1, 5), PointwiseLoss(1, 5)),
        ("black-pointwise", PointwiseLoss(1, 5), PointwiseLoss(5, 5)),
        ("green-pointwise", PointwiseLoss(10, 5), PointwiseLoss(10, 5)),
    ],
)
def test_scenarios_resolve_to_the_papers_losses(name, first, later):
    schedule = schedule_named(name)
    assert schedule.name == name
    assert [schedule.resolve(step, 173, 727) for step in range(4)] == [first, later, later, later]


def test_blue_and_black_are_one_computation_in_the_first_round_only():
    blue, black = (schedule_named(name) for name in ("blue", "black"))
    assert blue.resolve(0, 130, 545) == black.resolve(0, 130, 545)
    assert blue.resolve(1, 130, 545) != black.resolve(1, 130, 545)


def test_a_schedule_resolves_effective_numbers_with_the_splits_counts():
    schedule = ClassDependent("mine", gamma=2, gamma_after="effective-number(0.99997)", lambda_=1)
    assert schedule.resolve(0, 2800, 14000) == ClassDependentLoss(2.0, 1.0)
    assert schedule.resolve(3, 2800, 14000).gamma == pytest.approx(4.257, abs=6e-4)
    assert isinstance(schedule.resolve(0, 1, 1).lambda_, float)  # 1 and 1.0 are different stage keys


def test_the_form_of_the_ranking_term_is_part_of_what_a_stage_is_known_by():
    pairs, points = (ClassDependent("mine", 2.0, 2.0, 1.0, ranking).resolve(1, 9, 90) for ranking in RANKINGS)
    assert digest(pairs) == digest({"gamma": 2.0, "lambda_": 1.0})  # trainings stored before there were two forms
    assert digest(points) == digest({"gamma": 2.0, "lambda_": 1.0, "ranking": "pointwise"})
    assert pairs != points


def test_without_a_ranking_term_its_form_makes_no_other_loss():
    pairs, points = (ClassDependent("mine", 2.0, 2.0, 0.0, ranking).resolve(1, 9, 90) for ranking in RANKINGS)
    assert pairs == points
    assert digest(pairs) == digest(points)


def test_other_weights_keep_the_form_of_the_ranking_term():
    changed = schedule_named("black-pointwise").with_parameters({"gamma": 3.0, "lambda": 2.0})
    assert changed == ClassDependent("black-pointwise", 1.0, 3.0, 2.0, "pointwise")


def test_a_configuration_gives_the_form_of_the_ranking_term():
    flags = {"losses": {"mine": {"lambda_": 2.0, "ranking": "pointwise"}, "other": {"lambda_": 2.0}}}
    losses = load_configuration("quick", None, [], flags).loss_schedules
    assert [losses[name].ranking for name in ("mine", "other")] == ["pointwise", "all-pairs"]
    with pytest.raises(UsageError) as caught:
        load_configuration("quick", None, ["losses.mine.ranking=listwise"], {})
    assert any("losses.mine.ranking" in fault and "pointwise" in fault for fault in caught.value.faults)


@pytest.mark.parametrize("gamma", [5, 5.0, "effective-number(0.9999)", "effective-number(0)"])
def test_resolve_gamma_always_gives_a_float(gamma):
    assert isinstance(resolve_gamma(gamma, 10, 20), float)


@pytest.mark.parametrize(
    "gamma",
    [
        "five",
        "",
        "effective-number",
        "effective-number()",
        "effective-number(0.9",
        "effective-number(1)",
        "effective-number(-0.1)",
        "effective-number(nan)",
        "effective-number(inf)",
        "effective-number(0.9))",
        "effective-number(0.9)x",
        "effective_number(0.9)",
    ],
)
def test_resolve_gamma_refuses_what_is_no_weight(gamma):
    with pytest.raises(UsageError, match="neither a number nor effective-number") as caught:
        resolve_gamma(gamma, 10, 20)
    assert repr(gamma) in str(caught.value)
    assert caught.value.exit_code == 2


def test_schedule_named_knows_the_alias_and_names_the_nearest():
    assert schedule_named("class-dependent") is schedule_named("black")
    with pytest.raises(UsageError, match=r"unknown loss 'bleu' \(did you mean 'blue'\?\)") as caught:
        schedule_named("bleu")
    assert "class-dependent" in caught.value.fix
    with pytest.raises(UsageError, match="unknown loss 'zzzzzz'\n"):
        schedule_named("zzzzzz")
