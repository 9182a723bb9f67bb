import json
import math
import re
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest

from harness.errors import UsageError
from harness.reports.analysis.leaderboard import leaderboard
from harness.reports.export.results_json import SCHEMA, document, load_document, restricted, to_json
from harness.reports.publishing.publish import write_site
from harness.reports.words.verdict_table import BELOW
from harness.reports.words.verdicts import BRIEF, NO_VERDICT
from harness.results.submission import Submission

DOCS = (Path(__file__).parents[3] / "docs" / "publish.md").read_text("utf-8")


def refuse(constant):
    raise AssertionError(f"{constant} is no JSON")


def strictly(results):
    return json.loads(to_json(document(results)), parse_constant=refuse)


def same(found, wanted):
    """Say whether JSON holds the very number, null where it is not finite."""
    return found is None if wanted is None or not math.isfinite(wanted) else found == wanted


def test_every_cell_is_there_with_every_metric(usual):
    results = usual.results()
    cells = strictly(results)["cells"]
    assert len(cells) == len(results.cells)
    for row in results.cells.to_dict("records"):
        key = (row["run_id"], row["density"])
        (cell,) = [cell for cell in cells if (cell["run_id"], cell["density"]) == key]
        assert (cell["entry"], cell["seed"], cell["status"]) == (row["entry"], row["seed"], row["status"])
        assert (cell["reason"], cell["group"], cell["method"]) == (row["reason"], row["group"], row["method"])
        assert cell["fold"] is None
        for name, value in cell["metrics"].items():
            assert same(value, row[name]), name
        assert "test/auc" in cell["metrics"]
        assert not {"seed", "density", "run_id"} & set(cell["metrics"])


def test_cells_of_folds_say_which_and_the_order_they_were_run_in_says_nothing(trial):
    made = trial(folds=2).entry("dense", 1.0, 12).entry("lt", 0.5, 12)
    results = made.results()
    cells = strictly(results)["cells"]
    assert [(cell["group"], cell["fold"]) for cell in cells] == [("fold1", 1)] * 6 + [("fold2", 2)] * 6
    mixed = replace(results, cells=results.cells.sample(frac=1, random_state=1))
    assert to_json(document(mixed)) == to_json(document(results))


def test_what_is_no_number_is_null(bench, scores):
    bench.done("dense", 0, 1.0, scores(), **{"cost/seconds": math.inf, "odd": -math.inf, "validation/sd": math.nan})
    (cell,) = strictly(bench.results())["cells"]
    assert (cell["metrics"]["cost/seconds"], cell["metrics"]["odd"]) == (None, None)
    (row,) = strictly(bench.results())["groups"][0]["levels"][0]["rows"]
    assert (row["seconds"], row["sd"]) == (None, None)


def test_half_a_character_is_written_out(make):
    text = to_json(document(make(experiment="a\udc80", command="run \udc80")))
    found = json.loads(text.encode("utf-8"))
    assert found["dataset"] == "a\\udc80"
    assert found["groups"][0]["provenance"]["command"] == "run \\udc80"


def test_the_id_is_the_day_and_changes_with_any_figure_or_fact(make):
    results = make(finished="2026-03-04T23:30:00-02:00")
    found = document(results)
    assert re.fullmatch(r"2026-03-05-[0-9a-f]{8}", found["id"])
    assert found["newest_result"] == "2026-03-05T01:30:00+00:00"
    cells = results.cells.copy()
    cells.loc[0, "cost/seconds"] += 1e-9
    others = [replace(results, cells=cells), make(finished="2026-03-04T23:30:00-02:00", command="another")]
    ids = {document(one)["id"] for one in [results, *others]}
    assert len(ids) == 3


def test_the_id_does_not_change_with_the_order_of_runs_or_the_clock(make, monkeypatch):
    results = make(seeds=(0, 1), levels=(0.5, 0.25))
    mixed = replace(results, cells=results.cells.sample(frac=1, random_state=1), scores=results.scores[::-1])
    assert list(mixed.cells.index) != list(results.cells.index)
    monkeypatch.setattr("time.time", lambda: 0.0)
    assert to_json(document(mixed)) == to_json(document(results))


def test_the_newest_result_of_several_groups_dates_the_page(make, join):
    late = make(group="h", started="2026-05-01T00:00:00+00:00", finished="2026-05-02T00:00:00+00:00")
    assert document(join(late, make()))["id"].startswith("2026-05-02-")
    assert document(make(started="no date"))["id"].startswith("undated-")
    assert document(make(started="no date"))["newest_result"] is None


