"""What a user may write for a network: a cell, a scores file, a network's file with or without scores beside it."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from harness.errors import DataError, HarnessError, UsageError
from harness.gating.sides import Places, Side, cell_name, read_sides
from harness.results.cell_record import CellRecord
from harness.shipping import held_cell
from harness.shipping.held_cell import CellName, HeldCell

NOWHERE = Places(dataset=None, uri=None, store=Path("nowhere"), data_dir=None)


@pytest.mark.parametrize(
    ("written", "cell"),
    [
        ("cell:dense@1", {"entry": "dense", "density": 1.0}),
        ("cell:lt[rate=0.75]@0.0625,seed=3", {"entry": "lt[rate=0.75]", "density": 0.0625, "seed": 3}),
        ("cell:a[b=1,c=2]@6.25%,fold=2,seed=1", {"entry": "a[b=1,c=2]", "density": 0.0625, "fold": 2, "seed": 1}),
        ("cell:lt@0.5,group=abc,imbalance=10", {"entry": "lt", "density": 0.5, "group": "abc", "imbalance": 10.0}),
    ],
)
def test_a_cell_is_read(written, cell):
    assert cell_name(written, "isic") == CellName(dataset="isic", **cell)


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("cell:lt", "names no cell"),
        ("cell:@0.5", "names no cell"),
        ("cell:lt@half", "a number in it is none"),
        ("cell:lt@0", "a number in it is none"),
        ("cell:lt@nan", "a number in it is none"),
        ("cell:lt@200%", "a number in it is none"),
        ("cell:lt@0.5,seed=x", "a number in it is none"),
        ("cell:lt@0.5,sed=1", "no cell has a sed (did you mean 'seed'?)"),
        ("cell:lt@0.5,seed=1,seed=2", "says something twice"),
    ],
)
def test_what_names_no_cell_is_refused(written, said):
    with pytest.raises(UsageError) as caught:
        cell_name(written, "isic")
    assert said in str(caught.value)
    assert "cell:ENTRY@DENSITY,seed=S" in caught.value.fix


@pytest.fixture
def file(tmp_path):
    def written(name, content="id,label,score\na,1,2\nb,0,1\n"):
        (tmp_path / name).write_text(content)
        return tmp_path / name

    return written


def test_scores_beside_a_file_are_its_own_and_the_file_is_told(file):
    network, scores = file("net.pt", "weights"), file("net.csv")
    one, other = read_sides(
        Side(written=str(network), scores=scores, cut=0.5), Side(written=str(file("old.csv"))), NOWHERE
    )
    assert (one.name, one.scores, one.cut) == ("net.pt", {"a": 2.0, "b": 1.0}, 0.5)
    assert (one.told["bytes"], len(one.told["sha256"]), one.told["file"]) == (7, 64, str(network))
    assert (other.name, other.cut, other.told) == ("old.csv", None, {"scores": str(file("old.csv"))})


@pytest.mark.parametrize(
    ("written", "kind", "said"),
    [
        ("net.pt", DataError, "does not say what it wants of an image"),
        ("net.pt2", DataError, "does not say what it wants of an image"),
        ("net.safetensors", DataError, "cannot be read as safetensors"),
        ("absent.safetensors", DataError, "there is no file"),
        ("absent", UsageError, "is no network"),
    ],
)
def test_what_cannot_be_scored_here_is_refused(file, written, kind, said):
    path = file("net.pt", "weights").with_name(written)
    if not written.startswith("absent"):
        path.write_text("weights")
    with pytest.raises(HarnessError, match=said) as caught:
        read_sides(Side(written=str(path)), Side(written=str(file("old.csv"))), NOWHERE)
    assert type(caught.value) is kind


def test_scores_of_what_has_scores_are_refused(file):
    csv = file("a.csv")
    for written in (str(csv), "cell:dense@1"):
        with pytest.raises(UsageError, match="has scores of its own"):
            read_sides(Side(written=written, scores=csv), Side(written=str(csv)), NOWHERE)
    with pytest.raises(DataError, match="there is no file"):
        read_sides(Side(written="absent.pt", scores=csv), Side(written=str(csv)), NOWHERE)


SPOILED = {"simulated": True, "partial": {"test": {"found": 3, "expected": 9}}, "broken": ["a.png: cut"]}


@pytest.mark.parametrize(("fold", "known"), [(None, 0), (2, 2)])
def test_a_cell_has_its_published_scores_its_cut_and_its_fold(monkeypatch, file, fold, known):
    asked = []

    def held(name, uri, store):
        asked.append((name, uri, store))
        record = CellRecord(
            density=0.5, test_scores=(0.25, -1.0), metrics={"threshold/deployed": -0.5, "flag/collapsed": 1.0}
        )
        run = SimpleNamespace(run_id="abc", tags={"harness.group": "g"})
        return HeldCell(name, run, None, record, {"fold": fold, **SPOILED}, ("a", "b"), (1, 0))

    monkeypatch.setattr(held_cell, "find_cell", held)
    places = Places(dataset="spots", uri="here", store=Path("store"), data_dir=None)
    one, _ = read_sides(Side(written="cell:lt@0.5,seed=3"), Side(written=str(file("old.csv"))), places)
    assert asked == [(CellName(dataset="spots", entry="lt", density=0.5, seed=3), "here", Path("store"))]
    assert (one.scores, one.labels) == ({"a": 0.25, "b": -1.0}, {"a": 1, "b": 0})
    assert (one.cut, one.fold, one.told["run"], one.told["group"]) == (-0.5, known, "abc", "g")
    assert [text.split(":")[0] for text in one.limits] == [
        "THE NETWORK HAS COLLAPSED",
        "SIMULATED IMAGES",
        "PARTIAL DATA",
        "1 images that could not be read were left out.",
    ]
    other, _ = read_sides(Side(written="cell:lt@0.5", cut=1.0), Side(written=str(file("old.csv"))), places)
    assert other.cut == 1.0
