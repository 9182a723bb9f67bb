"""Label files of a user's own, spoiled by chance: labels as they are written, or every fault by its line."""

import importlib.util
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from harness.datasets.csv_file import CsvFile
from harness.errors import DataError


def module(name):
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parents[1] / f"{name}.py")
    loaded = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


spoiled_labels = module("spoiled_labels")

NAME = "images/{:03d}.jpg"
DIALECT = spoiled_labels.Dialect(
    identity=NAME.format,
    words=(("ok", " ok"), ("ill", "ill ")),
    header="path,label",
    encodings=("utf-8", "utf-8-sig", "utf-16"),
    unknown_labels=("",),  # a third one is a fault of the whole file
    unknown_ids=("", "images/none.jpg", "../up.jpg", "https://host/1.jpg", "images", "~/1.jpg"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four hundred images, which nobody decodes."""
    made = tmp_path_factory.mktemp("set")
    (made / "images").mkdir()
    for number in range(400):
        (made / NAME.format(number)).touch()
    return made


def read(folder, content):
    """Return (labels, the lines with a fault in their order); 0 is the line of what is wrong with the whole file."""
    (folder / "labels.csv").write_bytes(content)
    try:
        found = CsvFile(path=str(folder / "labels.csv"), positive="ill").samples(folder)
    except DataError as error:
        lines = [int(fault.split()[1].rstrip(":")) if fault.startswith("line ") else 0 for fault in error.faults]
        return {}, list(dict.fromkeys(lines)) or [0]
    return {one.id: one.label for one in found}, []


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_generated_files_give_their_labels_or_all_their_faults_by_line(folder, delimiter):
    dialect = replace(DIALECT, header=f"path{delimiter}label", delimiters=(delimiter,))
    accepted = 0
    for file in spoiled_labels.label_files(ord(delimiter), 50, dialect):
        labels, lines = read(folder, file.content)
        told = [line for line in lines if line]
        assert told == file.faults[: len(told)], file.content
        assert len(told) == len(file.faults) or len(told) > 20, file.content  # fifty are shown, two of a line at most
        if not file.faults:  # of two classes, one line may have only one
            assert labels == (file.labels if len(set(file.labels.values())) == 2 else {}), file.content
        accepted += bool(labels)
    assert 5 < accepted < 45


def plainly(content):
    """Read a file as its format says; None where there is a quote, which parts nothing."""
    text = content.decode("utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig")
    if '"' in text:
        return None
    rows = [
        line.split(",") for line in text.replace("\r\n", "\n").replace("\r", "\n").split("\n") if line.strip(" ,\t")
    ]
    return {row[0].strip().removeprefix("./"): int(row[1].strip() == "ill") for row in rows if "jpg" in row[0]}


@pytest.mark.parametrize(("seed", "count"), [(0, 100), pytest.param(1, 1500, marks=pytest.mark.long)])
def test_mutated_files_are_read_as_a_plain_reading_does_or_refused(folder, seed, count):
    accepted = compared = 0
    for content in spoiled_labels.mutated(seed, count, DIALECT):
        labels, _ = read(folder, content)
        accepted += bool(labels)
        if labels and (plain := plainly(content)) is not None:
            assert labels == plain, content
            compared += 1
    assert count / 20 < accepted < count / 2
    assert compared > count / 20