def test_versions_of_the_harness_and_the_network_are_named(make, join):
    first = make(versions={"prune-harness": "0.3.0"}, network="a")
    second = make(group="h", versions={"prune-harness": "0.2.0"}, network="b")
    both = document(join(first, second))
    assert (both["harness_versions"], both["network"]) == (["0.2.0", "0.3.0"], None)
    assert document(restricted(join(first, second), "b"))["network"] == "b"


def test_a_restriction_keeps_what_belongs_to_the_network_alone(make, join):
    results = join(make(network="a"), make(group="h", network="b", entries=("only-b",), shift=5))
    part = restricted(results, "b")
    assert set(part.cells["group"]) == set(part.groups) == {"h"}
    assert set(part.scores["run_id"]) == set(part.cells["run_id"])
    assert set(part.cells["entry"]) == {"dense", "only-b"}


def test_other_files_are_not_ours_and_newer_ones_are_refused(tmp_path, make):
    path = tmp_path / "results.json"
    assert load_document(path) is None
    for text in ("", "[]", "{}", '{"format": "other"}', "<<<<<<< ours", "\xff"):
        path.write_bytes(text.encode("latin-1"))
        assert load_document(path) is None
    path.write_text(to_json(document(make())))
    assert load_document(path)["dataset"] == "spots"
    path.write_text(to_json({**document(make()), "schema": SCHEMA + 1}))
    with pytest.raises(UsageError, match=f"schema {SCHEMA + 1}"):
        load_document(path)


def test_the_studies_of_a_group_are_there_as_they_were_written(tuned, record, written):
    results = replace(tuned.results(setting="s"), studies=(record(), record("other", setting="another")))
    (study,) = strictly(results)["groups"][0]["tuning"]
    assert study["record"] == json.loads(json.dumps(written()))
    assert study["note"] == ""
    assert [step["density"] for step in study["steps"]] == [1.0, 0.5]
    dense, half = (step["measured"] for step in study["steps"])
    assert (dense["same"], dense["difference"], dense["verdict"]) == (True, 0.0, "same network")
    assert half["difference"] == pytest.approx(half["tuned"] - half["default"])
    assert half["low"] < half["difference"] < half["high"]
    assert (half["missed"]["default"]["n"], half["seeds"], half["anecdote"]) == (30, [0, 1, 2], False)
    assert [one["role"] for one in study["optimism"]] == ["default", "best"]


def test_without_studies_there_is_no_key_for_them(tuned, record):
    plain = to_json(document(tuned.results(setting="s")))
    assert '"tuning"' not in plain
    assert to_json(document(replace(tuned.results(setting="s"), studies=(record(setting="t"),)))) == plain


KINDS = {
    "Estimate": {"value", "these", "method", "least", "most"},
    "Rate": {"k", "n", "low", "high", "share"},
    "Contrast": {"value", "lower", "upper", "interval", "freedom", "these_networks"},
}
FREE = {"machines", "metrics", "provenance", "record", "corners", "effects", "layers"}


def kind(value):
    """Return which kind of figure a value is, an empty text for any other."""
    return next((name for name, keys in KINDS.items() if isinstance(value, dict) and value.keys() == keys), "")


def paths(value, path=""):
    """Yield the path and kind of every key: lists as [], keys that are no part of the schema as <name>."""
    if isinstance(value, list):
        for inner in value:
            yield from paths(inner, f"{path}[]")
    elif isinstance(value, dict):
        for name, inner in value.items():
            own = f"{path}.<name>" if path.rpartition(".")[2] in FREE else f"{path}.{name}".lstrip(".")
            yield own, kind(inner)
            if not kind(inner) and not path.endswith(("provenance", "record")):
                yield from paths(inner, own)


def rows_of(table):
    return re.findall(r"^\| `([^`]+)` \| (.*) \|$", table, re.MULTILINE)


