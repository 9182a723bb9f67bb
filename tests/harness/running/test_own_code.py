from pathlib import Path

from harness.running import own_code
from harness.running.own_code import code_digest


def test_the_code_is_every_source_file_of_the_harness_and_its_methods(tmp_path, monkeypatch):
    (tmp_path / "a.py").write_text("x = 1")
    for folder in ("deep", "reports"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "b.py").write_text("y = 1")
    names = {Path(path).name for _, path in own_code._files()}
    assert {"fit.py", "lt.py", "isic.py", "finished_jobs.py", "figures.py"} <= names
    assert "publishing.py" not in names
    monkeypatch.setattr(own_code, "_folders", lambda _package: (str(tmp_path),))
    found = [code_digest()]
    for text in ("y = 2", "y = 22", "y = 1"):
        (tmp_path / "deep" / "b.py").write_text(text)
        found.append(code_digest())
    assert len(set(found)) == 3
    assert found[0] == found[3]
    (tmp_path / "reports" / "b.py").write_text("y = 3")
    assert code_digest() == found[0]
