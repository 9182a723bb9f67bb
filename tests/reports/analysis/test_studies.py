"""Which studies a page shows, of all that were ever recorded of its data set."""

from dataclasses import replace

from harness.reports.analysis.studies import studies_of


def test_a_group_has_the_studies_of_its_setting(record):
    ours, other = record(), record(setting="another")
    assert studies_of([ours, other], {"setting": "s"}) == (ours,)
    assert studies_of([ours, other], {}) == ()


def test_of_studies_that_ask_the_same_the_newest_counts(record):
    old, new = record(command="old"), record(command="new")
    others = [record(objective="fnr", fpr_bound=bound) for bound in (None, 0.5, 0.25)] + [record(densities=[1.0])]
    assert set(map(id, studies_of([old, *others, new], {"setting": "s"}))) == set(map(id, [new, *others]))


def test_the_dense_networks_study_comes_first_then_entries_by_name(record):
    dense, b, a = record("dense", "dense"), record("b", "b"), record("a", "a")
    assert studies_of([b, dense, a], {"setting": "s"}) == (dense, a, b)
    earlier = replace(a, study="a study", objective="fnr")
    assert studies_of([a, earlier], {"setting": "s"}) == (earlier, a)
