import itertools

import numpy as np
import pytest
import torch
from torch import nn

from harness.methods import exact_obs as module
from harness.methods.exact_obs import ExactOptimalBrainSurgeon, merged, refit, refitted_rows, removal_ranks, trace
from harness.methods.l_obs import LayerwiseOptimalBrainSurgeon, all_multipliers, compensate, saliencies
from harness.methods.layer_hessians import damped_inverse, inverse_hessians, layer_hessians
from harness.networks.factories import copy_of, initialise, parameter_count, state_of
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least
from harness.storage.store import Store

DAMPING = 0.01


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def related(count, size, seed=0):
    """Return count vectors whose entries have much in common, cut at 0 as after a ReLU."""
    noise = normal(count, size, seed=seed)
    return (noise + 1.5 * noise.roll(1, dims=1) + noise.mean(1, keepdim=True)).clamp(min=0)


class Layer:
    """One linear layer in float64 with its inputs; H and its inverse damped as L-OBS damps them."""

    def __init__(self, inputs, outputs, *, bias=True, count=150, seed=0):
        self.network = nn.Sequential(nn.Linear(inputs, outputs, bias=bias)).double()
        initialise(self.network, torch.Generator().manual_seed(seed))
        if bias:
            self.network[0].bias.data = normal(outputs, seed=1)
        self.inputs, self.bias, self.vectors = inputs, bias, related(count, inputs, seed)
        hessian = layer_hessians(self.network, [(self.vectors, None)])["0.weight"]
        self.added = DAMPING * float(self.vectors.square().mean())  # of the mean diagonal: damping of each weight
        self.inverse = damped_inverse(hessian, inputs, DAMPING)
        self.hessian = hessian + torch.diag(torch.tensor([self.added] * inputs + [0.0] * bias, dtype=torch.float64))
        self.rows = self.rows_of(self.network.state_dict())

    def rows_of(self, state):
        return torch.cat([state["0.weight"], state["0.bias"].unsqueeze(1)], dim=1) if self.bias else state["0.weight"]

    def refitted(self, mask):
        copy = nn.Sequential(nn.Linear(self.inputs, len(self.rows), bias=self.bias)).double()
        copy.load_state_dict(self.network.state_dict())
        return self.rows_of(refit(copy, {"0.weight": self.inverse}, Mask({"0.weight": mask}, mask.numel())))

    def error(self, row, changed):
        return 0.5 * float((changed - row) @ self.hessian @ (changed - row))

    def least_squares(self, row, removed):
        """Return the best row without ``removed``, from the inputs themselves: outputs first, then the ridge."""
        count = len(self.vectors)
        design = torch.cat([self.vectors, torch.ones(count, int(self.bias), dtype=torch.float64)], dim=1) / count**0.5
        ridge = torch.diag(torch.tensor([self.added**0.5] * self.inputs + [0.0] * self.bias, dtype=torch.float64))
        left = [index for index in range(len(row)) if index not in removed]
        equations = torch.cat([design[:, left], ridge[left][:, left]])
        wanted = torch.cat([design @ row, (ridge @ row)[left]])
        best = torch.zeros_like(row)
        best[left] = torch.linalg.lstsq(equations, wanted.unsqueeze(1)).solution.squeeze(1)
        return best


def masks(rows, inputs, share, seed=3):
    kept = torch.rand(rows, inputs, generator=torch.Generator().manual_seed(seed)) < share
    kept[0], kept[1] = True, False  # a row with all of its weights, and one with none
    return kept


# The refit


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("held", [1, 2000, 2**26])
def test_every_row_is_the_least_squares_answer_of_what_is_left(monkeypatch, share, bias, held):
    monkeypatch.setattr(module, "_ENTRIES", held)  # rows one by one, a few at a time, all at once
    layer = Layer(20, 9, bias=bias)
    mask = masks(9, 20, share)
    found = layer.refitted(mask)
    for row, kept, after in zip(layer.rows, mask, found, strict=True):
        removed = (~kept).nonzero().flatten().tolist()
        torch.testing.assert_close(after, layer.least_squares(row, removed), rtol=1e-8, atol=1e-9)
    zeros = found[:, :20][~mask]
    assert not bool((zeros != 0).any() | zeros.signbit().any())
    assert torch.equal(found[0], layer.rows[0])  # nothing is pruned there: not a bit changes


