"""Every fault of a layer by its key, in TOML's words: types, bounds, typing errors, and what no number may be."""

import tomllib
from dataclasses import fields, is_dataclass
from typing import get_type_hints

import pytest

from harness.errors import UsageError
from harness.planning.configuration import Configuration
from harness.planning.configuration_faults import faults_of, loss_faults
from harness.planning.configuration_file import load_configuration


def faults(toml):
    return faults_of(tomllib.loads(toml))


def keys(section=Configuration, before=()):
    """Return every key of the configuration by its path; of a table by names, a name of the user's own."""
    for field in fields(section):
        kind = get_type_hints(section)[field.name]
        yield (*before, field.name)
        if is_dataclass(kind):
            yield from keys(kind, (*before, field.name))


KEYS = sorted(keys())
TABLES = {place[:-1] for place in KEYS}
FOCUSSING = "losses.mine.focussing: no such key (did you mean 'focusing' in [losses.mine]?)"


@pytest.mark.parametrize(
    ("toml", "text"),
    [
        ("training.max_steps = true", "training.max_steps: should be a whole number"),
        ("training.epochs = 3.0", "training.epochs: should be a whole number"),
        ("training.learning_rate = true", "training.learning_rate: should be a number"),
        ("training.learning_rate = '1.0'", "training.learning_rate: should be a number"),
        ("densities = [0.5, true]", "densities.1: should be a number"),
        ("densities = [2]", "densities.0: should be less than or equal to 1"),
        ("densities = []", "densities: should not be empty"),
        ("seeds = true", "seeds: should be a whole number or a list"),
        ("seeds = [true]", "seeds.0: should be a whole number"),
        ("seeds = 1979-05-27", "seeds: should be a whole number or a list"),
        ("data = 3", "data: should be a table"),
        ("parameters = 'rate'", "parameters: should be a table"),
        ("network = 5", "network: should be a text"),
        ("methods = [5]", "methods.0: should be a text or a table"),
        ("methods = 'lt'", "methods: should be a list"),
        ("pretraining.seed = '1'", "pretraining.seed: should be a whole number"),
        ("tuning.space.lt.rate.log = 1", "tuning.space.lt.rate.log: should be true or false"),
        ("tuning.space.lt.rate.low = true", "tuning.space.lt.rate.low: should be a whole number or a number"),
        ("training.decay = 'cosin'", "training.decay: should be 'constant' or 'cosine'"),
        ('"a\\nb" = 1', '"a\\nb": no such key'),
    ],
)
def test_a_fault_is_one_line_in_words_of_toml(toml, text):
    assert faults(toml) == [text]


@pytest.mark.parametrize(
    "key",
    [
        *("training.epochs", "training.max_steps", "training.batch_size", "training.learning_rate", "training.clip"),
        *("pretraining.training.max_steps", "training.weight_decay", "pretraining.seed", "jobs", "seeds", "data.size"),
        *("data.split_seed", "tuning.trials", "losses.mine.gamma", "losses.mine.lambda_", "tuning.space.lt.a.low"),
        *("parameters.images", "parameters.deep.table"),
    ],
)
@pytest.mark.parametrize("number", ["1" + 400 * "0", "0x" + 5000 * "f", str(2**63)])
def test_a_number_larger_than_any_is_refused_everywhere(key, number):
    (fault,) = faults(f"{key} = {number}")
    assert fault.startswith(f"{key}: ")
    assert len(fault) < 120


def test_the_smallest_number_of_toml_is_a_number():
    assert faults(f"parameters.images = {-(2**63)}") == []
    assert faults(f"parameters.images = {-(2**63) - 1}") == ["parameters.images: should be at least -2^63"]


@pytest.mark.parametrize(
    ("key", "most"),
    [
        *(("epochs", 1_000_000), ("max_steps", 1_000_000_000), ("batch_size", 1_000_000)),
    ],
)
@pytest.mark.parametrize("section", ["training", "pretraining.training"])
def test_a_training_that_nobody_can_wait_for_is_refused(section, key, most):
    assert faults(f"{section}.{key} = {most}") == []
    assert faults(f"{section}.{key} = {most + 1}") == [f"{section}.{key}: should be at most {most:,}"]


