"""What a module's source says: where it takes names from, and what it does, whatever its words. Nothing is run."""

import ast
import functools
import hashlib
import importlib.util
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

FACTS = ("family",)
"""Class variables that tell a reader something and decide nothing: another word in one is no other code."""


class Taken(NamedTuple):
    """One import: the module, the name taken from it (empty: the module itself) and what it is called here."""

    module: str
    name: str
    here: str


class Place(NamedTuple):
    """Where a module is: its file, empty where it has none, and whether others may lie below it."""

    file: str
    is_package: bool


def module_text(module: str) -> str | None:
    """Return the source of a module, or None where it has no Python file or is not there at all."""
    file = _place_of(module).file
    return Path(file).read_text("utf-8") if file.endswith(".py") else None


def _place_of(module: str) -> Place:
    """Return a module's place; the package that it is in is imported, the module itself is not."""
    if loaded := sys.modules.get(module):
        return Place(getattr(loaded, "__file__", None) or "", hasattr(loaded, "__path__"))
    try:
        spec = importlib.util.find_spec(module)
    except (ImportError, ValueError):
        spec = None
    return Place(spec.origin or "", spec.submodule_search_locations is not None) if spec else Place("", False)


def taken_from(module: str, packages: Sequence[str]) -> set[str]:
    """Return the modules that define what ``module`` imports from ``packages``, anywhere in it.

    A name that a package's front shows is followed to where it is defined: the front itself does not matter.
    """
    found = [one for one in _imports(module) if any(f"{one.module}.".startswith(f"{part}.") for part in packages)]
    return {home for one in found for home in _homes(one.module, one.name)}


def _homes(module: str, name: str) -> set[str]:
    if not name:
        return {module}
    if _place_of(module).is_package and _place_of(f"{module}.{name}").file:
        return {f"{module}.{name}"}
    onwards = [one for one in _imports(module) if one.here == name]
    return {home for one in onwards for home in _homes(one.module, one.name)} or {module}


def _imports(module: str) -> tuple[Taken, ...]:
    text = module_text(module)
    package = module if _place_of(module).is_package else module.rpartition(".")[0]
    return () if text is None else _read_imports(text, package)


@functools.lru_cache(maxsize=512)
def _read_imports(text: str, package: str) -> tuple[Taken, ...]:
    return tuple(one for node in ast.walk(ast.parse(text)) for one in _taken(node, package))


def _taken(node: ast.AST, package: str) -> Iterator[Taken]:
    if isinstance(node, ast.Import):
        yield from (Taken(alias.name, "", alias.asname or alias.name) for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        module = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
        yield from (Taken(module, "" if a.name == "*" else a.name, a.asname or a.name) for a in node.names)


@functools.lru_cache(maxsize=512)
def without_facts(text: str) -> str:
    """Return a source without the lines that say of its classes what no result depends on: `FACTS`, and their words."""
    classes = [node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.ClassDef)]
    left_out = {
        line for one in classes for fact in _facts(one.body) for line in range(fact.lineno, (fact.end_lineno or 0) + 1)
    }
    return "\n".join(line for number, line in enumerate(text.split("\n"), 1) if number not in left_out)


def _facts(body: Sequence[ast.stmt]) -> Iterator[ast.stmt]:
    """Yield what gives a fact its text, and the docstring below it, where each has its lines to itself."""
    lines = Counter(line for node in body for line in {node.lineno, node.end_lineno})
    for node, following in zip(body, [*body[1:], None], strict=True):
        if _is_fact(node) and lines[node.lineno] == lines[node.end_lineno] == 1:
            yield node
            if isinstance(following, ast.Expr) and isinstance(following.value, ast.Constant):
                yield following


def _is_fact(node: ast.stmt) -> bool:
    if not isinstance(node, ast.Assign | ast.AnnAssign) or not isinstance(node.value, ast.Constant):
        return False
    named = node.targets if isinstance(node, ast.Assign) else [node.target]
    return all(isinstance(one, ast.Name) and one.id in FACTS for one in named)


@functools.lru_cache(maxsize=512)
def digest_of_code(text: str) -> str:
    """Return the sha256 of what ``text`` does: comments, docstrings, layout, `FACTS` and the words of errors do not
    count.

    The same in every Python from 3.11 on. Names, annotations and every number count.
    """
    tree = _WithoutWords().visit(ast.parse(text))
    return hashlib.sha256(json.dumps(_plain(tree)).encode()).hexdigest()


class _WithoutWords(ast.NodeTransformer):
    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        told = [*_facts(node.body)]
        node.body = [one for one in node.body if one not in told]
        return self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        for part in ast.walk(node):
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                part.value = ""
        return self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.AST:
        """Leave out empty texts, which some Pythons put after a format."""
        node.values = [part for part in node.values if getattr(part, "value", None) != ""]
        return self.generic_visit(node)


def _plain(node: Any) -> Any:
    """Return a tree without its empty fields, which differ from one Python to the next."""
    if isinstance(node, list):
        return [_plain(item) for item in node]
    if isinstance(node, ast.AST):
        fields = {name: value for name, value in ast.iter_fields(node) if value not in (None, [])}
        return [type(node).__name__, {name: _plain(value) for name, value in fields.items()}]
    return repr(node)
