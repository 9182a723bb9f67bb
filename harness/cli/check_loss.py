"""`harness check` of a loss: does it keep the rules of losses? One line a rule."""

from collections.abc import Iterator
from typing import Any

from harness import plugins
from harness.cli.messages import show
from harness.errors import UsageError, nearest
from harness.results.names import DENSE


def is_loss(name: str) -> bool:
    """Return whether a loss, and no method, is registered under ``name``."""
    return name in plugins.available(plugins.LOSSES) and name not in plugins.available(plugins.PRUNERS)


def refuse_unknown(name: str) -> None:
    """Raise `UsageError` where neither a method nor a loss is called ``name``, written with or without parameters."""
    methods, losses = (plugins.available(group) for group in (plugins.PRUNERS, plugins.LOSSES))
    method = name.partition("[")[0].strip()
    if method != name and is_loss(method):
        raise UsageError("a loss is checked as it is registered", fix=f"`harness check {method}`, without parameters")
    if method not in {*methods, *losses, DENSE}:
        raise UsageError(
            f"no method or loss is called {method!r}{nearest(method, [*methods, *losses])}",
            fix=f"use one of: {', '.join([*methods, *losses])}",
        )


def loss_rows(name: str, only: str | None, *, quiet: bool) -> list[dict[str, Any]]:
    """Return a row for each rule of losses, or for ``only`` one, shown unless ``quiet``. Raises `UsageError`.

    A loss of another distribution is imported and tried in a process of its own.
    """
    from harness.losses.rules import RULES

    rules = {rule.__name__: rule.__doc__ or "" for rule in RULES}
    if only is not None and only not in rules:
        raise UsageError(f"losses have no check {only!r}{nearest(only, rules)}", fix=f"use one of: {', '.join(rules)}")
    if not quiet:
        show(f"{name}: {1 if only else len(rules)} checks")
    rows = [row for row in _rows(name, rules) if only in (None, row["check"]) or row["status"] == "failed"]
    for row in () if quiet else rows:
        show(f"  {'ok     ' if row['status'] == 'ok' else 'FAILED '} {row['check']}")
        if row["status"] == "failed":
            show(f"      what:  {row['what']}\n      why:   {row['why']}")
    return rows


def _rows(name: str, rules: dict[str, str]) -> Iterator[dict[str, Any]]:
    from harness.losses.registered import outcomes
    from harness.plugin_process import ask

    try:
        found = ask(plugins.available(plugins.LOSSES)[name], outcomes, name)
    except UsageError as error:
        found = [("can_be_asked", error.message)]
    for rule, what in found:
        row = {"loss": name, "check": rule, "level": "core", "status": "failed" if what else "ok"}
        why = rules.get(rule, "it can be imported and asked").strip().partition("\n")[0]
        yield row | ({"what": what, "why": why} if what else {})
