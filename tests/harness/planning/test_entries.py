import itertools
from dataclasses import dataclass, fields, replace
from fnmatch import fnmatchcase

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import plugins
from harness.entry_text import split_list
from harness.errors import UsageError
from harness.losses.registered import schedule_named
from harness.planning.entries import Entry, entry_of
from harness.planning.pruners import build_pruner
from harness.planning.selection import resolve
from harness.plugins import PRUNERS
from harness.results.names import CONTROLS


def texts(written, common=None, loss=None):
    return [entry.text for entry in resolve(written, common or {}, loss)[0]]


def notes(written, common=None, loss=None):
    return resolve(written, common or {}, loss)[1]


def everything():
    """Every registered method with each of its variants, from the classes themselves."""
    return [
        (name, dict(variant)) for name in plugins.available(PRUNERS) for variant in plugins.load(PRUNERS, name).variants
    ]


# --- the canonical text


@pytest.mark.parametrize(
    ("written", "text"),
    [
        ("lt", "lt"),
        ("lt[]", "lt"),
        (" lt ", "lt"),
        ("lt[rate=0.5]", "lt"),  # a default
        ("lt[rate=5e-1, scope = layer]", "lt"),
        ("lt[rate=.750]", "lt[rate=0.75]"),
        ("lt[scope=global,rate=0.25]", "lt[rate=0.25,scope=global]"),
        ("lt[rate=0.25,scope=global]", "lt[rate=0.25,scope=global]"),
        ("magnitude[scope=uniform+]", "magnitude[scope=uniform+]"),
        ("random[scope=erk,start=trained]", "random[scope=erk,start=trained]"),
        ({"name": "lt", "scope": "uniform+"}, "lt[scope=uniform+]"),
        ("snip[images=0128]", "snip[images=128]"),
        ("snip[images=512]", "snip"),
        ("class-dependent-lt[scenario=black]", "class-dependent-lt"),
        ("class-dependent-lt[scenario=green]", "class-dependent-lt[scenario=green]"),
        ("lt[loss=plain]", "lt"),
        ("lt[loss=blue,rate=0.75]", "lt[loss=blue,rate=0.75]"),
        ("lt[loss=class-dependent]", "lt[loss=black]"),
        ({"name": "lt", "rate": 0.75, "scope": "layer"}, "lt[rate=0.75]"),
        ({"name": "snip", "images": 64, "loss": "green"}, "snip[images=64,loss=green]"),
    ],
)
def test_the_text_has_the_non_default_fields_sorted(written, text):
    (entry,), found = resolve([written], {}, None)
    assert entry.text == text
    assert found == []


@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from([0.25, 0.5, 0.75]),
    st.sampled_from(["layer", "global"]),
    st.sampled_from(["exact", "released-code"]),
    st.sampled_from([None, "plain", "blue", "weights-only"]),
    st.randoms(),
)
def test_the_text_is_canonical_and_reads_back_as_the_same_entry(rate, scope, variant, loss, chance):
    pairs = [("rate", rate), ("scope", scope), ("variant", variant)] + ([("loss", loss)] if loss else [])
    chance.shuffle(pairs)
    written = f"lt[{','.join(f'{name}={value}' for name, value in pairs)}]"
    (entry,), _ = resolve([written], {}, None)
    (mapped,), _ = resolve([{"name": "lt", **dict(pairs)}], {}, None)
    (again,), _ = resolve([entry.text], {}, None)
    assert entry == mapped == again
    changed = [("rate", 0.5), ("scope", "layer"), ("variant", "exact"), ("loss", "plain")]
    assert dict(pairs).items() - dict(changed).items() == dict(pairs_of(entry.text)).items()


def pairs_of(text):
    inside = text.partition("[")[2].rstrip("]")
    pairs = [part.split("=") for part in inside.split(",") if part]
    assert pairs == sorted(pairs)
    return [(name, float(value) if name == "rate" else value) for name, value in pairs]


@pytest.mark.parametrize("written", ["structured-magnitude[scope=erk]", "cdc[scope=uniform+]", "beta-rank[scope=erk]"])
def test_layer_densities_are_for_single_weights(written):
    with pytest.raises(UsageError, match="scope"):
        resolve([written], {}, None)


