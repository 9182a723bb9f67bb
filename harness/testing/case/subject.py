"""The method under test, and how another process gets the same one."""

import base64
import importlib
import importlib.util
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from functools import partial
from operator import attrgetter
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from harness.errors import UsageError
from harness.losses.registered import schedule_named
from harness.losses.schedule import LossSchedule
from harness.planning.entries import entry_of
from harness.planning.pruners import build_pruner, pruner_class
from harness.planning.selection import resolve
from harness.pruning.pruner import Pruner
from harness.running.process_state import state_changes
from harness.testing.case.watchers import RECORDER, global_state

_MAIN = "__mp_main__"
"""The name under which multiprocessing, too, imports the file that a user started."""

_CHANGED_BY_LIBRARIES = "the warning filters"
"""What libraries that a method imports commonly change, and no method can help."""

Made = TypeVar("Made")


@dataclass(frozen=True)
class Subject:
    """A method with its name and loss schedule.

    ``pruner`` is None where no variant of the method can be built: `variants_can_be_built` says so, others are skipped.
    """

    name: str
    method: str
    kind: type[Pruner]
    pruner: Pruner | None
    losses: LossSchedule

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Imported:
    """What the import of a method's module changed and connected to."""

    changed: tuple[str, ...]
    connected: tuple[str, ...]


def subjects(method: Any) -> list[Subject]:
    """Return what to check for a pruner, a class, an entry's text, or a name, which stands for all its variants.

    Variants that cannot be built are left to `variants_can_be_built`. Raises `UsageError` where no such method is.
    """
    if isinstance(method, Subject):
        return [method]
    if isinstance(method, str):
        return _registered(method)
    if isinstance(method, type) and issubclass(method, Pruner):
        built = [_attempted(partial(method, **variant)) for variant in method.variants]
        return [_own(pruner) for pruner in built if pruner is not None] or [_unbuilt(method.__name__, method)]
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
        entries = [entry_of(text, values) for values in variants if _attempted(build_pruner, text, values) is not None]
    built = [(entry, entry.pruner()) for entry in entries]
    found = [Subject(entry.text, entry.method, type(pruner), pruner, entry.loss) for entry, pruner in built]
    return found or [_unbuilt(text, pruner_class(text))]


def _attempted(make: Callable[..., Made], *given: Any) -> Made | None:
    """Return what is made, or None where that fails: it is for a check to say so, not for us."""
    try:
        return make(*given)
    except Exception:
        return None


def _unbuilt(name: str, kind: type[Pruner]) -> Subject:
    return Subject(name, name, kind, None, schedule_named("plain"))


def _own(pruner: Pruner) -> Subject:
    """Return the subject of an unregistered pruner."""
    kind = type(pruner)
    changed = [f"{f.name}={getattr(pruner, f.name)}" for f in fields(pruner) if getattr(pruner, f.name) != f.default]
    name = f"{kind.__name__}[{','.join(changed)}]" if changed else kind.__name__
    losses = _attempted(lambda: schedule_named(pruner.loss)) or schedule_named("plain")
    return Subject(name, kind.__name__, kind, pruner, losses)


def parameters_of(pruner: Pruner) -> dict[str, Any]:
    """Return the parameters by name."""
    return {field.name: getattr(pruner, field.name) for field in fields(pruner)}


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
    values = None if subject.pruner is None else parameters_of(subject.pruner)
    try:
        pickled = pickle.dumps((subject.name, subject.method, values, subject.losses))
    except Exception as error:
        raise UsageError(
            f"the parameters of {subject.name} cannot be sent to another process: {type(error).__name__}: {error}",
            fix="use texts, numbers, booleans and Literals as parameters",
        ) from error
    return {
        "path": [folder for folder in sys.path if folder],
        "module": kind.__module__,
        "file": getattr(module, "__file__", None),
        "class": kind.__qualname__,
        "pickled": base64.b64encode(pickled).decode(),
    }


def _can_be_imported(module: ModuleType | None) -> bool:
    """Return whether another process can import the module: by its file, or, if it is not the main one, by its name."""
    file = getattr(module, "__file__", None)
    if file is not None and Path(file).is_file():
        return True
    return module is not None and module.__name__ != "__main__" and getattr(module, "__spec__", None) is not None


def subject_from(recipe: Mapping[str, Any]) -> tuple[Subject, Imported]:
    """Return the subject that `recipe_of` describes, its module imported now, and what the import did besides."""
    sys.path += [folder for folder in recipe["path"] if folder not in sys.path]
    before = global_state()
    with RECORDER.listening():
        subject = _built(recipe)
    found = state_changes(before, global_state())
    changed = [change for change in found if not change.startswith(_CHANGED_BY_LIBRARIES)]
    return subject, Imported(tuple(changed), tuple(RECORDER.connected))


def _built(recipe: Mapping[str, Any]) -> Subject:
    kind = attrgetter(recipe["class"])(_module(recipe["module"], recipe["file"]))
    assert isinstance(kind, type)
    assert issubclass(kind, Pruner)
    name, method, values, losses = pickle.loads(base64.b64decode(recipe["pickled"]))  # noqa: S301 - of our own parent
    return Subject(name, method, kind, None if values is None else kind(**values), losses)


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
