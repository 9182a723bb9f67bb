"""The repository of a shared leaderboard: its workflow is sound, and its steps do what they say."""

import os
import re
import subprocess
import sys

import pytest
import yaml
from typer.testing import CliRunner

import harness
from harness.cli.main import app
from harness.errors import UsageError
from harness.scaffold.new_leaderboard import WRITTEN_AS, leaderboard_files, write_leaderboard

PLACE = ".github/workflows/leaderboard.yml"


@pytest.fixture
def workflow():
    return yaml.safe_load(leaderboard_files()[PLACE])


def test_every_file_is_written_and_the_version_is_this_one(tmp_path):
    result = CliRunner().invoke(app, ["new", "leaderboard", str(tmp_path / "ours")])
    assert result.exit_code == 0, result.output
    found = {
        path.relative_to(tmp_path / "ours").as_posix() for path in (tmp_path / "ours").rglob("*") if path.is_file()
    }
    assert found == {*WRITTEN_AS.values()}
    assert (tmp_path / "ours" / "requirements.txt").read_text() == f"prune-harness=={harness.__version__}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["ours"]


def test_what_is_there_is_not_written_over(tmp_path):
    (tmp_path / "mine").touch()
    (tmp_path / "link").symlink_to(tmp_path / "nowhere")
    for taken in (tmp_path, tmp_path / "mine", tmp_path / "link"):
        with pytest.raises(UsageError, match="not an empty folder"):
            write_leaderboard(taken)
    (tmp_path / "empty").mkdir()
    assert write_leaderboard(tmp_path / "empty").is_dir()


def test_links_of_the_guides_lead_somewhere():
    written = leaderboard_files()
    for name in ("README.md", "CONTRIBUTING.md"):
        for target in re.findall(r"\]\(([^)#]+)", written[name]):
            assert "://" in target or target in written


def test_a_pull_request_may_read_and_nothing_else_and_actions_are_pinned(workflow):
    assert workflow["permissions"] == {}
    assert workflow["jobs"]["verify"]["permissions"] == {"contents": "read"}
    assert "pull_request_target" not in workflow[True]
    assert workflow["jobs"]["verify"]["steps"][0]["with"]["persist-credentials"] is False
    for job in workflow["jobs"].values():
        used = [step["uses"] for step in job["steps"] if "uses" in step]
        assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", one) for one in used)
        for step in job["steps"]:
            assert "${{" not in step.get("run", ""), "what others wrote must not become part of a script"


class Repository:
    """A clone in which steps of the workflow are run as they stand."""

    def __init__(self, folder, workflow):
        self.folder, self.workflow = folder, workflow
        write_leaderboard(folder)
        self.git("init", "-q", "-b", "main")
        self.commit()
        self.base = self.git("rev-parse", "HEAD").stdout.strip()

    def git(self, *words):
        own = ["-c", "user.name=x", "-c", "user.email=x@example.org"]
        return subprocess.run(["git", *own, *words], cwd=self.folder, check=True, capture_output=True, text=True)

    def commit(self):
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "x")

    def run(self, job, name):
        (step,) = [one for one in self.workflow["jobs"][job]["steps"] if one.get("name") == name]
        bin_ = os.path.dirname(sys.executable)
        output = self.folder.parent / "output"
        output.touch()
        variables = {**os.environ, "PATH": f"{bin_}:{os.environ['PATH']}", "RUNNER_TEMP": str(self.folder.parent)}
        variables |= {"GITHUB_OUTPUT": str(output), "BASE": self.base}
        return subprocess.run(
            ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
            cwd=self.folder,
            env=variables,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture
def repository(tmp_path, workflow):
    return Repository(tmp_path / "ours", workflow)


def test_before_the_first_bundle_there_is_nothing_to_do(repository):
    assert repository.run("verify", "Verify what is added").returncode == 0
    assert repository.run("verify", "Publish all of it, to look at").returncode == 0
    done = repository.run("publish", "Publish")
    assert (done.returncode, done.stdout) == (0, "There is no bundle yet.\n")
    assert (repository.folder.parent / "output").read_text() == ""


def test_what_is_no_bundle_is_refused(repository):
    (repository.folder / "bundles" / "evil.py").touch()
    repository.commit()
    done = repository.run("verify", "Verify what is added")
    assert done.returncode == 1
    assert "::error::bundles/ holds bundles" in done.stdout


@pytest.mark.long
@pytest.mark.timeout(600)
def test_the_steps_verify_publish_and_refuse_a_bundle(repository, drawn_results):
    path = repository.folder / "bundles" / "ann's first.zip"
    drawn_results.Drawn().design(["lt"], densities=(0.5,)).bundle(path, author="Ann")
    repository.commit()
    done = repository.run("verify", "Verify what is added")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Nothing differs." in done.stdout
    done = repository.run("publish", "Publish")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (repository.folder.parent / "output").read_text() == "site=yes\n"
    assert "Ann" in next((repository.folder / "site/spots/tiny/versions").glob("*/index.html")).read_text()
    (repository.folder / "bundles" / "bob.zip").write_bytes(path.read_bytes()[:-40])
    repository.commit()
    assert repository.run("verify", "Verify what is added").returncode == 1
    assert repository.run("verify", "Publish all of it, to look at").returncode == 3
