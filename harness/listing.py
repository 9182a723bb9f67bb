"""What `harness list` shows: names from metadata alone; with a check, whether each imports."""

from harness import plugins
from harness.errors import UsageError
from harness.suggestions import nearest

_GROUPS = {"methods": plugins.PRUNERS, "datasets": plugins.DATASETS}


def listing(what: str, *, check: bool) -> tuple[list[dict[str, str]], int]:
    """Return rows (name, source, and with ``check`` whether it imports) and the number of broken ones."""
    if what == "presets":
        from harness.configuration import presets

        return [{"name": name, "source": line, "check": "ok"} for name, line in presets().items()], 0
    if what not in _GROUPS:
        known = [*_GROUPS, "presets"]
        raise UsageError(f"cannot list {what!r}{nearest(what, known)}", fix=f"use one of: {', '.join(known)}")
    rows = []
    for plugin in plugins.available(_GROUPS[what]).values():
        row = {"name": plugin.name, "source": plugin.source}
        if check:
            row["check"] = _check(what, plugin)
        rows.append(row)
    return rows, sum(row.get("check", "ok") != "ok" for row in rows)


def _check(what: str, plugin: plugins.Plugin) -> str:
    from harness.dataset import Dataset
    from harness.pruner import Pruner

    wanted = Pruner if what == "methods" else Dataset
    try:
        found = plugin.load()
    except UsageError as error:
        return f"BROKEN: {error.message}"
    if not (isinstance(found, type) and issubclass(found, wanted)):
        return f"BROKEN: {plugin.entry_point.value} is not a {wanted.__name__} class"
    return "ok"
