"""A run on somebody's data set that is wrong: a sentence that names it, exit code 4, and nothing trained."""

import importlib.util
import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

SOURCE = Path(__file__).parent / "bad_datasets" / "bad_datasets.py"
spec = importlib.util.spec_from_file_location("bad_datasets_here", SOURCE)
BAD = importlib.util.module_from_spec(spec)
spec.loader.exec_module(BAD)

TINY = ["--network", "small-cnn", "--weights", "kaiming", "--methods", "magnitude", "--seeds", "1", "--jobs", "1"]
TINY += ["--set", "training.max_steps=2", "--set", "training.batch_size=8", "--data-dir", "data", "--store", "store"]

REFUSED = {
    BAD.LabelsOfTwo: "'00' has the label 2, not 0 or 1",
    BAD.TestsOnTraining: "01, 17: the same pixels in test and train",
    BAD.OneId: "the id 'same' is there again",
    BAD.ThreeClasses: "'02' has the label 2, not 0 or 1",
    BAD.LabelsAsText: "'00' has the label '0', not 0 or 1",
    BAD.Nameless: "data set 'nameless' of bad-datasets 1.0 lacks name",
    BAD.LooksUpInVain: "cannot list its images: KeyError: 'maligant'",
    BAD.BothLabels: "00, 01, 02, 03: the same pixels under both labels",
    BAD.OneClassTested: "the test split has 0 positives in 8 images",
    BAD.Floats: "gives float64 (3, 64, 64) as an image, not uint8 (3, 64, 64)",
    BAD.OneTooFew: "gives 23 images for 24 samples",
    BAD.CannotBeMade: "cannot be made: RuntimeError: no licence key",
    BAD.GivesRows: "number 0 is a tuple, not a Sample",
    BAD.FindsNothing: "cannot list its images: FileNotFoundError",
    BAD.SaysNothing: "data set 'says-nothing': no images",
}
"""The seven that once gave numbers or tracebacks, and others."""


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """A folder in which all of them are installed."""
    folder = tmp_path_factory.mktemp("site")
    info = folder / "bad_datasets-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: bad-datasets\nVersion: 1.0\n")
    points = [f"{BAD.called(kind)} = bad_datasets:{kind.__name__}" for kind in REFUSED]
    (info / "entry_points.txt").write_text("\n".join(["[harness.datasets]", *points]))
    (folder / "bad_datasets.py").write_text(SOURCE.read_text())
    return folder


@pytest.mark.parametrize("kind", REFUSED, ids=lambda kind: kind.__name__)
def test_a_spoiled_data_set_is_refused_in_a_sentence_that_names_it(commands, site, tmp_path, kind):
    name = BAD.called(kind)
    result = commands.harness("run", "--dataset", name, *TINY, cwd=tmp_path, path=site, check=4)
    said = " ".join(result.stderr.split())
    assert "Traceback" not in said
    assert name in said
    assert REFUSED[kind] in said
    assert "To fix it:" in said
    kept = {json.loads(path.read_text())["kind"] for path in tmp_path.glob("store/stages/*/*/manifest.json")}
    assert kept <= {"images"}
