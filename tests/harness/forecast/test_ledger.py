from harness.forecast.ledger import NAME, Ledger, Line
from harness.forecast.work import Cost


def line(identity="a", key="k1", setting="here", units=10.0, seconds=2.0):
    return Line(identity, key, setting, "train", "small-cnn", units, seconds)


def test_a_piece_is_held_as_long_as_its_stage_is_there(tmp_path):
    Ledger(tmp_path).note(line())
    again = Ledger(tmp_path)
    assert not again.holds("a")
    (tmp_path / "stages" / "k1" / "k1").mkdir(parents=True)
    assert again.holds("a")
    assert not again.holds("b")
    (tmp_path / "stages" / "k1" / "k1").rmdir()
    assert not again.holds("a")


def test_rates_are_means_over_units_of_one_setting(tmp_path):
    ledger = Ledger(tmp_path)
    ledger.note(line("a", units=10, seconds=2.0))
    ledger.note(line("b", units=30, seconds=10.0))
    ledger.note(line("c", setting="elsewhere", units=1, seconds=1000.0))
    ledger.note(line("d", units=0, seconds=5.0))
    ledger.note(line("e", seconds=float("nan")))
    assert Ledger(tmp_path).rates("here") == {Cost("train", "small-cnn"): 12.0 / 40}
    assert Ledger(tmp_path).rates("nowhere") == {}


def test_a_piece_is_written_once_and_anew_where_its_stage_is_another(tmp_path):
    ledger = Ledger(tmp_path)
    for one in (line(), line(seconds=9.0), line(key="k2", seconds=3.0)):
        ledger.note(one)
    assert len((tmp_path / NAME).read_text().splitlines()) == 2
    assert Ledger(tmp_path).rates("here") == {Cost("train", "small-cnn"): 0.3}


def test_lines_that_are_none_are_passed_over_and_a_folder_that_cannot_be_written_is_no_error(tmp_path):
    (tmp_path / NAME).write_text('{"id": "x"\n[]\n{"id": 1}\n\x00\n')
    assert Ledger(tmp_path).rates("here") == {}
    (tmp_path / "file").write_text("")
    Ledger(tmp_path / "file").note(line())
