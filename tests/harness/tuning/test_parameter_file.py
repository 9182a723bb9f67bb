"""The file of tuned parameters: it reads back as it was written, and what it cannot be used for is refused."""

import tomllib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.data.asked import Asked
from harness.data.draw import Cutting
from harness.data.locating import DataPlan
from harness.errors import MachineError, UsageError
from harness.initial.pretraining_options import Pretraining
from harness.losses.class_dependent import ClassDependent
from harness.planning.entries import entry_of
from harness.planning.plan import Plan
from harness.planning.selection import resolve
from harness.training.schedule import Schedule
from harness.tuning.parameter_file import (
    Parameters,
    TunedSchedule,
    apply,
    read_parameters,
    refuse_foreign_file,
    text_of,
    tuned_on,
    write_parameters,
)

ELSEWHERE = {"dataset": "isic", "network": "tiny", "size": 64, "weights": "kaiming"}


def parameters(seeds=(7,), on=ELSEWHERE, learning_rate=None, weight_decay=None, **entries):
    training = TunedSchedule(learning_rate=learning_rate, weight_decay=weight_decay)
    named = {name.replace("_", "-"): text for name, text in entries.items()}
    return Parameters(
        trials=3,
        objective="auc",
        setting="s",
        densities=(1.0, 0.5),
        seeds=seeds,
        tuned_on=on,
        training=training,
        entries=named,
    )


def write(path, tuned, command):
    write_parameters(path, tuned, command, path.parent.parent / "parameters.lock")


@pytest.fixture
def make_plan(tmp_path):
    def make(*methods, losses=None, **changes):
        entries, _ = resolve(methods, {}, None, losses)
        plan = Plan(
            preset="quick",
            entries=(entry_of("dense", {}), entry_of("probe", {}), *entries),
            seeds=(0, 1),
            densities=(1.0, 0.5),
            network="tiny",
            weights="kaiming",
            weights_file=None,
            data=DataPlan(
                asked=Asked(kind="isic"), folder=None, size=64, cutting=Cutting(0.25, 0.25, fixed=False, split_seed=0)
            ),
            training=Schedule(learning_rate=0.05, weight_decay=0.001),
            pretraining=Pretraining(),
            environment="test machine",
            store=tmp_path / "store",
            jobs=1,
        )
        return replace(plan, **changes)

    return make


def texts(plan):
    return [entry.text for entry in plan.entries]


# --- the file


TEXTS = st.text(max_size=12) | st.text("\"\\'\n\r\t\0\x7f[]=#,{}.u", max_size=8)
WHOLE = st.builds(
    Parameters,
    trials=st.integers(1, 100_000),
    objective=TEXTS,
    setting=TEXTS,
    densities=st.lists(st.floats(0.01, 1), min_size=1, max_size=3).map(tuple),
    seeds=st.lists(st.integers(0, 2**31 - 1), min_size=1, max_size=3).map(tuple),
    tuned_on=st.dictionaries(TEXTS, TEXTS | st.integers(-(2**63), 2**63 - 1), max_size=3),
    training=st.builds(
        TunedSchedule,
        learning_rate=st.none() | st.floats(1e-300, 1e300),
        weight_decay=st.none() | st.floats(0, 1e300),
    ),
    entries=st.dictionaries(TEXTS, TEXTS, max_size=4),
)


@settings(max_examples=50, deadline=None)
@given(WHOLE)
def test_whatever_is_written_is_read_back(tmp_path_factory, written):
    path = tmp_path_factory.mktemp("parameters") / "p.toml"
    path.write_bytes(text_of(written, "harness tune").encode())
    assert read_parameters(path) == written
    assert list(read_parameters(path).entries) == list(written.entries)


