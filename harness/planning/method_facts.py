"""What is told of a method with its results: by its class, and by the distribution that registers it."""

from email.utils import parseaddr
from importlib.metadata import PackageMetadata, PackageNotFoundError, metadata

from harness import plugins
from harness.errors import UsageError
from harness.planning.description import Traits, traits_of
from harness.planning.pruners import REFERENCES
from harness.plugins import OURS, PRUNERS, Plugin
from harness.results.method_facts import OF_CONTROLS, OF_REFERENCES, MethodFacts, family_of

LONGEST_FAMILY = 20
_LONGEST = 1000
_ADDRESSES = ("source", "source code", "repository", "code", "github", "homepage")
"""The labels under which a project gives the address of its code, the best first."""


def facts_of(method: str) -> MethodFacts:
    """Return what is told of ``method``; of a plugin that cannot be imported what its distribution says."""
    try:
        traits = traits_of(method)
    except UsageError:
        traits = Traits((), (), control=False)
    plugin = plugins.available(PRUNERS).get(method)
    made = _metadata(plugin.distribution if plugin else OURS)
    return MethodFacts(
        family=_family(method, traits),
        description=_cut(traits.description),
        source=_cut(traits.source),
        version=plugin.source if plugin else f"{OURS} {made['Version'] if made else ''}".strip(),
        author=_cut(_author(made)),
        code=_cut(_address(made, plugin)),
    )


def _family(method: str, traits: Traits) -> str:
    if method in REFERENCES:
        return OF_REFERENCES
    if traits.control:
        return OF_CONTROLS
    said = traits.family if len(traits.family) <= LONGEST_FAMILY else ""
    return said or family_of(method)


def _metadata(distribution: str) -> PackageMetadata | None:
    try:
        return metadata(distribution)
    except PackageNotFoundError:
        return None


def _author(made: PackageMetadata | None) -> str:
    """Return the names of the authors, or else of who maintains it; an address alone names nobody to strangers."""
    if made is None:
        return ""
    for role in ("Author", "Author-email", "Maintainer", "Maintainer-email"):
        whole = _header(made, role)
        found = whole if "@" not in whole else ", ".join(filter(None, (_name(one) for one in whole.split(","))))
        if found:
            return found
    return ""


def _header(made: PackageMetadata, name: str) -> str:
    return made[name] if name in made else ""  # noqa: SIM401 - its type has no get


def _name(written: str) -> str:
    return parseaddr(written)[0]


def _address(made: PackageMetadata | None, plugin: Plugin | None) -> str:
    """Return where a project says that its code is; of our own methods, and where it does not say, the module."""
    module = plugin.entry_point.value.partition(":")[0] if plugin else ""
    if made is None or plugin is None or plugin.is_ours:
        return module
    told = [one.partition(",") for one in made.get_all("Project-URL", [])]
    known = {label.strip().lower(): address.strip() for label, _, address in told}
    known.setdefault("homepage", _header(made, "Home-page"))
    return next((known[label] for label in _ADDRESSES if known.get(label)), module)


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}\N{HORIZONTAL ELLIPSIS}"
