"""A pt2 file runs in torch, says what it is, and runs nothing when it is asked."""

import io
import pickle
import zipfile

import pytest
import torch

from harness.errors import DataError
from harness.portable.exported_program import NAMEPLATE, loaded, pt2_content, pt2_nameplate


@pytest.fixture
def content(shipped):
    return pt2_content(shipped)


def test_any_number_of_images_is_taken_and_the_nameplate_is_in_it(content, shipped, draw, tmp_path):
    (tmp_path / "network.pt2").write_bytes(content)
    assert pt2_nameplate(tmp_path / "network.pt2") == shipped.nameplate
    run = loaded(content)
    for count in (1, 2, 33):
        assert torch.allclose(run(draw(count)), shipped(draw(count)), atol=1e-6)


def test_nothing_in_it_is_pickled(content):
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {one.filename: archive.read(one) for one in archive.infolist()}
    assert not [name for name, held in members.items() if held[:1] == b"\x80" or held[:2] == b"PK"]
    assert not [name for name, held in members.items() if b'"use_pickle": true' in held]


class Shell:
    def __reduce__(self):
        return print, ("a pickle ran",)


def archive(**members):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as file:
        for name, held in members.items():
            file.writestr(name.replace("__", "/"), held)
    return made.getvalue()


PLACE = f"archive__extra__{NAMEPLATE}"
HOSTILE = {
    "empty": b"",
    "a pickle": pickle.dumps(Shell()),
    "an archive of nothing": archive(),
    "a pickle in an archive": archive(archive__data__sample_inputs=pickle.dumps(Shell())),
    "a nameplate that is no text": archive(**{PLACE: b"\xff\xfe"}),
    "a nameplate of many megabytes": archive(**{PLACE: b" " * 2**24}),
    "a deep nameplate": archive(**{PLACE: b"[" * 10**6}),
    "a nameplate of another": archive(**{PLACE: b'{"dataset": 3}'}),
}


@pytest.mark.parametrize("how", HOSTILE)
def test_a_hostile_file_is_refused_in_words(how, tmp_path, capsys):
    path = tmp_path / "network.pt2"
    path.write_bytes(HOSTILE[how])
    with pytest.raises(DataError) as refused:
        pt2_nameplate(path)
    assert str(path) in refused.value.message
    assert "pickle ran" not in capsys.readouterr().out


def test_a_cut_file_is_refused(content, tmp_path):
    path = tmp_path / "network.pt2"
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError):
        pt2_nameplate(path)
