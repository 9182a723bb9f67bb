import importlib.resources
import tomllib
from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.evaluation.terms import Terms
from harness.planning.configuration import Configuration
from harness.planning.configuration_file import load_configuration
from harness.planning.presets import presets


def load(tmp_path=None, toml=None, assignments=(), preset="quick", **flags):
    file = None
    if toml is not None:
        file = tmp_path / "run.toml"
        file.write_text(toml)
    return load_configuration(preset, file, assignments, flags)


def faults(*assignments, **flags):
    with pytest.raises(UsageError) as caught:
        load(assignments=assignments, **flags)
    assert caught.value.exit_code == 2
    return caught.value.faults


def read_preset(name):
    """Return a preset as written, laid over the one that it extends."""
    own = read_file(name)
    base = own.pop("extends", None)
    return own if base is None else laid_over(read_preset(base), own)


def laid_over(base, own):
    for key, value in own.items():
        below = base.get(key)
        base[key] = laid_over(below, value) if isinstance(value, dict) and isinstance(below, dict) else value
    return base


def read_file(name):
    return tomllib.loads((importlib.resources.files("harness.configs") / f"{name}.toml").read_text("utf-8"))


def leaves(table, path=""):
    for key, value in table.items():
        if isinstance(value, dict) and path + key not in ("parameters", "losses"):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield path + key, value


def at(configuration, path):
    for part in path.split("."):
        configuration = getattr(configuration, part)
    return list(configuration) if isinstance(configuration, tuple) else configuration


# --- presets and merging


@pytest.mark.parametrize("name", presets())
def test_every_preset_sets_what_its_file_says_and_nothing_else(name):
    configuration, default = load(preset=name), Configuration()
    written = dict(leaves(read_preset(name)))
    losses = written.pop("losses", {})
    written.pop("chosen_on", None)  # says where a recipe comes from, and sets nothing
    assert set(configuration.loss_schedules) == set(losses)
    for loss, options in losses.items():
        assert all(getattr(configuration.loss_schedules[loss], name) == value for name, value in options.items())
    for path, value in written.items():
        assert at(configuration, path) == value
    for path in (
        "data.validation_fraction",
        "data.split_seed",
        "training.momentum",
        "training.dropout",
        "loss",
        "jobs",
    ):
        assert path in written or at(configuration, path) == at(default, path)


def test_presets_are_described_by_their_first_line():
    assert "quick" in presets()
    for name, line in presets().items():
        assert line
        assert not line.startswith("#")
        assert len(line) <= 57, f"{name}: `harness list presets` must fit 80 columns"


def test_a_preset_that_extends_another_changes_only_what_it_says():
    base, longer = load(preset="paper"), load(preset="paper-1000-iterations")
    assert longer.training.max_steps == 1000
    assert replace(longer, training=replace(longer.training, max_steps=0)) == base


def test_a_file_of_the_users_own_cannot_extend_a_preset_but_learns_how_to(tmp_path):
    with pytest.raises(UsageError, match="which is for presets") as caught:
        load(tmp_path, 'extends = "paper"\n')
    assert "--preset paper --config" in caught.value.fix


def test_an_unknown_preset_names_the_nearest():
    with pytest.raises(UsageError, match=r"unknown preset 'quik' \(did you mean 'quick'\?\)"):
        load(preset="quik")


def test_later_sources_win_key_by_key(tmp_path):
    toml = "seeds = 2\nnetwork = 'alexnet'\n[training]\nlearning_rate = 0.5\nclip = 9\nwarmup = 0.3\n"
    found = load(tmp_path, toml, ["training.clip=8", "training.warmup=0.4", "seeds=3"], seeds=4)
    quick = read_preset("quick")
    assert found.seeds == 4  # flag over --set over file over preset
    assert found.training.warmup == 0.4
    assert found.training.clip == 8
    assert found.training.learning_rate == 0.5
    assert found.network == "alexnet"
    assert found.training.max_steps == quick["training"]["max_steps"]  # a table is merged, not replaced
    assert found.training.momentum == Configuration().training.momentum


def test_the_last_of_two_assignments_wins():
    assert load(assignments=["jobs=1", "jobs=2"]).jobs == 2


def test_nested_flags_are_merged_too():
    found = load(data={"name": "isic-sim"})
    assert (found.data.name, found.data.size) == ("isic-sim", read_preset("quick")["data"]["size"])


