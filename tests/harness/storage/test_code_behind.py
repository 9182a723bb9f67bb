import importlib
import sys
from dataclasses import dataclass

import pytest

from harness import plugins
from harness.losses.class_dependent import ClassDependentLoss
from harness.methods import beta_rank, exact_obs, snip, synflow
from harness.networks.architecture import Architecture
from harness.networks.factories import build, skeleton
from harness.networks.registered import built_in
from harness.sparsity.mask import Mask
from harness.storage import code_behind, sources
from harness.storage.code_behind import DECIDING_NOTHING, modules_behind, neighbours, source_of

NETWORK_FILES = {skeleton(Architecture(name)).__module__ for name in built_in()}


@pytest.mark.parametrize(
    ("module", "behind"),
    [
        (exact_obs, {"harness.methods.l_obs", "harness.methods.layer_hessians", "harness.sparsity.ranking"}),
        (synflow, {"harness.sparsity.ranking"}),
        (snip, set()),
        (beta_rank, {"harness.sparsity.surgery"}),
    ],
)
def test_what_a_result_is_computed_with_is_behind_it(module, behind):
    found = set(modules_behind(module.__name__))
    assert found >= {module.__name__, "harness.sparsity.mask", "harness.networks.factories", *behind}
    assert not {name for name in found if name.split(".")[1] in DECIDING_NOTHING}
    assert not found & NETWORK_FILES
    assert all(name.startswith("harness.") for name in found)


def test_the_rooms_that_decide_nothing_are_there():
    assert all(importlib.util.find_spec(f"harness.{room}") for room in DECIDING_NOTHING)


def test_neighbours_are_of_the_same_package_alone():
    assert neighbours("harness.methods.exact_obs") == {"harness.methods.l_obs", "harness.methods.layer_hessians"}
    assert neighbours("harness.sparsity.mask") == set()
    assert neighbours("harness.pruning.templates") == set()  # or each edit of the core is a new run of every method
    assert neighbours("harness.networks.resnet") == set()
    assert neighbours("abc") == set()


def test_no_method_has_the_core_for_a_neighbour():
    for plugin in plugins.available(plugins.PRUNERS).values():
        for kind in plugin.load().__mro__:
            assert all(name.startswith("harness.methods.") for name in neighbours(kind.__module__))


@pytest.fixture
def edited(monkeypatch):
    """Return a function that edits a module's source as it is read."""
    read = sources.module_text

    def edit(module, old, new):
        def module_text(asked):
            text = read(asked)
            if asked != module:
                return text
            assert old in text
            return text.replace(old, new)

        for reader in (sources, code_behind):
            monkeypatch.setattr(reader, "module_text", module_text)

    return edit


def snips_source(name="resnet18"):
    return source_of(snip.connection_sensitivity, build(Architecture(name)), [], ClassDependentLoss(5.0, 5.0), False)


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("harness.errors", "did you mean", "perhaps"),
        ("harness.networks.registered", "unknown network", "no network"),
        ("harness.networks.vgg", "nn.ReLU(", "nn.GELU("),
        ("harness.pruning.templates", "Mask.ones(network)", "Mask.none(network)"),
        ("harness.storage.canonical", "masked_fill", "masked_scatter"),
        ("harness.methods.snip", "no retraining", "it is not trained again"),
    ],
)
def test_scores_are_not_computed_anew_for_what_does_not_decide_them(edited, module, old, new):
    before = snips_source()
    edited(module, old, new)
    assert snips_source() == before