def test_the_longest_training_can_be_told_in_steps():
    """Keys know a schedule by its steps, so that it must take more than a user may ask for."""
    longest = load_configuration("quick", None, ["training.epochs=1000000", "training.max_steps=0"], {}).training
    assert longest.for_steps(longest.total_steps(1_000_000)).epochs == 1_000_000 * (1_000_000 // longest.batch_size)


def test_tables_without_end_are_refused():
    assert faults(f"parameters{'.a' * 3000} = 1") == ["parameters.a.a: is nested more than 16 deep"]


@pytest.mark.parametrize(
    ("layers", "key"),
    [
        (["data=3", "data.name=isic-sim"], "data"),
        (["training=5", "training.epochs=1"], "training"),
        (["pretraining.training=1", "pretraining.training.epochs=1"], "pretraining.training"),
        (["network.name=alexnet", "network=alexnet"], "network"),
        (["tuning.space=1", "tuning.space.lt.rate.low=0.1"], "tuning.space"),
        (["seeds=0", "seeds=3"], "seeds"),
    ],
)
def test_a_fault_that_a_later_layer_covers_is_told(layers, key):
    with pytest.raises(UsageError) as caught:
        load_configuration("quick", None, layers, {"data": {"name": "isic-sim"}})
    assert [fault.partition(":")[0] for fault in caught.value.faults] == [key]


def typing_errors(word):
    for place in range(len(word)):
        yield word[:place] + word[place + 1 :]
        yield word[:place] + "q" + word[place + 1 :]
        yield word[:place] + "q" + word[place:]
        if word[place : place + 2] != word[place : place + 2][::-1]:
            yield word[:place] + word[place : place + 2][::-1] + word[place + 2 :]


@pytest.mark.parametrize("place", KEYS, ids=".".join)
def test_every_typing_error_of_one_letter_names_its_key(place):
    for typed in {*typing_errors(place[-1])} - {"", place[-1]}:
        path = ".".join([*place[:-1], typed])
        where = f" in [{'.'.join(place[:-1])}]" if place[1:] else ""
        offered = f"[{'.'.join(place)}]" if place in TABLES else f"{place[-1]!r}{where}"
        assert faults(f"{path} = 1") == [f"{path}: no such key (did you mean {offered}?)"]


# --- losses of one's own, whose fields are known once all layers are laid over each other


@pytest.mark.parametrize(
    ("toml", "found"),
    [
        ("mine.lambda_ = '5'", ["losses.mine.lambda_: should be a number"]),
        ("mine.gama = 5", ["losses.mine.gama: no such key (did you mean 'gamma' in [losses.mine]?)"]),
        ("mine.kind = 5", ["losses.mine.kind: should be a text; `harness list losses` shows all"]),
        ("mine = {kind = 'focal', focussing = 1}", [FOCUSSING]),
        ("mine = {kind = 'focal', gamma = 1}", ["losses.mine.gamma: no such key"]),
        ("mine = {kind = 'focal', focusing = true}", ["losses.mine.focusing: should be a number, not true"]),
        (
            "mine = {kind = 'focal', alpha = 1, focusing = -1, beta = 2}",
            [
                "losses.mine.alpha: should be less than 1",
                "losses.mine.beta: no such key",
                "losses.mine.focusing: should be greater than or equal to 0",
            ],
        ),
        (
            "a = {kind = 'ldam', scale = 0}\nb = {kind = 'class-balanced', beta = 1.0}",
            ["losses.a.scale: should be greater than 0", "losses.b.beta: should be less than 1"],
        ),
        ("mine = {kind = 'focal', name = 'x'}", ["losses.mine.name: no such key"]),
        ("mine = {kind = 'focal', focusing = 1}\nother = {kind = 'black', ranking = 'pointwise'}", []),
    ],
)
def test_the_faults_of_a_loss_are_told_by_its_own_fields(toml, found):
    assert loss_faults(tomllib.loads(toml)) == found


def test_an_unknown_kind_of_loss_names_the_nearest_and_lists_the_group():
    (fault,) = loss_faults({"mine": {"kind": "foal"}})
    assert fault.startswith("losses.mine.kind: unknown loss 'foal' (did you mean 'focal'?)")
    assert "ldam-drw" in fault


def test_a_loss_may_be_said_in_several_layers(tmp_path):
    (tmp_path / "own.toml").write_text("[losses.mine]\nkind = 'focal'\nalpha = 0.5\n")
    found = load_configuration("quick", tmp_path / "own.toml", ["losses.mine.focusing=1"], {}).loss_schedules["mine"]
    assert (found.name, found.kind, found.fields) == ("mine", "focal", {"alpha": 0.5, "focusing": 1.0})
    with pytest.raises(UsageError) as refused:
        load_configuration("quick", tmp_path / "own.toml", ["losses.mine.focusing=high", "losses.mine.alpha=2"], {})
    assert [fault.partition(":")[0] for fault in refused.value.faults] == ["losses.mine.alpha", "losses.mine.focusing"]
