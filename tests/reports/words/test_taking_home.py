import shlex

import pytest

from harness.reports.words.taking_home import export_command


@pytest.mark.parametrize(
    ("network", "facts", "options"),
    [
        ((0, 3), {}, ["--seed", "3", "--group", "abc"]),
        ((2, 0), {}, ["--seed", "0", "--fold", "2"]),
        ((2, 0), {"imbalance": 10.0}, ["--seed", "0", "--fold", "2", "--imbalance", "10"]),
    ],
)
def test_a_network_is_named_by_what_tells_it_from_others(network, facts, options):
    command = export_command({"dataset": "isic", **facts}, network, "abc", "lt[rate=0.75]", 0.0625)
    begin = ["harness", "export", "--dataset", "isic", "--entry", "lt[rate=0.75]", "--density", "0.0625"]
    assert shlex.split(command) == [*begin, *options, "-o", "network.onnx"]
    assert "'lt[rate=0.75]'" in command  # which a shell would take for a glob


def test_without_a_choice_the_command_says_where_it_goes():
    assert "--entry ENTRY --density SHARE" in export_command({"dataset": "isic"}, (0, 0), "abc")
