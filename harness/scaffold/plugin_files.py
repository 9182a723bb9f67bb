"""The files of a new plugin's own distribution: those of `template/` for its kind, renamed.

That folder is no package of Python's, so that nothing that walks through the harness imports what it holds.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files

from harness import plugins


@dataclass(frozen=True)
class Kind:
    """What can be begun: its noun, its group, its ``template``'s own name, and what its files are written as."""

    noun: str
    group: str
    template: str
    written_as: Mapping[str, str]


METHOD = Kind(
    "method",
    plugins.PRUNERS,
    "my-method",
    {
        "README.md": "README.md",
        "my_method.py": "{module}.py",
        "pyproject.toml": "pyproject.toml",
        "my_method_tests.py": "test_{module}.py",  # not so called there, or pytest would take it for tests of ours
    },
)
NETWORK = Kind(
    "network",
    plugins.NETWORKS,
    "my-network",
    {
        "my_network.md": "README.md",
        "my_network.py": "{module}.py",
        "my_network.toml": "pyproject.toml",
        "my_network_tests.py": "test_{module}.py",
    },
)
DATASET = Kind(
    "data set",
    plugins.DATASETS,
    "my-dataset",
    {
        "my_dataset.md": "README.md",
        "my_dataset.py": "{module}.py",
        "my_dataset.toml": "pyproject.toml",
        "my_dataset_tests.py": "test_{module}.py",
    },
)
_LINE = 120


def module_name(name: str) -> str:
    """Return the Python module of a plugin: ``my-method`` is in ``my_method``."""
    return name.replace("-", "_")


def class_name(name: str) -> str:
    """Return the class of a plugin: ``my-method`` is ``MyMethod``."""
    return "".join(part.capitalize() for part in name.split("-"))


def plugin_files(name: str, kind: Kind = METHOD) -> dict[str, str]:
    """Return the text of each file by its name, for a plugin called ``name``."""
    template = files("harness.scaffold") / "template"
    return {
        written.format(module=module_name(name)): _renamed((template / file).read_text(encoding="utf-8"), name, kind)
        for file, written in kind.written_as.items()
    }


def _renamed(text: str, name: str, kind: Kind) -> str:
    """Return a template's text with ``name`` in the place of its own, as a formatter writes it."""
    own = kind.template
    names = {own: name, module_name(own): module_name(name), class_name(own): class_name(name)}
    renamed = re.sub("|".join(names), lambda found: names[found[0]], text)
    return "\n".join(map(_folded, renamed.split("\n")))


def _folded(line: str) -> str:
    """Return an import that is too long for one line with one name a line; any other line as it is."""
    start, _, names = line.partition(" import ")
    if len(line) <= _LINE or not line.startswith("from "):
        return line
    return "\n".join([f"{start} import (", *(f"    {name}," for name in names.split(", ")), ")"])
