"""What decides bits in a job's process, held against what it was before any method was imported."""

import functools
from collections.abc import Callable
from typing import Any

from torch import Tensor

from harness.data.image_split import Images, ImageSplit, Rows
from harness.pruning.workbench import Workbench
from harness.running.process_state import Code, deciding_state, state_changes

_SHOWN = 3


class StateMoved(Exception):  # noqa: N818
    """A method changed what decides bits; the text says what, from what to what."""


class Cage:
    """The settings, the code and the images of this process as they are now; `check` compares."""

    def __init__(self) -> None:
        self._state, self._code = deciding_state(), Code()
        self._tensors: list[Tensor] = []
        self._places: list[tuple[Any, ...]] = []
        self._moved = ""

    def watch(self, *splits: ImageSplit) -> None:
        """Look after the images and labels of these splits, too."""
        self._tensors += [tensor for split in splits for tensor in (*_tensors(split.images), split.labels)]
        self._places = [*map(_place, self._tensors)]

    def check(self) -> None:
        """Raise `StateMoved` where anything is not what it was, and from then on."""
        self._moved = self._moved or _named(self._changes())
        if self._moved:
            advice = "; draw from `bench.generator`" if "random state" in self._moved else ""
            raise StateMoved(f"the method changed {self._moved}: it decides results, so nothing was kept{advice}")

    def _changes(self) -> list[str]:
        images = ["the images of a split"] if [*map(_place, self._tensors)] != self._places else []
        return [*state_changes(self._state, deciding_state()), *self._code.changes(), *images]


def _tensors(images: Images) -> tuple[Tensor, ...]:
    return (images.source, images.rows) if isinstance(images, Rows) else (images,)


def _place(tensor: Tensor) -> tuple[Any, ...]:
    """Return where a tensor's memory, which is read-only, is seen, and how."""
    return tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype


def _named(changes: list[str]) -> str:
    more = [f"{len(changes) - _SHOWN} more"] if len(changes) > _SHOWN else []
    return ", ".join([*changes[:_SHOWN], *more])


@functools.cache
def cage() -> Cage:
    """Return this process's cage, made on the first call: before any method is imported, and before it is forked."""
    return Cage()


def unchanged(bench: Workbench) -> Callable[[], None]:
    """Return the check that a bench's own parts are those that it was made with."""
    parts = dict(vars(bench))

    def check() -> None:
        changed = [name for name, part in parts.items() if vars(bench).get(name) is not part]
        if changed:
            raise StateMoved(f"the method changed {_named(changed)} of its bench, so nothing of this was kept")

    return check
