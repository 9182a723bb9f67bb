"""What planning knows of a third party's method, which is imported only where it is asked for, and never here."""

import os
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from optuna.distributions import IntDistribution

from harness import plugins
from harness.errors import UsageError
from harness.planning.configuration import Configuration, DataOptions
from harness.planning.description import described, plain_value, skipped, traits_of
from harness.planning.entries import entry_of, reparametrised, values_of
from harness.planning.planner import Flags, build_plan
from harness.planning.selection import resolve
from harness.storage.canonical import digest
from harness.training.schedule import Schedule
from harness.tuning.candidate import Candidate
from harness.tuning.search import spaces
from harness.tuning.spaces import space_of


@pytest.fixture
def installed(at_import, tmp_path):
    """``installed(name, ...)`` installs methods; none of them may ever be imported by this process."""

    def installs(*names):
        at_import.install(tmp_path, *names)
        return tmp_path

    yield installs
    assert os.getpid() not in [process for process, _ in at_import.importers(tmp_path)]
    assert not [name for name in sys.modules if name.startswith("at_import_")]


def planned(tmp_path, *methods):
    options = Configuration(
        methods=methods, network="small-cnn", weights="kaiming", data=DataOptions(name="isic-sim"), densities=(0.5,)
    )
    return build_plan(options, Flags("none", None, tmp_path / "store"))


@pytest.mark.parametrize("common", [{}, {"rate": 0.75}, {"recalibrate": True}])
@pytest.mark.parametrize("written", [["magnitude"], ["lt", "ran*"], ["?agni*", "s*"]])
def test_what_nobody_asked_for_is_not_imported_at_all(at_import, tmp_path, installed, written, common):
    installed(*at_import.DEEDS, *at_import.SAYS)
    expected = resolve(written, common, None)
    assert expected[0]
    assert at_import.importers(tmp_path) == []


def test_nor_is_a_data_set_that_nobody_asked_for(at_import, tmp_path, installed):
    at_import.install(tmp_path, *at_import.DEEDS, group=plugins.DATASETS)
    assert "at-import-hangs" in plugins.available(plugins.DATASETS)
    plan, _ = planned(tmp_path, "magnitude")
    assert plan.data.samples()
    assert at_import.importers(tmp_path) == []


def test_a_common_parameter_is_one_of_the_harness_or_of_what_is_asked_for(at_import, tmp_path, installed):
    installed("prints", "exits")
    with pytest.raises(UsageError, match=r"parameters.own: no method has it, of those asked for and the harness's own"):
        resolve(["magnitude"], {"own": 3}, None)
    assert at_import.importers(tmp_path) == []
    entries, _ = resolve(["magnitude", "at-import-prints"], {"own": 3}, None)
    assert [entry.text for entry in entries] == ["magnitude", "at-import-prints[own=3]"]
    assert len(at_import.importers(tmp_path)) == 1


def test_everything_that_is_known_of_one_is_asked_in_its_process(at_import, tmp_path, installed):
    installed("tunes")
    entry = entry_of("at-import-tunes", {"own": "2", "retrain": "finetune"})
    assert entry.text == "at-import-tunes[own=2,retrain=finetune]"
    assert entry.parameters == (("own", 2), ("retrain", "finetune"))
    assert entry.plain == entry.text
    assert values_of(entry) == {**values_of(entry_of("magnitude", {"retrain": "finetune"})), "own": 2}
    assert reparametrised(entry, {"own": 1}).text == "at-import-tunes[retrain=finetune]"
    assert traits_of("at-import-tunes").variants == traits_of("magnitude").variants
    assert replace(described("at-import-tunes", {}), values={}, lent={}) == replace(
        described("magnitude", {}), values={}, lent={}
    )
    assert skipped("at-import-tunes", {"recalibrate": True}, "small-cnn") == skipped(
        "magnitude", {"recalibrate": True}, "small-cnn"
    )
    assert len(at_import.importers(tmp_path)) == 1
    with pytest.raises(UsageError, match=r"'owm' is not a parameter \(did you mean 'own'\?\)"):
        entry_of("at-import-tunes", {"owm": 2})


