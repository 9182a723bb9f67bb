"""A scores file as anybody may have written it: read as it means, or refused with every line that is wrong."""

import pytest

from harness.errors import DataError
from harness.gating.scores_file import read_scores

HEAD = "id,label,score\n"
SOUND = {"a": (1, 0.5), "b,c": (0, -1.25e-3), 'q"': (0, 3.0)}


@pytest.fixture
def read(tmp_path):
    def reading(content):
        path = tmp_path / "own.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_scores(path)

    return reading


@pytest.mark.parametrize(
    "content",
    [
        HEAD + 'a,1,0.5\n"b,c",0,-0.00125\n"q""",0,3\n',
        "\ufeff" + HEAD + 'a,1,+.5\n"b,c",0.0,-1.25E-3\n"q""",0,3.\n',
        (HEAD + 'a,1,0.5\n"b,c",0,-0.00125\n"q""",0,3\n').replace("\n", "\r\n"),
        (HEAD + 'a,1,0.5\n"b,c",0,-0.00125\n"q""",0,3').replace("\n", "\r"),
        ' score , more, id,label\n 0.5 ,x,a,1\n\n-0.00125,,"b,c",0\n3,,"q""",0\n',
        'split,id,label,score\nvalidation,a,0,9\ntest,a,1,0.5\ntest,"b,c",0,-0.00125\ntrain,z,7,no\ntest,"q""",0,3\n',
    ],
    ids=["plain", "mark of byte order", "CRLF", "CR", "columns in another order", "splits"],
)
def test_it_is_read_however_it_was_written(read, content):
    found = read(content)
    assert {image: (found.labels[image], found.scores[image]) for image in found.scores} == SOUND


@pytest.mark.parametrize(
    ("content", "fault"),
    [
        ("", "it is empty"),
        ("\n", "it is empty"),
        (HEAD, "there is no image"),
        ("id,label\na,1\n", "line 1: there is no column score"),
        ("id;label;score\na;1;0\n", "separated by commas, not by ';'"),
        ("id\tlabel\tscore\n", r"not by '\t'"),
        ("id,label,score,score\n", "the column score is there twice"),
        (HEAD + "a,1,0.5\nb,1,0.5\n", "there is no negative"),
        (HEAD + "a,0,0.5\n", "there is no positive"),
        ("split,id,label,score\nvalidation,a,1,0\n", "there is no image of the split test"),
        (HEAD + "a,1,1e400\nb,0,1\n", "line 2: the score '1e400'"),
        (HEAD + "a,1,nan\nb,0,1\n", "line 2: the score 'nan'"),
        (HEAD + "a,1,-inf\nb,0,1\n", "line 2: the score '-inf'"),
        (HEAD + "a,1,1_0\nb,0,1\n", "line 2: the score '1_0'"),
        (HEAD + "a,1,\uff11\nb,0,1\n", "line 2: the score '\uff11'"),
        (HEAD + "a,1,\nb,0,1\n", "line 2: the score ''"),
        (HEAD + "a,yes,1\nb,0,1\n", "line 2: the label 'yes' is neither 0 nor 1"),
        (HEAD + "a,2,1\nb,0,1\n", "line 2: the label '2'"),
        (HEAD + " ,1,1\nb,0,1\n", "line 2: the id is empty"),
        (HEAD + "a,1,1\nb,0,1\na,1,1\n", "line 4: a is there already, in line 2"),
        (HEAD + "a,1\nb,0,1\n", "line 2: 2 cells, where the first line has 3"),
        (HEAD + 'a,1,"1\nb,0,1\n', "line 3: unexpected end of data"),
        (HEAD + f"{'a' * 200_000},1,1\n", "field larger than field limit"),
    ],
)
def test_what_is_wrong_is_told_by_its_line(read, content, fault):
    with pytest.raises(DataError) as caught:
        read(content)
    assert fault in str(caught.value)


def test_all_faults_are_told_at_once_and_many_are_counted(read):
    with pytest.raises(DataError) as caught:
        read(HEAD + "a,3,x\n,1,1\n" + "b,0,1\n" * 30)
    told = caught.value.faults
    assert told[:3] == [
        "line 2: the label '3' is neither 0 nor 1",
        "line 2: the score 'x' is no number from -1e100 to 1e100",
        "line 3: the id is empty",
    ]
    assert told[-1] == "and 12 more faults"  # 3 and 29 doubles, of which 20 are told


@pytest.mark.parametrize("content", [b"\xff\xfe\x00id", b"\x00\x01\x02", b"PK\x03\x04\xff"])
def test_what_is_no_text_is_refused(read, content):
    with pytest.raises(DataError):
        read(content)


def test_what_is_not_there_is_refused(tmp_path):
    for path in (tmp_path / "none.csv", tmp_path):
        with pytest.raises(DataError, match="cannot be read"):
            read_scores(path)
