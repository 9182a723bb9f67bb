"""`harness check`: does a method, a network, a loss or a data set keep its rules? Exit code 6 where a check fails."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from harness import plugins
from harness.cli.check_dataset import dataset_rows, is_dataset
from harness.cli.check_loss import is_loss, loss_rows
from harness.cli.check_network import is_network, network_rows
from harness.cli.completions import checked
from harness.cli.loudness import reporter, speak
from harness.cli.messages import show, show_json
from harness.cli.options import DataDirOption, JsonOption, QuietOption
from harness.errors import UsageError, nearest
from harness.networks.registered import TORCHVISION
from harness.results.names import DENSE, PROBE

if TYPE_CHECKING:
    from harness.testing.case.subject import Subject
    from harness.testing.check import Check
    from harness.testing.checks.registry import CheckOutcome

ANSWERED_NO = 6

_MARKS = {"ok": "ok     ", "failed": "FAILED ", "skipped": "skipped"}


def check(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            autocompletion=checked,
            help="A registered method, such as 'lt[rate=0.75]', a network, a loss or a data set.",
        ),
    ] = None,
    full: Annotated[bool, typer.Option("--full", help="Run the slower checks, too.")] = False,
    only: Annotated[str | None, typer.Option("--only", metavar="CHECK", help="Run one check.")] = None,
    limit: Annotated[
        float, typer.Option("--limit", metavar="SECONDS", min=1, help="Kill a check that takes longer.")
    ] = 60.0,
    list_checks: Annotated[bool, typer.Option("--list", help="Show all checks and what they catch.")] = False,
    data_dir: DataDirOption = None,
    as_json: JsonOption = False,
    quiet: QuietOption = False,
) -> None:
    """Check that a method, a network, a loss or a data set keeps to its interface, rule by rule."""
    speak(quiet=quiet)
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
    if is_dataset(name):
        found = _shown(name, dataset_rows(name, only, data_dir), quiet=as_json)
    else:
        _refuse_unknown(name)
        found = _rows(name, only, limit, full=full, quiet=as_json)
    _conclude(found, as_json=as_json)


def _refuse_unknown(name: str) -> None:
    """Raise `UsageError` where nothing that has checks is called ``name``, written with or without parameters."""
    groups = (plugins.PRUNERS, plugins.NETWORKS, plugins.LOSSES, plugins.DATASETS)
    known = dict.fromkeys(one for group in groups for one in plugins.available(group))
    plain = name.partition("[")[0].strip()
    if plain not in {*known, DENSE} and not plain.startswith(TORCHVISION):
        raise UsageError(
            f"no method, network, loss or data set is called {plain!r}{nearest(plain, known)}",
            fix=f"use one of: {', '.join(known)}",
        )
    if plain != name and (is_loss(plain) or is_network(plain)):
        raise UsageError(f"{plain} is checked as it is registered", fix=f"`harness check {plain}`, without parameters")


def _rows(name: str, only: str | None, limit: float, *, full: bool, quiet: bool) -> list[dict[str, Any]]:
    """Return a row for each check of what ``name`` is, shown unless ``quiet``."""
    if is_network(name):
        return _shown(name, network_rows(name, only), quiet=quiet)
    if is_loss(name):
        return loss_rows(name, only, quiet=quiet)
    from harness.testing import check_named, checks
    from harness.testing.case.subject import subjects

    chosen = [check_named(only)] if only else list(checks("full" if full else "core"))
    return [row for subject in subjects(name) for row in _checked(subject, chosen, limit, quiet=quiet)]


def _shown(name: str, found: "list[tuple[dict[str, Any], CheckOutcome]]", *, quiet: bool) -> list[dict[str, Any]]:
    """Return the rows of a network or a data set, shown unless ``quiet``."""
    if not quiet:
        show(f"{name}: {len(found)} checks")
    for row, outcome in [] if quiet else found:
        _show_outcome(row["check"], outcome, row.get("why", ""), outcome.fix)
    return [row for row, _ in found]


def _conclude(rows: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        show_json(rows)
    else:
        counts = {status: sum(row["status"] == status for row in rows) for status in _MARKS}
        show(f"{counts['ok']} ok, {counts['failed']} failed, {counts['skipped']} skipped")
    if any(row["status"] == "failed" for row in rows):
        raise typer.Exit(ANSWERED_NO)


def _show_checks(found: "Sequence[Check]", *, as_json: bool) -> None:
    if as_json:
        show_json([{"check": c.name, "level": c.level, "catches": c.catches} for c in found])
        return
    for each in found:
        show(f"{each.name} ({each.level})\n    catches {each.catches}")


def _checked(subject: "Subject", chosen: "Sequence[Check]", limit_s: float, *, quiet: bool) -> list[dict[str, Any]]:
    """Return a row for each check, shown as soon as it is known; ``quiet``: only progress, on stderr."""
    from harness.testing.outcome import outcome_of

    rows = []
    if not quiet:
        show(f"{subject}: {len(chosen)} checks")
    with reporter().task(f"checking {subject}", len(chosen), "checks") as task:
        for done, each in enumerate(chosen, start=1):
            outcome = outcome_of(each, subject, limit_s)
            rows.append(_row(subject, each, outcome))
            task.update(done)
            if not quiet:
                _show_outcome(each.name, outcome, *outcome.advice(each))
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


def _show_outcome(name: str, outcome: "CheckOutcome", why: str, fix: str) -> None:
    sentence = f": {outcome.what}" if outcome.status == "skipped" else ""
    show(f"  {_MARKS[outcome.status]} {name}{sentence}")
    if outcome.status != "failed":
        return
    parts = {"what": outcome.what, "where": outcome.where, "why": why and f"it catches {why}", "fix": fix}
    for part, text in parts.items():
        if text:
            show(f"      {part + ':':<7}{text}")
    if outcome.detail:
        show("\n".join(f"      | {line}" for line in outcome.detail.rstrip().splitlines()))
