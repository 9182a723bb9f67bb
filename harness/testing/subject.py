"""The method under test, and how another process gets the same one."""

import base64
import importlib
import importlib.util
import pickle
import sys
from collections.abc import Mapping
from dataclasses import dataclass, fields
from operator import attrgetter
from types import ModuleType
from typing import Any

from harness.entries import Entry, build_pruner, entry_of
from harness.errors import UsageError
from harness.loss_schedule import SCHEDULES, LossSchedule
from harness.pruner import Pruner
from harness.selection import resolve

_MAIN = "__mp_main__"
"""The name under which multiprocessing, too, imports the file that a user started."""


@dataclass(frozen=True)
class Subject:
    """A pruner with its name and loss schedule; ``registered`` tells whether ``method`` is an entry point."""

    name: str
    method: str
    pruner: Pruner
    losses: LossSchedule
    registered: bool

    def __str__(self) -> str:
        return self.name


def subjects(method: Any) -> list[Subject]:
    """Return what to check for a pruner, a class, an entry's text, or a name, which stands for all its variants.

    Raises `UsageError` where there is no such method, or it cannot be built.
    """
    if isinstance(method, Subject):
        return [method]
    if isinstance(method, str):
        return [_registered(entry) for entry in _entries(method)]
    if isinstance(method, type) and issubclass(method, Pruner):
        return [_own(_built(method, variant)) for variant in method.variants]
    if isinstance(method, Pruner):
        return [_own(method)]
    raise UsageError(
        f"{method!r} is no method", fix="give a Pruner, a Pruner class, a registered name or lt[rate=0.75]"
    )


def _entries(text: str) -> list[Entry]:
    if "[" in text:
        return resolve([text], {}, None)[0]
    return [entry_of(text, variant) for variant in type(build_pruner(text, {})).variants]


def _registered(entry: Entry) -> Subject:
    return Subject(entry.text, entry.method, entry.pruner(), entry.loss, registered=True)


def _built(kind: type[Pruner], variant: Mapping[str, Any]) -> Pruner:
    try:
        return kind(**variant)
    except Exception as error:
        raise UsageError(
            f"{kind.__name__} cannot be built from {dict(variant)}: {type(error).__name__}: {error}",
            fix="give each field a default, or name all the others in `variants`",
        ) from error


def _own(pruner: Pruner) -> Subject:
    """Return the subject of an unregistered pruner; an unknown loss is for a check to report, not for us."""
    kind = type(pruner)
    changed = [f"{f.name}={getattr(pruner, f.name)}" for f in fields(pruner) if getattr(pruner, f.name) != f.default]
    name = f"{kind.__name__}[{','.join(changed)}]" if changed else kind.__name__
    try:
        losses = SCHEDULES.get(pruner.loss, SCHEDULES["plain"])
    except Exception:
        losses = SCHEDULES["plain"]
    return Subject(name, kind.__name__, pruner, losses, registered=False)


def packed(subject: Subject) -> dict[str, Any]:
    """Return the subject as JSON from which another process builds the same. Raises `UsageError` where it cannot."""
    kind = type(subject.pruner)
    module = sys.modules[kind.__module__]
    if "<locals>" in kind.__qualname__:
        raise UsageError(
            f"{kind.__qualname__} is defined inside a function, where no other process finds it",
            fix="define the class at the top level of a module",
        )
    values = {field.name: getattr(subject.pruner, field.name) for field in fields(subject.pruner)}
    try:
        pickled = base64.b64encode(pickle.dumps((values, subject.losses))).decode()
    except Exception as error:
        raise UsageError(
            f"the parameters of {subject.name} cannot be sent to another process: {type(error).__name__}: {error}",
            fix="use numbers, texts, and lists of them as parameters",
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


def unpacked(packed: Mapping[str, Any]) -> Subject:
    """Return the subject that `packed` describes, its module imported now."""
    sys.path += [folder for folder in packed["path"] if folder not in sys.path]
    kind = attrgetter(packed["class"])(_module(packed["module"], packed["file"]))
    assert isinstance(kind, type)
    assert issubclass(kind, Pruner)
    values, losses = pickle.loads(base64.b64decode(packed["values"]))  # noqa: S301 - our own parent wrote it
    return Subject(packed["name"], packed["method"], kind(**values), losses, packed["registered"])


def _module(name: str, file: str | None) -> ModuleType:
    """Import a module by name, or from its file: test modules are not on the path."""
    if name != "__main__":
        try:
            return importlib.import_module(name)
        except ModuleNotFoundError:
            if file is None:
                raise
    assert file is not None, "a method typed at a prompt has no file that another process could read"
    name = _MAIN if name == "__main__" else name
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
