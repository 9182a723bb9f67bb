"""`harness data` as a user has it: what stands on stdout, on stderr, and the exit code."""

import json
import signal
import sys

import numpy as np
import pytest
from PIL import Image

from harness.cli.main import main


@pytest.fixture
def harness(tmp_path, monkeypatch, capsys):
    """Return a function that gives a command in an empty folder: exit code, stdout, stderr."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.delenv("HARNESS_DATA", raising=False)
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["harness", "data", *map(str, arguments)])
        with pytest.raises(SystemExit) as end:
            main()
        text = capsys.readouterr()
        return end.value.code or 0, text.out, text.err

    return call


@pytest.fixture
def cells(tmp_path):
    """Six images of which two are ill; none is there twice."""
    for number in range(6):
        path = tmp_path / "cells" / ("ill" if number < 2 else "fine") / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        coarse = np.random.default_rng(number).integers(0, 256, (9, 9, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((40 + number, 30), Image.Resampling.BICUBIC).save(path)
    return tmp_path / "cells"


def test_the_list_tells_real_from_simulated_and_what_is_here(harness, isic_folder):
    code, out, _ = harness("list", "--data-dir", isic_folder)
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert code == 0
    assert lines["isic"] == "real       72 images, 24 positives: malignant (positive) against benign"
    assert lines["isic-sim"].startswith("simulated  1,279 images, 248 positives")
    assert lines["folder:PATH"].startswith("your own ")
    assert "csv:PATH" in lines


def test_the_list_says_what_is_not_here_and_what_cannot_be_used(harness, isic_folder):
    _, out, _ = harness("list", "--data-dir", "nowhere")
    assert "not here; `harness data show isic` says how to get it" in out
    (isic_folder / "isic" / "ISBI2016_ISIC_Part3_Test_GroundTruth.csv").write_text("nonsense\n")
    code, out, _ = harness("list", "--data-dir", isic_folder, "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    assert rows["isic"]["state"].startswith("cannot be used: label file")
    assert (rows["isic"]["images"], rows["isic-sim"]["positives"]) == (None, 248)


def test_the_card_of_own_images(harness, cells):
    code, out, err = harness("show", "folder:cells")
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "folder-cells 1: ill (positive) against fine",
        "Licence: not stated",
        "Cite: not stated",
        f"Folder: {cells}",
        "all: 2 positives, 4 negatives labelled; 6 of 6 images found",
        "Sizes: 40x30 to 45x30 pixels, median 42x30",
        "Copies: no file is there twice; `harness data check` compares pixels and looks, too",
        "folder-cells: positive is 'ill', the rarer class with 2 of 6 images; --positive 'fine' makes it the other",
    ]


def test_the_card_as_json_with_the_other_class_positive(harness, cells):
    (cells / "fine" / "again.png").write_bytes((cells / "fine" / "2.png").read_bytes())
    code, out, _ = harness("show", "cells", "--positive", "fine", "--json")
    card = json.loads(out)
    assert code == 0
    assert (card["positive"], card["negative"], card["simulated"]) == ("fine", "ill", False)
    assert card["splits"] == {"all": {"positives": 5, "negatives": 2, "found": 7, "official": None}}
    assert card["sizes"] == {"least": [40, 30], "median": [42, 30], "most": [45, 30]}
    assert card["same_files"] == [["fine/2.png", "fine/again.png"]]
    _, out, _ = harness("show", "cells")
    assert "Copies: 1 files are there more than once: fine/2.png = fine/again.png" in out.splitlines()


def test_a_sheet_is_drawn_where_it_is_asked_for(harness, cells, tmp_path):
    code, out, _ = harness("show", "cells", "--sheet", "sheet.png")
    assert code == 0
    assert out.splitlines()[-1] == "Contact sheet: sheet.png"
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert (sheet.format, sheet.size) == ("PNG", (1164, 540))


@pytest.mark.parametrize(
    ("sheet", "text"), [("sheet.jpg", "is a PNG"), ("no/folder/sheet.png", "no file can be there"), (".", "is a PNG")]
)
def test_a_sheet_that_cannot_be_is_refused_first(harness, sheet, text):
    code, out, err = harness("show", "nonsense", "--sheet", sheet)
    assert (code, out) == (2, "")
    assert text in err


def test_a_sound_set_is_told_to_be(harness, cells):
    code, out, _ = harness("check", "cells")
    assert code == 0
    assert [line.split()[:2] for line in out.splitlines()] == [
        ["ok", "files"],
        ["ok", "classes"],
        ["ok", "copies"],
        ["ok", "looks"],
    ]


def test_everything_that_is_wrong_is_told_at_once(harness, cells):
    (cells / "ill" / "2-too.png").write_bytes((cells / "fine" / "2.png").read_bytes())
    (cells / "ill" / "empty.png").touch()
    (cells / "fine" / "text.png").write_text("no image")
    code, out, _ = harness("check", "cells")
    assert code == 6
    assert "BAD  copies    the same file, under both labels: fine/2.png (fine), ill/2-too.png (ill)" in out
    assert "BAD  files     fine/text.png: " in out
    assert "BAD  files     ill/empty.png: " in out
    code, out, _ = harness("check", "cells", "--json")
    found = json.loads(out)
    assert code == 6
    assert (found["dataset"], found["sound"], found["images"]) == ("folder-cells", False, 7)
    assert [one["id"] for one in found["broken"]] == ["fine/text.png", "ill/empty.png"]


def test_an_image_of_too_many_pixels_is_a_fault_of_the_limit(harness, cells):
    code, out, _ = harness("check", "cells", "--max-pixels", "1300")
    assert code == 6
    assert "BAD  files     2 of 6 files cannot be read" in out  # of 44x30 and 45x30


@pytest.mark.parametrize("verb", ["show", "check"])
@pytest.mark.parametrize(
    ("dataset", "code", "text"),
    [
        ("./nowhere", 4, "there is neither a folder nor a label file ./nowhere"),
        ("folder:nowhere", 4, "there is no folder"),
        ("csv:cells", 4, "is no file"),
        ("folder", 2, "is asked for as folder:PATH"),
        ("isci", 2, "unknown data set 'isci' (did you mean 'isic'?)"),
        ("isic-sim[seed=3", 2, "cannot read data set"),
    ],
)
def test_what_cannot_be_looked_at_is_one_sentence(harness, cells, verb, dataset, code, text):
    given, out, err = harness(verb, dataset)
    assert (given, out) == (code, "")
    assert text in err


def test_own_images_cannot_be_fetched(harness, cells):
    code, _, err = harness("fetch", "cells")
    assert code == 2
    assert "folder-cells cannot be downloaded" in err
