import pytest

from harness.cli.profile import WORDS, Profile
from harness.spans import Part, Spent

OWN = {Part.MLFLOW: Spent(2.0, 3.0), Part.WAITING: Spent(0.0, 90.0), Part.PROCESSES: Spent(3.0, 4.0)}
WORKERS = {Part.TRAINING: Spent(80.0, 100.0), Part.METHODS: Spent(10.0, 11.0), Part.PROCESSES: Spent(5.0, 12.0)}


def test_what_is_neither_training_nor_a_methods_own_is_the_rest():
    found = Profile(OWN, WORKERS)
    assert found.processor[Part.PROCESSES] == 8
    assert found.overhead == pytest.approx(10 / 100)
    assert Profile(OWN, {}).overhead == 1


def test_the_table_adds_up_and_fits_a_terminal():
    lines = Profile(OWN, WORKERS).lines()
    assert max(map(len, lines)) <= 80
    rows = lines[1:-2]
    assert [row[:24].strip() for row in rows] == [WORDS[part] for part in Part]
    columns = [[float(row[start : start + 14].split()[0]) for row in rows] for start in (24, 47, 61)]
    assert [sum(column) for column in columns] == [100, 97, 123]
    assert lines[-2].split() == ["all", "100.0", "97.0", "123.0"]
    assert "10.0 %" in lines[-1]


def test_as_json_every_part_is_there_with_its_three_times():
    values = Profile(OWN, WORKERS).values()
    assert set(values["parts"]) == set(Part)
    assert values["parts"]["processes"] == {"processor_seconds": 8.0, "seconds": 4.0, "worker_seconds": 12.0}
    assert values["overhead"] == pytest.approx(0.1)
