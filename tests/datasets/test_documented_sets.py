"""docs/data.md says of each set what its class says: counts, hashes, sizes, licence, traps."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from harness.data.asked import load_dataset
from harness.datasets.medmnist import PIXELS

TEXT = (Path(__file__).parents[2] / "docs" / "data.md").read_text()
PLAIN = " ".join(TEXT.split())


def section(title):
    (found,) = re.findall(rf"^## {title}.*?(?=^## )", TEXT, re.DOTALL | re.MULTILINE)
    return found


def rows(text):
    """Return the cells of each row of a text's tables, numbers as numbers."""
    lines = [line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| ")]
    return [
        [int(cell.replace(",", "")) if re.fullmatch(r"[\d,]+", cell) else cell for cell in cells] for cells in lines
    ]


@pytest.mark.parametrize(
    ("name", "title"),
    [("isic", "ISIC-2016, part 3"), ("crack", "CRACK"), ("dermamnist", "MedMNIST"), ("breastmnist", "MedMNIST")],
)
def test_the_counts_of_each_split_are_the_codes(name, title):
    table = [row for row in rows(section(title)) if len(row) >= 4 and row[0] in (f"`{name}`", row[-4])]
    found = {row[-4]: (row[-2], row[-1]) for row in table}
    sums = {row[-4]: row[-3] for row in table}
    official = load_dataset(name).official_counts
    assert {split: found[split] for split in official} == official
    assert {split: sums[split] for split in official} == {split: sum(counts) for split, counts in official.items()}


@pytest.mark.parametrize("written", ["elpv", "elpv[strict=true]"])
def test_the_counts_of_the_unsplit_set_are_the_codes(written):
    (row,) = [row for row in rows(section("ELPV")) if row[0] == f"`{written}`"]
    counts = load_dataset(written).official_counts[None]
    assert (row[-3], row[-2], row[-1]) == (sum(counts), *counts)


@pytest.mark.parametrize("name", ["elpv", "crack", "dermamnist", "breastmnist"])
def test_licence_citation_and_traps_are_told(name):
    dataset = load_dataset(name)
    assert f"icence {dataset.licence}" in PLAIN
    for doi in re.findall(r"doi:[^\s;,)]*[^\s;,).]", " ".join((dataset.citation, *dataset.caveats))):
        assert doi in PLAIN
    for number in re.findall(r"\b\d[\d,]+\b", re.sub(r"doi:\S+", "", " ".join(dataset.caveats))):
        assert number in PLAIN


def test_every_published_hash_is_told():
    (remote,) = load_dataset("crack").remote_files
    assert f"`{remote.sha256}`" in section("CRACK")
    assert f"`{remote.name}`" in section("CRACK")
    for name in ("dermamnist", "breastmnist"):
        listed = {row[0].split("`")[1]: row[1].strip("`") for row in rows(section("MedMNIST")) if ".npz" in str(row[0])}
        for remote in (replace(load_dataset(name), pixels=pixels).remote_files[0] for pixels in PIXELS):
            assert listed[remote.name] == remote.md5
