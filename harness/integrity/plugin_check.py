"""Whether registered plugins can be imported and are what they are registered as."""

from collections.abc import Iterator

from harness import plugins
from harness.errors import UsageError
from harness.integrity.finding import Finding
from harness.losses.registered import first_broken


def problem_of(group: str, plugin: plugins.Plugin) -> str:
    """Return what is wrong with a plugin, or an empty text; another distribution's has a process of its own."""
    import harness.data.dataset
    import harness.losses.rules
    import harness.networks.architecture
    import harness.pruning.pruner  # noqa: F401 - once, for the process of each
    from harness.plugin_process import ask

    try:
        return ask(plugin, what_is_wrong, group, plugin.name)
    except UsageError as error:
        return error.message


def what_is_wrong(group: str, name: str) -> str:
    """Return what is wrong with what is registered as ``name``. Raises `UsageError` as loading it does."""
    if group == plugins.LOSSES:
        return first_broken(name)
    from harness.data.dataset import Dataset
    from harness.networks.architecture import Network
    from harness.pruning.pruner import Pruner

    wanted: type = {plugins.PRUNERS: Pruner, plugins.DATASETS: Dataset, plugins.NETWORKS: Network}[group]
    plugin = plugins.available(group)[name]
    found = plugin.load()
    if isinstance(found, type) and issubclass(found, wanted):
        return ""
    return f"{plugin.entry_point.value} is not a {wanted.__name__} class"


def foreign_plugins() -> Iterator[Finding]:
    """Yield what is wrong with the plugins of other distributions, or how many there are."""
    groups = (plugins.PRUNERS, plugins.DATASETS, plugins.NETWORKS, plugins.LOSSES)
    found = [(group, one) for group in groups for one in plugins.available(group).values() if not one.is_ours]
    problems = {plugin: problem for group, plugin in found if (problem := problem_of(group, plugin))}
    for plugin, problem in problems.items():
        text = f"{plugin.name} of {plugin.source}: {problem}"
        yield Finding("plugins", "bad", text, f"mend or uninstall {plugin.distribution}")
    if not problems:
        text = f"all {len(found)} of other distributions can be imported" if found else "none of other distributions"
        yield Finding("plugins", "ok", text)