def test_an_entry_builds_its_method():
    (entry,), _ = resolve(["lt[rate=0.75,loss=blue]"], {}, None)
    assert entry == Entry("lt[loss=blue,rate=0.75]", "lt", (("rate", 0.75),), schedule_named("blue"))
    pruner = entry.pruner()
    assert type(pruner) is plugins.load(PRUNERS, "lt")
    assert (pruner.rate, pruner.scope) == (0.75, "layer")
    assert entry_of("dense", {}) == Entry("dense", "dense", (), schedule_named("plain"))


# --- lists, globs, all


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("lt", ["lt"]),
        ("lt,snip", ["lt", "snip"]),
        ("lt,snip[images=64,scope=layer],random", ["lt", "snip[images=64,scope=layer]", "random"]),
        ("a[b=1,c=2,d=3],e[f=4,g=5]", ["a[b=1,c=2,d=3]", "e[f=4,g=5]"]),
        (" lt , snip[] ,", ["lt", "snip[]"]),
        ("", []),
        (",,", []),
    ],
)
def test_lists_are_split_at_the_commas_outside_brackets(text, parts):
    assert split_list(text) == parts


NAMES = st.text("abc-", min_size=1, max_size=4)
WRITTEN = st.tuples(NAMES, st.none() | st.lists(st.tuples(NAMES, NAMES), max_size=3)).map(
    lambda item: item[0] if item[1] is None else f"{item[0]}[{','.join(f'{a}={b}' for a, b in item[1])}]"
)


@given(st.lists(WRITTEN, max_size=5))
def test_split_list_undoes_join(parts):
    assert split_list(",".join(parts)) == parts


def test_all_is_every_method_with_its_variants():
    expected = [entry_of(name, variant).text for name, variant in everything()]
    assert texts(["all"]) == expected
    assert texts(["*"]) == expected
    assert len(set(expected)) == len(expected) == len(everything())
    assert {"lt", "snip", "random"} <= set(expected)
    scenarios = ["class-dependent-lt[scenario=blue]", "class-dependent-lt", "class-dependent-lt[scenario=green]"]
    assert [text for text in expected if text.startswith("class-dependent-lt")] == scenarios


def test_all_has_each_control_beside_what_it_controls():
    """W0 scored as its authors do, random weights from both starts, and the same parts of W0 at equal total steps."""
    wanted = {
        "snip": ["snip", "snip[start=W0]"],
        "random": ["random", "random[retrain=rewind-rate,start=trained]"],
        "scratch": ["scratch", "scratch[of=structured-magnitude]"],
        "snip-retrain": ["snip-retrain"],
        "random-layerwise": ["random-layerwise"],
        "magnitude-layerwise": ["magnitude-layerwise"],
    }
    entries, _ = resolve(["all"], {}, None)
    assert {name: [entry.text for entry in entries if entry.method == name] for name in wanted} == wanted
    assert {"lt", "structured-magnitude"} <= {entry.text for entry in entries}


@pytest.mark.parametrize("pattern", ["*lt", "s*", "?t", "class*", "*-*"])
def test_globs_are_matched_by_name(pattern):
    expected = [entry_of(name, variant).text for name, variant in everything() if fnmatchcase(name, pattern)]
    assert expected
    assert texts([pattern]) == expected


def test_a_name_alone_is_one_entry_though_it_has_variants():
    assert texts(["class-dependent-lt"]) == ["class-dependent-lt"]


def test_parameters_apply_to_every_match():
    assert texts(["*lt[rate=0.75]"])[-1] == "lt[rate=0.75]"
    assert all("rate=0.75" in text for text in texts(["*lt[rate=0.75]"]))


def test_a_glob_without_a_match_is_an_error():
    with pytest.raises(UsageError, match=r"no method matches 'x\*y'"):
        resolve(["x*y"], {}, None)


def test_the_order_asked_for_is_kept():
    assert texts(["snip", "lt", "random"]) == ["snip", "lt", "random"]


# --- common parameters


