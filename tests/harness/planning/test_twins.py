"""Twins in int8 as entries: how they are written, asked for, left out, refused and tuned along."""

import sys
from dataclasses import fields

import pytest

from harness.entry_text import parse_bits
from harness.errors import MachineError
from harness.planning.entries import Entry, entry_of
from harness.planning.selection import resolve
from harness.storage.canonical import digest


def texts(written, **asked):
    return [entry.text for entry in resolve(written, {}, None, **asked)[0]]


def notes(written, **asked):
    return resolve(written, {}, None, **asked)[1]


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("lt", ("lt", 32)),
        ("lt+int8", ("lt", 8)),
        (" lt[rate=0.75] +int8 ", ("lt[rate=0.75]", 8)),
        ("random-layerwise[of=lt[rate=0.75]]+int8", ("random-layerwise[of=lt[rate=0.75]]", 8)),
        ("magnitude[scope=uniform+]", ("magnitude[scope=uniform+]", 32)),
        ("lt+int4", ("lt+int4", 32)),
    ],
)
def test_bits_are_written_behind_an_entry(written, read):
    assert parse_bits(written) == read


@pytest.mark.parametrize(
    ("written", "twins", "found"),
    [
        (["lt+int8"], False, ["lt+int8"]),
        (["lt[rate=.750]+int8"], False, ["lt[rate=0.75]+int8"]),
        ([{"name": "lt+int8", "rate": 0.75}], False, ["lt[rate=0.75]+int8"]),
        (["lt", "snip"], True, ["lt", "lt+int8", "snip", "snip+int8"]),
        (["lt+int8", "snip"], True, ["lt+int8", "snip", "snip+int8"]),
        (["structured-*+int8"], False, [f"{name}+int8" for name in texts(["structured-*"])]),
        (["dense", "lt"], True, ["dense+int8", "lt", "lt+int8"]),
        (["dense+int8"], False, ["dense+int8"]),
    ],
)
def test_twins_are_asked_for_one_by_one_or_all(written, twins, found):
    assert texts(written, twins=twins) == found
    assert texts(found) == found


def test_the_probe_has_no_twin_and_a_twin_asked_for_twice_runs_once():
    assert texts(["probe", "lt"], twins=True) == ["lt", "lt+int8"]
    assert any("it is not quantised" in note for note in notes(["probe+int8", "lt"]))
    assert "lt+int8: lt+int8 was asked for more than once and runs once" in notes(["lt", "lt+int8"], twins=True)


def test_a_twin_under_another_loss_names_its_plain_twin():
    ((twin,), _) = resolve(["lt[loss=green]+int8"], {}, None)
    assert (twin.text, twin.plain, twin.bits) == ("lt[loss=green]+int8", "lt+int8", 8)
    assert twin.in_float() == entry_of("lt", {}, "green")
    assert twin.in_float().twin() == twin.twin() == twin


def test_what_a_twin_borrows_is_looked_at_as_its_entry_s():
    with pytest.raises(Exception, match="mobilenet gives no mask"):
        resolve(["random-layerwise[of=mobilenet]+int8"], {}, None)


def test_an_entry_has_the_key_that_it_had_before_there_were_twins():
    entry = entry_of("lt", {"rate": 0.75})
    assert digest(entry) == digest({one.name: getattr(entry, one.name) for one in fields(Entry) if one.name != "bits"})
    assert digest(entry) != digest(entry.twin())


def test_another_quantiser_is_other_code_of_a_twin_alone(monkeypatch):
    entry = entry_of("lt", {})
    before = entry.code(), entry.twin().code()
    monkeypatch.setattr("harness.planning.entries.quantiser_versions", lambda: {"onnxruntime": "0"})
    assert entry.code() == before[0]
    assert entry.twin().code() != before[1]


def test_a_plan_with_twins_is_refused_where_they_cannot_be_made(monkeypatch, isic_folder, tmp_path):
    from harness.planning.configuration_file import load_configuration
    from harness.planning.planner import Flags, build_plan

    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    flags = Flags("quick", isic_folder, tmp_path / "store")
    for given in ({"methods": ["lt+int8"]}, {"methods": ["lt"], "quantise": "int8"}):
        options = load_configuration("quick", None, [], {**given, "weights": "kaiming"})
        with pytest.raises(MachineError, match=r"pip install 'prune-harness\[export\]'") as caught:
            build_plan(options, flags)
        assert caught.value.exit_code == 5
    options = load_configuration("quick", None, [], {"methods": ["lt"], "weights": "kaiming"})
    assert build_plan(options, flags)[0].entries