def test_a_written_file_reads_back_and_may_be_written_again(tmp_path):
    path = tmp_path / "new" / "folder" / "p.toml"
    first = parameters(learning_rate=1e-05, weight_decay=0.0, lt="lt[rate=0.25]")
    write(path, first, "harness tune --methods lt")
    assert read_parameters(path) == first
    second = parameters(seeds=(8, 9), snip="snip[images=64]")
    write(path, second, "harness tune")
    assert read_parameters(path) == second
    assert [file.name for file in path.parent.iterdir()] == ["p.toml"]


def test_a_schedule_that_was_not_tuned_is_not_written():
    values = tomllib.loads(text_of(parameters(lt="lt[rate=0.25]"), "harness tune"))
    assert values == {
        "trials": 3,
        "objective": "auc",
        "setting": "s",
        "densities": [1.0, 0.5],
        "seeds": [7],
        "tuned_on": ELSEWHERE,
        "training": {},
        "entries": {"lt": "lt[rate=0.25]"},
    }


@pytest.mark.parametrize(
    "command",
    [
        "harness tune --set 'a=\"b\"'",
        "harness tune\nseeds = [1]\n[entries]",
        "harness tune \r\n\x0b\x0c\x1c\x85\u2028 x",
        "",
    ],
)
def test_the_command_is_one_comment_whatever_it_has(tmp_path, command):
    path = tmp_path / "p.toml"
    write(path, parameters(lt="lt"), command)
    assert read_parameters(path) == parameters(lt="lt")
    assert path.read_text("utf-8").split("\n")[1] == f"# {' '.join(command.split())}"


@pytest.mark.parametrize("sign", ["\x1b", "\0", "\x7f"], ids=["escape", "null", "delete"])
def test_a_control_character_in_the_command_leaves_the_file_readable(tmp_path, sign):
    path = tmp_path / "p.toml"
    write(path, parameters(), f"harness tune --set tuning.study=a{sign}b")
    assert read_parameters(path) == parameters()


def test_a_command_that_is_no_utf_8_can_be_written(tmp_path):
    path = tmp_path / "p.toml"
    write(path, parameters(), "harness tune --output \udcff.toml")
    assert read_parameters(path) == parameters()


@pytest.mark.parametrize("content", [b"", b"seeds = [1]\n", b"\xff\xfe", b"# Parameters"])
def test_a_file_of_somebody_else_is_refused_and_kept(tmp_path, content):
    path = tmp_path / "thesis.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"thesis\.toml was not written by `harness tune`"):
        write(path, parameters(), "harness tune")
    assert path.read_bytes() == content
    assert list(tmp_path.iterdir()) == [path]


def test_a_place_without_a_file_is_nobodys(tmp_path):
    refuse_foreign_file(tmp_path / "absent" / "p.toml")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_place_of_the_file_is_an_error_that_a_user_can_read(tmp_path):
    with pytest.raises(MachineError, match=str(tmp_path)):
        write_parameters(tmp_path, parameters(), "harness tune", tmp_path / "lock")


