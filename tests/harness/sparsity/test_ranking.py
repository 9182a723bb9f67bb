import math
from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from harness.networks.architecture import Architecture
from harness.networks.factories import build
from harness.sparsity.mask import Mask
from harness.sparsity.ranking import keep_largest, largest, prune_least

UNPRUNABLE = 8 + 16 + 12 + 9 * 11 + 11 + 20  # biases, norms, and the 99 weights of a layer that is too small


def draw(mask, seed=0, levels=None):
    """Scores by name; ``levels`` distinct values make ties."""
    generator = torch.Generator().manual_seed(seed)
    draws = {name: torch.randn(mask[name].shape, generator=generator) for name in mask}
    return draws if levels is None else {name: (score * levels).round() for name, score in draws.items()}


def keep_by_sorting(candidates, count):
    """The ``count`` best of (score, position), ties by position."""
    return {position for _, position in sorted(candidates, key=lambda pair: (-pair[0], pair[1]))[:count]}


def quotas_by_fractions(sizes, budget):
    """Largest remainders, exactly; ties by the earlier layer."""
    exact = [Fraction(size * budget, sum(sizes)) for size in sizes]
    quotas = [math.floor(share) for share in exact]
    order = sorted(range(len(sizes)), key=lambda index: (quotas[index] - exact[index], index))
    for index in order[: budget - sum(quotas)]:
        quotas[index] += 1
    return quotas


def remaining_positions(mask):
    return {name: set(mask[name].flatten().nonzero().flatten().tolist()) for name in mask}


@pytest.mark.parametrize("levels", [None, 1])
@pytest.mark.parametrize("density", [0.9, 0.5, 0.377, 0.25])
def test_layer_scope_equals_sorting_each_layer(network, density, levels):
    mask = Mask.ones(network)
    scores = draw(mask, levels=levels)
    pruned = prune_least(scores, mask, density)
    sizes = [mask[name].numel() for name in mask]
    quotas = quotas_by_fractions(sizes, round(density * mask.total) - UNPRUNABLE)
    for name, quota in zip(mask, quotas, strict=True):
        candidates = [(score, index) for index, score in enumerate(scores[name].flatten().tolist())]
        assert remaining_positions(pruned)[name] == keep_by_sorting(candidates, quota)


@pytest.mark.parametrize("levels", [None, 1])
@pytest.mark.parametrize("density", [0.9, 0.5, 0.377, 0.25])
def test_global_scope_equals_sorting_all_layers_together(network, density, levels):
    mask = Mask.ones(network)
    scores = draw(mask, levels=levels)
    pruned = prune_least(scores, mask, density, "global")
    candidates = [
        (score, (layer, index))
        for layer, name in enumerate(mask)
        for index, score in enumerate(scores[name].flatten().tolist())
    ]
    kept = keep_by_sorting(candidates, round(density * mask.total) - UNPRUNABLE)
    found = {(layer, index) for layer, name in enumerate(mask) for index in remaining_positions(pruned)[name]}
    assert found == kept


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_every_density_is_exact_to_one_weight(network, scope):
    mask = Mask.ones(network)
    scores = draw(mask, levels=2)
    for kept in range(UNPRUNABLE, mask.total + 1):
        assert prune_least(scores, mask, kept / mask.total, scope).kept == kept
    assert prune_least(scores, mask, 1 - 1 / mask.total, scope).pruned == 1


@pytest.mark.parametrize("factory", ["alexnet", "alexnet-bn"])
def test_the_papers_levels_are_exact_in_the_real_networks(factory):
    mask = Mask.ones(build(Architecture(factory)))
    scores = draw(mask)
    for density, scope in ((1 - 1 / mask.total, "layer"), (0.25, "global"), (0.015625, "layer")):
        pruned = prune_least(scores, mask, density, scope)
        assert pruned.kept == round(density * mask.total)
        assert abs(pruned.density - density) * mask.total <= 0.5 + 1e-6


def test_layer_scope_gives_every_layer_the_same_density(network):
    mask = Mask.ones(network)
    for density in (0.8, 0.5, 0.3):
        pruned = prune_least(draw(mask), mask, density)
        share = (round(density * mask.total) - UNPRUNABLE) / (216 + 400 + 120)
        for name in mask:
            assert abs(int(pruned[name].sum()) - share * mask[name].numel()) < 1


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_ties_are_kept_by_index(scope):
    mask = Mask.ones(nn.Sequential(nn.Linear(20, 10, bias=False)))
    pruned = prune_least({"0.weight": torch.zeros(10, 20)}, mask, 0.3, scope)
    assert pruned["0.weight"].flatten().tolist() == [True] * 60 + [False] * 140


@pytest.mark.parametrize("scope", ["layer", "global"])
def test_pruned_weights_never_return_and_masks_are_nested(network, scope):
    mask = Mask.ones(network)
    for step, density in enumerate((0.8, 0.61, 0.6, 0.45, 0.3, 0.22)):
        scores = draw(mask, seed=step)
        for name in mask:
            scores[name][~mask[name]] = [1e30, math.nan, math.inf][step % 3]  # whatever their score
        smaller = prune_least(scores, mask, density, scope)
        assert smaller.kept == round(density * mask.total)
        assert all(bool((smaller[name] <= mask[name]).all()) for name in mask)
        mask = smaller


