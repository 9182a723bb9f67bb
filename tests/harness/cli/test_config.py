import tomllib

from typer.testing import CliRunner

from harness.cli.main import app


def test_stdout_is_the_file_and_nothing_else():
    shown = CliRunner().invoke(app, ["config", "smoke"])
    assert shown.exit_code == 0
    assert tomllib.loads(shown.stdout)["data"]["name"] == "isic-sim"
    assert shown.stderr == ""
