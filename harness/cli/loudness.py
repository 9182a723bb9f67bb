"""How much a command says on stderr: with --quiet errors and warnings alone, with --verbose every stage and place."""

from typing import TYPE_CHECKING

from rich.console import Console

from harness.errors import UsageError

if TYPE_CHECKING:
    from harness.progress import Reporter

_ASKED = {"quiet": False, "verbose": False}


def speak(*, quiet: bool, verbose: bool = False) -> None:
    """Set how much this command says from now on. Raises `UsageError` for both at once."""
    if quiet and verbose:
        raise UsageError("--quiet and --verbose exclude each other", fix="leave one of them out")
    _ASKED.update(quiet=quiet, verbose=verbose)


def is_quiet() -> bool:
    """Return whether only errors and warnings are said."""
    return _ASKED["quiet"]


def reporter() -> "Reporter":
    """Return who tells of progress on stderr, as much as was asked for."""
    from harness.progress import Reporter

    return Reporter(Console(stderr=True), **_ASKED)


def tell_places(**places: object) -> None:
    """Say which versions are at work, and each place by its name, where that was asked for."""
    if not _ASKED["verbose"]:
        return
    from harness.environment import versions

    telling = reporter()
    telling.detail(f"versions: {', '.join(f'{name} {version}' for name, version in versions().items())}")
    for name, place in places.items():
        if place is not None:
            telling.detail(f"{name.replace('_', ' ')}: {place}")
