"""A network's own file scored on the images of the other side, image by image beside the network itself."""

from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image

from harness.data.asked import load_dataset
from harness.errors import DataError, HarnessError, UsageError
from harness.gating.network_scores import ImagesAsked, read_network_scores
from harness.images.bit_depth import BitDepth
from harness.portable.network_file import file_content
from harness.portable.onnx_file import NAMEPLATE, onnx_content

SIM = load_dataset("isic-sim")
SAMPLES = {one.id: one for one in SIM.samples(Path()) if one.split == "test"}
SOME = list(SAMPLES)[::9]


def one_by_one(shipped, ids):
    images = {image: next(iter(SIM.images([SAMPLES[image]], 64))) for image in ids}
    with torch.no_grad():
        return {image: float(shipped(torch.from_numpy(pixels)[None])) for image, pixels in images.items()}


@pytest.fixture
def written(tmp_path, shipped):
    def write(**plate):
        made = shipped(**plate)
        (tmp_path / "net.safetensors").write_bytes(file_content(made.network, made.nameplate))
        return tmp_path / "net.safetensors"

    return write


def test_scores_are_those_of_the_network_on_the_images_asked_for(written, shipped):
    assert len(SOME) % 32 != 0
    found = read_network_scores(written(thresholds={"deployed": 0.25}), ImagesAsked(None, None, SOME))
    assert found.scores == pytest.approx(one_by_one(shipped(), SOME), abs=1e-5)
    assert found.labels == {image: SAMPLES[image].label for image in SOME}
    assert (found.cut, found.fold) == (0.25, 0)
    assert found.told["cell"] == "dense at 100 %, seed 0"


def test_without_images_of_another_side_it_is_scored_on_the_publishers_test_images(written):
    found = read_network_scores(written(), ImagesAsked("isic-sim", None), cut=1.0)
    assert found.scores.keys() == SAMPLES.keys()
    assert found.cut == 1.0
    assert found.limits == ()
    (said,) = read_network_scores(written(simulated=True), ImagesAsked(None, None, SOME)).limits
    assert said.startswith("SIMULATED IMAGES: ")


def test_a_file_is_not_scored_on_images_that_it_was_trained_on(written):
    path = written(fold=2, seed=3, group="ours")
    for nobodys in (ImagesAsked(None, None), ImagesAsked(None, None, SOME[:3])):  # the latter are a CSV file's
        with pytest.raises(UsageError, match="of fold 2") as caught:
            read_network_scores(path, nobodys)
        assert "cell:dense@1,seed=3,fold=2,group=ours" in caught.value.fix
    assert read_network_scores(path, ImagesAsked(None, None, SOME[:3], 2, "ours")).fold == 2
    with pytest.raises(DataError, match="was not trained on its file does not say"):
        read_network_scores(path, ImagesAsked(None, None, SOME[:3], 2, "others"))
    for own, other in ((2, 1), (2, 0), (None, 2)):
        with pytest.raises(DataError, match="was trained on most of them"):
            read_network_scores(written(fold=own), ImagesAsked(None, None, SOME, other))


def test_images_of_a_csv_file_that_the_network_learnt_are_refused(written):
    learnt = next(one.id for one in SIM.samples(Path()) if one.split == "train")
    with pytest.raises(DataError, match=rf"1 of the 4 images are not of its test part: {learnt}"):
        read_network_scores(written(), ImagesAsked(None, None, [*SOME[:3], learnt]))


@pytest.fixture
def own(tmp_path):
    """Images of a user's own in two folders without a split, the ill ones the commoner."""
    for name, count in (("well", 2), ("ill", 4)):
        (tmp_path / "d" / name).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", (64, 64), (number, 9, 9)).save(tmp_path / "d" / name / f"{number}.png")
    return tmp_path / "d"


OWN = ["ill/0.png", "ill/1.png", "well/0.png"]


def test_a_set_that_the_harness_cut_is_gated_within_its_group_alone(written, own):
    path = written(dataset="folder-d", classes=("ill", "well"), group="ours")
    found = read_network_scores(path, ImagesAsked(f"folder:{own}", None, OWN, 0, "ours"))
    assert found.labels == {"ill/0.png": 0, "ill/1.png": 0, "well/0.png": 1}
    for fold, group in ((None, ""), (0, "others")):  # a CSV file, a cell that another seed cut
        with pytest.raises(DataError, match="the harness itself cut folder-d") as caught:
            read_network_scores(path, ImagesAsked(f"folder:{own}", None, OWN, fold, group))
        assert "cell:dense@1,seed=0,group=ours" in caught.value.fix


