"""The method under test, and how another process gets the same one."""

import base64
import importlib
import importlib.util
import pickle
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any

from harness.errors import UsageError
from harness.losses.schedules import SCHEDULES, LossSchedule
from harness.planning.entries import entry_of
from harness.planning.pruners import build_pruner, pruner_class
from harness.planning.selection import resolve
from harness.pruning.pruner import Pruner

_MAIN = "__mp_main__"
"""The name under which multiprocessing, too, imports the file that a user started."""


@dataclass(frozen=True)
class Subject:
    """A method with its name and loss schedule; ``registered`` tells whether ``method`` is an entry point.

    ``pruner`` is None where no variant of the method can be built: `variants_can_be_built` says so, others are skipped.
    """

    name: str
    method: str
    kind: type[Pruner]
    pruner: Pruner | None
    losses: LossSchedule
    registered: bool

    def __str__(self) -> str:
        return self.name


def subjects(method: Any) -> list[Subject]:
    """Return what to check for a pruner, a class, an entry's text, or a name, which stands for all its variants.

    Variants that cannot be built are left to `variants_can_be_built`. Raises `UsageError` where no such method is.
    """
    if isinstance(method, Subject):
        return [method]
    if isinstance(method, str):
        return _registered(method)
    if isinstance(method, type) and issubclass(method, Pruner):
        built = [_own(pruner) for variant in method.variants if (pruner := _built(method, variant))]
        return built or [_unbuilt(method.__name__, method, registered=False)]
    if isinstance(method, Pruner):
        return [_own(method)]
    raise UsageError(
        f"{method!r} is no method", fix="give a Pruner, a Pruner class, a registered name or lt[rate=0.75]"
    )


def _registered(text: str) -> list[Subject]:
    if "[" in text:
        entries = resolve([text], {}, None)[0]
    else:
        variants = pruner_class(text).variants
        entries = [entry_of(text, variant) for variant in variants if _can_be_built(text, variant)]
    found = []
    for entry in entries:
        pruner = entry.pruner()
        found.append(Subject(entry.text, entry.method, type(pruner), pruner, entry.loss, registered=True))
    return found or [_unbuilt(text, pruner_class(text), registered=True)]


def _can_be_built(method: str, variant: Mapping[str, Any]) -> bool:
    try:
        build_pruner(method, variant)
    except Exception:
        return False
    return True


def _built(kind: type[Pruner], variant: Mapping[str, Any]) -> Pruner | None:
    try:
        return kind(**variant)
    except Exception:
        return None


def _unbuilt(name: str, kind: type[Pruner], *, registered: bool) -> Subject:
    return Subject(name, name, kind, None, SCHEDULES["plain"], registered)


def _own(pruner: Pruner) -> Subject:
    """Return the subject of an unregistered pruner; an unknown loss is for a check to report, not for us."""
    kind = type(pruner)
    changed = [f"{f.name}={getattr(pruner, f.name)}" for f in fields(pruner) if getattr(pruner, f.name) != f.default]
    name = f"{kind.__name__}[{','.join(changed)}]" if changed else kind.__name__
    try:
        losses = SCHEDULES.get(pruner.loss, SCHEDULES["plain"])
    except Exception:
        losses = SCHEDULES["plain"]
    return Subject(name, kind.__name__, kind, pruner, losses, registered=False)


def recipe_of(subject: Subject) -> dict[str, Any]:
    """Return the subject as JSON from which another process builds the same. Raises `UsageError` where it cannot."""
    kind = subject.kind
    module = sys.modules.get(kind.__module__)
    if "<locals>" in kind.__qualname__:
        raise UsageError(
            f"{kind.__qualname__} is defined inside a function, where no other process finds it",
            fix="define the class at the top level of a module",
        )
    if not _can_be_imported(module):
        raise UsageError(
            f"{kind.__qualname__} was typed at a prompt or in a notebook, where no other process finds it",
            fix="define the class at the top level of a module: in a file",
        )
    pruner = subject.pruner
    values = None if pruner is None else {field.name: getattr(pruner, field.name) for field in fields(pruner)}
    try:
        pickled = base64.b64encode(pickle.dumps((values, subject.losses))).decode()
    except Exception as error:
        raise UsageError(
            f"the parameters of {subject.name} cannot be sent to another process: {type(error).__name__}: {error}",
            fix="use texts, numbers, booleans and Literals as parameters",
        ) from error
    return {
        "name": subject.name,
        "method": subject.method,
        "registered": subject.registered,
        "module": kind.__module__,
        "file": getattr(module, "__file__", None),
        "class": kind.__qualname__,
        "values": pickled,
        "path": [folder for folder in sys.path if folder],
    }


def _can_be_imported(module: ModuleType | None) -> bool:
    """Return whether another process can import the module: by its file, or, if it is not the main one, by its name."""
    file = getattr(module, "__file__", None)
    if file is not None and Path(file).is_file():
        return True
    return module is not None and module.__name__ != "__main__" and getattr(module, "__spec__", None) is not None


def subject_from(recipe: Mapping[str, Any]) -> Subject:
    """Return the subject that `recipe_of` describes, its module imported now."""
    sys.path += [folder for folder in recipe["path"] if folder not in sys.path]
    kind = attrgetter(recipe["class"])(_module(recipe["module"], recipe["file"]))
    assert isinstance(kind, type)
    assert issubclass(kind, Pruner)
    values, losses = pickle.loads(base64.b64decode(recipe["values"]))  # noqa: S301 - our own parent wrote it
    pruner = None if values is None else kind(**values)
    return Subject(recipe["name"], recipe["method"], kind, pruner, losses, recipe["registered"])


def _module(name: str, file: str | None) -> ModuleType:
    """Import a module by name, or from its file: test modules are not on the path."""
    if name != "__main__":
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            if file is None:
                raise
    assert file is not None, name
    name = _MAIN if name == "__main__" else name
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
