import itertools
import math

import numpy as np
import pytest
import torch
from torch import nn

from harness.errors import UsageError
from harness.methods import layer_hessians as hessians_module
from harness.methods.l_obs import LayerwiseOptimalBrainSurgeon, all_multipliers, compensate, saliencies, saliency
from harness.methods.layer_hessians import damped_inverse, inverse_hessians, layer_hessians
from harness.networks.architecture import Architecture
from harness.networks.factories import build, copy_of, initialise, parameter_count, state_of
from harness.planning.pruners import build_pruner
from harness.sparsity.mask import Mask, prunable_weights
from harness.sparsity.ranking import prune_least
from harness.storage.store import Store


def draws(seed=0):
    return torch.Generator().manual_seed(seed)


def normal(*shape, seed=0):
    return torch.randn(*shape, generator=draws(seed), dtype=torch.float64)


def correlated(count, size, seed=0, rho=0.9):
    """Return count vectors of ``size`` entries, each entry like its neighbour, and cut at 0 as after a ReLU."""
    noise = normal(count, size, seed=seed)
    vectors = [noise[:, 0]]
    for index in range(1, size):
        vectors.append(rho * vectors[-1] + math.sqrt(1 - rho**2) * noise[:, index])
    return torch.stack(vectors, dim=1).clamp(min=0)


def linear(inputs, outputs, seed=0, *, bias=True):
    """Return one linear layer as a network of its own, in float64."""
    network = nn.Sequential(nn.Linear(inputs, outputs, bias=bias)).double()
    initialise(network, draws(seed))
    if bias:
        network[0].bias.data = normal(outputs, seed=seed + 1)
    return network


def batches_of(vectors):
    return [(part, torch.zeros(len(part))) for part in vectors.split(50)]


def pruned_once(network, inverse, density=None, mask=None):
    """Return (mask, rows) of a one-layer network after L-OBS; rows have the bias last."""
    inverses = {"0.weight": inverse}
    scores = saliencies(network, inverses)
    if mask is None:
        mask = prune_least(scores, Mask.ones(network), density, "layer")
    copy = nn.Sequential(type(network[0])(*_arguments(network[0]))).double()
    copy.load_state_dict(network.state_dict())
    state = compensate(copy, inverses, all_multipliers(network, inverses), mask)
    return mask, rows_of(state)


def _arguments(layer):
    if isinstance(layer, nn.Linear):
        return layer.in_features, layer.out_features, layer.bias is not None
    return layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding, layer.dilation


def rows_of(state):
    rows = state["0.weight"].flatten(1)
    return torch.cat([rows, state["0.bias"].unsqueeze(1)], dim=1) if "0.bias" in state else rows


def quadratic(change, hessian):
    """Return E(dw) = 1/2 sum_r dw_r^T H dw_r, by loops."""
    return sum(0.5 * float(row @ hessian @ row) for row in change)


def refitted(row, hessian, removed):
    """Return ``row`` without ``removed``, the others at the minimum of E, by the normal equations of what is left."""
    change = torch.zeros_like(row)
    change[removed] = -row[removed]
    free = [index for index in range(len(row)) if index not in removed]
    change[free] = torch.linalg.solve(hessian[free][:, free], -hessian[free] @ change)
    return row + change


def published(rows, inverse, weights, count):
    """Return (rows, removed) of the published loop: rank once, sweep with one inverse, zero at the end."""
    inverse, rows = inverse.numpy(), rows.numpy().copy()
    ranked = sorted(
        itertools.product(range(len(rows)), range(weights)),
        key=lambda at: (rows[at] ** 2 / inverse[at[1], at[1]], -at[0], -at[1]),
    )
    for row, q in ranked[:count]:
        rows[row] += -rows[row, q] / inverse[q, q] * inverse[:, q]
    for row, q in ranked[:count]:
        rows[row, q] = 0.0
    return torch.from_numpy(rows), set(ranked[:count])


def dropped(mask):
    return {tuple(at) for at in (~mask.flatten(1)).nonzero().tolist()}


