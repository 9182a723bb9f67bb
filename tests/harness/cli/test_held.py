"""What a verb says of a store that does not hold what is asked for."""

import pandas as pd
import pytest
from typer.testing import CliRunner

from harness.cli.held import no_results, only_experiment
from harness.cli.main import app
from harness.errors import UsageError
from harness.results import reading
from harness.results.reading import Results

URI = "sqlite:////somewhere/mlflow.db"


@pytest.fixture
def holding(monkeypatch, tmp_path):
    """Return a function that makes a store as if MLflow held so many groups of each data set."""
    (tmp_path / "mlflow.db").touch()

    def held(**groups):
        monkeypatch.setattr(reading, "experiments", lambda *_: sorted(groups))
        monkeypatch.setattr(reading, "groups_held", lambda *_: dict(sorted(groups.items())))
        monkeypatch.setattr(reading, "read", lambda _, __, name: Results(name, pd.DataFrame(), pd.DataFrame(), {}))
        return tmp_path

    return held


def test_what_is_held_is_said_with_its_groups_and_the_nearest_name(holding):
    error = no_results(URI, holding(elpv=2, isic=1), ["iisc"])
    assert error.message == (
        f"no results of 'iisc' in MLflow at {URI}; it holds elpv (2 groups), isic (did you mean 'isic'?)"
    )
    assert error.fix == "name one of these, or first: harness run --dataset iisc"
    assert "it holds none" in no_results(URI, holding(), ["isic"]).message


def test_the_only_one_is_meant_and_several_are_listed(holding):
    assert only_experiment(URI, holding(elpv=3)) == "elpv"
    with pytest.raises(UsageError, match=r"holds elpv \(2 groups\), isic: which results are meant") as several:
        only_experiment(URI, holding(elpv=2, isic=1))
    assert several.value.fix == "name one: --dataset elpv"
    with pytest.raises(UsageError, match="there are no results in MLflow") as none:
        only_experiment(URI, holding())
    assert none.value.fix == "first: harness run"


@pytest.mark.parametrize("verb", [["report"], ["publish", "site"]])
def test_verbs_say_it_and_write_nothing(holding, verb, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, [*verb, "--dataset", "isic-sim", "--store", str(holding(elpv=2, isic=1))])
    assert "no results of 'isic-sim'" in str(result.exception)
    assert "it holds elpv (2 groups), isic" in str(result.exception)
    assert [path.name for path in tmp_path.iterdir()] == ["mlflow.db"]


def test_a_store_that_is_named_beside_bundles_is_read_and_the_usual_one_is_not(tmp_path):
    """It has no results, which only who looks into it can say."""
    arguments = ["publish", str(tmp_path / "site"), "--from", str(tmp_path / "absent.zip")]
    named = CliRunner().invoke(app, [*arguments, "--store", str(tmp_path / "empty")])
    assert f"there are no results in {tmp_path / 'empty'}" in str(named.exception)
    usual = CliRunner().invoke(app, arguments, env={"HARNESS_STORE": str(tmp_path / "empty")})
    assert "there are no results in" not in str(usual.exception)
    assert "absent.zip" in str(usual.exception)


def test_report_without_a_data_set_asks_for_the_only_one(holding):
    result = CliRunner().invoke(app, ["report", "--store", str(holding(elpv=1))])
    assert "no results of 'elpv'" in str(result.exception)  # it has none after all
    result = CliRunner().invoke(app, ["report", "--store", str(holding(elpv=1, isic=1))])
    assert "which results are meant" in str(result.exception)
