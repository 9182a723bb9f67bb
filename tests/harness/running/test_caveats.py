"""What a data set says against itself reaches the provenance of its runs, and the card."""

import pytest
import torch

from harness.cli.data_card import data_lines
from harness.cli.plan_summary import plan_lines
from harness.data.image_split import ImageSplit
from harness.data.loading import Splits
from harness.datasets.crack import Crack
from harness.planning.configuration_file import load_configuration
from harness.planning.planner import Flags, build_plan
from harness.running.publication import provenance_of


@pytest.fixture
def tiles(tmp_path):
    for name, count in (("Negative", 40), ("Positive", 8)):
        (tmp_path / "crack" / name).mkdir(parents=True)
        for number in range(count):
            (tmp_path / "crack" / name / f"{number}.jpg").touch()
    return tmp_path


def plan_on(dataset, tmp_path):
    flags = {"data": {"name": dataset}, "weights": "kaiming", "network": "small-cnn"}
    options = load_configuration("smoke", None, [], flags)
    return build_plan(options, Flags("smoke", tmp_path, tmp_path / "store", allow_missing=True))[0]


def provenance(dataset, tmp_path):
    plan = plan_on(dataset, tmp_path)
    split = ImageSplit.of(torch.zeros(2, 3, 16, 16, dtype=torch.uint8), torch.tensor([1, 0]), ("a", "b"))
    return provenance_of(plan, Splits(split, split, split, "pool", "whole"), "harness run")


@pytest.mark.parametrize(("dataset", "caveats"), [("crack", list(Crack.caveats)), ("isic-sim", [])])
def test_provenance_has_the_sets_caveats(tiles, dataset, caveats):
    found = provenance(dataset, tiles)
    assert (found["dataset"], found["caveats"]) == (dataset, caveats)


def test_options_are_part_of_the_name_that_a_page_tells(tiles, monkeypatch):
    pytest.importorskip("elpv_dataset")
    assert provenance("elpv[strict=true]", tiles)["dataset"] == "elpv[strict=true]"


@pytest.mark.parametrize(
    ("dataset", "words"), [("isic-sim", "drawn by the simulator"), ("elpv", "from an installed package")]
)
def test_a_plan_tells_where_images_without_a_folder_come_from(tiles, dataset, words):
    pytest.importorskip("elpv_dataset")
    assert plan_lines([plan_on(dataset, tiles)], None, "")[0] == f"Data        {dataset}, 64 px, {words}"


def test_the_card_tells_them(tiles):
    assert f"Mind: {Crack.caveats[0]}" in data_lines("crack", tiles)
