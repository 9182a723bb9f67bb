"""What a user may set about tuning, as the configuration reads it."""

import pytest

from harness.errors import UsageError
from harness.planning.configuration_file import load_configuration
from harness.planning.tuning_options import Range, TuningOptions


def tuning(*assignments, file=None, **flags):
    return load_configuration("quick", file, assignments, {"tuning": flags} if flags else {}).tuning


def faults(*assignments):
    with pytest.raises(UsageError) as caught:
        tuning(*assignments)
    return caught.value.faults


def test_the_seeds_of_tuning_are_far_from_those_of_any_run():
    options = load_configuration("standard", None, [], {})
    assert not {*options.tuning.seeds} & {*range(1000)}
    assert not {*options.tuning.seeds} & {*options.seed_list}
    assert tuning() == TuningOptions()


@pytest.mark.parametrize("method", ["lt", "class-dependent-lt"])
def test_an_assignment_gives_a_range_to_one_parameter_of_one_method(method):
    assert tuning(f"tuning.space.{method}.rate={{low=0.4,high=0.6}}").space == {
        method: {"rate": Range(low=0.4, high=0.6)}
    }


def test_assignments_are_merged_parameter_by_parameter():
    found = tuning(
        "tuning.space.lt.rate={low=0.4,high=0.6}",
        "tuning.space.lt.rate.high=0.7",
        "tuning.space.lt.scope={choices=['layer','global']}",
        "tuning.space.dense.learning_rate={low=0.001,high=0.1,log=true}",
    ).space
    assert found == {
        "lt": {"rate": Range(low=0.4, high=0.7), "scope": Range(choices=("layer", "global"))},
        "dense": {"learning_rate": Range(low=0.001, high=0.1, log=True)},
    }


def test_a_file_says_the_same(tmp_path):
    file = tmp_path / "own.toml"
    file.write_text("[tuning]\ntrials = 5\n[tuning.space.lt]\nrate = { low = 0.4, high = 0.6, step = 0.1 }\n")
    found = tuning(file=file)
    assert (found.trials, found.space) == (5, {"lt": {"rate": Range(low=0.4, high=0.6, step=0.1)}})
    assert tuning(file=file, trials=7).trials == 7


def test_choices_keep_the_types_that_they_were_written_with():
    (found,) = tuning("tuning.space.lt.rate={choices=[1, 1.5, true, 'a']}").space["lt"].values()
    assert [(type(value), value) for value in found.choices] == [(int, 1), (float, 1.5), (bool, True), (str, "a")]


def test_whole_numbers_stay_whole():
    found = tuning("tuning.space.snip.images={low=16,high=64,step=16}").space["snip"]["images"]
    assert [type(value) for value in (found.low, found.high, found.step)] == [int, int, int]


@pytest.mark.parametrize(
    "assignment",
    [
        "tuning.trials=0",
        "tuning.trials=-1",
        "tuning.trials=1.5",
        "tuning.trials=many",
        "tuning.trials=100001",
        "tuning.objective=accuracy",
        "tuning.fpr_bound=0",
        "tuning.fpr_bound=1",
        "tuning.fpr_bound=nan",
        "tuning.seeds=[]",
        "tuning.seeds=5",
        "tuning.study=",
        "tuning.space=5",
        "tuning.space.lt=0.5",
        "tuning.space.lt.rate=0.5",
        "tuning.space.lt.rate=[0.4,0.6]",
    ],
)
def test_wrong_values_are_refused_and_named(assignment):
    (fault,) = faults(assignment)
    assert fault.startswith(f"{assignment.partition('=')[0]}: ")


@pytest.mark.parametrize("seed", [-1, 2**31, 1.5])
def test_a_seed_of_tuning_is_a_seed(seed):
    (fault,) = faults(f"tuning.seeds=[0,{seed}]")
    assert fault.startswith("tuning.seeds.1: ")


@pytest.mark.parametrize("field", ["low", "high", "step"])
@pytest.mark.parametrize("value", ["inf", "-inf", "nan"])
def test_a_range_is_finite(field, value):
    (fault,) = faults(f"tuning.space.lt.rate.{field}={value}")
    assert fault.startswith(f"tuning.space.lt.rate.{field}: ")
    assert fault.endswith("should be a finite number")


def test_an_unknown_key_names_the_nearest():
    assert faults("tuning.trails=3") == ["tuning.trails: no such key (did you mean 'trials' in [tuning]?)"]


@pytest.mark.parametrize(
    ("key", "nearest"), [("tuning.space.lt.rate.hihg", "high"), ("losses.mine.gama", "gamma")], ids=["range", "loss"]
)
def test_an_unknown_key_below_a_name_of_the_users_own_names_the_nearest(key, nearest):
    (fault,) = faults(f"{key}=1")
    assert fault == f"{key}: no such key (did you mean {nearest!r} in [{key.rpartition('.')[0]}]?)"


def test_all_faults_are_listed_at_once():
    wrong = ["tuning.trials", "tuning.objective", "tuning.space.lt.rate.log", "tuning.seed"]
    found = faults(*(f"{key}=-7" for key in wrong))
    assert [fault.partition(":")[0] for fault in found] == sorted(wrong)


def test_a_number_beyond_all_floats_is_refused():
    assert all(
        "tuning.space.lt.rate.high" in fault
        for fault in faults("tuning.space.lt.rate={low=0.4, high=1" + 400 * "0" + "}")
    )
