import shutil
from pathlib import Path

import pytest

from harness.data.loading import read_images
from harness.data.locating import data_folder
from harness.datasets.isic import Isic
from harness.errors import DataError, DatasetNotFound, MachineError, UsageError
from harness.storage.canonical import digest

# --- where the files are, and what is missing


def test_a_complete_set_is_found(root, asked, resolved):
    plan = resolved(root)
    assert plan == asked(folder=str(root / "isic"))
    assert (plan.missing, plan.fallback_for) == ((), None)


def test_a_partial_set_is_refused_with_its_counts(root, small, resolved):
    for number in (0, 7, 9):
        small.image_path(root, "train", number).unlink()
    small.image_path(root, "test", 5).unlink()
    with pytest.raises(DataError, match="not complete") as caught:
        resolved(root)
    assert not isinstance(caught.value, DatasetNotFound)
    assert caught.value.exit_code == 4
    assert caught.value.faults == ["train: 13 of 16 images", "test: 7 of 8 images"]
    assert "--allow-missing" in caught.value.fix


def test_a_partial_set_that_is_allowed_is_recorded_and_used(root, store, small, resolved):
    for number in (0, 7, 9):
        small.image_path(root, "train", number).unlink()
    plan = resolved(root, allow_missing=True)
    assert plan.missing == (("train", 13, 16),)  # only what is missing
    assert digest(plan.missing) == digest([["train", 13, 16]])
    assert plan.folder == str(root / "isic")
    here = [small.identity("train", number) for number in range(16) if number not in (0, 7, 9)]
    assert [sample.id for sample in plan.samples() if sample.split == "train"] == here
    assert [one for one in read_images(plan, store).ids if one < "ISIC_0001000"] == here
    assert resolved(root, allow_missing=True, real_only=True) == plan


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_set_whose_whole_split_is_missing_is_partial_not_absent(root, split, small, resolved):
    # 900 real training images and a misplaced test folder: a simulated data set isn't what was asked for.
    shutil.rmtree(small.image_path(root, split, 0).parent)
    with pytest.raises(DataError) as caught:
        resolved(root)
    assert f"{split}: 0 of {small.counts[split][0]} images" in str(caught.value)


@pytest.mark.parametrize("split", ["train", "test"])
def test_a_set_without_one_label_file_is_partial_not_absent(root, split, small, resolved):
    (root / "isic" / f"ISBI2016_ISIC_Part3_{small.names[split]}_GroundTruth.csv").unlink()
    with pytest.raises(DataError) as caught:
        resolved(root, allow_missing=True)
    assert not isinstance(caught.value, DatasetNotFound)


@pytest.mark.parametrize("labels", [False, True])
def test_an_absent_set_falls_back_to_its_simulated_substitute(tmp_path, labels, small, asked, resolved):
    if labels:  # the labels alone, without a single image, are no data set
        small.make(tmp_path)
        for split in small.names:
            shutil.rmtree(small.image_path(tmp_path, split, 0).parent)
    plan = resolved(tmp_path)
    assert str(tmp_path / "isic") in plan.fallback_reason
    assert plan == asked("isic-sim", fallback_for="isic", fallback_reason=plan.fallback_reason)
    assert plan.dataset().simulated


@pytest.mark.parametrize("allow_missing", [False, True])
def test_real_only_forbids_the_substitute(tmp_path, allow_missing, resolved):
    with pytest.raises(DatasetNotFound) as caught:
        resolved(tmp_path, real_only=True, allow_missing=allow_missing)
    assert caught.value.exit_code == 4
    assert str(tmp_path) in str(caught.value)
    assert "--data-dir" in caught.value.fix


def test_a_faulty_label_file_never_falls_back(root, small, resolved):
    small.write_labels(root, "train", [(0, True), (0, False)])
    for allow_missing in (False, True):
        with pytest.raises(DataError, match="line 2") as caught:
            resolved(root, allow_missing=allow_missing)
        assert not isinstance(caught.value, DatasetNotFound)


def test_a_simulated_set_needs_no_folder(tmp_path, asked, resolved):
    assert resolved(tmp_path / "missing", name="isic-sim", real_only=True) == asked("isic-sim")


def test_an_unknown_set_names_the_nearest(tmp_path, resolved):
    with pytest.raises(UsageError, match=r"unknown data set 'isicc' \(did you mean 'isic'\?\)"):
        resolved(tmp_path, name="isicc")


