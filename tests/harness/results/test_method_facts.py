import pytest

from harness.results.method_facts import OTHER, MethodFacts, family_of

TOLD = MethodFacts(
    family="ticket", description="Trains.", source="A 2020", version="mine 1", author="Ann", code="https://a.example/b"
)


def test_facts_come_back_from_tags():
    tags = TOLD.to_tags()
    assert len(tags) == len(set(tags)) == 6
    assert all(tag.startswith("harness.") for tag in tags)
    assert MethodFacts.from_tags("mine", tags) == TOLD
    assert TOLD.told


@pytest.mark.parametrize(("method", "family"), [("lt", "ticket"), ("random", "control"), ("mine", OTHER)])
def test_a_run_that_does_not_tell_has_the_family_that_its_name_has(method, family):
    found = MethodFacts.from_tags(method, {"harness.entry": method})
    assert found == MethodFacts(family=family)
    assert found.description == found.version == ""
    assert not found.told
    assert family_of(method) == family


def test_what_others_tell_beside_is_left_out():
    assert MethodFacts.from_values({"family": "x", "licence": "MIT", "code": "m"}) == MethodFacts(family="x", code="m")
