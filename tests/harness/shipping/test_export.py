"""`harness export` as a user types it, on the results of a small run."""

import hashlib
import json
import shutil

import numpy as np
import pytest
import torch
import yaml
from PIL import Image
from rich.console import Console
from safetensors.torch import load_file, save_file
from typer.testing import CliRunner

import harness
from harness.cli.main import app
from harness.errors import MachineError, UsageError
from harness.portable import formats
from harness.portable.onnx_session import OnnxSession
from harness.progress import Reporter
from harness.shipping.load import machine
from harness.shipping.replay import replayed


def give(store, *arguments, dataset="isic-sim"):
    return CliRunner().invoke(app, ["export", "--store", str(store), "--dataset", dataset, *map(str, arguments)])


def refused(kind, result):
    assert isinstance(result.exception, kind), result.output
    return str(result.exception)


CUT = ("--entry", "structured-magnitude", "--density", "0.25")
MASKED = ("--entry", "magnitude", "--density", "0.25")


def test_a_file_scores_as_published_and_its_card_says_so(filled, held, tmp_path):
    path = tmp_path / "new" / "cut.onnx"
    result = give(filled, *CUT, "-o", path)
    assert result.exit_code == 0, result.output
    cell = held(filled, entry="structured-magnitude")
    card = json.loads((tmp_path / "new" / "cut.onnx.card.json").read_text())
    assert card["file"]["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (card["file"]["format"], card["file"]["bytes"]) == (path.suffix[1:], path.stat().st_size)
    assert card["file"]["agreement"]["images"] == len(cell.record.validation_scores) + len(cell.record.test_scores)
    assert card["file"]["agreement"]["largest"] <= 1e-3 * card["file"]["agreement"]["sd"]
    assert f"{path.stat().st_size:,} bytes" in result.output
    assert "SIMULATED IMAGES" in card["limits"][0]
    assert sorted(one.name for one in path.parent.iterdir()) == ["cut.onnx", "cut.onnx.card.json", "cut.onnx.card.md"]


def test_a_network_in_python_scores_an_image_file(filled, exported, tmp_path):
    found = harness.load_network(filled, "magnitude", 0.25)  # the only data set need not be named
    again = harness.read_network(str(exported))
    assert again.nameplate == found.nameplate
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (80, 90, 3), dtype=np.uint8)).save(tmp_path / "a.png")
    image = found.prepare(tmp_path / "a.png")
    assert image.shape == (1, 3, 63, 63)
    assert torch.equal(found(image), again(image))
    assert not found.training
    assert found.thresholds.keys() >= {"argmax", "sens95", "deployed"}


def test_a_file_that_differs_is_not_kept(filled, tmp_path, monkeypatch):
    """As an exporter that gets one layer wrong."""
    honest = formats.file_content

    def wrong(network, nameplate):
        with torch.no_grad():
            network.head[1].bias[1] += 0.05
        return honest(network, nameplate)

    monkeypatch.setattr(formats, "file_content", wrong)
    result = give(filled, *MASKED, "-o", tmp_path / "a.safetensors")
    assert "is not the network that was published" in refused(MachineError, result)
    assert not list(tmp_path.iterdir())


@pytest.mark.long
def test_a_model_is_logged_once_and_into_the_store_that_is_meant(filled, copied, held, tmp_path):
    """MLflow's own address of a copied store is that of the original."""
    before = sorted(filled.rglob("*"))
    for _ in range(2):
        result = give(copied, *MASKED, "-o", tmp_path / "a.onnx", "--log-model")
        assert result.exit_code == 0, result.output
    assert "has this very file as a model already" in result.stderr
    (place,) = (copied / "artifacts" / "isic-sim" / "models").glob("*/artifacts")
    signature = yaml.safe_load((place / "MLmodel").read_text())["signature"]
    (images,), (score,) = json.loads(signature["inputs"]), json.loads(signature["outputs"])
    assert images["tensor-spec"] == {"dtype": "uint8", "shape": [-1, 3, 63, 63]}
    assert score["tensor-spec"] == {"dtype": "float32", "shape": [-1]}
    drawn = torch.randint(0, 256, (5, 3, 63, 63), dtype=torch.uint8)
    wanted = OnnxSession((tmp_path / "a.onnx").read_bytes()).scores(drawn)
    assert np.array_equal(OnnxSession((place / "model.onnx").read_bytes()).scores(drawn), wanted)
    assert {"a.onnx.card.md", "a.onnx.card.json"} <= {one.name for one in place.iterdir()}
    assert sorted(filled.rglob("*")) == before


def test_only_an_onnx_file_is_a_model(filled, tmp_path):
    text = refused(UsageError, give(filled, *MASKED, "-o", tmp_path / "a.pt2", "--log-model"))
    assert "--log-model takes ONNX, not pt2" in text


def test_an_export_is_replaced_and_nothing_else(filled, exported, tmp_path):
    """And with --json its card, and nothing but it, is on stdout."""
    path = tmp_path / "a.safetensors"
    shutil.copytree(exported.parent, tmp_path, dirs_exist_ok=True)
    result = give(filled, *MASKED, "-o", tmp_path / exported.name, "--json")
    assert json.loads(result.stdout) == json.loads((tmp_path / f"{exported.name}.card.json").read_text())
    path.write_bytes(b"mine")
    assert "is there and is no export" in refused(UsageError, give(filled, *MASKED, "-o", path))
    assert path.read_bytes() == b"mine"
    (tmp_path / "a.safetensors.card.md").touch()
    path.unlink()
    assert "is there without its network" in refused(UsageError, give(filled, *MASKED, "-o", path))
    save_file({"a": torch.ones(1)}, path)
    assert "is no export" in refused(UsageError, give(filled, *MASKED, "-o", path))
    assert set(load_file(path)) == {"a"}


