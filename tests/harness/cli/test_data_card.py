from harness.cli.data_card import data_lines
from harness.datasets.isic import Isic
from harness.downloads.sources_file import FIRST_USE, PUBLISHED, Source, record


def test_the_card_says_whether_a_set_was_fetched(isic_folder, monkeypatch):
    lines = data_lines("isic", isic_folder)
    assert "Not fetched by the harness; `harness data fetch isic` gets it from" in lines[4]
    assert "isic-archive.s3.amazonaws.com" in lines[4]
    for name, kind in (("labels", PUBLISHED), ("images", FIRST_USE), ("more", FIRST_USE)):
        record(isic_folder / "isic", name, Source("https://a/b", 1, "0" * 64, f"2026-01-0{len(name) % 3 + 1}", kind))
    assert data_lines("isic", isic_folder)[4] == (
        "Fetched: 3 files, the last on 2026-01-02; 1 with a published sha256, 2 with one recorded on first use"
        " (SOURCES.json)"
    )
    assert data_lines("isic", isic_folder)[5].startswith("train: 16 positives, 32 negatives labelled; 48 of 48")
    (isic_folder / "isic" / "SOURCES.json").unlink()
    monkeypatch.setattr(Isic, "remote_files", ())
    assert "Cannot be fetched" in data_lines("isic", isic_folder)[4]


def test_the_card_of_a_simulated_set_tells_the_best_that_can_be_reached(tmp_path):
    assert data_lines("isic-sim", tmp_path)[3:] == [
        "Simulated; the best reachable AUC-ROC is 0.963",
        "train: 173 positives, 727 negatives",
        "test: 75 positives, 304 negatives",
    ]
