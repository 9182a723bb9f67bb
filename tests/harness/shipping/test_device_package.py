"""The folder that goes to a device, run there with numpy and onnxruntime alone, and what comes back."""

import hashlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from harness.errors import DataError, UsageError
from harness.shipping.device_package import package_of, remember, remembered, write_package
from harness.shipping.device_results import read_document, results_of
from harness.shipping.measurable import Measurable, of_file

SPEC = importlib.util.spec_from_file_location("onnx_graphs", Path(__file__).parents[1] / "portable" / "onnx_graphs.py")
graphs = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(graphs)


@pytest.fixture
def networks(tmp_path):
    """Two networks, the second with images that may not leave."""
    found = []
    for number, name in enumerate(("first one.onnx", "../second.onnx")):
        path = tmp_path / f"{number}.onnx"
        product = [graphs.node("Flatten", "x", "f"), graphs.node("Gemm", "f w", "y")]
        held = {"w": graphs.floats(12, 2 + number)}
        path.write_bytes(graphs.graph(product, {"x": [None, 3, 2, 2]}, {"y": None}, held))
        made = of_file(path)
        file = type(made.file)(**{**vars(made.file), "name": name})
        found.append(Measurable(file, made.content, np.full((2, 3, 2, 2), number, dtype=np.uint8), number == 0))
    return found


def test_it_has_the_networks_the_images_that_may_leave_and_a_manifest_of_each(networks, tmp_path):
    folder = tmp_path / "package"
    manifest = json.loads(write_package(folder, networks))
    files = {path.name: path.read_bytes() for path in folder.iterdir()}
    first, second = manifest["networks"]
    assert (first["file"], second["file"]) == ("1-first-one.onnx", "2-second.onnx")
    assert set(files) == {*(one["file"] for one in (first, second)), first["images"]} | {
        "measure_onnx.py",
        "README.txt",
        "manifest.json",
    }
    assert "images" not in second
    for one in (first, second):
        assert one["sha256"] == hashlib.sha256(files[one["file"]]).hexdigest() == one["what"]["sha256"]
    assert first["images_sha256"] == hashlib.sha256(files[first["images"]]).hexdigest()
    assert len(files["README.txt"].splitlines()) == 3
    assert "2-second.npy" in {path.name for path in _written(folder, networks)}


def _written(folder, networks):
    """Here, on this machine, every image may be read."""
    write_package(folder, networks, leaves=False)
    return folder.iterdir()


def test_a_folder_with_something_else_is_refused_and_a_package_written_anew(networks, tmp_path):
    mine = tmp_path / "mine"
    mine.mkdir()
    (mine / "thesis.txt").write_text("years")
    with pytest.raises(UsageError, match="something else"):
        write_package(mine, networks)
    assert [path.name for path in mine.iterdir()] == ["thesis.txt"]
    write_package(tmp_path / "package", networks)
    write_package(tmp_path / "package", networks[:1])
    assert not list((tmp_path / "package").glob("2-*"))


def test_a_package_written_anew_leaves_what_is_not_its_own_and_sets_aside_what_was_measured(networks, tmp_path):
    folder = tmp_path / "package"
    write_package(folder, networks)
    for name in ("mine.onnx", "images.npy", "measured.json"):
        (folder / name).write_text(name)
    lines = []
    write_package(folder, networks[:1], tell=lines.append)
    left = {path.name: path for path in folder.iterdir()}
    assert {"mine.onnx", "images.npy"} < set(left)
    assert not {"2-second.onnx", "measured.json"} & set(left)
    (aside,) = [path for name, path in left.items() if name.startswith("measured-")]
    assert aside.read_text() == "measured.json"
    assert len(lines) == 1
    assert f"it is {aside.name} now" in lines[0]


@pytest.mark.parametrize("name", ["../mine.onnx", "/mine.onnx", "1-/../../mine.onnx", "mine.onnx", 7, None])
def test_a_manifest_removes_nothing_elsewhere(networks, tmp_path, name):
    folder = tmp_path / "package"
    manifest = json.loads(write_package(folder, networks))
    mine = [tmp_path / "mine.onnx", folder / "mine.onnx"]
    for path in mine:
        path.write_text("years")
    manifest["networks"][0]["file"] = f"{tmp_path}{name}" if str(name).startswith("/") else name
    (folder / "manifest.json").write_text(json.dumps(manifest))
    write_package(folder, networks)
    assert [path.read_text() for path in mine] == ["years", "years"]


@pytest.fixture
def bare(tmp_path):
    """A folder with numpy and onnxruntime, and what these need, and nothing else of this environment."""
    site = tmp_path / "site"
    site.mkdir()
    for place in (Path(np.__file__).parent, Path(onnxruntime.__file__).parent):
        (site / place.name).symlink_to(place)
        beside = place.parent / f"{place.name}.libs"
        if beside.exists():
            (site / beside.name).symlink_to(beside)
    return site


def on_the_device(folder, site, *words):
    code = f"import sys; sys.path.append({str(site)!r}); import runpy; sys.argv = ['measure_onnx.py', *{words!r}]; "
    code += f"runpy.run_path({str(folder / 'measure_onnx.py')!r}, run_name='__main__')"
    python = Path(sys.base_prefix, "bin", "python3")  # no virtual environment, whose packages would be there
    return subprocess.run(
        [python, "-I", "-S", "-c", code],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env={"PYTHONPATH": str(site), "PYTHONNOUSERSITE": "1"},
    )


def test_a_device_with_numpy_and_onnxruntime_alone_measures_it(networks, bare, tmp_path):
    folder, store = tmp_path / "package", tmp_path / "store"
    manifest = write_package(folder, networks)
    remember(store, manifest)
    ran = on_the_device(folder, bare, "--device", "a board", "--seconds", "0.02", "--noise-limit", "10")
    assert ran.returncode == 0, ran.stderr
    document = read_document(folder / "measured.json")
    found = results_of(document, remembered(store, document["package"], "it"), "it")
    assert [one.file for one in found.measurements] == [one.file for one in networks]
    assert {one.machine.name for one in found.measurements} == {"a board"}
    assert all(one.latency[1].median > 0 and one.latency[32].n >= 15 for one in found.measurements)
    assert found.refusals == ()


def test_a_package_that_changed_on_its_way_is_not_measured(networks, bare, tmp_path):
    folder = tmp_path / "package"
    write_package(folder, networks)
    with (folder / "2-second.onnx").open("ab") as file:
        file.write(b"\0")
    ran = on_the_device(folder, bare)
    assert ran.returncode == 4
    assert "not as it was written" in ran.stderr
    assert not (folder / "measured.json").exists()


def test_a_device_without_onnxruntime_is_told(networks, tmp_path):
    folder, empty = tmp_path / "package", tmp_path / "empty"
    empty.mkdir()
    write_package(folder, networks)
    ran = on_the_device(folder, empty)
    assert ran.returncode == 5
    assert "pip install" in ran.stderr


def test_a_package_of_another_store_is_refused(networks, tmp_path):
    manifest = write_package(tmp_path / "package", networks)
    with pytest.raises(DataError, match="no package that"):
        remembered(tmp_path / "store", hashlib.sha256(manifest).hexdigest(), "it")
    with pytest.raises(DataError, match="no package that"):
        remembered(tmp_path / "store", "../../etc/passwd", "it")


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"format": "prune-harness/device", "schema": 2, "networks": []}', b"\xff"]
)
def test_what_is_no_manifest_is_refused(content):
    with pytest.raises(DataError, match="no manifest"):
        package_of(content, "it")
