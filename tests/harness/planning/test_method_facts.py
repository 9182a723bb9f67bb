"""What is told of a method: by its class, and by the distribution that registers it."""

from email.message import Message
from importlib.metadata import EntryPoint, PackageNotFoundError

import pytest

from harness import plugins
from harness.errors import UsageError
from harness.planning import method_facts
from harness.planning.method_facts import facts_of
from harness.plugins import PRUNERS, Plugin
from harness.results.method_facts import FAMILIES, family_of

OURS = sorted(name for name, one in plugins.available(PRUNERS).items() if one.is_ours)


@pytest.mark.parametrize("method", OURS)
def test_our_methods_say_all_of_themselves_and_their_families_are_those_of_the_table(method):
    found = facts_of(method)
    assert FAMILIES[method] == found.family == family_of(method)
    assert found.version.startswith("prune-harness ")
    assert found.author
    assert found.code == plugins.available(PRUNERS)[method].entry_point.module
    assert found.source == plugins.available(PRUNERS)[method].load().source
    assert found.description.endswith(".")
    assert "``" not in found.description


@pytest.mark.parametrize("reference", ["dense", "probe"])
def test_the_references_are_a_family_of_their_own(reference):
    assert facts_of(reference).family == FAMILIES[reference] == "reference"


@pytest.fixture
def theirs(monkeypatch):
    """``theirs(family, headers)`` registers `lt` as another distribution's `mine`, with the headers of its metadata."""

    def registers(traits=None, **headers):
        plugin = Plugin("mine", "their-methods", "2.1", EntryPoint("mine", "their.methods:Mine", PRUNERS))
        made = Message()
        for name, values in headers.items():
            for value in [values] if isinstance(values, str) else values:
                made[name.replace("_", "-")] = value

        def asked(_):
            if isinstance(traits, UsageError):
                raise traits
            return traits or method_facts.Traits((), (), control=False)

        monkeypatch.setattr(plugins, "available", lambda _: {"mine": plugin})
        monkeypatch.setattr(method_facts, "traits_of", asked)
        monkeypatch.setattr(method_facts, "metadata", lambda name: {"their-methods": made}[name])
        return facts_of("mine")

    return registers


def test_version_and_author_are_the_distributions(theirs):
    found = theirs(Author="Ann", Project_URL=["Homepage, https://a.example", "Repository, https://a.example/code"])
    assert (found.version, found.author, found.code) == ("their-methods 2.1", "Ann", "https://a.example/code")


@pytest.mark.parametrize(
    ("headers", "author", "code"),
    [
        ({"Author_email": "Ann <ann@a.example>, Bob Roe <bob@a.example>"}, "Ann, Bob Roe", "their.methods"),
        ({"Author_email": "ann@a.example", "Maintainer": "Cy"}, "Cy", "their.methods"),
        ({"Author_email": "ann@a.example"}, "", "their.methods"),
        ({"Home_page": "https://a.example"}, "", "https://a.example"),
        ({"Project_URL": ["Tracker, https://a.example/t"]}, "", "their.methods"),
    ],
)
def test_nobodys_address_is_told_and_the_module_stands_in_for_the_code(theirs, headers, author, code):
    found = theirs(**headers)
    assert (found.author, found.code) == (author, code)


@pytest.mark.parametrize(
    ("said", "control", "family"),
    [
        ("my word", False, "my word"),
        ("x" * 20, False, "x" * 20),
        ("x" * 21, False, "other"),
        ("", False, "other"),
        ("ticket", True, "control"),
    ],
)
def test_a_family_may_be_a_word_of_ones_own_and_a_controls_is_control(theirs, said, control, family):
    assert theirs(method_facts.Traits((), (), control=control, family=said)).family == family


def test_long_texts_are_cut(theirs):
    found = theirs(method_facts.Traits((), (), control=False, description="x" * 2000))
    assert len(found.description) == 1000
    assert found.description.endswith("…")


def test_of_a_plugin_that_cannot_be_imported_its_distribution_is_told(theirs):
    found = theirs(UsageError("no"), Author="Ann")
    assert (found.family, found.description, found.version, found.author) == ("other", "", "their-methods 2.1", "Ann")


def test_a_distribution_without_metadata_has_no_author(monkeypatch):
    def none(name):
        raise PackageNotFoundError(name)

    monkeypatch.setattr(method_facts, "metadata", none)
    assert facts_of("lt").author == ""
