"""Every rule of data sets is proven on one that is wrong in one way, which it finds, and on one that keeps them all."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from harness.cli.check_dataset import dataset_rows
from harness.cli.main import app
from harness.errors import UsageError
from harness.plugin_process import end_all
from harness.plugins import DATASETS
from harness.testing import CheckFailed, CheckSkipped, dataset_checks
from harness.testing.dataset_rule import DATASET_RULES

SOURCE = Path(__file__).parents[2] / "bad_datasets" / "bad_datasets.py"
spec = importlib.util.spec_from_file_location("bad_datasets_here", SOURCE)
BAD = importlib.util.module_from_spec(spec)
spec.loader.exec_module(BAD)

KINDS = [BAD.Sound, BAD.SoundFiles, BAD.FewOfAClass, *BAD.MEANT]
FILES = ("odd-0", "odd-1", "odd-2", "plain-0", "plain-1", "plain-2")
SOON = [rule for rule in DATASET_RULES if rule != "a_fresh_process_is_the_same"]
"""All but that of another interpreter, whose imports take seconds: `tests/test_example_plugin.py` has a set pass it."""


@pytest.fixture
def root(install, tmp_path, monkeypatch):
    """The data folder, with images of those sets that have files; all sets are installed."""
    points = {BAD.called(kind): f"bad_datasets:{kind.__name__}" for kind in KINDS}
    install("bad-datasets", {DATASETS: points}, bad_datasets=SOURCE.read_text())
    for name in ("sound-files", "saved-again"):
        folder = tmp_path / "data" / name
        folder.mkdir(parents=True)
        for index, file in enumerate(FILES):
            pixels = np.random.default_rng(index).integers(0, 256, (70, 80, 3), dtype=np.uint8)
            Image.fromarray(pixels).save(folder / f"{file}.png")
    monkeypatch.chdir(tmp_path)
    yield tmp_path / "data"
    end_all()


def outcome(name, rule, root):
    ((row, _),) = dataset_rows(name, rule, root)
    return row


@pytest.mark.parametrize("kind", BAD.MEANT, ids=lambda kind: kind.__name__)
def test_the_rule_meant_for_it_finds_a_bad_data_set(kind, root):
    rule, words = BAD.MEANT[kind]
    row = outcome(BAD.called(kind), rule, root)
    assert row["status"] == "failed", row
    assert words in row["what"], row
    assert row["why"]
    assert row["fix"]


def test_every_rule_but_that_of_folds_is_meant_for_a_bad_data_set():
    assert {rule for rule, _ in BAD.MEANT.values()} == {*DATASET_RULES} - {"has_images_for_folds"}


def test_a_sound_data_set_keeps_every_rule(root):
    rows = {rule: outcome("sound", rule, root)["status"] for rule in SOON}
    assert rows == {**dict.fromkeys(SOON, "ok"), "says_what_is_missing": "skipped"}


def test_one_of_files_keeps_every_rule_but_those_of_drawn_images(root):
    rows = {rule: outcome("sound-files", rule, root)["status"] for rule in SOON}
    drawn = ("images_have_the_size_asked", "each_image_is_its_samples_own")
    assert rows == {**dict.fromkeys(SOON, "ok"), **dict.fromkeys((*drawn, "has_images_for_folds"), "skipped")}


def test_the_number_of_folds_that_can_be_had_is_stated(root):
    row = outcome("few-of-a-class", "has_images_for_folds", root)
    assert row["status"] == "skipped"
    assert row["what"] == "it has 3 images or groups of one class: --folds takes 3 at most"


def test_images_that_are_not_here_are_said_once_and_what_can_be_asked_without_them_is(root):
    rows = {row["check"]: row for row, _ in dataset_rows("sound-files", None, root.parent / "elsewhere")}
    assert "no PNG in" in rows["lists_its_samples"]["what"]
    assert rows["ids_are_unique"]["what"] == "its images are not here"
    assert rows["says_what_it_is"]["status"] == rows["says_what_is_missing"]["status"] == "ok"
    assert not [row for row in rows.values() if row["status"] == "failed"]


@pytest.mark.parametrize("kind", [BAD.Nameless, BAD.LooksUpInVain, BAD.Exits, BAD.CannotBeMade, BAD.Crashes])
def test_where_nothing_is_left_to_ask_the_cause_is_the_last_line(kind, root):
    ran = CliRunner().invoke(app, ["check", BAD.called(kind), "--data-dir", str(root), "--json"])
    assert ran.exit_code == 6, ran.output
    rows = json.loads(ran.stdout)
    assert [row["check"] for row in rows if row["status"] == "failed"] == [BAD.MEANT[kind][0]]
    assert rows[-1]["status"] == "failed"


def test_one_error_is_told_once_and_the_rules_that_end_in_it_name_the_first(root):
    rows = {row["check"]: row for row, _ in dataset_rows("division-by-zero", None, root)}
    assert [name for name, row in rows.items() if row["status"] == "failed"] == ["images_have_the_size_asked"]
    assert rows["no_picture_has_both_labels"]["what"] == "it ends in the error of images_have_the_size_asked"


def test_the_command_says_what_where_why_and_how_to_fix_it(root):
    arguments = ["check", "unsorted", "--only", "samples_are_sorted", "--data-dir", str(root)]
    ran = CliRunner().invoke(app, arguments)
    assert ran.exit_code == 6
    words = (
        "FAILED  samples_are_sorted",
        "'23' where '00'",
        "bad_datasets.py",
        "it catches an order",
        "fix:   return sorted",
    )
    assert not [word for word in words if word not in ran.stdout], ran.stdout
    assert CliRunner().invoke(app, [*arguments[:1], "sound", *arguments[2:]]).exit_code == 0


def test_unknown_rules_and_other_ways_of_asking_are_refused(root):
    with pytest.raises(
        UsageError, match=r"unknown check 'ids_are_uniqe' of a data set \(did you mean 'ids_are_unique'"
    ):
        dataset_rows("sound", "ids_are_uniqe", root)
    with pytest.raises(UsageError, match="data set 'sound' has no options"):
        dataset_rows("sound[seed=3]", None, root)
    with pytest.raises(UsageError, match="data set 'sound' is asked for as sound"):
        dataset_rows("sound:here", None, root)


def test_each_rule_is_a_test_of_ones_own(root):
    checks = {str(check): check for check in dataset_checks()}
    assert list(checks) == list(DATASET_RULES)
    checks["ids_are_unique"]("sound", root)
    with pytest.raises(CheckFailed, match="is registered as 'other-name'"):
        checks["is_called_as_registered"]("other-name", root)
    with pytest.raises(CheckSkipped, match="no PNG in"):
        checks["ids_are_unique"]("sound-files", root / "nowhere")
