"""The workflow of docs/gate.md: its steps run as they stand."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

PAGE = (Path(__file__).parents[3] / "docs" / "gate.md").read_text()


@pytest.fixture
def workflow():
    (text,) = re.findall(r"```yaml\n(.*?)\n```\n\nTo let", PAGE, re.DOTALL)
    return yaml.safe_load(text)


def test_it_may_read_and_nothing_else(workflow):
    assert workflow["permissions"] == {"contents": "read"}
    steps = workflow["jobs"]["gate"]["steps"]
    assert steps[0]["with"]["persist-credentials"] is False
    assert all(re.fullmatch(r"actions/[a-z-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
    assert all("${{" not in step.get("run", "") for step in steps)


def write_scores(path, missed):
    rows = [f"p{place},1,{2 - 3 * (place < missed) + place / 1000}" for place in range(60)]
    path.write_text("\n".join(["id,label,score", *rows, *[f"n{place},0,{place / 200}" for place in range(200)]]))


@pytest.mark.parametrize(
    ("missed", "code", "said"),
    [
        pytest.param(0, 0, "PASS: ", marks=pytest.mark.long),
        (13, 6, "FAIL: the candidate loses 20 points"),
        pytest.param(2, 7, "::error::The gate cannot decide", marks=pytest.mark.long),
    ],
)
def test_its_gate_lets_pass_fails_and_says_that_it_cannot_tell(workflow, tmp_path, missed, code, said):
    (tmp_path / "models").mkdir()
    for name in ("candidate.onnx", "baseline.onnx"):
        (tmp_path / "models" / name).write_text("weights of anybody's")
    write_scores(tmp_path / "candidate.csv", missed)
    write_scores(tmp_path / "models" / "baseline.csv", 1)
    (step,) = [one for one in workflow["jobs"]["gate"]["steps"] if one.get("name") == "Gate"]
    summary = tmp_path / "summary.md"
    variables = {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}", "GITHUB_STEP_SUMMARY": str(summary)}
    done = subprocess.run(
        ["bash", "-e", "-o", "pipefail", "-c", step["run"]],
        cwd=tmp_path,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == code, done.stdout + done.stderr
    assert said in done.stdout
    assert summary.read_text().startswith("```\n")