def test_its_code_is_that_of_its_file_and_of_what_it_extends(tmp_path, installed):
    folder = installed("tunes")
    own = digest((folder / "at_import_tunes.py").read_text())
    extended = entry_of("magnitude", {}).code()
    assert sorted(entry_of("at-import-tunes", {}).code()) == sorted([own, *extended])
    borrower = entry_of("random-layerwise", {"of": "at-import-tunes"})
    assert own in borrower.code()
    assert set(extended) < set(borrower.code())


def test_its_search_space_is_tuned(installed):
    installed("tunes")
    candidate = Candidate(entry_of("at-import-tunes", {}), Schedule(), {})
    assert space_of(candidate, {}) == {"own": IntDistribution(1, 9)}
    assert candidate.with_values({"own": 3}).entry.text == "at-import-tunes[own=3]"
    with pytest.raises(UsageError, match="own"):
        candidate.with_values({"own": "x"})


def test_what_borrows_from_another_plugin_is_asked_of_both(installed):
    folder = installed("borrows", "tunes")
    entries, notes = resolve(["at-import-borrows", "at-import-tunes"], {}, None)
    assert notes == [
        "at-import-borrows borrows from at-import-tunes[own=2]; the run has at-import-tunes: of=NAME may say that"
    ]
    assert digest((folder / "at_import_tunes.py").read_text()) in entries[0].code()
    assert resolve(["at-import-borrows", "at-import-tunes[own=2]"], {}, None)[1] == []


BROKEN = ("exits", "raises", "child", "loss-exits", "loss-raises", "loss-odd", "variants-odd", "validates")


def test_those_that_cannot_be_run_fail_alone_with_their_reasons(at_import, tmp_path, installed):
    installed(*BROKEN, "prints", "loss-prints", "skip-exits")
    plan, _ = planned(tmp_path, "at-import-*", "magnitude")
    assert plan.unusable.keys() == {f"at-import-{name}" for name in BROKEN}
    usable = {"dense", "probe", "magnitude", "at-import-prints", "at-import-loss-prints", "at-import-skip-exits"}
    assert {entry.text for entry in plan.entries} == usable | plan.unusable.keys()
    assert "exit code 0; it wrote: farewell" in plan.unusable["at-import-exits"]
    assert "cannot be asked" in plan.unusable["at-import-loss-exits"]
    assert "exit code 4" in plan.unusable["at-import-loss-exits"]
    assert "ZeroDivisionError" in plan.unusable["at-import-loss-raises"]
    assert "exit code 6" in plan.unusable["at-import-validates"]
    assert len(at_import.importers(tmp_path)) == len(BROKEN) + 3  # each once


@pytest.mark.parametrize("name", BROKEN)
def test_one_that_is_named_is_refused_before_anything_is_done(tmp_path, installed, name):
    installed(name)
    with pytest.raises(UsageError, match=f"at-import-{name}|7"):
        planned(tmp_path, "magnitude", f"at-import-{name}")
    assert not (tmp_path / "store").exists()


def test_tuning_leaves_out_what_dies_of_its_questions(tmp_path, installed):
    installed("exits", "skip-exits", "tunes", "spaces-odd")
    plan, _ = planned(tmp_path, "at-import-*s")
    found, notes = spaces(plan, Configuration().tuning, {})
    assert found.keys() == {"dense", "at-import-tunes"}
    assert any("at-import-exits is not tuned" in note and "exit code 0" in note for note in notes)
    with pytest.raises(UsageError, match="at-import-spaces-odd"):
        spaces(planned(tmp_path, "at-import-spaces-odd")[0], Configuration().tuning, {})
    assert any("at-import-skip-exits is not tuned" in note and "exit code 5" in note for note in notes)


def test_tuning_imports_none_that_nobody_asked_for(at_import, tmp_path, installed):
    installed(*at_import.DEEDS, *at_import.SAYS)
    plan, _ = planned(tmp_path, "magnitude", "lt")
    assert spaces(plan, Configuration().tuning, {})[0].keys() == {"dense", "magnitude", "lt"}
    assert at_import.importers(tmp_path) == []


class Mine(str):
    """A text that is somebody's own."""

    __slots__ = ()


def test_a_plain_value_is_of_pythons_own_types():
    found = plain_value({"a": (Mine("x"), 1.5), 2: [None, True, Path("y")]})
    assert found == {"a": ("x", 1.5), "2": [None, True, "y"]}
    assert type(found["a"][0]) is str
