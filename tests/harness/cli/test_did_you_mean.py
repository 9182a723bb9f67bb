"""Whatever name is mistyped, the one that was meant is offered."""

import pytest
from typer.testing import CliRunner

from harness.cli.main import app

PLAN = ["run", "--dry-run", "--dataset", "isic-sim", "--weights", "kaiming"]


@pytest.mark.parametrize(
    ("arguments", "offered"),
    [
        (["rnu"], "Did you mean 'run'"),
        (["data", "shwo"], "Did you mean 'show'"),
        (["new", "metod"], "Did you mean 'method'"),
        (["verify", "--trackin-uri", "x"], "--tracking-uri"),
        ([*PLAN, "--methods", "magnitud"], "did you mean 'magnitude'"),
        ([*PLAN, "--methods", "snip[imags=3]"], "did you mean 'images'"),
        ([*PLAN, "--network", "alexnet_bn"], "did you mean 'alexnet-bn'"),
        ([*PLAN, "--loss", "focall"], "did you mean 'focal'"),
        ([*PLAN, "--preset", "standart"], "did you mean 'standard'"),
        ([*PLAN, "--set", "training.learning_rat=1"], "did you mean 'learning_rate' in [training]"),
        ([*PLAN, "--set", "learning_rate=1.0"], "did you mean 'learning_rate' in [training]"),
        ([*PLAN, "--set", "parameters.rtae=0.5"], "did you mean 'rate'"),
        (["run", "--dry-run", "--dataset", "isik"], "did you mean 'isic'"),
        (["data", "show", "dermanist"], "did you mean 'dermamnist'"),
        (["list", "datastes"], "did you mean 'datasets'"),
        (["config", "quik"], "did you mean 'quick'"),
        (["check", "magnitud"], "did you mean 'magnitude'"),
    ],
)
def test_the_name_that_was_meant_is_offered(arguments, offered, tmp_path):
    result = CliRunner().invoke(app, arguments, env={"HARNESS_STORE": str(tmp_path / "store")})
    assert getattr(result.exception, "exit_code", result.exit_code) == 2
    assert offered in f"{result.exception}{result.stderr}"