@pytest.mark.parametrize("share", [0.15, 0.85])
def test_both_sides_of_the_solution_agree(share):
    """A row with few weights left is solved for them, one with many for those that went."""
    layer = Layer(20, 6)
    mask = masks(6, 20, share)
    found = refitted_rows(layer.rows, layer.inverse, ~mask)
    for row, kept, after in zip(layer.rows, mask, found, strict=True):
        gone = [*(~kept).tolist(), False]
        left = [not one for one in gone]
        expected = torch.zeros_like(row)
        expected[left] = row[left] + torch.linalg.solve(
            layer.hessian[left][:, left], layer.hessian[left][:, gone] @ row[gone]
        )
        torch.testing.assert_close(after, expected, rtol=1e-8, atol=1e-9)


@pytest.mark.parametrize("kept", [0.8, 0.4, 0.1])
def test_the_error_is_never_above_that_of_l_obs_at_the_same_mask(kept):
    layer = Layer(24, 8)
    inverses = {"0.weight": layer.inverse}
    everything = Mask.ones(layer.network)
    mask = prune_least(saliencies(layer.network, inverses), everything, kept + 8 / 200 * (1 - kept))
    copy = nn.Sequential(nn.Linear(24, 8)).double()
    copy.load_state_dict(layer.network.state_dict())
    swept = layer.rows_of(compensate(copy, inverses, all_multipliers(layer.network, inverses), mask))
    refits = layer.refitted(mask["0.weight"])
    ours = [layer.error(row, after) for row, after in zip(layer.rows, refits, strict=True)]
    theirs = [layer.error(row, after) for row, after in zip(layer.rows, swept, strict=True)]
    assert all(one <= other * (1 + 1e-9) for one, other in zip(ours, theirs, strict=True))
    assert sum(ours) < 0.95 * sum(theirs)


# The greedy order


def greedy(layer, row, steps):
    """Return (order, growth): in each step the candidate whose removal and refit leaves the least error goes."""
    removed, growth, before = [], [], 0.0
    for _ in range(steps):
        errors = {
            q: layer.error(row, layer.least_squares(row, [*removed, q]))
            for q in range(layer.inputs)
            if q not in removed
        }
        q = min(errors, key=errors.get)
        removed.append(q)
        growth.append(errors[q] - before)
        before = errors[q]
    return removed, growth


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("steps", [1, 3, 64])
def test_greedy_removes_what_costs_least_with_a_refit_at_every_step(monkeypatch, bias, steps):
    monkeypatch.setattr(module, "_STEPS", steps)  # the inverse is cut down after each, after every third, never
    layer = Layer(8, 13, bias=bias)
    order, growth = trace(layer.rows, layer.inverse, 8)
    for row, found, added in zip(layer.rows, order, growth, strict=True):
        expected, errors = greedy(layer, row, 8)
        assert found.tolist() == expected
        assert added.tolist() == pytest.approx(errors, rel=1e-6)


def test_the_errors_of_a_trace_are_those_of_its_refits():
    """Over more steps than one block of the running inverse, and they need not grow from step to step."""
    layer = Layer(150, 2, count=400)
    order, growth = trace(layer.rows, layer.inverse, 150)
    assert sorted(order[0].tolist()) == list(range(150))
    assert bool((growth.diff(dim=1) < 0).any())
    for row, gone, added in zip(layer.rows, order, growth, strict=True):
        for count in (1, 63, 65, 130, 150):
            error = layer.error(row, layer.least_squares(row, gone[:count].tolist()))
            assert float(added[:count].sum()) == pytest.approx(error, rel=1e-6)


def test_rows_are_merged_by_what_each_removal_adds_and_keep_their_own_order():
    order = torch.tensor([[2, 0, 1], [1, 2, 0]])
    growth = torch.tensor([[1.0, 5.0, 2.0], [3.0, 4.0, 9.0]], dtype=torch.float64)
    # Row 0: 1, 5, then 2 raised to 5; row 1: 3, 4, 9. Together 1, 3, 4, 5, 5, 9.
    assert merged(order, growth).tolist() == [[3.0, 4.0, 0.0], [5.0, 1.0, 2.0]]


def test_ranks_of_a_layer_are_those_of_a_sorted_list(monkeypatch):
    monkeypatch.setattr(module, "_ENTRIES", 9 * 9 * 2)  # two rows at a time
    layer = Layer(8, 13)
    removals = []
    for index, row in enumerate(layer.rows):
        gone, added = greedy(layer, row, 8)
        raised = itertools.accumulate(added, max)
        removals += [(cost, index, step, q) for step, (q, cost) in enumerate(zip(gone, raised, strict=True))]
    ranks = removal_ranks(layer.network, {"0.weight": layer.inverse})["0.weight"]
    ordered = sorted(removals)
    assert [int(ranks[index, q]) for _, index, _, q in ordered] == list(range(8 * 13))


