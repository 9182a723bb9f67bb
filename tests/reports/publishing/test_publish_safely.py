"""Publishing that is cut off, done twice at once, hindered by other people's files, or given hostile names."""

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

from harness.errors import UsageError
from harness.reports.export.results_json import INDEX_FORMAT, SCHEMA, document, to_json
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
def old(make):
    return [make("isic", network="big"), make("kept", network="big")]


@pytest.fixture
def new(make):
    later = {"started": "2026-02-01T00:00:00+00:00"}
    return [make("isic", network="big", seeds=(0, 1), **later), make("isic-sim", network="small", simulated=True)]


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
from harness.reports.page import page
from harness.reports.publishing.publish import write_site
page.charts = lambda _: None
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


FOREIGN = {
    "CNAME": "example.org",
    ".git/config": "[core]",
    ".nojekyll": "mine",
    "README.md": "# mine",
    "docs/guide/index.html": "<p>mine",
    "isic/notes.txt": "mine",
    "isic/big/notes.txt": "mine",
    "isic/big/versions/notes.txt": "mine",
    "isic/other/results.json": "{}",
    "isic/other/versions/2026-01-01-00000000/results.json": "{}",
}


def lay(folder, files):
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)


def test_foreign_files_are_left_alone(old, new, tmp_path, walk):
    lay(tmp_path, FOREIGN)
    write_site(old, tmp_path)
    write_site(new, tmp_path)
    assert {name: (tmp_path / name).read_text() for name in FOREIGN} == FOREIGN
    assert not any("docs/" in str(path) or "other" in str(path) for path in walk(tmp_path / "index.html"))


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("index.html", "<!doctype html><title>mine</title>"),
        ("index.html", '<meta name="generator" content="prune-harness report 0123">'),
        ("results.json", "{}"),
        ("results.json", to_json({"format": "prune-harness/results", "schema": SCHEMA})),
        ("isic", "a file"),
        ("isic/big/index.html", "mine"),
        ("isic/big/index.html", '<meta name="generator" content="prune-harness report 0123">'),
        ("isic/big/cells.csv", "mine"),
        ("isic/big/results.json", "<<<<<<< conflict"),
        ("isic/big/versions", "a file"),
    ],
)
def test_foreign_files_in_the_way_are_refused_untouched(old, tmp_path, tree, name, text):
    lay(tmp_path, {name: text})
    before = tree(tmp_path)
    with pytest.raises(UsageError, match=name) as refused:
        write_site(old, tmp_path)
    assert "another folder" in refused.value.fix
    assert {path: digest for path, digest in tree(tmp_path).items() if path != LOCK} == before


def test_a_foreign_index_keeps_even_the_lock_out(old, tmp_path, tree):
    lay(tmp_path, {"index.html": "mine"})
    with pytest.raises(UsageError):
        write_site(old, tmp_path)
    assert set(tree(tmp_path)) == {"index.html"}


@pytest.mark.parametrize("place", ["isic", "isic/big", "isic/big/versions"])
def test_links_lead_nowhere_else(old, tmp_path, place):
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "out"
    elsewhere.mkdir()
    (folder / place).parent.mkdir(parents=True)
    (folder / place).symlink_to(elsewhere)
    with pytest.raises(UsageError):
        write_site(old, folder)
    assert not list(elsewhere.iterdir())


def test_a_link_to_pages_elsewhere_is_not_ours(old, new, tmp_path, tree):
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "out"
    write_site(old, elsewhere)
    before = tree(elsewhere)
    folder.mkdir()
    (folder / "linked").symlink_to(elsewhere / "kept")
    write_site(new, folder)
    assert tree(elsewhere) == before
    assert "linked" not in (folder / "index.html").read_text()


def test_a_page_of_another_data_set_is_not_replaced(old, tmp_path, make, tree):
    write_site([make("other", network="big")], tmp_path)
    (tmp_path / "other").rename(tmp_path / "isic")
    before = tree(tmp_path)
    with pytest.raises(UsageError, match="'other'"):
        write_site(old, tmp_path)
    assert tree(tmp_path) == before


