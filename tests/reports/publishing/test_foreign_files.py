"""Other people's files in a folder that is published to: left alone, or refused where they are in the way."""

import pytest

from harness.errors import UsageError
from harness.reports.export.results_json import INDEX_FORMAT, SCHEMA, to_json
from harness.reports.publishing.publish import write_site
from harness.reports.publishing.site_folder import LOCK

pytestmark = pytest.mark.usefixtures("undrawn")


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
