"""The workflow that puts the folder on the web, as far as it can be run here."""

import subprocess
from pathlib import Path

import pytest
import yaml

WORKFLOW = Path(__file__).parents[3] / ".github" / "workflows" / "publish.yml"


@pytest.fixture
def job():
    return yaml.safe_load(WORKFLOW.read_text())["jobs"]["deploy"]


def test_it_may_do_no_more_than_deploy(job):
    assert yaml.safe_load(WORKFLOW.read_text())["permissions"] == {}
    assert job["permissions"] == {"contents": "read", "pages": "write", "id-token": "write"}
    assert all(step["uses"].startswith("actions/") for step in job["steps"] if "uses" in step)


def test_it_runs_when_the_folder_changes_or_by_hand():
    started = yaml.safe_load(WORKFLOW.read_text())[True]  # YAML takes "on" for true
    assert started["push"] == {"branches": ["main"], "paths": ["leaderboard/**"]}
    assert "workflow_dispatch" in started


def test_a_missing_leaderboard_fails_with_what_to_do(job, tmp_path):
    (script,) = [step["run"] for step in job["steps"] if "run" in step]

    def run():
        return subprocess.run(["bash", "-e", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert run().returncode == 1
    assert "harness publish leaderboard" in run().stdout
    (tmp_path / "leaderboard").mkdir()
    assert run().returncode == 1
    (tmp_path / "leaderboard" / "index.html").touch()
    assert run().returncode == 0


def test_what_is_checked_is_what_is_deployed(job):
    (upload,) = [step for step in job["steps"] if step.get("uses", "").startswith("actions/upload-pages-artifact")]
    assert upload["with"]["path"] == "leaderboard"
    names = [step.get("uses", "check").partition("@")[0].removeprefix("actions/") for step in job["steps"]]
    assert names == ["checkout", "check", "configure-pages", "upload-pages-artifact", "deploy-pages"]
