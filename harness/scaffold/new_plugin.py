"""A new plugin's distribution on disk: whole or not at all, under a name that nothing else has."""

import ast
import builtins
import importlib.metadata
import importlib.util
import keyword
import re
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from harness import plugins
from harness.errors import UsageError
from harness.scaffold.plugin_files import DATASET, METHOD, NETWORK, Kind, class_name, module_name, plugin_files
from harness.storage.disk import disk_errors, move, write_whole

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_LONGEST = 63
_RULE = f"{_LONGEST} or fewer of a-z, 0-9 and single hyphens between them, beginning with a letter"

_WORDS = {"all": "every method", "dense": "the reference of every run", "probe": "a reference of every run"}
_NOT_MODULES = {"setup": "setuptools runs setup.py", "conftest": "pytest runs conftest.py"}
_DEVICES = re.compile(r"con|prn|aux|nul|(com|lpt)[0-9]")


def write_plugin(name: str, parent: Path, kind: Kind = METHOD) -> Path:
    """Write the distribution of a plugin called ``name`` into a new folder of that name in ``parent``; return it.

    Raises `UsageError` with everything that is wrong with the name and the folder, `MachineError` where the disk
    refuses; nothing is left behind in either case.
    """
    folder = parent / name
    with disk_errors(folder):
        faults = [*_name_faults(name, kind), *_folder_faults(name, parent)]
    if faults:
        raise UsageError(
            f"no {kind.noun} can be made as {name!r} in {parent}",
            faults=faults,
            fix="choose another name, or another folder with --folder",
        )
    with disk_errors(folder), tempfile.TemporaryDirectory(prefix=".new-plugin-", dir=parent) as beside:
        draft = Path(beside, name)
        draft.mkdir()
        for file, text in plugin_files(name, kind).items():
            write_whole(draft / file, text.encode())
        move(draft, folder)
    return folder


def _folder_faults(name: str, parent: Path) -> Iterator[str]:
    if not parent.is_dir():
        yield f"there is no folder {parent}"
    elif _NAME.fullmatch(name) and len(name) <= _LONGEST and _is_taken(parent / name):
        yield f"{parent / name} exists and is not an empty folder"


def _is_taken(folder: Path) -> bool:
    if folder.is_symlink() or not folder.is_dir():
        return folder.is_symlink() or folder.exists()
    return any(folder.iterdir())


def _name_faults(name: str, kind: Kind) -> Iterator[str]:
    if not _NAME.fullmatch(name) or len(name) > _LONGEST:
        yield f"a name, such as {kind.template}, is {_RULE}"
        return
    if name in _WORDS:
        yield f"{name!r} stands for {_WORDS[name]}"
    if _DEVICES.fullmatch(name):
        yield f"{name!r} is a device on Windows, where no folder can have this name"
    for other in (METHOD, NETWORK, DATASET):  # `harness check` knows all by name
        if plugin := plugins.available(other.group).get(name):
            yield f"{name!r} is a {other.noun} of {plugin.source} already"
    if version := _installed(name):
        yield f"a distribution {name} is installed already ({version}), and this one would replace it"
    yield from _module_faults(module_name(name))
    yield from _class_faults(class_name(name), kind)


def _installed(distribution: str) -> str | None:
    try:
        return importlib.metadata.version(distribution)
    except importlib.metadata.PackageNotFoundError:
        return None


def _module_faults(module: str) -> Iterator[str]:
    if keyword.iskeyword(module):
        yield f"its module would be {module}.py, which Python cannot import: {module!r} is a keyword"
    elif module in _NOT_MODULES:
        yield f"its module would be {module}.py: {_NOT_MODULES[module]}"
    elif module.startswith("test"):
        yield f"its module would be {module}.py, which pytest takes for tests"
    if module in sys.stdlib_module_names:
        yield f"its module would be {module}.py, which hides Python's own module {module}"
    elif _importable(module):
        yield f"its module would be {module}.py, and a module {module} is installed already"


def _importable(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except ValueError:  # imported, and made by hand
        return True


def _class_faults(name: str, kind: Kind) -> Iterator[str]:
    if keyword.iskeyword(name) or hasattr(builtins, name) or name in _imported(kind):
        yield f"its class would be {name}, which has another meaning in its module"


def _imported(kind: Kind) -> set[str]:
    """Return every name that the written Python files import."""
    trees = [ast.parse(text) for file, text in plugin_files("example", kind).items() if file.endswith(".py")]
    nodes = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    return {alias.name for node in nodes for alias in node.names if node.module != "example"}