@pytest.fixture
def rich(trial, record):
    """Results that have every key: five seeds, a probe, two losses, a tuned entry, an undecided one, large groups."""
    made = trial().entry("probe", 1.0, 30, seeds=range(5))
    for entry, density, missed in (("dense", 1.0, 12), ("lt", 1.0, 14), ("lt", 0.5, 20), ("lt[rate=0.612]", 0.5, 18)):
        pi = {f"measured/Pi 4/{what}": 10.0 for what in ("latency", "latency32", "memory")}
        made.entry(entry, density, missed, seeds=range(5), **{"validation/auc": 0.9}, **pi)
    made.entry("lt[rate=0.612]", 1.0, 15, seeds=range(5), **{"validation/auc": 0.9})
    made.entry("shaky", 0.5, (1, 19, 34, 20, 20), seeds=range(5))
    for density in (1.0, 0.5):
        made.entry("green", density, 13, seeds=range(5), loss="green", plain="lt", layers={"conv.weight": [1, 1, 2]})
    clinic = {"clinic": [f"test0-{index:03d}" for index in range(0, 270, 2)]}
    found = replace(made.results(setting="s", large_groups=clinic), studies=(record(),))
    mine = Submission(author="Ann", code="", date="2026-01-02", state="self-reported", entries={"g": ("lt",)})
    return _elsewhere(replace(found, submissions=(mine,)))


def _elsewhere(results):
    """Add dense and lt as if another kind of machine had made them, too."""
    cells = results.cells[results.cells["entry"].isin(["dense", "lt"])]
    scores = results.scores[results.scores["run_id"].isin(cells["run_id"])]
    (group, facts), *_ = results.groups.items()
    told = {
        name: facts | {"kin": "k", "environment": name, "group": name}
        for name in (group, f"{group} on another machine")
    }
    return replace(
        results,
        cells=pd.concat([results.cells, cells.assign(group=[*told][1], run_id="2" + cells["run_id"])]),
        scores=pd.concat([results.scores, scores.assign(run_id="2" + scores["run_id"])]),
        groups=told,
    )


@pytest.mark.usefixtures("undrawn")
def test_every_key_is_documented(rich, tmp_path):
    kinds = {}
    for path, of in paths(strictly(rich)):
        kinds[path] = kinds.get(path) or of
    own, _, folder = DOCS.partition("### A page's results.json")[2].partition("### The folder's results.json")
    told = dict(rows_of(own))
    assert len(rows_of(own)) == len(told)
    assert set(kinds) == set(told)
    assert {path: of for path, of in kinds.items() if of} == {
        path: meaning.partition(":")[0] for path, meaning in told.items() if meaning.partition(":")[0] in KINDS
    }
    write_site([rich], tmp_path)
    index = {path for path, _ in paths(json.loads((tmp_path / "results.json").read_text("utf-8")))}
    documented = {path for path, _ in rows_of(folder)}
    assert {path for path in index if not path.startswith("across.")} <= documented
    expanded = {f"pages[].groups[].dense_auc.{name}" for name in ("value", "low", "high")}
    assert {path for path in documented if path.startswith("pages")} - expanded <= index


def test_every_kind_of_figure_is_documented():
    told = dict(re.findall(r"^\| (Estimate|Rate|Contrast) \| (.*) \|$", DOCS, re.MULTILINE))
    assert {
        name: set(re.findall(r"`([a-z_]+)[`.]", text)) >= KINDS[name] for name, text in told.items()
    } == dict.fromkeys(KINDS, True)


def test_the_schema_is_the_documented_one():
    assert re.findall(r"^\| `schema` \| (\d+)\. \|$", DOCS, re.MULTILINE) == [str(SCHEMA)] * 2


def test_every_answer_and_label_is_documented():
    told = dict(rows_of(DOCS))
    answers = re.findall(r"`([^`]+)`", told["groups[].verdicts[].steps[].answer"])
    assert set(answers) == {*BRIEF.values(), NO_VERDICT, BELOW}
    for label in ("anecdote", "badly trained", "stand-in", "simulated", "W0 saw the classes", "partial", "caveats"):
        assert f"`{label}`" in told["groups[].labels"]


def test_layers_are_kept_where_they_were_counted(bench, scores):
    bench.done("dense", 0, 1.0, scores())
    bench.done("lt", 0, 0.5, scores(), layers={"conv.weight": [5, 4, 10]})
    dense, lt = strictly(bench.results())["cells"]
    assert "layers" not in dense
    assert lt["layers"] == {"conv.weight": [5, 4, 10]}
    assert "layers" not in lt["metrics"]
    assert "loss_pairs" not in strictly(bench.results())["groups"][0]


def test_whether_a_loss_changes_is_no_metric(changed):
    cells = document(changed.results())["cells"]
    assert all("loss_changes" not in cell["metrics"] for cell in cells)
    (board,) = leaderboard(changed.results())
    assert all("loss_changes" not in cell.metrics for cell in board.cells)
