"""`harness list`: what is installed, from metadata alone; with a check, whether each imports."""

from typing import Annotated

import typer

from harness import plugins
from harness.cli.completions import one_of
from harness.cli.messages import show, show_json
from harness.cli.options import JsonOption
from harness.errors import UsageError, nearest
from harness.results.method_facts import family_of

_GROUPS = {
    "methods": plugins.PRUNERS,
    "datasets": plugins.DATASETS,
    "networks": plugins.NETWORKS,
    "losses": plugins.LOSSES,
}
_KINDS = (*_GROUPS, "presets")


def list_(
    what: Annotated[
        str | None,
        typer.Argument(
            metavar="KIND",
            autocompletion=one_of(*_KINDS),
            help="methods, datasets, networks, losses or presets; default: all.",
        ),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="Import each plugin and show why one fails.")] = False,
    as_json: JsonOption = False,
) -> None:
    """List what is installed, by entry-point metadata alone."""
    rows = listing(what, check=check)
    if as_json:
        show_json(rows)
    else:
        show("\n".join(listing_lines(rows)))
    if any(row.get("check", "ok") != "ok" for row in rows):
        raise typer.Exit(3)


def listing(what: str | None, *, check: bool) -> list[dict[str, str]]:
    """Return a row (kind, name, source, a method's family, and with ``check`` whether it imports) for each.

    ``what``: methods, datasets, networks, losses, presets, or None for all. Raises `UsageError` for anything else.
    """
    if what is not None and what not in _KINDS:
        raise UsageError(f"cannot list {what!r}{nearest(what, _KINDS)}", fix=f"use one of: {', '.join(_KINDS)}")
    return [row for kind in _KINDS if what in (None, kind) for row in _rows(kind, check=check)]


def listing_lines(rows: list[dict[str, str]]) -> list[str]:
    """Return the rows in columns; a heading for each kind where there are several."""
    width = max((len(row["name"]) for row in rows), default=0)
    families = max((len(row.get("family", "")) for row in rows), default=0)
    headed = len({row["kind"] for row in rows}) > 1
    lines: list[str] = []
    last = ""
    for row in rows:
        if headed and row["kind"] != last:
            lines.append(f"{row['kind']}:")
            last = row["kind"]
        indent = "  " if headed else ""
        family = f"{row['family']:<{families}}  " if families and "family" in row else ""
        lines.append(f"{indent}{row['name']:<{width}}  {family}{row['source']}  {row.get('check', '')}".rstrip())
    return lines


def _rows(kind: str, *, check: bool) -> list[dict[str, str]]:
    if kind == "presets":
        from harness.planning.presets import presets

        return [{"kind": kind, "name": name, "source": line} for name, line in presets().items()]
    return [_row(kind, plugin, check=check) for plugin in plugins.available(_GROUPS[kind]).values()]


def _row(kind: str, plugin: plugins.Plugin, *, check: bool) -> dict[str, str]:
    row = {"kind": kind, "name": plugin.name, "source": plugin.source}
    row |= {"check": _check(kind, plugin)} if check else {}
    return row | ({"family": _family(plugin, asked=check)} if kind == "methods" else {})


def _family(plugin: plugins.Plugin, *, asked: bool) -> str:
    """Return what kind of method it is: of our own from a list, of another's where it is imported, else nothing."""
    if plugin.is_ours:
        return family_of(plugin.name)
    if not asked:
        return ""
    from harness.planning.method_facts import facts_of

    return facts_of(plugin.name).family


def _check(kind: str, plugin: plugins.Plugin) -> str:
    from harness.integrity.plugin_check import problem_of

    problem = problem_of(_GROUPS[kind], plugin)
    return f"BROKEN: {problem}" if problem else "ok"
