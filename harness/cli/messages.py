"""What a run says: results on stdout, and on stderr what a user must know before it starts and after it ends."""

import json
import math
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Console, RenderableType

from harness.cli.loudness import is_quiet
from harness.outgoing.visible import visible_lines

if TYPE_CHECKING:
    from harness.integrity.finding import Finding
    from harness.planning.plan import Plan
    from harness.results.reading import Results
    from harness.running.run import Summary

_MARKS = {"ok": "ok  ", "note": "note", "bad": "BAD "}
_INDENT = " " * 15


def say(text: str, style: str) -> None:
    """Print a text to stderr, unwrapped, so that it can be searched for; nothing in it commands the terminal."""
    shown = visible_lines(text)
    Console(stderr=True, soft_wrap=True).print(shown, style=style, markup=False, highlight=False, emoji=False)


def note(text: str) -> None:
    """Say on stderr what is good to know and no warning; nothing with --quiet."""
    if not is_quiet():
        say(f"note: {text}", "yellow")


def show(what: RenderableType) -> None:
    """Print to stdout, a text so that every character shows.

    A reader that has gone away (`harness report | head`) is no error.
    """
    if isinstance(what, str):
        what = visible_lines(what)
    else:
        console = Console()
        with console.capture() as captured:  # rich would turn a closed pipe into exit code 1
            console.print(what, end="")
        what = captured.get().rstrip("\n")
    try:
        print(what, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show_json(value: Any) -> None:
    """Print a value to stdout as strict JSON: what is no finite number is null, and a path its text."""
    show(json.dumps(_strict(value), indent=1, allow_nan=False, default=str))


def _strict(value: Any) -> Any:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: _strict(one) for name, one in value.items()}
    return [_strict(one) for one in value] if isinstance(value, list | tuple) else value


def show_finding(finding: "Finding") -> None:
    """Print one thing that was looked at, and below it what mends it."""
    show(f"{_MARKS[finding.verdict]} {finding.subject:<10}{finding.text}")
    for line in finding.remedy.splitlines():
        show(f"{_INDENT}{line}")


def show_notes(plan: "Plan", notes: list[str]) -> None:
    """Say first what is not as the user may think: duplicates, stand-in or partial data."""
    for text in notes:
        note(text)
    if plan.data.fallback_for:
        say(_fallback_banner(plan), "bold red")
    for split, found, expected in plan.data.missing:
        text = f"PARTIAL DATA: {plan.data.name} {split} has {found} of {expected} images; stamped on every result"
        say(text, "bold yellow")


def show_damage(results: "Results") -> None:
    """Name the results that are not shown, since a file of theirs is not as it was logged."""
    for line in results.damage:
        say(f"DAMAGED in MLflow: {line}", "bold red")
    if results.damage:
        say("To fix it: give the `harness run` or `harness tune` that made them again; it logs just these anew.", "red")


def _fallback_banner(plan: "Plan") -> str:
    wanted = plan.data.fallback_for
    return (
        f"SIMULATED DATA: {plan.data.fallback_reason}; so this run uses {plan.data.name}.\n"
        f"No number below is a result on {wanted}. For real ones: `harness data fetch {wanted}`, or put the images\n"
        f"into <data folder>/{wanted}/ (--data-dir or HARNESS_DATA); --real-only stops instead."
    )


def tell_unshared(plan: "Plan", stages: int) -> None:
    """Say that stages are on this machine alone, where they are."""
    if stages:
        text = f"{stages} stages are kept in {plan.store} but not yet in {plan.shared}."
        say(f"{text} Run the same command again when it answers.", "red")


def show_end(plan: "Plan", summary: "Summary") -> None:
    """Say last what must not be overlooked."""
    if summary.failed:
        say(f"{len(summary.failed)} cells failed; the report lists them with their reasons.", "red")
    if summary.unpublished:
        text = f"{len(summary.unpublished)} results are kept in {plan.store} but not published to MLflow."
        say(f"{text} Run the same command again when it answers.", "red")
    tell_unshared(plan, summary.unshared)
    if plan.data.fallback_for:
        say(_fallback_banner(plan), "bold red")
