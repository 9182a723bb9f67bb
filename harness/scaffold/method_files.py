"""The files of a new method's own distribution: those of `template/`, which is one called my-method, renamed.

That folder is no package of Python's, so that nothing that walks through the harness imports what it holds.
"""

import re
from importlib.resources import files

_WRITTEN_AS = {
    "README.md": "README.md",
    "my_method.py": "{module}.py",
    "pyproject.toml": "pyproject.toml",
    "my_method_tests.py": "test_{module}.py",  # not so called there, or pytest would take it for tests of the harness
}
_LINE = 120


def module_name(name: str) -> str:
    """Return the Python module of a method: ``my-method`` is in ``my_method``."""
    return name.replace("-", "_")


def class_name(name: str) -> str:
    """Return the class of a method: ``my-method`` is ``MyMethod``."""
    return "".join(part.capitalize() for part in name.split("-"))


def method_files(name: str) -> dict[str, str]:
    """Return the text of each file by its name, for a method called ``name``."""
    module = module_name(name)
    template = files("harness.scaffold") / "template"
    return {
        written.format(module=module): _renamed((template / file).read_text(encoding="utf-8"), name)
        for file, written in _WRITTEN_AS.items()
    }


def _renamed(text: str, name: str) -> str:
    """Return a template's text with ``name`` in the place of its own, as a formatter writes it."""
    names = {"my-method": name, "my_method": module_name(name), "MyMethod": class_name(name)}
    renamed = re.sub("|".join(names), lambda found: names[found[0]], text)
    return "\n".join(map(_folded, renamed.split("\n")))


def _folded(line: str) -> str:
    """Return an import that is too long for one line with one name a line; any other line as it is."""
    start, _, names = line.partition(" import ")
    if len(line) <= _LINE or not line.startswith("from "):
        return line
    return "\n".join([f"{start} import (", *(f"    {name}," for name in names.split(", ")), ")"])