@pytest.mark.parametrize("damage", [{"groups": 3}, {"cells": [{}]}, {"id": None, "cells": None}])
def test_a_damaged_page_is_named(old, tmp_path, make, damage):
    page = tmp_path / "other" / "big"
    page.mkdir(parents=True)
    (page / "results.json").write_text(to_json({**document(make("other", network="big")), **damage}))
    (page / "index.html").write_text('<meta name="generator" content="prune-harness report 0">')
    with pytest.raises(UsageError, match=r"other/big/results\.json is damaged"):
        write_site(old, tmp_path)


def test_a_newer_harness_is_not_overwritten(old, tmp_path, tree):
    write_site(old, tmp_path)
    for path, kind in [("results.json", INDEX_FORMAT), ("kept/big/results.json", "prune-harness/results")]:
        saved = (tmp_path / path).read_bytes()
        (tmp_path / path).write_text(to_json({"format": kind, "schema": SCHEMA + 1}))
        before = tree(tmp_path)
        with pytest.raises(UsageError, match=f"schema {SCHEMA + 1}, this harness knows"):
            write_site(old, tmp_path)
        assert tree(tmp_path) == before
        (tmp_path / path).write_bytes(saved)


HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "../../x",
    "..",
    "/etc/passwd",
    "",
    "index.html",
    "results.json",
    ".git",
    "versions",
    "javascript:alert(1)",
    "\x1b]0;title\x07\u202egpj.exe\n",
    "half \udc80",
    "<!-- /place --><p>out",
    "x" * 300,
]


def test_hostile_names_stay_in_the_folder_and_inert(tmp_path, make, parse, walk):
    folder = tmp_path / "out"
    (tmp_path / "outside").write_text("x")
    for entry in ("lt", "new"):
        # A data frame cannot hold half a character, so that no entry can.
        entries = {name: (name.encode("utf-8", "replace").decode(), entry) for name in HOSTILE}
        write_site(
            [make(name, network=name, entries=entries[name], fallback_for=name or "x") for name in HOSTILE], folder
        )
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "outside"]
    assert len(list(folder.glob("*/*/index.html"))) == len(HOSTILE)
    reached = walk(folder / "index.html")
    assert sum(path.name == "index.html" for path in reached) == 1 + 3 * len(HOSTILE)
    harmless = tmp_path / "harmless"
    for entry in ("lt", "new"):
        write_site([make("isic", network="big", entries=("snip", entry), fallback_for="isic")], harmless)
    (calm,) = harmless.glob("*/*/index.html")
    _same_elements(parse(folder / "index.html"), parse(harmless / "index.html"))
    for path in folder.glob("*/*/index.html"):
        _same_elements(parse(path), parse(calm))
    for version in folder.glob("*/*/versions/*/index.html"):
        _same_elements(parse(version), parse(next(harmless.glob("*/*/versions/*/index.html"))))
    shown = parse(folder / "index.html").text
    assert "<script>alert(1)</script>" in shown
    assert "\\x1b]0;title\\x07\\u202egpj.exe\\n" in shown


def _same_elements(found, harmless):
    assert set(found.elements) == set(harmless.elements)
    assert {(tag, name) for tag, name, _ in found.attributes} == {(tag, name) for tag, name, _ in harmless.attributes}


def test_the_index_loads_nothing_and_its_policy_names_its_own_texts(old, tmp_path, parse):
    import base64
    import hashlib
    import re

    write_site(old, tmp_path)
    text, found = (tmp_path / "index.html").read_text("utf-8"), parse(tmp_path / "index.html")
    assert not {"link", "iframe", "object", "embed", "base", "form", "img"} & set(found.elements)
    assert not {name for _, name, _ in found.attributes if name == "src" or name == "style" or name.startswith("on")}
    policy = next(value for _, name, value in found.attributes if name == "content" and "default-src" in value)
    assert "default-src 'none'" in policy
    texts = re.findall(r"<(?:style|script)>(.*?)</(?:style|script)>", text, re.DOTALL)
    digests = {base64.b64encode(hashlib.sha256(one.encode()).digest()).decode() for one in texts}
    assert set(re.findall(r"'sha256-([^']+)'", policy)) == digests
    assert len(digests) == 2
