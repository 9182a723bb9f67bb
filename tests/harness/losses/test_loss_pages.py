"""What the pages say of losses: the printed example runs, and every rule, loss and parameter has its row."""

import dataclasses
import re
import sys
from pathlib import Path

import pytest
import torch

from harness import plugins
from harness.losses.registered import schedule_named
from harness.losses.rules import RULES, broken_rules

DOCS = Path(__file__).parents[3] / "docs"
PLUGINS, LOSSES = (DOCS / "plugins.md").read_text(), (DOCS / "losses.md").read_text()


@pytest.fixture
def shares(tmp_path, monkeypatch):
    """The object of the example, imported from a file as it is printed."""
    (text,) = (text for text in re.findall(r"```python\n(.*?)```", PLUGINS, re.S) if "(LossSchedule)" in text)
    (tmp_path / "my_losses.py").write_text(text)
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__("my_losses").SHARES
    del sys.modules["my_losses"]


def test_the_printed_loss_keeps_every_rule_and_weighs_as_it_says(shares):
    assert 'shares = "my_losses:SHARES"' in PLUGINS
    assert [(rule, what) for rule, what in broken_rules(shares) if what] == []
    loss = shares.with_parameters({"power": 1}).resolve(0, 25, 75)
    assert dataclasses.astuple(loss) == (4.0, pytest.approx(4 / 3))
    assert loss(torch.zeros(1, 2), torch.tensor([1])).item() == pytest.approx(4 * torch.tensor(2.0).log().item())


def test_every_rule_has_its_row_in_order():
    rows = re.findall(r"^\| `(\w+)` \|", PLUGINS.partition("tries these rules")[2].partition("\n## ")[0], re.M)
    assert rows == [rule.__name__ for rule in RULES]


TABLE = LOSSES[LOSSES.index("| Name | What is minimised") :].partition("\n\n")[0]
ROWS = {name: row for row in TABLE.splitlines() for name in re.findall(r"`([^`]+)`", row.split("|")[1])}
FAMILY = {"ldam-drw": "ldam"}
"""Losses whose row says that they have another's parameters, too."""


def test_every_loss_has_its_row():
    assert ROWS.keys() == plugins.available(plugins.LOSSES).keys()


@pytest.mark.parametrize("name", sorted(plugins.available(plugins.LOSSES)))
def test_every_parameter_of_a_loss_is_named_with_its_default(name):
    loss = schedule_named(name)
    shown = ROWS[name] + ROWS[FAMILY.get(name, name)]
    for parameter, value in loss.parameters.items():
        assert (f"`{parameter}` ({value})" if loss.kind else f"`{parameter}`") in shown
    assert loss.source.partition(",")[0] in ROWS[name] or name == "plain"
