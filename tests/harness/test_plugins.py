import sys
from importlib.metadata import entry_points

import pytest

from harness import plugins
from harness.errors import UsageError
from harness.plugins import DATASETS, PRUNERS, available, load


@pytest.mark.parametrize(("group", "built_in"), [(PRUNERS, {"lt", "snip", "random"}), (DATASETS, {"isic", "isic-sim"})])
def test_built_ins_are_plugins_like_any_other(group, built_in):
    found = available(group)
    assert built_in <= found.keys()
    assert list(found) == sorted(found)
    for name in built_in:
        assert found[name].distribution == "prune-harness"
        assert found[name].entry_point in entry_points(group=group)
        assert load(group, name) is found[name].load()


def test_a_third_partys_method_is_found_with_its_source(install):
    before = available(PRUNERS)
    install("fake-one", {PRUNERS: {"mine": "fake_one:Mine"}}, version="2.3", fake_one="class Mine: pass")
    found = available(PRUNERS)
    assert found.keys() == before.keys() | {"mine"}
    assert found["mine"].source == "fake-one 2.3"
    assert load(PRUNERS, "mine").__module__ == "fake_one"
    assert "mine" not in available(DATASETS)


def test_listing_imports_nothing(install):
    install("fake-one", {PRUNERS: {"mine": "fake_one:Mine"}}, fake_one="raise SystemError('imported')")
    assert available(PRUNERS)["mine"].source == "fake-one 1.0"
    assert "fake_one" not in sys.modules


def test_two_distributions_with_one_name_are_both_named(install):
    install("fake-one", {PRUNERS: {"mine": "fake_one:Mine", "fine": "fake_one:Fine"}})
    install("fake-two", {PRUNERS: {"mine": "fake_two:Mine"}}, version="0.2")
    install("fake-three", {PRUNERS: {"lt": "fake_three:Mine"}})
    for call in (lambda: available(PRUNERS), lambda: load(PRUNERS, "fine")):
        with pytest.raises(UsageError, match="plugins of one name") as caught:
            call()
        assert caught.value.exit_code == 2
        assert len(caught.value.faults) == 2  # both clashes, not only the first
        built_in, mine = sorted(caught.value.faults)
        assert "'lt'" in built_in
        assert "prune-harness " in built_in
        assert "fake-three 1.0" in built_in
        assert "'mine'" in mine
        assert "fake-one 1.0" in mine
        assert "fake-two 0.2" in mine
    assert "isic" in available(DATASETS)  # the other group is not concerned


def test_one_distribution_seen_twice_is_no_clash(install, monkeypatch):
    site = install("fake-one", {PRUNERS: {"mine": "fake_one:Mine"}}, fake_one="class Mine: pass")
    copy = site.with_name("copy")
    copy.mkdir()
    for path in site.rglob("*"):
        if path.is_file():
            target = copy / path.relative_to(site)
            target.parent.mkdir(exist_ok=True)
            target.write_text(path.read_text())
    monkeypatch.syspath_prepend(copy)
    assert available(PRUNERS)["mine"].distribution == "fake-one"


def test_one_distribution_that_registers_a_name_twice_is_a_clash_unless_it_is_the_same_thing(install):
    site = install("fake-one", {})
    info = next(site.glob("*.dist-info")) / "entry_points.txt"
    info.write_text(f"[{PRUNERS}]\nmine = fake_one:Mine\nmine = fake_one:Mine\n")
    assert "mine" in available(PRUNERS)
    info.write_text(f"[{PRUNERS}]\nmine = fake_one:Mine\nmine = fake_one:Yours\n")
    plugins._registered.cache_clear()  # a process reads what is installed once
    with pytest.raises(UsageError, match="'mine' is registered by fake-one"):
        available(PRUNERS)


BROKEN = {
    "missing module": ("fake_absent:Mine", "", "ModuleNotFoundError"),
    "missing attribute": ("fake_broken:Mine", "", "AttributeError"),
    "missing dependency": ("fake_broken:Mine", "import no_such_package", "no_such_package"),
    "syntax": ("fake_broken:Mine", "class Mine(", "SyntaxError"),
    "its own error": ("fake_broken:Mine", "1 / 0", "ZeroDivisionError"),
    "no reference": ("not a reference!", "", ""),
    "a script without a guard": ("fake_broken:Mine", "raise SystemExit(0)", "SystemExit"),
}


@pytest.mark.parametrize(("value", "source", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_plugin_is_named_with_its_reason_and_its_distribution(install, value, source, reason):
    install("fake-broken", {PRUNERS: {"mine": value}}, version="3.1", fake_broken=source)
    assert "mine" in available(PRUNERS)  # and the others can still be listed
    assert load(PRUNERS, "lt").__name__ == "LotteryTicket"
    with pytest.raises(UsageError) as caught:
        load(PRUNERS, "mine")
    for part in ("'mine'", "fake-broken 3.1", value, reason):
        assert part in caught.value.message
    assert "fake-broken" in caught.value.fix
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("group", "name", "text"),
    [
        (PRUNERS, "snap", "unknown method 'snap' (did you mean 'snip'?)"),
        (DATASETS, "isic-sin", "unknown data set 'isic-sin' (did you mean 'isic-sim'?)"),
        (PRUNERS, "zzzzzzzz", "unknown method 'zzzzzzzz'"),
    ],
)
def test_an_unknown_name_names_the_nearest_and_all(group, name, text):
    with pytest.raises(UsageError) as caught:
        load(group, name)
    assert caught.value.message == text
    assert all(known in caught.value.fix for known in plugins.available(group))
