"""Which known name is offered for one that is not known, and which key of which table."""

import pytest

from harness.errors import nearest, nearest_key

TABLES = {
    "": ["seeds", "network", "training", "pretraining"],
    "training": ["epochs", "learning_rate", "momentum"],
    "pretraining": ["seed", "training"],
    "pretraining.training": ["epochs", "learning_rate", "momentum"],
}


def test_the_nearest_name_is_offered_and_a_far_one_is_not():
    assert nearest("isicc", ["elpv", "isic", "isic-sim"]) == " (did you mean 'isic'?)"
    assert nearest("xyz", ["elpv", "isic"]) == ""
    assert nearest("xyz", []) == ""


@pytest.mark.parametrize(
    ("key", "table", "offered"),
    [
        ("learning_rat", "training", "'learning_rate' in [training]"),
        ("learning_rate", "", "'learning_rate' in [training]"),  # that of no other table than the first
        ("epoch", "pretraining", "'epochs' in [pretraining.training]"),  # the table below is nearer than another
        ("momentun", "pretraining.training", "'momentum' in [pretraining.training]"),
        ("sed", "pretraining", "'seed' in [pretraining]"),  # seeds is as like, in another table
        ("sedes", "", "'seeds'"),
        ("seeds", "training", "'seeds', which is in no table"),
        ("trainin", "", "[training]"),
        ("trainin", "pretraining", "[pretraining.training]"),
    ],
)
def test_the_nearest_key_is_offered_with_its_table(key, table, offered):
    assert nearest_key(key, table, TABLES) == f" (did you mean {offered}?)"


@pytest.mark.parametrize(("key", "table"), [("zzz", "training"), ("", "")])
def test_a_key_like_no_other_is_offered_none(key, table):
    assert nearest_key(key, table, TABLES) == ""


def test_half_a_likeness_is_enough_within_a_table_and_too_little_in_another():
    assert "'momentum'" in nearest_key("mome", "training", TABLES)
    assert nearest_key("mome", "", TABLES) == ""
    assert nearest_key("mome", "training", {}) == ""
