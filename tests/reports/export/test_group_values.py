import json

from harness.reports.analysis.group_comparison import compare_groups
from harness.reports.export.group_values import group_values


def test_a_comparison_as_values_has_what_the_table_shows(make, join):
    first = make(seeds=(0, 1, 2), group="aa", schedule={"epochs": 1})
    second = make(seeds=(0, 1, 2), group="bb", schedule={"epochs": 10})
    found = compare_groups(join(first, second), "aa", "bb")
    values = json.loads(json.dumps(group_values(found), allow_nan=False))
    assert values["groups"] == ["aa", "bb"]
    assert values["differ"] == {"epochs": [1, 10]}
    assert values["networks"] == 3
    assert values["margin"] == found.margin
    (row,) = [one for one in values["rows"] if (one["entry"], one["density"]) == ("lt", 0.5)]
    assert row["answer"] == "equivalent"
    assert row["problem"] is None
    assert row["difference"]["value"] == row["second_auc"] - row["first_auc"]
    assert row["difference"]["lower"] <= row["difference"]["value"] <= row["difference"]["upper"]