def test_lists_are_replaced_not_joined(tmp_path):
    assert load(tmp_path, "densities = [0.5]\nmethods = ['snip']").densities == (0.5,)
    assert load(tmp_path, "densities = [0.5]\nmethods = ['snip']").methods == ("snip",)


def test_methods_may_be_tables(tmp_path):
    found = load(tmp_path, 'methods = ["lt", {name = "snip", images = 64}]')
    assert found.methods == ("lt", {"name": "snip", "images": 64})


# --- files


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"absent\.toml cannot be read: No such file") as caught:
        load_configuration("quick", tmp_path / "absent.toml", [], {})
    assert caught.value.exit_code == 2


@pytest.mark.parametrize("content", [b"seeds = ", b"seeds = 1\nseeds = 2", b"\xff\xfe", b"[training"])
def test_a_file_that_is_no_toml_is_named_with_the_reason(tmp_path, content):
    (tmp_path / "run.toml").write_bytes(content)
    with pytest.raises(UsageError, match=r"run\.toml is not TOML: .+"):
        load_configuration("quick", tmp_path / "run.toml", [], {})


# --- faults


def test_all_faults_are_listed_at_once():
    found = faults(
        "sedes=3",
        "densities=[0.5, 1.5, 0]",
        "training.learning_rat=0.1",
        "training.epochs=0",
        "pretraining.training.batchsize=4",
        "data.size=62",
        "data.validation_fraction=1",
        "network=5",
    )
    starts = {fault.partition(":")[0] for fault in found}
    assert starts == {
        "sedes",
        "densities.1",
        "densities.2",
        "training.learning_rat",
        "training.epochs",
        "pretraining.training.batchsize",
        "data.size",
        "data.validation_fraction",
        "network",
    }


@pytest.mark.parametrize(
    ("key", "nearest"),
    [
        ("sedes", "'seeds'"),
        ("method", "'methods'"),
        ("training.learningrate", "'learning_rate' in [training]"),
        ("training.epoch", "'epochs' in [training]"),
        ("data.szie", "'size' in [data]"),
        ("pretraining.sed", "'seed' in [pretraining]"),
        ("pretraining.training.momentun", "'momentum' in [pretraining.training]"),
        ("learning_rate", "'learning_rate' in [training]"),
        ("data.trials", "'trials' in [tuning]"),
        ("training.network", "'network', which is in no table"),
        ("trainin.epochs", "[training]"),
    ],
)
def test_an_unknown_key_names_the_nearest(key, nearest):
    told = key.partition(".")[0] if nearest == "[training]" else key  # a table that there is not, whatever its keys
    assert faults(f"{key}=1") == [f"{told}: no such key (did you mean {nearest}?)"]


def test_an_unknown_key_like_no_other_names_none():
    assert faults("training.zzzzzz=1") == ["training.zzzzzz: no such key"]


def test_a_table_in_the_place_of_a_value_and_the_reverse_are_faults():
    assert [fault.partition(":")[0] for fault in faults("training=5")] == ["training"]
    assert [fault.partition(":")[0] for fault in faults("network.name=alexnet")] == ["network"]


@pytest.mark.parametrize("density", [0, -0.5, 1.0000001, 2, "nan", "inf", "'half'", "true and false"])
def test_densities_outside_of_zero_to_one_are_refused(density):
    found = faults(f"densities=[1.0, {density}]" if density != "true and false" else "densities=half")
    assert all(fault.startswith("densities") for fault in found)


def test_no_density_is_refused():
    assert [fault.partition(":")[0] for fault in faults("densities=[]")] == ["densities"]


def test_density_one_and_tiny_densities_are_accepted():
    assert load(assignments=["densities=[1, 1e-9]"]).densities == (1.0, 1e-9)


@pytest.mark.parametrize(
    ("written", "seeds"),
    [("1", (0,)), ("3", (0, 1, 2)), ("[7]", (7,)), ("[5, 0, 2147483647]", (5, 0, 2147483647))],
)
def test_seeds_are_a_number_or_a_list(written, seeds):
    assert load(assignments=[f"seeds={written}"]).seed_list == seeds


@pytest.mark.parametrize(
    "written", ["0", "-1", "1001", "[]", "[-1]", "[2147483648]", "1.5", "[0.5]", "many", "true", "'2'"]
)
def test_wrong_seeds_are_refused(written):
    assert all(fault.startswith("seeds") for fault in faults(f"seeds={written}"))


