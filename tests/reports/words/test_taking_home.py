import shlex

import pytest

from harness.reports.words.taking_home import export_command


@pytest.mark.parametrize(
    ("network", "options"),
    [
        ((0, 3), ["--seed", "3", "--group", "abc"]),
        ((2, 0), ["--seed", "0", "--fold", "2", "--group", "abc"]),  # two families of folds may be in one experiment
    ],
)
def test_a_network_is_named_by_what_tells_it_from_others(network, options):
    command = export_command("isic", "abc", network, "lt[rate=0.75]", 0.0625)
    begin = ["harness", "export", "--dataset", "isic", "--entry", "lt[rate=0.75]", "--density", "0.0625"]
    assert shlex.split(command) == [*begin, *options, "-o", "network.onnx"]
    assert "'lt[rate=0.75]'" in command  # which a shell would take for a glob


def test_without_a_choice_the_command_says_where_it_goes():
    assert "--entry ENTRY --density SHARE" in export_command("isic", "abc", (0, 0))


@pytest.mark.parametrize(
    ("kept", "said"),
    [
        ("folder-cells", "folder:PATH"),
        ("csv-labels", "csv:PATH"),
        ("folder:/my/cells", "folder:/my/cells"),
        ("elpv[strict=true]", "elpv[strict=true]"),
    ],
)
def test_a_user_s_own_images_are_asked_for_by_their_place(kept, said):
    words = shlex.split(export_command(kept, "abc", (0, 0)))
    assert words[words.index("--dataset") + 1] == said
