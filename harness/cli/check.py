"""`harness check`: does a method keep to the interface? One line a check; exit code 6 where one fails."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness.cli.messages import show
from harness.cli.options import JsonOption
from harness.errors import UsageError
from harness.results.names import PROBE

if TYPE_CHECKING:
    from harness.testing.case.subject import Subject
    from harness.testing.check import Check
    from harness.testing.checks.registry import CheckOutcome

ANSWERED_NO = 6

_MARKS = {"ok": "ok     ", "failed": "FAILED ", "skipped": "skipped"}


def check(
    name: Annotated[
        str | None, typer.Argument(help="A registered method, or one with parameters: 'lt[rate=0.75]'.")
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Run the slower checks, too.")] = False,
    only: Annotated[str | None, typer.Option("--only", metavar="CHECK", help="Run one check.")] = None,
    limit: Annotated[
        float, typer.Option("--limit", metavar="SECONDS", min=1, help="Kill a check that takes longer.")
    ] = 60.0,
    list_checks: Annotated[bool, typer.Option("--list", help="Show all checks and what they catch.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Check that a method keeps to the interface: density, determinism, isolation, honest cost, resuming."""
    from harness.testing import check_named, checks

    if list_checks:
        if name is not None:
            raise UsageError("--list shows the checks of every method and takes none", fix="`harness check --list`")
        _show_checks([check_named(only)] if only else checks("full"), as_json=as_json)
        return
    if name is None:
        raise UsageError("no method is named", fix="give one: `harness check lt`; `harness list methods` shows all")
    if name == PROBE:
        raise UsageError(f"{PROBE} is a reference of every run and no method", fix="`harness list methods` shows all")
    from harness.testing.case.subject import subjects

    chosen = [check_named(only)] if only else list(checks("full" if full else "core"))
    rows = [row for subject in subjects(name) for row in _checked(subject, chosen, limit, quiet=as_json)]
    if as_json:
        show(json.dumps(rows, indent=1))
    else:
        counts = {status: sum(row["status"] == status for row in rows) for status in _MARKS}
        show(f"{counts['ok']} ok, {counts['failed']} failed, {counts['skipped']} skipped")
    if any(row["status"] == "failed" for row in rows):
        raise typer.Exit(ANSWERED_NO)


def _show_checks(found: "Sequence[Check]", *, as_json: bool) -> None:
    if as_json:
        show(json.dumps([{"check": c.name, "level": c.level, "catches": c.catches} for c in found], indent=1))
        return
    for each in found:
        show(f"{each.name} ({each.level})\n    catches {each.catches}")


def _checked(subject: "Subject", chosen: "Sequence[Check]", limit_s: float, *, quiet: bool) -> list[dict[str, Any]]:
    """Return a row for each check, shown as soon as it is known; ``quiet``: only progress, on stderr."""
    from rich.console import Console

    from harness.progress import Reporter
    from harness.testing.outcome import outcome_of

    rows = []
    if not quiet:
        show(f"{subject}: {len(chosen)} checks")
    with Reporter(Console(stderr=True)).task(f"checking {subject}", len(chosen), "checks") as task:
        for done, each in enumerate(chosen, start=1):
            outcome = outcome_of(each, subject, limit_s)
            rows.append(_row(subject, each, outcome))
            task.update(done)
            if not quiet:
                _show_outcome(each, outcome)
    return rows


def _row(subject: "Subject", each: "Check", outcome: "CheckOutcome") -> dict[str, Any]:
    row = {"method": str(subject), "check": each.name, "level": each.level, "status": outcome.status}
    if outcome.status == "skipped":
        return {**row, "what": outcome.what}
    if outcome.status == "failed":
        why, fix = outcome.advice(each)
        parts = {"kind": outcome.kind, "what": outcome.what, "where": outcome.where, "detail": outcome.detail}
        return {**row, **parts, "why": why, "fix": fix}
    return row


def _show_outcome(each: "Check", outcome: "CheckOutcome") -> None:
    sentence = f": {outcome.what}" if outcome.status == "skipped" else ""
    show(f"  {_MARKS[outcome.status]} {each.name}{sentence}")
    if outcome.status != "failed":
        return
    why, fix = outcome.advice(each)
    parts = {"what": outcome.what, "where": outcome.where, "why": why and f"it catches {why}", "fix": fix}
    for part, text in parts.items():
        if text:
            show(f"      {part + ':':<7}{text}")
    if outcome.detail:
        show("\n".join(f"      | {line}" for line in outcome.detail.rstrip().splitlines()))
