"""W0 from somebody's own file: the very network, kept in the store; what is of another one is refused with its name."""

import pytest
import torch

from harness.adopted.adopted_network import adopted_network, adopted_state, is_kept, zeros_in
from harness.errors import DataError
from harness.initial.weights_file import file_digest
from harness.networks.architecture import Architecture, positive_scores
from harness.networks.factories import build, initialise, state_of
from harness.portable.nameplate import Nameplate, Preprocessing
from harness.portable.network_file import file_content
from harness.sparsity.surgery import channel_groups, without_channels
from harness.storage.store import Store

TINY = Architecture("tiny")


@pytest.fixture
def saved(tmp_path):
    """Return a function that saves a state, and gives its path and the name of W0."""

    def save(state, name="own.pt"):
        torch.save(state, tmp_path / name)
        return tmp_path / name, f"trained:{file_digest(tmp_path / name)}"

    return save


def drawn(name):
    network = build(Architecture(name))
    initialise(network, torch.Generator().manual_seed(1))
    return network


def test_it_is_the_very_network_and_the_store_keeps_it(saved, tmp_path, tiny, same_bits):
    (path, weights), store = saved(state_of(tiny)), Store(tmp_path / "store")
    assert not is_kept(store, TINY, weights)
    assert same_bits(adopted_network(store, TINY, weights, path), tiny)
    path.unlink()
    assert is_kept(store, TINY, weights)
    assert same_bits(adopted_network(store, TINY, weights, None), tiny)


def test_a_file_that_is_gone_or_another_one_by_now_is_said(saved, tmp_path, tiny):
    (path, weights), store = saved(state_of(tiny)), Store(tmp_path / "store")
    saved(state_of(drawn("tiny")))
    for place in (path, None, tmp_path / "absent"):
        with pytest.raises(DataError, match="is gone or another one by now"):
            adopted_network(store, TINY, weights, place)


def test_swapped_classes_turn_every_score_round(saved, tmp_path, tiny):
    path, weights = saved(state_of(tiny))
    swapped = weights.replace("trained:", "trained-swapped:")
    store, images = Store(tmp_path / "store"), torch.randn(5, 3, 16, 16)
    plain, turned = (adopted_network(store, TINY, name, path) for name in (weights, swapped))
    with torch.no_grad():
        assert torch.equal(positive_scores(turned(images)), -positive_scores(plain(images)))
        assert positive_scores(plain(images)).abs().min() > 0


@pytest.mark.parametrize("name", ["torchvision:resnet18", "small-cnn"])
def test_a_file_of_another_network_names_the_one_that_it_fits(saved, name):
    path, _ = saved(state_of(drawn(name)))
    with pytest.raises(DataError, match=f"is not of tiny, head included: it fits --network {name}") as refused:
        adopted_state(path, TINY)
    assert 1 < len(refused.value.faults) <= 13


def test_torchvisions_own_names_are_those_of_its_network(saved):
    models = pytest.importorskip("torchvision.models")
    theirs, images = models.resnet18(num_classes=2).eval(), torch.randn(2, 3, 64, 64)
    path, _ = saved(theirs.state_dict())
    name = Architecture("torchvision:resnet18")
    with torch.no_grad():
        assert torch.allclose(build(name, adopted_state(path, name))(images), theirs(images), atol=1e-6)


def test_a_network_like_one_of_ours_names_the_nearest(saved):
    state = state_of(drawn("small-cnn"))
    state["features.conv4.weight"] = torch.zeros(100, 128, 3, 3)
    with pytest.raises(DataError, match="of the networks here small-cnn is nearest to it") as refused:
        adopted_state(saved(state)[0], Architecture("alexnet-bn"))
    assert "--network" in refused.value.fix
    with pytest.raises(DataError, match="is not of tiny, head included\n"):
        adopted_state(saved({"odd.weight": torch.zeros(5, 5)})[0], TINY)


def test_more_than_two_classes_are_refused(saved, tiny):
    state = state_of(tiny) | {"head.1.weight": torch.zeros(7, 16), "head.1.bias": torch.zeros(7)}
    with pytest.raises(DataError) as refused:
        adopted_state(saved(state)[0], TINY)
    assert refused.value.faults == ["head.1.weight is (7, 16), not (2, 16)", "head.1.bias is (7), not (2)"]


def test_an_exported_file_of_another_or_a_cut_network_is_refused(tmp_path, tiny):
    nameplate = Nameplate(
        dataset="spots",
        entry="dense",
        density=1.0,
        seed=0,
        network="tiny",
        classes=("no", "yes"),
        preprocessing=Preprocessing(size=16),
    )
    (group, *others), path = channel_groups(tiny), tmp_path / "net.safetensors"
    half = {group.name: torch.arange(group.channels) % 2 == 0}
    half |= {one.name: torch.ones(one.channels, dtype=torch.bool) for one in others}
    path.write_bytes(file_content(without_channels(tiny, half), nameplate))
    with pytest.raises(DataError, match=r"says that it is tiny, narrowed, not tiny.* cannot be pruned again"):
        adopted_state(path, TINY)
    path.write_bytes(file_content(tiny, nameplate))
    with pytest.raises(DataError, match="says that it is tiny, not small-cnn") as refused:
        adopted_state(path, Architecture("small-cnn"))
    assert refused.value.fix == "use --network tiny"


def test_what_is_not_finite_is_named(saved, tiny):
    state = state_of(tiny)
    state["features.norm1.running_var"][3] = float("nan")
    with pytest.raises(DataError, match=r"is not finite in features\.norm1\.running_var"):
        adopted_state(saved(state)[0], TINY)


def test_zeros_are_counted_in_weights_alone(tiny):
    with torch.no_grad():
        tiny.features.conv2.weight[:] = 0
        tiny.features.norm1.bias[:] = 0
    assert zeros_in(state_of(tiny)) == pytest.approx(1152 / (216 + 1152 + 32))