def test_common_parameters_go_to_the_methods_that_know_them_and_were_given_none():
    written = ["lt", "lt[rate=0.25]", "lt[rate=0.5]", "random", "snip"]
    expected = ["lt[rate=0.75]", "lt[rate=0.25]", "lt", "random", "snip"]
    assert texts(written, {"rate": 0.75}) == expected
    assert texts(["snip"], {"rate": 0.75}) == ["snip"]


def test_a_common_parameter_that_no_method_knows_is_an_error():
    # A typing error must not silently leave every method at its default. (No registered one: a preset's rate may
    # well meet a run of snip alone, as above.)
    with pytest.raises(UsageError, match="rtae"):
        resolve(["lt", "snip"], {"rtae": 0.75}, None)


def test_a_wrong_common_parameter_is_an_error():
    with pytest.raises(UsageError, match="rate"):
        resolve(["lt"], {"rate": 1.5}, None)


# --- losses


def test_a_loss_for_all_replaces_every_default_and_says_what_it_made_equal():
    written = ["lt", "class-dependent-lt[scenario=blue]", "class-dependent-lt", "snip", "class-dependent-lt[rate=0.75]"]
    assert texts(written, loss="green") == ["lt[loss=green]", "snip[loss=green]", "lt[loss=green,rate=0.75]"]
    found = notes(written, loss="green")
    assert len(found) == 2
    assert all("lt[loss=green]" in note and "once" in note for note in found)


def test_the_plain_loss_makes_the_class_dependent_ticket_the_ticket():
    assert texts(["lt", "class-dependent-lt"], loss="plain") == ["lt"]
    (entry,), _ = resolve(["class-dependent-lt"], {}, "plain")
    assert entry == entry_of("lt", {})


def test_a_methods_own_loss_goes_before_the_loss_for_all():
    assert texts(["lt[loss=blue]", "lt"], loss="green") == ["lt[loss=blue]", "lt[loss=green]"]


def test_a_loss_is_named_by_its_schedule_not_by_its_alias():
    entries, found = resolve(["lt", "lt[loss=black]"], {}, "class-dependent")
    assert [(entry.text, entry.loss.name) for entry in entries] == [("lt[loss=black]", "black")]
    assert len(found) == 1


def test_duplicates_run_once_and_are_said_so():
    written = ["lt", "snip", "lt[rate=0.5]", "all"]
    assert texts(written)[:2] == ["lt", "snip"]
    assert len(texts(written)) == len(everything())
    found = notes(written)
    assert len(found) == 3
    assert found[0].startswith("lt[rate=0.5]: lt ")
    assert found[2].startswith("all: snip ")


@pytest.mark.parametrize("loss", ["bleu", 5, ["blue"]])
def test_a_loss_that_is_none_is_an_error(loss):
    with pytest.raises(UsageError, match="loss"):
        resolve([{"name": "lt", "loss": loss}], {}, None)


def test_an_empty_loss_parameter_is_not_the_default():
    with pytest.raises(UsageError, match="loss"):
        resolve(["lt[loss=]"], {}, None)


# --- errors


def test_every_wrong_name_and_value_is_listed_at_once():
    written = ["snap", "lt[rate=1.5,scope=everywhere]", "lt", "snip[image=64]", "lt[loss=bleu]", "lt[", "z*"]
    with pytest.raises(UsageError) as caught:
        resolve([*written, {"rate": 0.5}], {}, None)
    assert caught.value.exit_code == 2
    assert len(caught.value.faults) == 7
    text = str(caught.value)
    for part in (
        "unknown method 'snap' (did you mean 'snip'?)",
        "rate: ",
        "scope: ",
        "'image' is not a parameter (did you mean 'images'?)",
        "unknown loss 'bleu' (did you mean 'blue'?)",
        "cannot read method 'lt['",
        "no method matches 'z*'",
        "unknown method ''",
    ):
        assert part in text


@pytest.mark.parametrize("written", ["", "[rate=0.5]", "lt]", "lt[[rate=0.5]]", "lt[rate=0.5]x", "lt[rate=0.5"])
def test_what_is_no_method_is_refused(written):
    with pytest.raises(UsageError, match="cannot read method"):
        resolve([written], {}, None)