# Hessians


def patches_by_hand(layer, images):
    """Return the vectors that a convolution's weights meet, cut out one by one: channel, row, column, then 1."""
    (high, wide), (down, right) = layer.kernel_size, layer.stride
    (above, left), (row_gap, column_gap) = layer.padding, layer.dilation
    count, channels, height, width = images.shape
    padded = torch.zeros(count, channels, height + 2 * above, width + 2 * left, dtype=torch.float64)
    padded[:, :, above : above + height, left : left + width] = images
    rows = (padded.shape[2] - row_gap * (high - 1) - 1) // down + 1
    columns = (padded.shape[3] - column_gap * (wide - 1) - 1) // right + 1
    vectors = []
    for image, y, x in itertools.product(range(count), range(rows), range(columns)):
        vector = [
            float(padded[image, channel, y * down + i * row_gap, x * right + j * column_gap])
            for channel in range(channels)
            for i in range(high)
            for j in range(wide)
        ]
        vectors.append(vector + [1.0] * (layer.bias is not None))
    return torch.tensor(vectors, dtype=torch.float64)


CONVOLUTIONS = [
    {"kernel_size": 3},
    {"kernel_size": (3, 2), "stride": (2, 1), "padding": (1, 2)},
    {"kernel_size": (2, 3), "stride": (1, 3), "padding": (0, 1), "dilation": (2, 1)},
    {"kernel_size": (3, 2), "dilation": (1, 3), "bias": False},
]


@pytest.mark.parametrize("options", CONVOLUTIONS)
def test_convolution_hessian_is_the_mean_product_of_its_patches(options):
    network = nn.Sequential(nn.Conv2d(3, 7, **options)).double()
    images = normal(5, 3, 7, 9)
    vectors = patches_by_hand(network[0], images)
    outputs = network(images).detach().permute(0, 2, 3, 1).flatten(0, -2)
    torch.testing.assert_close(vectors @ rows_of(network.state_dict()).T, outputs)  # the patches that weights meet
    found = layer_hessians(network, [(images[:2], None), (images[2:], None)])["0.weight"]
    torch.testing.assert_close(found, vectors.T @ vectors / len(vectors), rtol=1e-12, atol=1e-12)