def test_deep_images_are_scored_on_the_scale_that_the_network_had(written, shipped, own):
    for path, highest in ((own / "ill" / "0.png", 900), (own / "well" / "0.png", 4000)):
        Image.fromarray(np.linspace(0, highest, 64 * 64).reshape(64, 64).astype(np.uint16)).save(path)
    plate = {"dataset": "folder-d", "classes": ("ill", "well"), "group": "ours"}
    asked = ImagesAsked(f"folder:{own}", None, ["ill/0.png"], 0, "ours")
    with pytest.raises(DataError, match="on which scale the network had such is not known"):
        read_network_scores(written(**plate), asked)
    depth = {"depth": BitDepth(deep=2, highest=50_000, usual=40_000)}
    found = read_network_scores(written(**plate, preprocessing=depth), asked)
    image = shipped(preprocessing=depth).prepare(own / "ill" / "0.png")
    with torch.no_grad():
        assert found.scores["ill/0.png"] == pytest.approx(float(shipped()(image)), abs=1e-5)
    assert image.max() <= 4  # 900 of 65,535


def test_another_positive_class_than_the_network_s_is_refused(written, own):
    path = written(dataset="folder-d", classes=("well", "ill"), group="ours")
    with pytest.raises(DataError, match=r"tells 'ill' \(positive\) from 'well'") as caught:
        read_network_scores(path, ImagesAsked(f"folder:{own}", None, OWN, 0, "ours"))
    assert f"'folder:{own}[positive=ill]'" in caught.value.fix
    right = ImagesAsked(f"folder:{own}[positive=ill]", None, OWN, 0, "ours")
    assert read_network_scores(path, right).labels == {"ill/0.png": 1, "ill/1.png": 1, "well/0.png": 0}


@pytest.mark.parametrize(
    ("plate", "asked", "said"),
    [
        ({}, ImagesAsked("digits-9", None, SOME), "was made for isic-sim, not for digits-9"),
        ({}, ImagesAsked(None, None, ["elsewhere"]), "has none of the images"),
        ({"preprocessing": {"resize": "centre crop"}}, ImagesAsked(None, None, SOME), "wants images by 'centre crop'"),
        ({"dataset": "nobodys"}, ImagesAsked(None, None, SOME), "nobodys"),
    ],
)
def test_what_does_not_fit_is_refused(written, plate, asked, said):
    with pytest.raises(HarnessError, match=said):
        read_network_scores(written(**plate), asked)


@pytest.mark.long
def test_an_onnx_file_gives_the_same_scores(tmp_path, shipped):
    path = tmp_path / "net.onnx"
    path.write_bytes(onnx_content(shipped()))
    found = read_network_scores(path, ImagesAsked(None, None, SOME))
    assert found.scores == pytest.approx(one_by_one(shipped(), SOME), abs=1e-4)


def onnx_of(nodes, output, nameplate):
    """A small model of another's making; it says that it is one of ours."""
    helper = onnx.helper
    graph = helper.make_graph(
        nodes,
        "x",
        [helper.make_tensor_value_info("images", onnx.TensorProto.UINT8, ["n", 3, 64, 64])],
        [helper.make_tensor_value_info("score", onnx.TensorProto.FLOAT, output)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    if nameplate is not None:
        helper.set_model_props(model, {NAMEPLATE: nameplate.to_text()})
    return model.SerializeToString()


node = onnx.helper.make_node
CAST = node("Cast", ["images"], ["float"], to=onnx.TensorProto.FLOAT)


@pytest.mark.parametrize(
    ("nodes", "output", "said"),
    [
        (
            [CAST, onnx.helper.make_node("GlobalAveragePool", ["float"], ["score"])],
            ["n", 3, 1, 1],
            "not one score each",
        ),
        ([CAST, onnx.helper.make_node("Reshape", ["float", "float"], ["score"])], ["n"], "cannot load the network"),
    ],
)
def test_a_graph_that_only_says_to_be_ours_is_refused(tmp_path, shipped, nodes, output, said):
    path = tmp_path / "net.onnx"
    path.write_bytes(onnx_of(nodes, output, shipped().nameplate))
    with pytest.raises(DataError, match=said):
        read_network_scores(path, ImagesAsked(None, None, SOME[:3]))
    path.write_bytes(onnx_of(nodes, output, None))
    with pytest.raises(DataError, match="does not say what it wants of an image"):
        read_network_scores(path, ImagesAsked(None, None, SOME[:3]))