@pytest.mark.parametrize(
    "written",
    [
        "lt[rate]",
        "lt[rate=]",
        "lt[rate=half]",
        "lt[rate=0]",
        "lt[rate=1]",
        "lt[rate=nan]",
        "lt[=0.5]",
        "snip[images=1.5]",
    ],
)
def test_wrong_values_are_refused_and_the_parameters_named(written):
    with pytest.raises(UsageError, match="got wrong parameters") as caught:
        resolve([written], {}, None)
    method = written.partition("[")[0]
    known = [field.name for field in fields(plugins.load(PRUNERS, method))]
    assert all(name in str(caught.value) for name in known)


def test_a_parameter_given_twice_is_refused():
    with pytest.raises(UsageError, match="rate"):
        resolve(["lt[rate=0.25,rate=0.75]"], {}, None)


@dataclass(frozen=True)
class NotAPruner:
    rate: float = 0.5


@pytest.mark.parametrize("registered", [NotAPruner, build_pruner, "text"], ids=["class", "function", "text"])
def test_a_plugin_that_is_no_pruner_is_refused_by_name(monkeypatch, registered):
    monkeypatch.setattr(plugins, "load", lambda _group, _name: registered)
    with pytest.raises(UsageError, match="'lt' is not a Pruner class"):
        resolve(["lt"], {}, None)


@pytest.fixture
def broken(monkeypatch):
    """``broken(outcome)``: one more registered method, ``mine``, whose import gives or raises ``outcome``."""
    known, available, real = plugins.available(PRUNERS), plugins.available, plugins.load

    def breaks(outcome):
        def load(group, name):
            if name != "mine":
                return real(group, name)
            if isinstance(outcome, Exception):
                raise outcome
            return outcome

        methods = {**known, "mine": known["lt"]}
        monkeypatch.setattr(plugins, "available", lambda group: methods if group == PRUNERS else available(group))
        monkeypatch.setattr(plugins, "load", load)

    return breaks


def test_a_broken_plugin_fails_alone_and_hinders_no_other_method(broken):
    expected = texts(["all"])
    broken(UsageError("plugin 'mine' cannot be imported"))
    assert sorted(texts(["all"])) == sorted([*expected, "mine"])
    with pytest.raises(UsageError, match="cannot be imported"):
        resolve(["mine"], {}, None)


@pytest.mark.parametrize("registered", [NotAPruner, build_pruner, "text"], ids=["class", "function", "text"])
def test_a_plugin_that_is_no_pruner_hinders_no_other_method_either(broken, registered):
    expected = texts(["all"])
    broken(registered)
    assert set(expected) <= set(texts(["all"]))


def test_no_entry_is_named_twice():
    written = [f"{name}[loss={loss}]" for name, loss in itertools.product(("lt", "snip", "lt"), ("plain", "blue"))]
    entries, found = resolve(written, {}, None)
    assert len({entry.text for entry in entries}) == len(entries) == 4
    assert len(found) == 2


@pytest.mark.parametrize(
    ("written", "plain"),
    [
        ("lt", "lt"),
        ("lt[loss=green]", "lt"),
        ("class-dependent-lt", "lt"),
        ("class-dependent-lt[scenario=blue,rate=0.75]", "lt[rate=0.75]"),
        ("class-dependent-lt[gamma=3]", "lt"),
        ("magnitude[loss=black,retrain=rewind-weights]", "magnitude[retrain=rewind-weights]"),
    ],
)
def test_an_entry_knows_its_name_under_the_plain_loss(written, plain):
    (entry,), _ = resolve([written], {}, None)
    assert entry.plain == plain


def test_the_controls_among_the_built_in_methods_are_those_of_runs_that_did_not_say():
    built_in = [name for name, plugin in plugins.available(PRUNERS).items() if plugin.distribution == "prune-harness"]
    assert {method for method in built_in if entry_of(method, {}).control} == set(CONTROLS)


def test_a_method_that_cannot_be_imported_is_no_control(broken):
    entry = replace(entry_of("random", {}), method="mine")
    broken(UsageError("plugin 'mine' cannot be imported"))
    assert not entry.control