def side_by_side(*, groups, bias=True):
    """Return a convolution with ``groups`` and, for each group, a convolution of its own with the same weights."""
    whole = nn.Sequential(nn.Conv2d(6, 12 * groups, 3, padding=1, groups=groups, bias=bias)).double()
    initialise(whole, draws(1))
    parts = []
    for index, rows in enumerate(whole[0].weight.detach().chunk(groups)):
        part = nn.Sequential(nn.Conv2d(6 // groups, 12, 3, padding=1, bias=bias)).double()
        part[0].weight.data = rows.clone()
        if bias:
            part[0].bias.data = whole[0].bias.data.normal_(generator=draws(2)).chunk(groups)[index].clone()
        parts.append(part)
    return whole, parts


@pytest.mark.parametrize(("groups", "bias"), [(2, True), (6, True), (6, False)])
def test_a_convolution_with_groups_is_as_many_layers_side_by_side(groups, bias):
    whole, parts = side_by_side(groups=groups, bias=bias)
    images = correlated(5 * 6 * 8, 8).view(5, 6, 8, 8)
    inverses = inverse_hessians(whole, [(images, None)], 0.01)
    own = [
        inverse_hessians(part, [(seen, None)], 0.01) for part, seen in zip(parts, images.chunk(groups, 1), strict=True)
    ]
    torch.testing.assert_close(inverses["0.weight"], torch.stack([one["0.weight"] for one in own]))
    scores = saliencies(whole, inverses)["0.weight"]
    torch.testing.assert_close(
        scores, torch.cat([saliencies(*one)["0.weight"] for one in zip(parts, own, strict=True)])
    )
    mask = prune_least({"0.weight": scores}, Mask.ones(whole), 0.4, "layer")
    swept = all_multipliers(whole, inverses)
    alone = [
        compensate(part, one, all_multipliers(part, one), Mask({"0.weight": kept}, part[0].weight.numel()))
        for part, one, kept in zip(parts, own, mask["0.weight"].chunk(groups), strict=True)
    ]
    together = rows_of(compensate(whole, inverses, swept, mask))
    torch.testing.assert_close(together, torch.cat([rows_of(one) for one in alone]))


@pytest.mark.parametrize("bias", [True, False])
def test_linear_hessian_is_the_mean_outer_product_of_its_inputs(bias):
    vectors = correlated(70, 30)
    total = torch.zeros(30 + bias, 30 + bias, dtype=torch.float64)
    for vector in vectors:
        extended = torch.cat([vector, torch.ones(int(bias), dtype=torch.float64)])
        total += torch.outer(extended, extended)
    found = layer_hessians(linear(30, 4, bias=bias), batches_of(vectors))["0.weight"]
    torch.testing.assert_close(found, total / 70, rtol=1e-12, atol=1e-14)


def test_hessians_do_not_depend_on_the_parts_they_are_summed_in(monkeypatch):
    network = nn.Sequential(nn.Conv2d(3, 7, 3, padding=1)).double()
    images = normal(11, 3, 6, 6)
    whole = layer_hessians(network, [(images, None)])["0.weight"]
    monkeypatch.setattr(hessians_module, "_CHUNK", 2000)  # two images of 27 x 36 entries
    monkeypatch.setattr(hessians_module, "_COLUMNS", 5)
    parts = layer_hessians(network, [(images, None)])["0.weight"]
    assert len(list(hessians_module.input_vectors(network[0], images))) == 6
    torch.testing.assert_close(parts, whole, rtol=1e-12, atol=1e-14)


def test_inputs_are_those_of_the_dense_network_in_evaluation_mode(tiny):
    tiny.features.norm1.running_mean += 0.3
    tiny.features.norm1.running_var *= 2
    before = state_of(tiny)
    images = normal(9, 3, 16, 16).float()
    inputs = tiny.features[:3](images).detach().double()
    vectors = patches_by_hand(tiny.features.conv2, inputs)
    found = layer_hessians(tiny.train(), [(images[:5], None), (images[5:], None)])
    assert list(found) == list(prunable_weights(tiny))
    torch.testing.assert_close(found["features.conv2.weight"], vectors.T @ vectors / len(vectors), rtol=1e-5, atol=1e-6)
    assert all(torch.equal(value, before[name]) for name, value in state_of(tiny).items())
    assert not tiny.features.conv2._forward_pre_hooks


def test_damping_is_a_fraction_of_the_mean_diagonal_and_spares_the_ones_of_the_bias():
    vectors = torch.cat([correlated(60, 12), torch.ones(60, 1, dtype=torch.float64)], dim=1)
    hessian = vectors.T @ vectors / 60
    added = torch.zeros(13, dtype=torch.float64)
    added[:12] = 0.1 * sum(float(hessian[i, i]) for i in range(12)) / 12
    inverse = damped_inverse(hessian, 12, 0.1)
    torch.testing.assert_close(
        inverse @ (hessian + torch.diag(added)), torch.eye(13, dtype=torch.float64), rtol=0, atol=1e-11
    )
    scaled = vectors * torch.tensor([1e-3] * 12 + [1.0], dtype=torch.float64)
    smaller = damped_inverse(scaled.T @ scaled / 60, 12, 0.1)
    torch.testing.assert_close(smaller[:12, :12] * 1e-6, inverse[:12, :12])


def test_inputs_that_are_always_zero_leave_the_weights_to_their_magnitude(tiny):
    nn.init.zeros_(tiny.features.conv1.weight)
    nn.init.zeros_(tiny.features.norm1.bias)
    tiny.features.conv2.bias.data = normal(16).float()
    inverses = inverse_hessians(copy_of(tiny), [(normal(6, 3, 16, 16).float(), None)], 0.01)
    name = "features.conv2.weight"
    assert torch.equal(inverses[name], torch.eye(73, dtype=torch.float64))
    mask = prune_least(saliencies(tiny, inverses), Mask.ones(tiny), 0.5, "layer")
    state = compensate(copy_of(tiny), inverses, all_multipliers(tiny, inverses), mask)
    weights = tiny.features.conv2.weight.detach()
    assert torch.equal(state[name], weights.masked_fill(~mask[name], 0.0))
    assert float(weights[mask[name]].abs().min()) >= float(weights[~mask[name]].abs().max())
    assert torch.equal(state["features.conv2.bias"], tiny.features.conv2.bias)


def test_inputs_without_an_inverse_are_named(tiny):
    images = [(normal(6, 3, 16, 16).float(), None)]
    tiny.features.conv1.bias.data[0] = math.inf
    with pytest.raises(ValueError, match=r"features.conv2.weight: the layer's inputs are not finite"):
        inverse_hessians(tiny, images, 0.01)
    with pytest.raises(ValueError, match="no inverse with damping 0: use more"):
        damped_inverse(torch.ones(3, 3, dtype=torch.float64), 3, 0.0)
    with pytest.raises(ValueError, match="no inverse"):  # 1e320 is infinite
        damped_inverse(1e-320 * torch.eye(3, dtype=torch.float64), 3, 0.01)
    with pytest.raises(UsageError, match=r"damping: Input should be greater than or equal to 0\.00000001"):
        build_pruner("l-obs", {"damping": "1e-9"})


# Saliency and sweep


@pytest.fixture
def layer():
    """Return (network, H, H^-1) of a layer of 24 x 6 weights with correlated inputs; H damped, as L-OBS sees it."""
    network = linear(24, 6)
    hessian = layer_hessians(network, batches_of(correlated(200, 24)))["0.weight"]
    inverse = damped_inverse(hessian, 24, 0.01)
    return network, torch.linalg.inv(inverse), inverse


def test_saliency_is_the_least_error_of_removing_a_weight(layer):
    network, hessian, inverse = layer
    rows = rows_of(network.state_dict())
    scores = saliency(rows[:, :24], inverse)
    noise = draws(5)
    for row, q in itertools.product((0, 3), (0, 11, 23)):
        best = refitted(rows[row], hessian, [q]) - rows[row]
        error = quadratic([best], hessian)
        assert float(scores[row, q]) == pytest.approx(error, rel=1e-8)
        for _ in range(20):  # every other change that removes q costs more
            other = best + 1e-3 * torch.randn(25, generator=noise, dtype=torch.float64)
            other[q] = best[q]
            assert quadratic([other], hessian) > error


def density_without(network, count):
    total = parameter_count(network)
    return (total - count) / total


def test_one_weight_per_row_goes_as_brute_force_removes_it(layer):
    """Refit after every candidate: the best one, its update and its error are those of L-OBS."""
    network, hessian, inverse = layer
    rows = rows_of(network.state_dict())
    best = []
    for row in rows:
        candidates = [refitted(row, hessian, [q]) for q in range(24)]
        errors = [quadratic([candidate - row], hessian) for candidate in candidates]
        q = int(np.argmin(errors))
        best.append((q, candidates[q], errors[q]))
    remaining = torch.ones(6, 24, dtype=torch.bool)
    scores = saliency(rows[:, :24], inverse)
    remaining[range(6), scores.argmin(dim=1)] = False
    mask, found = pruned_once(network, inverse, mask=Mask({"0.weight": remaining}, 150))
    assert dropped(mask["0.weight"]) == {(row, q) for row, (q, _, _) in enumerate(best)}
    for row, (q, expected, error) in enumerate(best):
        torch.testing.assert_close(found[row], expected, rtol=1e-8, atol=1e-10)
        assert quadratic([found[row] - rows[row]], hessian) == pytest.approx(error, rel=1e-8)
        assert float(scores[row, q]) == pytest.approx(error, rel=1e-8)


def greedy(rows, hessian, weights, count):
    """Return (rows, removed): the weight whose removal and refit costs least goes, and again, over the whole layer."""
    current, removed = rows.clone(), [[] for _ in rows]
    for _ in range(count):
        errors = {}
        for row, q in itertools.product(range(len(rows)), range(weights)):
            if q not in removed[row]:
                candidate = refitted(rows[row], hessian, [*removed[row], q])
                before = quadratic([current[row] - rows[row]], hessian)
                errors[row, q] = quadratic([candidate - rows[row]], hessian) - before
        row, q = min(errors, key=errors.get)
        removed[row].append(q)
        current[row] = refitted(rows[row], hessian, removed[row])
    return current, {(row, q) for row, gone in enumerate(removed) for q in gone}


def test_any_number_of_weights_goes_as_brute_force_removes_them_where_inputs_are_uncorrelated():
    network = linear(12, 9)
    hessian = torch.diag(torch.rand(13, generator=draws(), dtype=torch.float64) + 0.1)
    expected, removed = greedy(rows_of(network.state_dict()), hessian, 12, 60)
    mask, found = pruned_once(network, torch.linalg.inv(hessian), density_without(network, 60))
    assert dropped(mask["0.weight"]) == removed
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def test_one_shot_is_neither_a_refit_nor_greedy_where_inputs_are_correlated(layer):
    """The published sweep keeps the first inverse; a silent refit would be another method, with a smaller error."""
    network, hessian, inverse = layer
    rows = rows_of(network.state_dict())
    mask, found = pruned_once(network, inverse, density_without(network, 72))
    removed = dropped(mask["0.weight"])
    refit = torch.stack([refitted(row, hessian, [q for r, q in removed if r == i]) for i, row in enumerate(rows)])
    best, gone = greedy(rows, hessian, 24, 72)
    errors = [quadratic(after - rows, hessian) for after in (found, refit, best)]
    assert errors[0] > 1.2 * errors[1]
    assert errors[1] > 1.05 * errors[2]
    assert gone != removed


@pytest.mark.parametrize("count", [1, 2, 80, 200, 280])
@pytest.mark.parametrize("bias", [True, False])
def test_sweep_is_the_published_loop(count, bias):
    """More inputs than one block of the sweep; with zeros, and two rows alike."""
    network = linear(70, 4, bias=bias)
    network[0].weight.data[:, 5:9] = 0.0
    network[0].weight.data[1:3] = network[0].weight.data[1:2].clone()
    hessian = layer_hessians(network, batches_of(correlated(300, 70)))["0.weight"]
    inverse = damped_inverse(hessian, 70, 0.01)
    mask, found = pruned_once(network, inverse, density_without(network, count))
    expected, removed = published(rows_of(network.state_dict()), inverse, 70, count)
    assert dropped(mask["0.weight"]) == removed
    torch.testing.assert_close(found, expected, rtol=1e-9, atol=1e-11)


@pytest.mark.parametrize("count", [3, 47, 100, 119])
def test_weights_that_tie_are_swept_in_the_order_in_which_levels_drop_them(count):
    """A level's removed weights must come first in each row's sweep, also where it cuts through ties."""
    network = linear(40, 3, bias=False)
    network[0].weight.data = torch.tensor([0.5, -0.5, 0.25], dtype=torch.float64).repeat(40).view(3, 40)
    inverse = torch.eye(40, dtype=torch.float64) + 0.125 * torch.ones(40, 40, dtype=torch.float64)
    mask, found = pruned_once(network, inverse, density_without(network, count))
    expected, removed = published(rows_of(network.state_dict()), inverse, 40, count)
    assert dropped(mask["0.weight"]) == removed
    torch.testing.assert_close(found, expected, rtol=1e-12, atol=1e-12)


def output_error(vectors, before, after):
    """Return the mean squared error of a layer's outputs over those outputs' mean square."""
    extended = torch.cat([vectors, torch.ones(len(vectors), 1, dtype=torch.float64)], dim=1)
    return float((extended @ (after - before).T).square().mean() / (extended @ before.T).square().mean())


@pytest.mark.parametrize("kept", [0.5, 0.2])
def test_the_update_lowers_the_error_of_the_outputs(kept):
    network = linear(24, 16)
    seen, unseen = correlated(400, 24), correlated(400, 24, seed=1)
    inverse = damped_inverse(layer_hessians(network, batches_of(seen))["0.weight"], 24, 0.01)
    rows = rows_of(network.state_dict())
    density = density_without(network, round((1 - kept) * 384))
    mask, found = pruned_once(network, inverse, density)
    masked = rows.clone()
    masked[:, :24].masked_fill_(~mask["0.weight"], 0.0)
    magnitude = prune_least({"0.weight": network[0].weight.abs()}, Mask.ones(network), density)
    largest = rows.clone()
    largest[:, :24].masked_fill_(~magnitude["0.weight"], 0.0)
    for vectors in (seen, unseen):
        assert output_error(vectors, rows, found) < 0.8 * output_error(vectors, rows, masked)
        assert output_error(vectors, rows, found) < output_error(vectors, rows, largest)


def test_patches_in_another_order_than_the_weights_make_it_worse():
    """The published TensorFlow patches are row, column, channel: with them the update does harm."""
    network = nn.Sequential(nn.Conv2d(4, 12, 3)).double()
    initialise(network, draws())
    smooth = nn.functional.avg_pool2d(normal(30, 4, 12, 12), 3, stride=1)
    images = smooth * torch.tensor([1.0, 2.0, 0.5, 4.0], dtype=torch.float64).view(1, 4, 1, 1)
    matched = damped_inverse(layer_hessians(network, [(images, None)])["0.weight"], 36, 0.01)
    order = torch.cat([torch.arange(36).view(4, 3, 3).permute(1, 2, 0).flatten(), torch.tensor([36])])
    rows, vectors = rows_of(network.state_dict()), patches_by_hand(network[0], images)[:, :36]
    errors = []
    for inverse in (matched, matched[order][:, order]):
        mask, found = pruned_once(network, inverse, 0.5)
        masked = rows.clone()
        masked[:, :36].masked_fill_(~mask["0.weight"].flatten(1), 0.0)
        errors.append((output_error(vectors, rows, found), output_error(vectors, rows, masked)))
    (right, _), (wrong, wrong_masked) = errors
    assert right < 0.5 * wrong
    assert wrong > wrong_masked


# The method on a bench


METHOD = LayerwiseOptimalBrainSurgeon(images=20)


def tensors_of(pruned):
    return {**state_of(pruned.network), **{f"mask {name}": mask for name, mask in pruned.mask.items()}}


def same(left, right):
    left, right = tensors_of(left), tensors_of(right)
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def test_levels_are_the_published_procedure_on_the_dense_network(make_bench):
    bench = make_bench()
    dense = bench.dense()
    (pruned,) = METHOD.prune(bench, [0.5])
    inverses = inverse_hessians(copy_of(dense), bench.batches(20), 0.01)
    before, after = state_of(dense), state_of(pruned.network)
    for layer in ("features.conv1", "features.conv2"):
        weights, bias = before[f"{layer}.weight"].flatten(1).double(), before[f"{layer}.bias"].double()
        count = int((~pruned.mask[f"{layer}.weight"]).sum())
        rows = torch.cat([weights, bias.unsqueeze(1)], dim=1)
        expected, removed = published(rows, inverses[f"{layer}.weight"], weights.shape[1], count)
        assert dropped(pruned.mask[f"{layer}.weight"]) == removed
        torch.testing.assert_close(after[f"{layer}.weight"].flatten(1), expected[:, :-1].float())
        torch.testing.assert_close(after[f"{layer}.bias"], expected[:, -1].float())
        assert float((after[f"{layer}.bias"] - before[f"{layer}.bias"]).abs().min()) > 0
    untouched = [name for name in before if not name.startswith(("features.conv1", "features.conv2"))]
    assert all(torch.equal(before[name], after[name]) for name in untouched)


@pytest.mark.parametrize("density", [0.8, 0.3, 0.1])
def test_density_is_exact_and_the_same_in_every_layer(make_bench, density):
    (pruned,) = METHOD.prune(make_bench(), [density])
    total = parameter_count(pruned.network)
    assert pruned.mask.kept == round(density * total)
    unprunable = total - 216 - 1152
    share = (round(density * total) - unprunable) / (216 + 1152)
    for name, size in (("features.conv1.weight", 216), ("features.conv2.weight", 1152)):
        weights = dict(pruned.network.named_parameters())[name].detach()
        assert abs(int(pruned.mask[name].sum()) - share * size) < 1
        zeros = weights[~pruned.mask[name]]
        assert len(zeros) == size - int(pruned.mask[name].sum())
        assert not bool((zeros != 0).any() | zeros.signbit().any())


def test_density_one_is_the_dense_network(make_bench):
    bench = make_bench()
    before = state_of(bench.dense())
    dense, _ = METHOD.prune(bench, [1.0, 0.1])
    assert dense.mask is None
    after = state_of(dense.network)
    assert before.keys() == after.keys()
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_each_level_is_what_it_is_alone_bit_for_bit(make_bench):
    bench = make_bench()
    both = list(METHOD.prune(bench, [0.5, 0.1]))
    alone = [next(iter(METHOD.prune(bench, [density]))) for density in (0.5, 0.1)]
    assert METHOD.level_order == "independent"
    assert all(same(left, right) for left, right in zip(both, alone, strict=True))
    assert not same(*both)


def computed(store):
    return sum(kind == "compute" for _, kind in Store(store).folders())


def test_hessians_and_the_sweep_are_shared_by_all_levels(make_bench, tmp_path):
    bench = make_bench()
    counts = []
    for density in (1.0, 0.5, 0.25, 0.1):
        list(METHOD.prune(bench, [density]))
        counts.append(computed(tmp_path / "store"))
    assert counts == [0, 3, 4, 5]  # inverses, multipliers and the first level; then one stage a level
    list(LayerwiseOptimalBrainSurgeon(images=20, damping=0.02).prune(bench, [0.5]))
    assert computed(tmp_path / "store") == 8


def test_a_replay_gives_the_same_bits_and_computes_nothing(make_bench, tmp_path):
    (first,) = METHOD.prune(make_bench(), [0.2])
    stages = len(list(Store(tmp_path / "store").folders()))
    (again,) = METHOD.prune(make_bench(), [0.2])
    assert same(first, again)
    assert len(list(Store(tmp_path / "store").folders())) == stages


def test_more_damping_compensates_less(make_bench):
    bench = make_bench()
    before = state_of(bench.dense())
    changes = []
    for damping in (1e-3, 1e3):
        (pruned,) = LayerwiseOptimalBrainSurgeon(images=20, damping=damping).prune(bench, [0.5])
        name = "features.conv2.weight"
        change = (state_of(pruned.network)[name] - before[name])[pruned.mask[name]]
        changes.append(float(change.abs().mean()))
    assert changes[1] < 0.01 * changes[0]


def with_convolution(tiny, **options):
    tiny.features.conv2 = nn.Conv2d(8, 16, 3, stride=options.pop("stride", 2), **options)
    return tiny


@pytest.mark.parametrize("options", [{"padding": 1, "padding_mode": "reflect"}, {"padding": "same", "stride": 1}])
def test_convolutions_without_patches_are_skipped_with_a_sentence(tiny, options):
    sentence = METHOD.skip(with_convolution(tiny, **options))
    assert sentence is not None
    assert "features.conv2.weight" in sentence


def test_other_networks_are_not_skipped(tiny):
    assert METHOD.skip(tiny) is None
    assert METHOD.skip(build(Architecture("alexnet"))) is None
    assert METHOD.skip(build(Architecture("mobilenet-v1"))) is None
    assert METHOD.skip(with_convolution(tiny, groups=2)) is None
    tiny.features.conv2 = nn.Conv2d(8, 8, 2, padding_mode="circular", groups=8)  # 32 weights: too small to be pruned
    assert METHOD.skip(tiny) is None
