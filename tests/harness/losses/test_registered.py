"""Losses by name: who registers them, what a plan is told of those that are none, and what a table says."""

import dataclasses
import json
import os
import pickle
import sys

import pytest
import torch

from harness import plugins
from harness.errors import UsageError
from harness.losses import registered
from harness.losses.registered import own_schedule, recorded_loss, schedule_named
from harness.planning.entries import entry_of, reparametrised, values_of
from harness.planning.selection import resolve
from harness.plugin_process import end_all
from harness.storage.canonical import digest
from harness.storage.code_behind import foreign_code
from harness.storage.store import Store

NAMES = sorted(plugins.available(plugins.LOSSES))

SOUND = """
from dataclasses import dataclass
from typing import Annotated
from pydantic import Field
import torch
from harness.losses import Loss, LossSchedule

DEED

@dataclass(frozen=True)
class Powered(Loss):
    power: float

    def __call__(self, logits, labels):
        return torch.nn.functional.cross_entropy(self.power * logits, labels.long())

@dataclass(frozen=True)
class Schedule(LossSchedule):
    power: Annotated[float, Field(gt=0, le=9)] = 2.0

    def resolve(self, round, positives, negatives):
        return Powered(self.power)

MINE = Schedule()
"""


def forget():
    """Let every loss be found and loaded anew."""
    plugins._registered.cache_clear()
    registered._loaded.cache_clear()


@pytest.fixture
def install(tmp_path, monkeypatch):
    """``install(deed, value)`` registers the loss ``mine`` of a distribution of its own, which does one thing more."""
    monkeypatch.syspath_prepend(tmp_path)

    def installs(deed="", value="their_loss:MINE", name="mine", distribution="their-losses"):
        (tmp_path / "their_loss.py").write_text(SOUND.replace("DEED", deed))
        metadata = tmp_path / f"{distribution.replace('-', '_')}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[harness.losses]\n{name} = {value}\n")
        forget()
        monkeypatch.delitem(sys.modules, "their_loss", raising=False)

    yield installs
    forget()
    sys.modules.pop("their_loss", None)
    end_all()


# --- by name


@pytest.mark.parametrize("name", NAMES)
def test_a_loss_goes_by_the_name_that_it_is_registered_under(name):
    loss = schedule_named(name)
    assert loss.name == name
    assert schedule_named(name) is loss
    assert pickle.loads(pickle.dumps(loss)) == loss


def test_no_two_losses_of_a_name_resolve_to_one_training_but_those_that_should():
    """Blue and black share their first round, and the unweighted ends of their pointwise kin theirs."""
    found = {name: schedule_named(name).resolve(1, 130, 545) for name in NAMES}
    assert len(set(found.values())) == len(NAMES)


def test_a_name_of_the_configuration_comes_first_and_an_alias_is_followed():
    own = {"focal": schedule_named("ldam"), "mine": schedule_named("plain")}
    assert schedule_named("focal", own) is own["focal"]
    assert schedule_named("class-dependent") is schedule_named("black")
    with pytest.raises(UsageError, match="did you mean 'mine'"):
        schedule_named("mime", own)


def test_no_name_is_no_loss():
    with pytest.raises(UsageError, match="unknown loss ''"):
        resolve(["lt"], {}, "")


# --- what a table of a configuration and a recorded plan say


@pytest.mark.parametrize("name", NAMES)
def test_a_recorded_loss_is_the_loss_that_was_recorded(name):
    for loss in (schedule_named(name), own_schedule("mine", {"kind": name})):
        assert recorded_loss(json.loads(json.dumps(dataclasses.asdict(loss)))) == loss


def test_changed_numbers_are_recorded_too():
    loss = entry_of("lt", {"focusing": 1, "alpha": "0.5"}, "focal").loss
    assert recorded_loss(json.loads(json.dumps(dataclasses.asdict(loss)))) == loss
    assert loss.parameters == {"alpha": 0.5, "focusing": 1.0}


def test_a_plan_recorded_before_losses_had_kinds_is_read():
    old = {"name": "green", "gamma": 10.0, "gamma_after": 10.0, "lambda_": 5.0, "ranking": "all-pairs"}
    assert recorded_loss(old) == schedule_named("green")


def test_a_recorded_loss_that_is_not_here_is_refused():
    with pytest.raises(UsageError, match="unknown loss 'theirs'"):
        recorded_loss({"name": "theirs", "kind": "theirs", "power": 2.0})


def test_a_table_without_a_kind_changes_the_plain_loss_and_one_with_it_that_loss():
    assert own_schedule("mine", {"lambda_": 2.0}).fields == {**schedule_named("plain").fields, "lambda_": 2.0}
    assert own_schedule("mine", {"kind": "green", "lambda_": 2.0}).parameters == {"gamma": 10.0, "lambda": 2.0}
    drw = own_schedule("mine", {"kind": "ldam-drw", "deferred": 0.5})
    assert (drw.name, drw.kind, drw.deferred, drw.margin) == ("mine", "ldam-drw", 0.5, 0.5)


# --- another distribution's


def test_a_loss_of_another_distribution_is_an_entrys_like_any_other(install):
    install()
    (entry,), _ = resolve(["lt[loss=mine,power=3]"], {}, None)
    assert entry.text == "lt[loss=mine,power=3.0]"
    assert entry.loss.resolve(0, 1, 1).power == 3.0
    with pytest.raises(UsageError, match="power: Input should be less than or equal to 9"):
        resolve(["lt[loss=mine,power=10]"], {}, None)
    assert own_schedule("own", {"kind": "mine", "power": 4}).power == 4.0