def test_the_mask_given_and_its_scores_are_left_alone(network):
    mask = Mask.ones(network)
    scores = draw(mask)
    before = {name: score.clone() for name, score in scores.items()}
    prune_least(scores, mask, 0.3)
    assert mask.pruned == 0
    assert all(torch.equal(before[name], scores[name]) for name in scores)


def test_scores_may_be_integers_half_precision_strided_and_need_gradients():
    mask = Mask.ones(nn.Sequential(nn.Linear(20, 10, bias=False)))
    values = torch.arange(200.0).view(10, 20)
    expected = prune_least({"0.weight": values}, mask, 0.3)["0.weight"]
    for score in (
        values.to(torch.int64),
        values.to(torch.bfloat16).float(),
        values.clone().requires_grad_(),
        values.t().contiguous().t(),
    ):
        assert torch.equal(prune_least({"0.weight": score}, mask, 0.3)["0.weight"], expected)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-3, 3).map(float), max_size=30), st.integers(-1, 35))
def test_largest_equals_sorting(values, count):
    chosen = largest(np.array(values), count)
    expected = keep_by_sorting([(value, index) for index, value in enumerate(values)], max(count, 0))
    assert set(np.flatnonzero(chosen).tolist()) == expected


def test_prune_least_refuses_wrong_names_shapes_and_values(network):
    mask, scores = Mask.ones(network), draw(Mask.ones(network))
    without = {name: score for name, score in scores.items() if name != "2.weight"}
    with pytest.raises(ValueError, match=r"differ in names: \['2.weight'\]"):
        prune_least(without, mask, 0.5)
    with pytest.raises(ValueError, match=r"differ in names: \['3.weight'\]"):
        prune_least({**scores, "3.weight": torch.zeros(11, 9)}, mask, 0.5)
    with pytest.raises(ValueError, match=r"0.weight has shape \(8, 27\), not \(8, 3, 3, 3\)"):
        prune_least({**scores, "0.weight": scores["0.weight"].view(8, 27)}, mask, 0.5)
    for value in (math.nan, math.inf, -math.inf):
        broken = scores["4.weight"].clone()
        broken[3, 3] = value
        with pytest.raises(ValueError, match=r"4\.weight is not finite"):
            prune_least({**scores, "4.weight": broken}, mask, 0.5)


def test_prune_least_refuses_a_density_that_cannot_be_met(network):
    mask = Mask.ones(network)
    scores = draw(mask)
    smallest = prune_least(scores, mask, UNPRUNABLE / mask.total)
    assert all(not bool(tensor.any()) for tensor in smallest.values())
    with pytest.raises(ValueError, match=f"{UNPRUNABLE} can't be pruned"):
        prune_least(scores, mask, (UNPRUNABLE - 1) / mask.total)
    half = prune_least(scores, mask, 0.5)
    assert prune_least(scores, half, half.density).kept == half.kept
    with pytest.raises(ValueError, match="pruned weights don't return"):
        prune_least(scores, half, half.density + 1 / mask.total)
    for density in (1 + 1 / mask.total, 2.0, 0.0, -1.0, math.nan):
        with pytest.raises(ValueError, match=r".+"):
            prune_least(scores, mask, density)


@pytest.mark.parametrize("levels", [None, 1, 4])
@pytest.mark.parametrize("counts", [(216, 400, 120), (0, 1, 119), (30, 250, 60), (0, 0, 0)])
def test_keep_largest_equals_sorting_each_layer_to_its_own_count(network, counts, levels):
    mask = Mask.ones(network)
    scores = draw(mask, levels=levels)
    kept = keep_largest(scores, mask, dict(zip(mask, counts, strict=True)))
    assert (kept.total, kept.kept) == (mask.total, UNPRUNABLE + sum(counts))
    for name, count in zip(mask, counts, strict=True):
        candidates = [(score, index) for index, score in enumerate(scores[name].flatten().tolist())]
        assert remaining_positions(kept)[name] == keep_by_sorting(candidates, count)


def test_keep_largest_chooses_among_what_remains_whatever_the_score_of_the_rest(network):
    mask = prune_least(draw(Mask.ones(network)), Mask.ones(network), 0.5)
    scores = draw(mask, seed=1)
    for name in mask:
        scores[name][~mask[name]] = math.nan
    counts = {name: int(tensor.sum()) // 3 for name, tensor in mask.items()}
    kept = keep_largest(scores, mask, counts)
    for name, tensor in mask.items():
        flat = scores[name].flatten().tolist()
        candidates = [(flat[index], index) for index in tensor.flatten().nonzero().flatten().tolist()]
        assert remaining_positions(kept)[name] == keep_by_sorting(candidates, counts[name])


def test_keep_largest_refuses_more_than_a_layer_holds_and_what_is_no_score(network):
    mask = Mask.ones(network)
    scores = draw(mask)
    everything = {name: tensor.numel() for name, tensor in mask.items()}
    assert keep_largest(scores, mask, everything).pruned == 0
    for count in (121, -1):
        with pytest.raises(ValueError, match=f"4.weight has 120 weights left, {count} are to be kept"):
            keep_largest(scores, mask, {**everything, "4.weight": count})
    half = prune_least(scores, mask, 0.5)
    with pytest.raises(ValueError, match="are to be kept"):
        keep_largest(scores, half, everything)
    with pytest.raises(ValueError, match="differ in names"):
        keep_largest({name: score for name, score in scores.items() if name != "2.weight"}, mask, everything)
    with pytest.raises(ValueError, match="is not finite"):
        keep_largest({**scores, "4.weight": torch.full((12, 10), math.inf)}, mask, everything)
