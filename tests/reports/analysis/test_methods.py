from harness.reports.analysis.leaderboard import leaderboard
from harness.results.method_facts import MethodFacts

TOLD = {"family": "ticket", "description": "Trains.", "source": "A", "version": "m 1", "author": "Ann", "code": "m.lt"}


def methods(results):
    (board,) = leaderboard(results)
    return board.methods


def test_each_method_has_its_entries_and_what_is_told_of_it(bench, scores):
    for entry in ("dense", "probe", "random", "lt[rate=0.5]", "lt", "mine"):
        bench.done(entry, 0, 1.0 if entry in ("dense", "probe") else 0.5, scores())
    for row in bench.rows:
        row["family"] = {"lt": "ticket", "mine": "a word", "random": "control"}.get(row["method"])
    mine, lt, random = methods(bench.results(methods={"lt": TOLD, "gone": TOLD}))
    assert (mine.name, mine.facts, mine.control) == ("mine", MethodFacts(family="a word"), False)
    assert (lt.name, lt.facts, lt.entries) == ("lt", MethodFacts(**TOLD), ("lt", "lt[rate=0.5]"))
    assert (random.name, random.control, random.facts.family) == ("random", True, "control")


def test_older_results_have_families_by_name_alone(usual):
    usual.rows = [{name: value for name, value in row.items() if name != "family"} for row in usual.rows]
    found = methods(usual.results())
    assert [(one.name, one.facts) for one in found] == [
        ("snip", MethodFacts(family="one shot")),
        ("lt", MethodFacts(family="ticket")),
        ("random", MethodFacts(family="control")),
    ]


def test_rows_have_their_family(usual):
    (board,) = leaderboard(usual.results())
    families = {row.entry: row.family for level in board.levels for row in level.rows}
    assert families == {"dense": "reference", "lt": "ticket", "snip": "one shot", "random": "control"}


def test_folds_tell_of_their_methods_together(trial):
    made = trial(folds=2).entry("dense", 1.0, 12).entry("lt", 0.5, 12)
    results = made.results()
    results.groups["fold1"]["methods"] = {"lt": TOLD}
    (found,) = methods(results)
    assert found.facts == MethodFacts(**TOLD)
