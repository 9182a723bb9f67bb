import os

import numpy as np
from PIL import Image

from harness.images import image_files
from harness.images.image_files import Size, same_files, size_range


def saved(folder, name, width, height):
    Image.fromarray(np.zeros((height, width, 3), dtype=np.uint8)).save(folder / name)
    return folder / name


def test_sizes_are_those_of_the_headers_by_number_of_pixels(tmp_path):
    sides = [(80, 60), (10, 300), (50, 50), (90, 90)]
    paths = [saved(tmp_path, f"{place}.png", *side) for place, side in enumerate(sides)]
    found = size_range(paths)
    assert found == (Size(50, 50), Size(10, 300), Size(90, 90))
    assert str(found) == "50x50 to 90x90 pixels, median 10x300"
    assert str(size_range(paths[:1] * 3)) == "80x60 pixels, all"


def test_what_has_no_header_is_left_out(tmp_path):
    (tmp_path / "text.jpg").write_text("no image")
    (tmp_path / "empty.jpg").touch()
    os.mkfifo(tmp_path / "pipe.jpg")
    broken = [tmp_path / name for name in ("text.jpg", "empty.jpg", "pipe.jpg", "missing.jpg")]
    assert size_range(broken) is None
    assert size_range([]) is None
    assert size_range([*broken, saved(tmp_path, "a.png", 3, 4)]).least == (3, 4)


def test_only_a_header_is_read(tmp_path):
    path = saved(tmp_path, "a.bmp", 64, 48)
    path.write_bytes(path.read_bytes()[:100])
    assert size_range([path]).least == (64, 48)


def test_the_same_bytes_are_found_and_only_files_of_one_length_are_read(tmp_path, monkeypatch):
    contents = [b"aaa", b"b", b"aab", b"aaa", b"cc", b"aab", b"aaa"]
    paths = [tmp_path / str(place) for place in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    read, digest = [], image_files.sha256_of
    monkeypatch.setattr(image_files, "sha256_of", lambda path: read.append(path) or digest(path))
    assert same_files([*paths, tmp_path / "missing"]) == [(0, 3, 6), (2, 5)]
    assert {path.name for path in read} == {"0", "2", "3", "5", "6"}
