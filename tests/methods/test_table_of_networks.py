"""The table of docs/methods.md that says which method runs on which network is what the methods say themselves."""

from pathlib import Path

import pytest

from harness import plugins
from harness.networks.registered import HELD_TO, TORCHVISION, built_in
from harness.planning.description import skipped
from harness.planning.pruners import pruner_class

DOCUMENT = Path(__file__).parents[2] / "docs" / "methods.md"
BEGIN, END = "<!-- made by tests/methods/test_table_of_networks.py -->", "<!-- end -->"
NETWORKS = (*built_in(), *(f"{TORCHVISION}{model}" for model in HELD_TO))
IN_CI = ("small-cnn", "alexnet", "torchvision:mobilenet_v3_small")
"""One of each kind: with norms, without, and with squeeze-and-excitation."""


def methods():
    """Return the entries that `--methods all` has of the harness's own methods, as (name, parameters)."""
    own = [name for name, plugin in plugins.available(plugins.PRUNERS).items() if plugin.is_ours]
    found = [(name, dict(variant)) for name in own for variant in pruner_class(name).variants]
    return [*found, ("lt", {"variant": "released-code"})]


def written(method, parameters):
    inside = ",".join(f"{name}={value}" for name, value in parameters.items())
    return f"{method}[{inside}]" if inside else method


def sentences(networks):
    """Return why each method is skipped on each network, None where it runs: {method: (sentence of each network)}."""
    return {written(*one): tuple(skipped(*one, network) for network in networks) for one in methods()}


def table(networks):
    """Return the lines of the table and of its notes; methods that are alike share a column."""
    alike = {}
    for method, found in sentences(networks).items():
        alike.setdefault(found, []).append(method)
    notes = {}
    for found in alike:
        for sentence in filter(None, found):
            notes.setdefault(sentence, len(notes) + 1)
    groups = dict(zip("abcdefgh", alike.items(), strict=False))
    lines = ["| Network | " + " | ".join(groups) + " |", "| --- " * (len(groups) + 1) + "|"]
    for index, network in enumerate(networks):
        cells = [f"no ({notes[found[index]]})" if found[index] else "runs" for found, _ in groups.values()]
        lines.append(f"| `{network}` | " + " | ".join(cells) + " |")
    legend = [f"- {letter}: " + ", ".join(f"`{method}`" for method in group) for letter, (_, group) in groups.items()]
    return [*lines, "", *legend, "", *(f"{number}. {sentence}" for sentence, number in notes.items())]


def documented():
    text = DOCUMENT.read_text()
    return text[text.index(BEGIN) + len(BEGIN) : text.index(END)].strip().splitlines()


def read(lines):
    """Return {network: {method: sentence or None}} of a table as it is written."""
    notes = dict(line.split(". ", 1) for line in lines if line[:1].isdigit())
    legend = dict(line.removeprefix("- ").split(": ", 1) for line in lines if line.startswith("- "))
    groups = {letter: [method.strip("`") for method in text.split(", ")] for letter, text in legend.items()}
    head, _, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("|")]
    found = {}
    for name, *cells in rows:
        found[name.strip("`")] = {
            method: None if cell == "runs" else notes[cell.removeprefix("no (").removesuffix(")")]
            for letter, cell in zip(head[1:], cells, strict=True)
            for method in groups[letter]
        }
    return found


@pytest.mark.parametrize("network", IN_CI)
def test_the_table_is_what_methods_say_of_a_network(network):
    said = {method: found for method, (found,) in sentences([network]).items()}
    assert read(documented())[network] == said


@pytest.mark.long
def test_the_table_is_what_methods_say_of_all_networks():
    assert documented() == table(NETWORKS), "write it anew:\n" + "\n".join(table(NETWORKS))
