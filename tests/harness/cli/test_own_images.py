"""A run on one's own images, up to its plan: what is said before anything is decoded."""

import signal
import sys

import pytest

from harness.cli.main import main

TINY = ["--network", "small-cnn", "--weights", "kaiming", "--methods", "magnitude", "--dry-run"]


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Return a function that gives `harness run` in the folder of the images: exit code, stdout, stderr."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setenv("HARNESS_STORE", str(tmp_path / "store"))
    monkeypatch.chdir(tmp_path)
    for number in range(60):
        path = tmp_path / "cells" / ("ill" if number < 20 else "fine") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"nobody decodes me")
    names = sorted(str(path.relative_to(tmp_path)) for path in tmp_path.rglob("*.png"))
    (tmp_path / "labels.csv").write_text("".join(f"{name},{name.split('/')[1]}\n" for name in names))

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["harness", "run", *arguments, *TINY])
        with pytest.raises(SystemExit) as end:
            main()
        text = capsys.readouterr()
        return end.value.code or 0, text.out, text.err

    return call


@pytest.mark.parametrize(
    ("dataset", "meant", "name"),
    [
        ("cells", "folder:cells", "folder-cells"),
        ("./labels.csv", "csv:./labels.csv", "csv-labels"),
        ("folder:cells", "folder:cells", "folder-cells"),
    ],
)
def test_the_plan_says_what_was_understood_and_chosen(run, tmp_path, dataset, meant, name):
    code, out, err = run("--dataset", dataset)
    assert code == 0
    assert (f"note: --dataset {dataset} is read as {meant}" in err) == (dataset != meant)
    rarer = "positive is 'ill', the rarer class with 20 of 60 images; --positive 'fine' makes it the other"
    assert f"note: {name}: {rarer}" in err
    place = tmp_path / meant.partition(":")[2]
    assert out.splitlines()[:4] == [
        f"Data        {name}, 64 px, {place}",
        "            train: 11 positives, 22 negatives",
        "            validation: 4 positives, 8 negatives",
        "            test: 5 positives, 10 negatives",
    ]


def test_the_class_that_is_named_is_positive(run):
    code, out, err = run("--dataset", "cells", "--set", 'data.positive="FINE"')
    assert code == 0
    assert "positive is" not in err
    assert "test: 10 positives, 5 negatives" in out


@pytest.mark.parametrize(
    ("dataset", "code", "text"),
    [
        ("cells/ill", 4, "has 0 class folders, where two are needed"),
        ("cells/none", 4, "neither a folder nor a label file"),
        ("isic-sim[positive=x]", 2, "'positive' is not a parameter"),
    ],
)
def test_what_cannot_be_meant_is_refused_before_a_plan(run, dataset, code, text):
    given, out, err = run("--dataset", dataset)
    assert (given, out) == (code, "")
    assert text in err