def test_of_the_first_weight_l_obs_and_both_orders_say_the_same():
    layer = Layer(12, 9)
    inverses = {"0.weight": layer.inverse}
    everything = Mask.ones(layer.network)
    density = (everything.total - 1) / everything.total
    published = prune_least(saliencies(layer.network, inverses), everything, density)
    ranked = prune_least(removal_ranks(layer.network, inverses), everything, density)
    assert torch.equal(published["0.weight"], ranked["0.weight"])
    copy = nn.Sequential(nn.Linear(12, 9)).double()
    copy.load_state_dict(layer.network.state_dict())
    swept = layer.rows_of(compensate(copy, inverses, all_multipliers(layer.network, inverses), published))
    torch.testing.assert_close(layer.refitted(published["0.weight"]), swept, rtol=1e-9, atol=1e-11)


def test_greedy_is_near_the_best_of_all_subsets_and_nearer_than_one_shot():
    """The least error without Z is 1/2 w_Z (H^-1_ZZ)^-1 w_Z; all 126 choices of five weights of nine."""
    layer = Layer(9, 30)
    _, growth = trace(layer.rows, layer.inverse, 9)
    one_shot = saliencies(layer.network, {"0.weight": layer.inverse})["0.weight"].argsort(dim=1)
    inverse = torch.linalg.inv(layer.hessian)
    subsets = list(itertools.combinations(range(9), 5))
    costs = [torch.linalg.inv(inverse[list(z)][:, list(z)]) for z in subsets]
    ratios, others = [], []
    for index, row in enumerate(layer.rows):
        best = min(0.5 * float(row[list(z)] @ cost @ row[list(z)]) for z, cost in zip(subsets, costs, strict=True))
        ratios.append(float(growth[index, :5].sum()) / best)
        others.append(layer.error(row, layer.least_squares(row, one_shot[index, :5].tolist())) / best)
    assert min(ratios) >= 1 - 1e-9
    assert min(others) >= 1 - 1e-9
    assert np.mean(ratios) < 1.15
    assert np.mean(others) > np.mean(ratios)


# The method on a bench


ONE_SHOT = ExactOptimalBrainSurgeon(images=20)
GREEDY = ExactOptimalBrainSurgeon(images=20, order="greedy")


def same(left, right):
    left, right = ({**state_of(one.network), **dict(one.mask)} for one in (left, right))
    return all(torch.equal(left[name], right[name]) for name in right)


def test_one_shot_has_the_mask_of_l_obs_and_other_weights(make_bench):
    (ours,) = ONE_SHOT.prune(make_bench(), [0.5])
    (theirs,) = LayerwiseOptimalBrainSurgeon(images=20).prune(make_bench(), [0.5])
    assert all(torch.equal(ours.mask[name], theirs.mask[name]) for name in theirs.mask)
    assert not same(ours, theirs)


@pytest.mark.parametrize("method", [ONE_SHOT, GREEDY], ids=["one-shot", "greedy"])
def test_a_level_is_the_refit_of_the_dense_network(make_bench, method):
    """By the normal equations of every row, in the order of the convolution's own weights."""
    bench = make_bench()
    dense = bench.dense()
    (pruned,) = method.prune(bench, [0.4])
    inverses = inverse_hessians(copy_of(dense), bench.batches(20), 0.01)
    before, after = state_of(dense), state_of(pruned.network)
    for name in pruned.mask:
        bias = name.replace("weight", "bias")
        hessian = torch.linalg.inv(inverses[name])
        for row, (weights, kept) in enumerate(zip(before[name].double().flatten(1), pruned.mask[name], strict=True)):
            old = torch.cat([weights, before[bias][row : row + 1].double()])
            left = [*kept.flatten().tolist(), True]
            new = torch.linalg.solve(hessian[left][:, left], hessian[left] @ old)
            found = torch.cat([after[name][row].flatten(), after[bias][row : row + 1]])[left]
            torch.testing.assert_close(found, new.float(), rtol=1e-4, atol=1e-5)
    touched = {*pruned.mask, *(name.replace("weight", "bias") for name in pruned.mask)}
    assert all(torch.equal(before[name], after[name]) for name in before.keys() - touched)


