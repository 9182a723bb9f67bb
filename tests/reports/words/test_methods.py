import pytest

from harness.reports.analysis.methods import MethodOnBoard
from harness.reports.words.methods import NOT_TOLD, method_card
from harness.results.method_facts import MethodFacts


@pytest.mark.parametrize(
    ("facts", "description", "told"),
    [
        ({"description": "Trains.", "version": "m 1"}, "Trains.", (("Version", "m 1"),)),
        ({"version": "m 1", "source": "A"}, "Its author says nothing of it.", (("Paper", "A"), ("Version", "m 1"))),
        ({}, NOT_TOLD, ()),
    ],
)
def test_what_is_known_is_told_and_why_it_is_not(facts, description, told):
    card = method_card(MethodOnBoard("lt", MethodFacts(family="ticket", **facts), False, ("lt",)))
    assert (card.name, card.family, card.description, card.facts) == ("lt", "ticket", description, told)


@pytest.mark.parametrize(
    ("entries", "named"),
    [(("lt",), ()), (("lt", "lt[rate=0.5]"), ("lt", "lt[rate=0.5]")), (("lt[rate=0.5]",), ("lt[rate=0.5]",))],
)
def test_entries_are_named_where_they_say_more_than_the_method(entries, named):
    assert method_card(MethodOnBoard("lt", MethodFacts(family="ticket"), False, entries)).entries == named
