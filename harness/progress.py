"""Long work shows progress on stderr: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar

from harness.outgoing.visible import visible, visible_lines

EVERY_S = 5.0

Progress = Callable[[int, int], None]
"""Is told how many units are done, and of how many."""


class Reporter:
    """Counts units of one task at a time and prints notes above the bar."""

    def __init__(self, console: Console) -> None:
        self.console = console
        self._bar: Bar | None = None

    def note(self, text: str, style: str = "") -> None:
        """Print a line, or several; nothing in them commands the terminal."""
        shown = visible_lines(text)
        self.console.print(shown, style=style, markup=False, highlight=False, emoji=False, soft_wrap=True)

    @contextmanager
    def task(self, name: str, total: int | None, unit: str) -> Iterator["Task"]:
        """Show ``name`` until the block ends, however it ends; ``total`` None: not known yet."""
        if not self.console.is_terminal:
            yield Task(self, name, total, unit)
            return
        columns = (
            TextColumn("{task.description}", markup=False),  # "lt[rate=0.5]" is no style
            BarColumn(bar_width=24),
            MofNCompleteColumn(),
            TextColumn(unit),
            TimeElapsedColumn(),
        )
        try:
            with Bar(*columns, console=self.console, transient=True) as self._bar:
                self._bar.add_task(visible(name), total=total)
                yield Task(self, name, total, unit)
        finally:
            self._bar = None

    def advance_bar(self, done: int, total: int | None) -> bool:
        """Move the bar, if there is one."""
        if self._bar is None:
            return False
        self._bar.update(self._bar.task_ids[0], completed=done, total=total)
        return True


class Task:
    """One counted task."""

    def __init__(self, reporter: Reporter, name: str, total: int | None, unit: str) -> None:
        self.reporter, self.name, self.total, self.unit = reporter, name, total, unit
        self._last = time.monotonic()
        self._done = 0

    def one_more(self) -> None:
        """Say that one more unit is done."""
        self.update(self._done + 1)

    def update(self, done: int, total: int | None = None) -> None:
        """Say that ``done`` units are done; without a terminal a line every few seconds."""
        self._done, self.total = done, total or self.total
        if self.reporter.advance_bar(done, self.total):
            return
        if time.monotonic() - self._last >= EVERY_S:
            self._last = time.monotonic()
            count = str(done) if self.total is None else f"{done} of {self.total}"
            self.reporter.note(f"{self.name}: {count} {self.unit}")