@pytest.mark.parametrize("method", [ONE_SHOT, GREEDY], ids=["one-shot", "greedy"])
@pytest.mark.parametrize("density", [0.8, 0.1])
def test_density_is_exact_and_the_same_in_every_layer(make_bench, method, density):
    (pruned,) = method.prune(make_bench(), [density])
    total = parameter_count(pruned.network)
    assert pruned.mask.kept == round(density * total)
    share = (round(density * total) - (total - 216 - 1152)) / (216 + 1152)
    for name, weight in prunable_weights(pruned.network).items():
        assert abs(int(pruned.mask[name].sum()) - share * weight.numel()) < 1
        zeros = weight.detach()[~pruned.mask[name]]
        assert not bool((zeros != 0).any() | zeros.signbit().any())


@pytest.mark.parametrize("method", [ONE_SHOT, GREEDY], ids=["one-shot", "greedy"])
def test_each_level_is_what_it_is_alone_bit_for_bit(make_bench, method):
    bench = make_bench()
    both = list(method.prune(bench, [1.0, 0.5, 0.1]))
    assert both[0].mask is None
    assert all(torch.equal(value, state_of(bench.dense())[name]) for name, value in state_of(both[0].network).items())
    alone = [next(iter(method.prune(bench, [density]))) for density in (0.5, 0.1)]
    assert method.level_order == "independent"
    assert all(same(left, right) for left, right in zip(both[1:], alone, strict=True))
    assert bool((both[1].mask["features.conv2.weight"] | ~both[2].mask["features.conv2.weight"]).all())  # nested


def test_hessians_are_l_obss_and_the_greedy_order_is_computed_once(make_bench, tmp_path):
    def computed():
        return sum(kind == "compute" for _, kind in Store(tmp_path / "store").folders())

    list(LayerwiseOptimalBrainSurgeon(images=20).prune(make_bench(), [0.5]))
    counts = [computed()]
    for method, density in ((ONE_SHOT, 0.5), (ONE_SHOT, 0.1), (GREEDY, 0.5), (GREEDY, 0.1)):
        list(method.prune(make_bench(), [density]))
        counts.append(computed())
    assert np.diff(counts).tolist() == [1, 1, 2, 1]


def test_what_l_obs_skips_is_skipped(tiny):
    assert ONE_SHOT.skip(tiny) is None
    tiny.features.conv2 = nn.Conv2d(8, 16, 3, padding=1, padding_mode="reflect")
    assert "patches" in ONE_SHOT.skip(tiny)


class Grouped:
    """Three groups of rows with inputs of their own: as one layer, and each as a `Layer`."""

    def __init__(self):
        self.parts = [Layer(12, 9, bias=False, seed=seed) for seed in range(3)]
        self.network = nn.Sequential(nn.Conv2d(9, 27, 2, groups=3, bias=False)).double()
        self.network[0].weight.data = torch.cat([part.rows for part in self.parts]).view(27, 3, 2, 2)
        self.inverses = {"0.weight": torch.stack([part.inverse for part in self.parts])}


def test_each_group_is_refitted_by_its_own_inputs():
    layer, mask = Grouped(), masks(27, 12, 0.5)
    expected = [part.refitted(kept) for part, kept in zip(layer.parts, mask.chunk(3), strict=True)]
    found = refit(layer.network, layer.inverses, Mask({"0.weight": mask.view(27, 3, 2, 2)}, 324))["0.weight"]
    torch.testing.assert_close(found.flatten(1), torch.cat(expected), rtol=1e-10, atol=1e-12)


def test_the_rows_of_all_groups_are_merged_by_what_each_removal_adds():
    layer = Grouped()
    removals = []
    for index, row in enumerate(row for part in layer.parts for row in part.rows):
        gone, added = greedy(layer.parts[index // 9], row, 12)
        raised = itertools.accumulate(added, max)
        removals += [(cost, index, step, q) for step, (q, cost) in enumerate(zip(gone, raised, strict=True))]
    ranks = removal_ranks(layer.network, layer.inverses)["0.weight"].flatten(1)
    assert [int(ranks[index, q]) for _, index, _, q in sorted(removals)] == list(range(27 * 12))


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_cuda_and_the_processor_agree():
    layer = Layer(40, 12)
    inverses, mask = {"0.weight": layer.inverse}, Mask({"0.weight": masks(12, 40, 0.3)}, 480)
    copies = [Layer(40, 12).network for _ in range(2)]
    there, here = (refit(copy, inverses, mask, name) for copy, name in zip(copies, ("a GPU", None), strict=True))
    torch.testing.assert_close(there["0.weight"], here["0.weight"], rtol=1e-9, atol=1e-10)
    ranks = [removal_ranks(layer.network, inverses, name)["0.weight"] for name in ("a GPU", None)]
    assert torch.equal(*ranks)
