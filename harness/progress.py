"""Long work shows progress on stderr: a bar on a terminal, plain lines elsewhere."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Column
from rich.text import Text

from harness.outgoing.visible import visible, visible_lines

EVERY_S = 5.0
GROWTH = 0.02
"""Of the time that a task takes already, between two plain lines: eight hours give some 300 of them."""

Progress = Callable[[int, int], None]
"""Is told how many units are done, and of how many."""


class Reporter:
    """Counts units of one task at a time and prints notes above the bar.

    ``quiet``: warnings alone; ``verbose``: details, too.
    """

    def __init__(self, console: Console, *, quiet: bool = False, verbose: bool = False) -> None:
        self.console, self.quiet, self.verbose = console, quiet, verbose
        self._bar: _Bar | None = None

    def note(self, text: str, style: str = "") -> None:
        """Print a line, or several; nothing in them commands the terminal."""
        if not self.quiet:
            self.warn(text, style)

    def detail(self, text: str) -> None:
        """Print what only who asked for every step wants to know."""
        if self.verbose:
            self.note(text, "dim")

    def warn(self, text: str, style: str = "yellow") -> None:
        """Print a note that has weight: a quiet reporter prints it, too."""
        shown = visible_lines(text)
        self.console.print(shown, style=style, markup=False, highlight=False, emoji=False, soft_wrap=True)

    @contextmanager
    def task(self, name: str, total: int | None, unit: str) -> Iterator["Task"]:
        """Show ``name`` until the block ends, however it ends; ``total`` None: not known yet."""
        if self.quiet or not self.console.is_terminal:
            yield Task(self, name, total, unit)
            return
        try:
            with _Bar(*_columns(unit), console=self.console, transient=True) as self._bar:
                self._bar.add_task(visible(name), total=total, left="")
                yield Task(self, name, total, unit)
        finally:
            self._bar = None

    def advance_bar(self, done: int, total: int | None, left: str = "", lines: Sequence[str] = ()) -> bool:
        """Move the bar, if there is one, and change what is below it."""
        if self._bar is None:
            return False
        self._bar.lines = tuple(lines)
        self._bar.update(self._bar.task_ids[0], completed=done, total=total, left=left)
        return True


class _Bar(Bar):
    """A bar with lines below it, each cut at the terminal's edge."""

    lines: Sequence[str] = ()

    def get_renderables(self) -> Iterable[RenderableType]:
        yield from super().get_renderables()
        yield from (Text(f"  {visible(line)}", no_wrap=True, overflow="ellipsis") for line in self.lines)


def _columns(unit: str) -> tuple[TextColumn | BarColumn | MofNCompleteColumn | TimeElapsedColumn, ...]:
    """Return a bar's columns: where they are too wide, its name is cut and nothing wraps."""
    fixed = Column(no_wrap=True, min_width=0)
    return (
        TextColumn("{task.description}", markup=False, table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
        BarColumn(bar_width=14),
        MofNCompleteColumn(table_column=fixed.copy()),
        TextColumn(unit, table_column=fixed.copy()),
        TimeElapsedColumn(table_column=fixed.copy()),
        TextColumn("{task.fields[left]}", table_column=fixed.copy()),
    )


class Task:
    """One counted task."""

    def __init__(self, reporter: Reporter, name: str, total: int | None, unit: str) -> None:
        self.reporter, self.name, self.total, self.unit = reporter, name, total, unit
        self._began = self._last = time.monotonic()
        self._done = 0
        self._left = ""
        self._lines: Sequence[str] = ()

    def one_more(self) -> None:
        """Say that one more unit is done."""
        self.update(self._done + 1)

    def update(self, done: int, total: int | None = None) -> None:
        """Say that ``done`` units are done; without a terminal a line now and then."""
        self._done, self.total = done, total or self.total
        self._show()

    def within(self, left: float | None, lines: Sequence[str] = ()) -> None:
        """Say what is done now, a line each, and how many seconds are left; None: not known."""
        self._left = "" if left is None else f"about {about(left)} left"
        self._lines = lines
        self._show()

    def _show(self) -> None:
        if self.reporter.advance_bar(self._done, self.total, self._left, self._lines):
            return
        now = time.monotonic()
        if now - self._last >= max(EVERY_S, GROWTH * (now - self._began)):
            self._last = now
            count = str(self._done) if self.total is None else f"{self._done} of {self.total}"
            left = f", {self._left}" if self._left else ""
            lines = (f"  {cut(visible(line), self.reporter.console.width - 2)}" for line in self._lines)
            self.reporter.note("\n".join([f"{self.name}: {count} {self.unit}{left}", *lines]))


def cut(text: str, width: int) -> str:
    """Return a text that is at most ``width`` characters long."""
    return text if len(text) <= width else f"{text[: max(width - 1, 0)]}…"


def about(seconds: float) -> str:
    """Return a time to come in words, no finer than anybody could know it."""
    if seconds < 57.5:
        return f"{max(5 * round(seconds / 5), 5)} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    tens = 10 * round(minutes / 10) if minutes >= 100 else minutes
    return hours(60 * tens)


def hours(seconds: float) -> str:
    """Return a time that is over: ``9 s``, ``11 min 20 s``, ``2 h 5 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min" + (f" {whole % 60} s" if whole % 60 else "")
    minutes = round(whole / 60)
    return f"{minutes // 60} h" + (f" {minutes % 60} min" if minutes % 60 else "")