@pytest.mark.parametrize("content", [b"seeds = [", b"\xff\xfe", b"seeds = [1]\nseeds = [2]"])
def test_a_file_that_is_no_toml_is_named(tmp_path, content):
    path = tmp_path / "p.toml"
    path.write_bytes(content)
    with pytest.raises(UsageError, match=r"p\.toml is not TOML"):
        read_parameters(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(UsageError, match=r"absent\.toml cannot be read: No such file"):
        read_parameters(tmp_path / "absent.toml")


def test_all_faults_of_a_file_are_listed_at_once(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text(
        'seeds = ["x"]\nmethod = "lt"\n[training]\nlearning_rate = 0\nweight_decay = -1\nepochs = 3\n'
        "[entries]\nlt = 5\n[tuned_on]\nsize = 1.5\n"
    )
    with pytest.raises(UsageError) as caught:
        read_parameters(path)
    places = {fault.partition(":")[0] for fault in caught.value.faults}
    assert {
        "seeds.0",
        "method",
        "training.learning_rate",
        "training.weight_decay",
        "training.epochs",
        "entries.lt",
    } <= places
    assert any(place.startswith("tuned_on.size") for place in places)


def test_what_a_file_must_have_is_said(tmp_path):
    path = tmp_path / "p.toml"
    path.write_text("")
    with pytest.raises(UsageError) as caught:
        read_parameters(path)
    assert {fault.partition(":")[0] for fault in caught.value.faults} == {
        "trials",
        "objective",
        "setting",
        "densities",
        "seeds",
        "tuned_on",
    }


@pytest.mark.parametrize("rate", ["inf", "nan", "-0.1"])
def test_a_schedule_is_finite_and_above_zero(tmp_path, rate):
    path = tmp_path / "p.toml"
    path.write_text(f"seeds = [1]\ntuned_on = {{}}\n[training]\nlearning_rate = {rate}\n")
    with pytest.raises(UsageError, match=r"training\.learning_rate"):
        read_parameters(path)


# --- a plan under tuned parameters


def test_each_tuned_entry_runs_beside_its_default_in_its_place(make_plan):
    plan = make_plan("snip", "lt", "class-dependent-lt")
    tuned = parameters(lt="lt[rate=0.25]", class_dependent_lt="class-dependent-lt[gamma=3.0]", random="random")
    found, notes = apply(plan, tuned, {}, "p.toml")
    assert texts(found) == [
        "dense",
        "probe",
        "snip",
        "lt",
        "lt[rate=0.25]",
        "class-dependent-lt",
        "class-dependent-lt[gamma=3.0]",
    ]
    assert found.entries[-1].loss == ClassDependent("black", 1.0, 3.0, 5.0)
    assert notes == ["snip was not tuned in p.toml: it runs its default"]


def test_nothing_but_entries_and_schedule_changes(make_plan):
    plan = make_plan("lt")
    found, notes = apply(plan, parameters(lt="lt[rate=0.25]"), {}, "p.toml")
    assert replace(found, entries=plan.entries) == plan
    assert notes == []


def test_an_entry_whose_best_is_its_default_runs_once(make_plan):
    assert texts(apply(make_plan("lt"), parameters(lt="lt"), {}, "p")[0]) == ["dense", "probe", "lt"]


def test_an_entry_that_runs_already_is_not_run_twice(make_plan):
    found, _ = apply(make_plan("lt[rate=0.25]", "lt"), parameters(lt="lt[rate=0.25]"), {}, "p")
    assert texts(found) == ["dense", "probe", "lt[rate=0.25]", "lt"]


def test_entries_are_known_by_their_whole_text(make_plan):
    tuned = Parameters(
        trials=3,
        objective="auc",
        setting="s",
        densities=(1.0, 0.5),
        seeds=(7,),
        tuned_on=ELSEWHERE,
        entries={"lt[loss=blue]": "lt[loss=blue,rate=0.25]"},
    )
    found, notes = apply(make_plan("lt", "lt[loss=blue]"), tuned, {}, "p")
    assert texts(found) == ["dense", "probe", "lt", "lt[loss=blue]", "lt[loss=blue,rate=0.25]"]
    assert len(notes) == 1


@pytest.mark.parametrize(
    ("tuned", "expected"),
    [
        ({}, (0.05, 0.001)),
        ({"learning_rate": 0.2}, (0.2, 0.001)),
        ({"weight_decay": 0.0}, (0.05, 0.0)),
        ({"learning_rate": 0.2, "weight_decay": 0.005}, (0.2, 0.005)),
    ],
)
def test_the_tuned_schedule_is_the_plans(make_plan, tuned, expected):
    plan = make_plan("lt")
    found, _ = apply(plan, parameters(lt="lt", **tuned), {}, "p")
    assert (found.training.learning_rate, found.training.weight_decay) == expected
    assert replace(found.training, learning_rate=0.05, weight_decay=0.001) == plan.training


def test_losses_of_the_users_own_are_known_in_tuned_entries(make_plan):
    losses = {"mine": ClassDependent("mine", 2.0, 2.0, 0.0)}
    plan = make_plan("lt[loss=mine]", losses=losses)
    tuned = Parameters(
        trials=3,
        objective="auc",
        setting="s",
        densities=(1.0, 0.5),
        seeds=(7,),
        tuned_on=ELSEWHERE,
        entries={"lt[loss=mine]": "lt[gamma=4.0,loss=mine]"},
    )
    found, _ = apply(plan, tuned, losses, "p")
    assert found.entries[-1].loss == ClassDependent("mine", 4.0, 4.0, 0.0)
    with pytest.raises(UsageError, match="unknown loss 'mine'"):
        apply(plan, tuned, {}, "p")


def test_seeds_that_tuning_saw_are_refused(make_plan):
    plan = make_plan("lt", seeds=(5, 3, 4))
    with pytest.raises(UsageError) as caught:
        apply(plan, parameters(seeds=(1, 4, 3), lt="lt"), {}, "p")
    assert caught.value.faults == ["seeds 3, 4 were used in tuning: results would be flattered"]
    assert apply(plan, parameters(seeds=(1, 2), lt="lt"), {}, "p")


def test_a_file_that_has_none_of_the_plans_entries_is_refused_with_the_nearest(make_plan):
    tuned = Parameters(
        trials=3,
        objective="auc",
        setting="s",
        densities=(1.0, 0.5),
        seeds=(7,),
        tuned_on=ELSEWHERE,
        entries={"class-dependent-lt": "class-dependent-lt"},
    )
    with pytest.raises(UsageError) as caught:
        apply(make_plan("class-dependent-lt[rate=0.75]", "snip"), tuned, {}, "p")
    (fault,) = caught.value.faults
    for part in ("class-dependent-lt[rate=0.75], snip", "(did you mean 'class-dependent-lt'?)", "it has class-dep"):
        assert part in fault


def test_all_that_forbids_a_file_is_listed_at_once(make_plan):
    tuned = parameters(seeds=(0,), lt="lt[rate=2]", snip="snap", class_dependent_lt="class-dependent-lt[gamma=0]")
    with pytest.raises(UsageError, match="the parameters of p cannot be used") as caught:
        apply(make_plan("lt", "snip", "class-dependent-lt"), tuned, {}, "p")
    starts = ["lt: ", "snip: ", "class-dependent-lt: ", "seeds 0 "]
    assert len(caught.value.faults) == 4
    assert all(fault.startswith(start) for fault, start in zip(caught.value.faults, starts, strict=True))


def test_another_setting_is_noted_with_what_differs_and_no_more(make_plan):
    plan = make_plan("lt")
    assert tuned_on(plan).items() >= ELSEWHERE.items()
    other = {**ELSEWHERE, "network": "alexnet", "size": 96}
    found, (note,) = apply(plan, parameters(on=other, lt="lt[rate=0.25]"), {}, "p.toml")
    assert note == "p.toml was tuned elsewhere: network alexnet, here tiny; size 96, here 64"
    assert "lt[rate=0.25]" in texts(found)
    assert apply(plan, parameters(lt="lt"), {}, "p.toml")[1] == []


def test_entries_tuned_alike_by_an_earlier_command_stay_and_others_go(tmp_path):
    path = tmp_path / "p.toml"
    first = replace(parameters(), entries={"lt": "lt[rate=0.4]", "snip": "snip[images=64]"})
    write(path, first, "harness tune")
    write(path, replace(first, entries={"lt": "lt[rate=0.7]"}), "harness tune")
    assert read_parameters(path).entries == {"lt": "lt[rate=0.7]", "snip": "snip[images=64]"}
    other = replace(first, seeds=(8,), entries={"random": "random"})
    write(path, other, "harness tune")
    assert read_parameters(path) == other