@pytest.mark.parametrize(
    ("module", "old", "new"),
    [
        ("harness.methods.snip", "Tensor]:\n", "Tensor]:\n    network.train()\n"),
        ("harness.sparsity.mask", "SMALLEST_PRUNED_LAYER = 100", "SMALLEST_PRUNED_LAYER = 50"),
        ("harness.networks.architecture", "dim=(2, 3)", "dim=(3, 2)"),
        ("harness.networks.resnet", "+ self.shortcut(images)", "- self.shortcut(images)"),
        ("harness.networks.narrowing", "layer.in_channels = ", "layer.out_channels = "),
        ("harness.losses.class_dependent", "self.lambda_ *", "2 * self.lambda_ *"),
    ],
)
def test_scores_are_computed_anew_where_what_decides_them_changes(edited, monkeypatch, module, old, new):
    before = snips_source()
    monkeypatch.setattr(code_behind, "_refuse_edited", lambda _: None)
    edited(module, old, new)
    assert snips_source() != before


def test_a_mask_is_computed_anew_where_ranking_changes(edited):
    before = source_of(synflow.flow_mask)
    edited("harness.sparsity.ranking", "values > threshold", "values >= threshold")
    assert source_of(synflow.flow_mask) != before


def test_a_network_is_known_by_its_class_wherever_it_is_handed_in():
    function = snip.connection_sensitivity
    alone, network = source_of(function), source_of(function, build(Architecture("small-cnn")))
    assert len(network) > len(alone)
    assert source_of(function, {"deep": [(Architecture("small-cnn"), 1)]}) == network
    assert source_of(function, build(Architecture("vgg16"))) != network
    assert source_of(function, 1, "text", None, [Mask({}, 1)]) == alone  # which the function's module knows already


@dataclass(frozen=True)
class Handed:
    loss: ClassDependentLoss
    rate: float = 1.0


def test_the_code_of_a_dataclass_and_of_what_it_holds_is_behind_a_result():
    function = snip.connection_sensitivity
    with_loss, with_both = source_of(function, ClassDependentLoss()), source_of(function, Handed(ClassDependentLoss()))
    assert set(source_of(function)) < set(with_loss) < set(with_both)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that writes a package whose modules take names from one another, and returns its method's."""

    def write(half="x / 2", constant="1", shown="from borrowing.helper import half", body="half(x) * one.UNIT"):
        folder = tmp_path / "borrowing"
        folder.mkdir(exist_ok=True)
        (folder / "__init__.py").write_text(shown)
        (folder / "helper.py").write_text(f"def half(x):\n    return {half}\n")
        (folder / "one.py").write_text(f"UNIT = {constant}\n")
        (folder / "method.py").write_text(
            "from borrowing import half\n\n\n"
            f"def score(x):\n    '''Words.'''\n    from borrowing import one\n\n    return {body}\n"
        )
        for name in [name for name in sys.modules if name.startswith("borrowing")]:
            monkeypatch.delitem(sys.modules, name)
        monkeypatch.setattr(sys, "dont_write_bytecode", True)
        monkeypatch.syspath_prepend(tmp_path)
        importlib.invalidate_caches()
        return importlib.import_module("borrowing.method").score

    return write


@pytest.mark.parametrize(
    "change",
    [{"half": "x / 3"}, {"constant": "2"}, {"body": "half(x) + one.UNIT"}],
    ids=lambda change: next(iter(change)),
)
def test_what_a_module_takes_from_its_package_is_part_of_its_functions_source(package, change):
    """Names of functions and constants, also through the package's front and where a function imports them."""
    first = source_of(package())
    assert source_of(package()) == first
    assert source_of(package(half="x  /  2  # half of it")) == first
    assert source_of(package(**change)) != first


def test_a_result_is_computed_anew_where_a_helper_changed(package, make_bench):
    bench = make_bench()
    assert bench.compute(package("x / 2"), 6) == 3
    assert bench.compute(package("x / 3"), 6) == 2


def test_a_file_that_was_edited_while_it_ran_is_refused(package, tmp_path):
    score = package()
    path = tmp_path / "borrowing" / "method.py"
    path.write_text(path.read_text().replace("return half(x)", "return 2 * half(x)"))
    with pytest.raises(RuntimeError, match=r"method\.py was edited while it ran: start the command again"):
        source_of(score)


def test_a_module_without_a_file_is_passed_over():
    assert code_behind.texts(["builtins"]) == []
