import pytest
from PIL import Image, TiffImagePlugin

from harness.images import libtiff


@pytest.fixture
def spoiled(saved, photograph):
    path = saved("a.tif", photograph(), compression="tiff_adobe_deflate")
    with Image.open(path) as image:
        start = image.tag_v2[TiffImagePlugin.STRIPOFFSETS][0]
    data = bytearray(path.read_bytes())
    data[start + 200 : start + 208] = b"\xff" * 8
    path.write_bytes(data)
    return path


def test_its_errors_reach_the_image_and_never_the_terminal(spoiled, decode, capfd):
    assert decode(spoiled).startswith("damaged: Decoding error at scanline 0")
    assert capfd.readouterr() == ("", "")


def test_where_it_cannot_be_reached_the_image_is_refused_all_the_same(spoiled, decode, monkeypatch, capfd):
    class NoTiff:
        def __init__(self, _name):
            pass

    monkeypatch.setattr(libtiff.ctypes, "CDLL", NoTiff)
    assert decode(spoiled).startswith("damaged: ")
    assert "Decoding error" in capfd.readouterr().err  # what the other test would see
