"""Publishing that is cut off, or done twice at once."""

import fcntl
import json
import os
import pickle
import shutil
import subprocess
import sys
import threading
import time

import pytest

from harness.reports.publishing import publish as publish_module
from harness.reports.publishing.publish import write_site
from harness.reports.publishing.site_folder import LOCK, TEMPORARY

pytestmark = pytest.mark.usefixtures("undrawn")
STEPS = ("replace", "rename", "fsync", "mkdir")


class Killed(BaseException):
    pass


class Reaper:
    """Kills at the n-th step that touches the disk, a write when it is half done; nothing is cleaned up afterwards."""

    def __init__(self, monkeypatch, after):
        self.left = after
        monkeypatch.setattr(os, "fsync", self._halve)
        for name in STEPS:
            monkeypatch.setattr(os, name, self._counted(getattr(os, name)))
        tidy = shutil.rmtree
        monkeypatch.setattr(shutil, "rmtree", lambda path: None if self.left < 0 else tidy(path))

    def _halve(self, handle):
        if self.left < 0:
            os.ftruncate(handle, os.fstat(handle).st_size // 2)

    def _counted(self, step):
        def count(*arguments, **options):
            self.left -= 1
            if self.left < 0:
                if step == self._halve:
                    step(*arguments)
                raise Killed
            return step(*arguments, **options)

        return count


@pytest.fixture
def remembered(monkeypatch):
    """Work the same figures and pages out once only: these tests publish hundreds of times."""
    for name in ("document", "render"):
        monkeypatch.setattr(publish_module, name, _remembering(getattr(publish_module, name)))


def _remembering(function):
    known = {}

    def recall(results, *arguments):
        key = (results.experiment, *results.groups, len(results.cells))
        if key not in known:
            known[key] = function(results, *arguments)
        return known[key]

    return recall


@pytest.mark.slow
@pytest.mark.usefixtures("remembered")
def test_a_kill_at_any_step_leaves_a_whole_folder_and_the_next_completes_it(old, new, tmp_path, tree, walk):
    before, wanted = tmp_path / "before", tmp_path / "wanted"
    write_site(old, before)
    shutil.copytree(before, wanted)
    write_site(new, wanted)
    after = 0
    while _killed(new, shutil.copytree(before, tmp_path / f"{after}"), after):
        folder = tmp_path / f"{after}"
        walk(folder / "index.html")
        others = shutil.copytree(folder, tmp_path / f"{after}-others")
        write_site([], others)  # another store's results: they complete what they can, and break nothing
        assert len(walk(others / "index.html")) >= len(walk(before / "index.html"))
        assert not list(others.glob(f"{TEMPORARY}*"))
        write_site(new, folder)
        assert tree(folder) == tree(wanted), after
        after += 1
    assert after > 20
    assert tree(tmp_path / f"{after}") == tree(wanted)


def _killed(results, folder, after):
    with pytest.MonkeyPatch.context() as patch:
        Reaper(patch, after)
        try:
            write_site(results, folder)
        except Killed:
            return True
    return False


@pytest.mark.slow
@pytest.mark.usefixtures("remembered")
def test_a_kill_of_the_very_first_publishing_is_completed(new, tmp_path, tree):
    write_site(new, tmp_path / "wanted")
    after = 0
    while _killed(new, tmp_path / f"{after}", after):
        write_site(new, tmp_path / f"{after}")
        assert tree(tmp_path / f"{after}") == tree(tmp_path / "wanted"), after
        after += 1
    assert after > 20


def test_left_over_temporary_folders_are_swept_and_links_are_not_followed(old, tmp_path):
    folder, mine = tmp_path / "out", tmp_path / "mine"
    (folder / f"{TEMPORARY}abc" / "folder").mkdir(parents=True)
    mine.mkdir()
    (mine / "precious").write_text("x")
    (folder / f"{TEMPORARY}link").symlink_to(mine)
    write_site(old, folder)
    assert not (folder / f"{TEMPORARY}abc").exists()
    assert (mine / "precious").exists()


def test_a_publisher_waits_while_another_holds_the_folder(old, tmp_path):
    with open(tmp_path / LOCK, "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        other = threading.Thread(target=write_site, args=(old, tmp_path), daemon=True)
        other.start()
        time.sleep(0.4)
        assert [path.name for path in tmp_path.iterdir()] == [LOCK]
    other.join(30)
    assert (tmp_path / "index.html").is_file()


TWO_AT_ONCE = """
import pickle, sys, time
from pathlib import Path
from harness.reports.page import figures, page, parts
from harness.reports.publishing.publish import write_site
figures.figures = lambda *_, **__: []
results = pickle.loads(Path(sys.argv[1]).read_bytes())
folder = Path(sys.argv[2])
Path(sys.argv[1]).with_suffix(".ready").touch()
while not (folder.parent / "go").exists():
    time.sleep(0.001)
for part in [results[:1], results[1:], results]:
    write_site(part, folder)
"""


@pytest.mark.slow
def test_two_processes_at_once_do_not_harm_each_other(old, new, tmp_path, walk, tree):
    folder, running = tmp_path / "out", []
    for name, results in {"old": old, "new": new}.items():
        (tmp_path / f"{name}.pickle").write_bytes(pickle.dumps(results))
        command = [sys.executable, "-P", "-c", TWO_AT_ONCE, tmp_path / f"{name}.pickle", folder]
        running.append(subprocess.Popen(command))
    deadline = time.monotonic() + 60
    while len(list(tmp_path.glob("*.ready"))) < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    (tmp_path / "go").touch()
    assert [process.wait(60) for process in running] == [0, 0]
    assert not list(folder.glob(f"{TEMPORARY}*"))
    pages = {one["page"]: one for one in json.loads((folder / "results.json").read_text())["pages"]}
    assert set(pages) == {f"{name}/index.html" for name in ("isic/big", "isic-sim/small", "kept/big")}
    assert len(pages["isic/big/index.html"]["versions"]) == 2
    walk(folder / "index.html")
    write_site(new, folder)  # whoever was last: afterwards it is as if they had come one after the other
    write_site(old, tmp_path / "wanted")
    write_site(new, tmp_path / "wanted")
    assert tree(folder) == tree(tmp_path / "wanted")