def test_everything_wrong_is_said_at_once(filled, tmp_path):
    text = refused(
        UsageError,
        give(filled, "--entry", "x", "--density", 2, "--tolerance", 0, "--to", "pt2", "-o", tmp_path / "a.onnx"),
    )
    for word in ("--density 2", "--tolerance 0", "would be no onnx file but pt2"):
        assert word in text
    text = refused(UsageError, give(filled, *MASKED, "--quantise", "int4", "--log-model", "-o", tmp_path / "a.pt2"))
    for word in ("'int4' is not known", "--log-model and --quantise takes ONNX, not pt2"):
        assert word in text
    assert "does not say its format" in refused(UsageError, give(filled, *MASKED, "-o", tmp_path / "network"))


def test_an_unknown_cell_is_refused_with_the_nearest(filled, tmp_path):
    text = refused(UsageError, give(filled, "--entry", "magnitud", "--density", 0.25, "-o", tmp_path / "a.onnx"))
    assert "did you mean 'magnitude'" in text
    text = refused(UsageError, give(filled, "--entry", "magnitude", "--density", 0.2, "-o", tmp_path / "a.onnx"))
    assert "did you mean 0.25" in text


def test_int8_is_onnx_alone_and_the_only_word(filled, tmp_path):
    result = give(filled, *MASKED, "-o", tmp_path / "a.pt2", "--quantise", "int8")
    assert "--quantise takes ONNX, not pt2" in refused(UsageError, result)
    result = give(filled, "--entry", "magnitude+int8", "--density", 0.25, "-o", tmp_path / "a.safetensors")
    assert "magnitude+int8, in int8, takes ONNX" in refused(UsageError, result)
    result = give(filled, *MASKED, "-o", tmp_path / "a.onnx", "--quantise", "int4")
    assert "'int4' is not known" in refused(UsageError, result)


@pytest.mark.long
def test_a_network_is_quantised_on_the_spot_and_its_errors_are_its_own(copied, held, tmp_path):
    result = give(copied, *CUT, "-o", tmp_path / "a.onnx", "--quantise", "int8", "--json")
    assert result.exit_code == 0, result.output
    card = json.loads(result.stdout)
    plain = give(copied, *CUT, "-o", tmp_path / "plain.onnx")
    assert plain.exit_code == 0, plain.output
    assert (tmp_path / "a.onnx").stat().st_size < 0.5 * (tmp_path / "plain.onnx").stat().st_size
    assert card["cell"]["bits"] == card["network"]["bits"] == 8
    assert card["cell"]["entry"] == "structured-magnitude+int8"
    assert card["leaderboard"] is None
    assert "answer of the leaderboard" in card["missing"]
    assert card["file"]["agreement"]["largest"] == 0
    cell, cut = held(copied, entry="structured-magnitude"), card["cell"]["thresholds"]["deployed"]
    assert cut != cell.record.metrics["threshold/deployed"]
    found = replayed(cell, machine(copied, None), Reporter(Console(quiet=True)))
    scores = OnnxSession((tmp_path / "a.onnx").read_bytes()).scores(found.splits.test.images[:])
    missed = sum(score <= cut for score, label in zip(scores.tolist(), cell.labels, strict=True) if label)
    assert card["this_network"]["missed"]["k"] == missed


@pytest.mark.long
def test_a_twin_is_exported_as_it_was_scored(channels, tmp_path):
    result = give(channels, "--entry", "magnitude+int8", "--density", 0.25, "-o", tmp_path / "a.onnx", "--json")
    assert result.exit_code == 0, result.output
    card = json.loads(result.stdout)
    assert card["file"]["agreement"]["largest"] == 0
    assert (card["cell"]["bits"], card["leaderboard"]["networks"]) == (8, 1)
    with pytest.raises(UsageError, match="runs in onnxruntime alone"):
        harness.load_network(channels, "magnitude+int8", 0.25)


@pytest.mark.long
@pytest.mark.parametrize("form", formats.Format)
def test_a_channel_method_is_physically_smaller_in_every_format(form, channels, tmp_path):
    """Every method that cuts channels, from the leaderboard to the file and back."""
    for entry in ("structured-magnitude", "structured-taylor", "structured-group-norm", "beta-rank", "cdc"):
        path = tmp_path / f"{entry}.{form}"
        result = give(channels, "--entry", entry, "--density", 0.25, "-o", path, "--json")
        assert result.exit_code == 0, (entry, result.output)
        card = json.loads(result.stdout)
        assert card["network"]["narrowed"]
        assert card["file"]["agreement"]["largest"] <= 1e-4 * card["file"]["agreement"]["sd"]
        assert path.stat().st_size < 0.5 * 4 * 241_442
        if form == formats.Format.ONNX:
            assert OnnxSession(path.read_bytes()).scores(torch.zeros(1, 3, 63, 63, dtype=torch.uint8)).shape == (1,)