def test_the_data_folder_is_the_option_then_the_variable_then_the_users_cache(tmp_path, monkeypatch):
    monkeypatch.delenv("HARNESS_DATA", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("HOME", str(tmp_path))
    default = data_folder(None)
    assert default.is_relative_to(tmp_path)
    assert default.name == "data"
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "first"))
    assert data_folder(None) == tmp_path / "first"
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "second"))  # read when needed, not at import
    assert data_folder(None) == tmp_path / "second"
    assert data_folder(tmp_path / "option") == tmp_path / "option"
    monkeypatch.setenv("HARNESS_DATA", "")
    assert data_folder(None) == default


def test_relative_data_folders_are_made_absolute(tmp_path, monkeypatch):
    # A worker may run elsewhere.
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HARNESS_DATA", "here")
    assert data_folder(None) == tmp_path / "here"
    assert data_folder(Path("there")) == tmp_path / "there"


# --- fetching what is not there


@pytest.fixture
def fetched(small):
    """Return a function that makes a fetch: it notes its calls, and makes the set or fails with ``error``."""

    def call(calls, error=None):
        def fetch(dataset, folder):
            calls.append((dataset.name, folder))
            if error:
                raise error
            small.make(folder.parent)

        return fetch

    return call


def test_an_absent_set_is_fetched_and_used(tmp_path, asked, resolved, fetched):
    calls = []
    plan = resolved(tmp_path, fetch=fetched(calls))
    assert calls == [("isic", tmp_path / "isic")]
    assert plan == asked(folder=str(tmp_path / "isic"))


@pytest.mark.parametrize("loss", [(), (0,)])
def test_a_set_that_is_there_or_partly_there_is_not_fetched(root, loss, small, resolved, fetched):
    calls = []
    for number in loss:
        small.image_path(root, "train", number).unlink()
    resolved(root, allow_missing=True, fetch=fetched(calls))
    shutil.rmtree(small.image_path(root, "train", 0).parent)
    with pytest.raises(DataError, match="a whole split"):
        resolved(root, fetch=fetched(calls))
    small.write_labels(root, "test", [(0, True), (0, False)])
    with pytest.raises(DataError, match="faults"):
        resolved(root, fetch=fetched(calls))
    assert calls == []


def test_a_simulated_set_is_not_fetched(tmp_path, resolved, fetched):
    calls = []
    resolved(tmp_path, name="isic-sim", fetch=fetched(calls))
    assert calls == []


def test_a_set_without_addresses_is_not_fetched(tmp_path, monkeypatch, resolved, fetched):
    monkeypatch.setattr(Isic, "remote_files", ())
    calls = []
    assert resolved(tmp_path, fetch=fetched(calls)).fallback_for == "isic"
    assert calls == []


@pytest.mark.parametrize(
    "error",
    [
        MachineError("labels could not be downloaded", faults=["https://a/labels: 404", "https://b/labels: silent"]),
        DataError("what came is not the file"),
    ],
)
def test_a_fetch_that_fails_falls_back_with_its_reason(tmp_path, error, resolved, fetched):
    plan = resolved(tmp_path, fetch=fetched([], error))
    assert plan.fallback_for == "isic"
    assert "\n" not in plan.fallback_reason
    for part in (str(tmp_path / "isic"), error.message, *error.faults):
        assert part in plan.fallback_reason
    with pytest.raises(DatasetNotFound) as caught:
        resolved(tmp_path, real_only=True, fetch=fetched([], error))
    assert caught.value.exit_code == 4
    assert error.message in caught.value.message


def test_a_fetch_that_brings_nothing_falls_back(tmp_path, resolved):
    assert resolved(tmp_path, fetch=lambda *_: None).fallback_for == "isic"


def test_an_interrupted_fetch_is_no_fallback(tmp_path, resolved, fetched):
    with pytest.raises(KeyboardInterrupt):
        resolved(tmp_path, fetch=fetched([], KeyboardInterrupt()))


def test_what_is_not_there_comes_with_the_command_the_folder_and_the_addresses(tmp_path, resolved):
    with pytest.raises(DatasetNotFound) as caught:
        resolved(tmp_path, real_only=True)
    for part in ("`harness data fetch isic`", str(tmp_path / "isic"), *(r.mirrors[0] for r in Isic.remote_files)):
        assert part in caught.value.fix


def test_what_is_partly_there_comes_with_the_command(root, small, resolved):
    small.image_path(root, "train", 0).unlink()
    with pytest.raises(DataError) as caught:
        resolved(root)
    assert "`harness data fetch isic`" in caught.value.fix
    shutil.rmtree(small.image_path(root, "train", 0).parent)
    with pytest.raises(DataError) as caught:
        resolved(root)
    assert "`harness data fetch isic`" in caught.value.fix