class Asked(Exception):  # noqa: N818
    """A stage is asked for: its inputs."""


def key_of_a_training(bench, monkeypatch):
    def asked(_, __, inputs, ___):
        raise Asked(digest(inputs))

    monkeypatch.setattr(Store, "run", asked)
    with pytest.raises(Asked) as stage:
        bench.dense()
    return stage.value.args[0]


def test_its_source_is_a_part_of_a_runs_key_and_of_a_trainings(install, make_bench, monkeypatch, tmp_path):
    install()
    entry, bench = entry_of("lt", {}, "mine"), make_bench()
    bench._losses = entry.loss
    module = tmp_path / "their_loss.py"
    keys, codes, text = [], [], module.read_text()
    for written in (text, text.replace("self.power * logits", "-self.power * logits"), f"# a comment\n{text}"):
        module.write_text(written)
        keys.append(key_of_a_training(bench, monkeypatch))
        codes.append(entry.code())
    assert keys[0] != keys[1]
    assert keys[0] == keys[2]
    assert codes[0] != codes[1]
    assert len(codes[0]) > len(entry_of("lt", {}, "focal").code()) == len(entry_of("lt", {}).code())


def test_the_harnesss_own_losses_add_nothing_to_a_key():
    assert [foreign_code([schedule_named(name), schedule_named(name).resolve(0, 1, 1)]) for name in NAMES] == [
        [] for _ in NAMES
    ]


def test_it_is_imported_only_where_it_is_asked_for(install, tmp_path):
    seen = str(tmp_path / "seen")
    install(f"import os\nwith open({seen!r}, 'a') as seen:\n    seen.write(f'{{os.getpid()}} ')")
    resolve(["lt", "lt[loss=focal]"], {}, None)
    assert "mine" in plugins.available(plugins.LOSSES)
    assert not (tmp_path / "seen").exists()
    resolve(["lt[loss=mine]"], {}, None)
    tried, own = (tmp_path / "seen").read_text().split()
    assert int(own) == os.getpid() != int(tried)


@pytest.mark.parametrize(
    ("deed", "words"),
    [
        ("raise ImportError('no such library')", "ImportError: no such library"),
        ("raise KeyboardInterrupt", "KeyboardInterrupt"),
        ("import os; os._exit(4)", "exit code 4"),
        ("import os; os.kill(os.getpid(), 11)", "signal 11"),
        ("torch.set_num_threads(3)", "its import changes torch's number of threads"),
        ("torch.manual_seed(7)", "its import changes torch's random state"),
        ("torch.set_default_dtype(torch.float64)", "its import changes torch's default type"),
        ("import os; os.chdir('/')", "its import changes the working directory"),
        ("this is no Python", "SyntaxError"),
    ],
)
def test_one_that_does_harm_when_it_is_imported_does_none_here(install, deed, words):
    install(deed)
    threads, folder = torch.get_num_threads(), os.getcwd()
    with pytest.raises(UsageError, match="mine") as refused:
        resolve(["lt[loss=mine]", "snip"], {}, "mine")
    assert words in str(refused.value)
    assert len(refused.value.faults) == 1
    assert "their_loss" not in sys.modules
    assert (torch.get_num_threads(), os.getcwd(), torch.get_default_dtype()) == (threads, folder, torch.float32)


@pytest.mark.parametrize(
    ("deed", "value", "words"),
    [
        ("", "their_loss:Schedule", "the class itself: register an object of it"),
        ("", "their_loss:SOUND", "cannot be imported"),
        ("", "their_loss:torch", "is a module"),
        ("", "their_loss:Schedule.resolve", "is a function"),
        ("", "nowhere_at_all:MINE", "cannot be imported"),
    ],
)
def test_what_is_no_loss_is_refused_with_what_it_is(install, deed, value, words):
    install(deed, value)
    with pytest.raises(UsageError, match="mine") as refused:
        schedule_named("mine")
    assert words in str(refused.value)


def test_one_that_breaks_a_rule_is_refused_with_the_rule_the_class_and_the_line(install, tmp_path):
    install()
    module = tmp_path / "their_loss.py"
    module.write_text(module.read_text().replace("labels.long())", "labels.long(), reduction='sum')"))
    with pytest.raises(UsageError, match=r"is_a_mean: Powered \(their_loss.py, line \d+\)") as refused:
        schedule_named("mine")
    assert "harness check mine" in refused.value.fix


def test_a_name_that_two_distributions_register_is_refused_with_both(install):
    install(name="focal")
    with pytest.raises(UsageError, match="plugins of one name") as refused:
        schedule_named("plain")
    (clash,) = refused.value.faults
    assert "'focal'" in clash
    assert "their-losses 1.0" in clash
    assert "prune-harness" in clash


# --- other numbers, as tuning gives them


@pytest.mark.parametrize("name", ["focal", "class-balanced", "logit-adjusted", "ldam", "ldam-drw"])
def test_other_numbers_are_read_back_from_the_entrys_text_and_may_be_taken_back(name):
    entry = entry_of("lt", {}, name)
    usual = schedule_named(name).parameters
    ends = {
        key: space.low if hasattr(space, "low") else space.choices[0] for key, space in entry.loss.search_space.items()
    }
    changed = reparametrised(entry, ends)
    assert {key: value for key, value in values_of(changed).items() if key in usual} == {**usual, **ends}
    (again,), _ = resolve([changed.text], {}, None)
    assert again == changed
    assert changed.plain == "lt"
    assert reparametrised(changed, usual) == entry
