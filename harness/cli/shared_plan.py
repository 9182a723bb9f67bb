"""From the options that `run` and `tune` share to a configuration and a plan."""

import shlex
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from harness.cli.messages import show_notes
from harness.errors import UsageError
from harness.storage.databases import shown_address

_ADDRESSES = ("--storage", "--tracking-uri")

if TYPE_CHECKING:
    from harness.planning.configuration import Configuration
    from harness.planning.plan import Plan
    from harness.planning.planner import Flags
    from harness.progress import Reporter


def configuration_of(
    preset: str, config: Path | None, assign: list[str] | None, given: Mapping[str, Any]
) -> "Configuration":
    """Return the configuration of preset, file, ``--set`` and the options that were ``given`` (None: was not)."""
    from harness.planning.configuration_file import load_configuration

    return load_configuration(preset, config, assign or [], _without_none(given))


def _without_none(given: Mapping[str, Any]) -> dict[str, Any]:
    kept = {name: _without_none(value) if isinstance(value, Mapping) else value for name, value in given.items()}
    return {name: value for name, value in kept.items() if value is not None and value != {}}


def planned(options: "Configuration", flags: "Flags", reporter: "Reporter", *, dry_run: bool) -> "Plan":
    """Return the plan, and say what a user must know of it. A dry run downloads nothing."""
    from harness.cli.downloads import downloads
    from harness.planning.planner import build_plan

    plan, notes = build_plan(options, flags, downloads(reporter, dry_run=dry_run))
    show_notes(plan, notes)
    return plan


def methods_of(text: str | None) -> list[str] | None:
    """Return the methods of a comma-separated list."""
    from harness.planning.entry_text import split_list

    return None if text is None else split_list(text)


def numbers_of(text: str | None) -> list[float | str] | None:
    """Return the numbers of a comma-separated list; what is none stays text, for the configuration to refuse."""
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    return [float(part) if _is_number(part) else part for part in parts]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def seeds_of(text: str | None) -> int | list[int] | None:
    """Return a number of seeds, or a list of them. Raises `UsageError`."""
    if text is None:
        return None
    try:
        seeds = [int(part) for part in text.rstrip(", ").split(",")]
    except ValueError:
        raise UsageError(f"--seeds {text!r} is neither a number nor a list", fix="write 5 or 0,3,7") from None
    return seeds if "," in text else seeds[0]


def command_line() -> str:
    """Return the command as it was typed, without who logs in where: it is published."""
    shown, secret = [], False
    for argument in sys.argv[1:]:
        option, sign, value = argument.partition("=")
        if secret:
            shown.append(shown_address(argument))
        elif sign and option in _ADDRESSES:
            shown.append(f"{option}={shown_address(value)}")
        else:
            shown.append(argument)
        secret = argument in _ADDRESSES
    return shlex.join(["harness", *shown])