def test_a_seed_listed_twice_is_refused_or_used_once():
    # Twice the same seed is not two seeds: it would narrow every interval across seeds.
    try:
        found = load(assignments=["seeds=[3, 3, 4]"]).seed_list
    except UsageError:
        return
    assert found == (3, 4)


@pytest.mark.parametrize("written", ["1.5", "-1", "'many'", "true", "'3'", "1025"])
def test_wrong_whole_numbers_are_refused(written):
    assert [fault.partition(":")[0] for fault in faults(f"jobs={written}")] == ["jobs"]


# --- assignments


@pytest.mark.parametrize(
    ("assignment", "path", "value"),
    [
        ("jobs=3", "jobs", 3),
        (" jobs = 3 ", "jobs", 3),
        ("training.learning_rate=1e-3", "training.learning_rate", 0.001),
        ("training.learning_rate=1", "training.learning_rate", 1.0),
        ("training.decay=constant", "training.decay", "constant"),  # no quotes needed
        ('training.decay="constant"', "training.decay", "constant"),
        ("training.decay='constant'", "training.decay", "constant"),
        ("weights=/a/b=c.pth", "weights", "/a/b=c.pth"),  # only the first sign assigns
        ("densities=[1.0, 0.5]", "densities", [1.0, 0.5]),
        ("methods=['lt', 'snip']", "methods", ["lt", "snip"]),
        ("parameters.rate=0.25", "parameters", {"rate": 0.25}),
        ("pretraining.training.epochs=2", "pretraining.training.epochs", 2),
        ("loss=blue", "loss", "blue"),
    ],
)
def test_assignments_are_read_as_toml_and_else_as_text(assignment, path, value):
    assert at(load(assignments=[assignment]), path) == value


@pytest.mark.parametrize("text", ["jobs", "", "=3", " = 3", "--jobs 3"])
def test_what_is_no_assignment_is_refused(text):
    with pytest.raises(UsageError, match="is not an assignment") as caught:
        load(assignments=[text])
    assert repr(text) in caught.value.message
    assert "--set" in caught.value.fix


@pytest.mark.parametrize("text", ["training.=1", ".jobs=1", "training..epochs=1"])
def test_an_empty_part_of_a_key_is_refused(text):
    with pytest.raises(UsageError):
        load(assignments=[text])


def test_the_configuration_is_frozen():
    with pytest.raises(AttributeError):
        load().jobs = 2


@pytest.mark.parametrize("name", ["plain", "black", "class-dependent"])
def test_a_loss_of_ones_own_cannot_take_a_built_in_name(name):
    with pytest.raises(UsageError, match=f"{name}: a registered loss has this name"):
        load_configuration("quick", None, [f"losses.{name}.gamma=7"], {})


@pytest.mark.parametrize("name", ["", "a,b", "a]", "a=b", " a"])
def test_a_loss_has_a_name_that_an_entry_can_say(name):
    flags = {"losses": {name: {"gamma": 2.0}}}
    with pytest.raises(UsageError, match="such a name cannot be written in an entry"):
        load_configuration("quick", None, [], flags)


def test_what_has_no_classes_cannot_be_drawn_by_them():
    assert load(assignments=["training.sampler=balanced"]).training.sampler == "balanced"
    with pytest.raises(UsageError) as refused:
        load(assignments=["pretraining.training.sampler=balanced", "training.sampler=balancd"])
    assert [fault.partition(":")[0] for fault in refused.value.faults] == ["pretraining.training", "training.sampler"]
    assert "latent variables, not classes" in refused.value.faults[0]


def test_no_folds_can_be_asked_for_where_a_preset_has_some():
    assert load(preset="standard").data.folds == 5
    assert load(preset="standard", data={"folds": 0}).data.folds is None
    assert load(assignments=["data.folds=2"]).data.folds == 2
    assert faults("data.folds=1", "data.folds=21") == [
        "data.folds: should be 0, for none, or at least 2",
        "data.folds: should be less than or equal to 20",
    ]


# --- the terms of a verdict


def test_terms_are_keys_as_any_other():
    assert load(assignments=["verdict.delta=0.05", "verdict.cost_ratio=20"]).verdict == Terms(delta=0.05, cost_ratio=20)
    assert faults("verdict.fpr=1.5", "verdict.margin=0.1") == [
        "verdict.fpr: should be less than 1",
        "verdict.margin: no such key",
    ]
