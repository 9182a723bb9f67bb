"""Publishing to a folder: what is in it, what is kept, and that nothing new changes nothing."""

import csv
import getpass
import gzip
import json
import os
import re
import shutil
from dataclasses import replace

import pytest

from harness.errors import UsageError
from harness.reports.page import page as page_module
from harness.reports.publishing import publish as publish_module
from harness.reports.publishing.publish import write_site

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("undrawn")]
LATER = {"started": "2026-02-01T00:00:00+00:00"}


def read(path):
    return json.loads(path.read_text("utf-8"))


def version_ids(page):
    return sorted(path.name for path in (page / "versions").iterdir() if path.is_dir())


def shown(page):
    """The folder of the version that a page goes on to, which is the one that its figures are of."""
    (onward,) = re.findall(r'http-equiv="refresh" content="0; url=(.*?)/index.html"', (page / "index.html").read_text())
    assert onward == f"versions/{read(page / 'results.json')['id']}"
    return page / onward


def stamps(folder):
    return {path: path.stat().st_mtime_ns for path in folder.rglob("*")} | {folder: folder.stat().st_mtime_ns}


def test_each_data_set_and_network_has_its_page(store, tmp_path, tree):
    found = write_site(store, tmp_path)
    assert found.written == ("isic-sim/big", "isic/big", "isic/small")
    assert (found.unchanged, found.kept, found.refreshed, found.warnings) == ((), (), (), ())
    wanted = {".harness-publish.lock", ".nojekyll", "index.html", "results.json"}
    for place in found.written:
        (version,) = version_ids(tmp_path / place)
        wanted |= {f"{place}/versions/index.html", f"{place}/versions/{version}/scores.csv.gz"}
        for name in ("index.html", "cells.csv", "results.json"):
            wanted |= {f"{place}/{name}", f"{place}/versions/{version}/{name}"}
    assert set(tree(tmp_path)) == wanted


def test_a_page_never_mixes_networks(store, tmp_path):
    write_site(store, tmp_path)
    for place, own, other in [("isic/big", "snip", "only-small"), ("isic/small", "only-small", "snip")]:
        page = tmp_path / place
        assert own in (shown(page) / "index.html").read_text()
        assert other not in (shown(page) / "index.html").read_text()
        with open(page / "cells.csv") as file:
            rows = list(csv.DictReader(file))
        assert {row["entry"] for row in rows} >= {"dense", own}
        assert other not in {row["entry"] for row in rows}
        document = read(page / "results.json")
        assert document["network"] == place.rpartition("/")[2]
        assert {cell["entry"] for cell in document["cells"]} == {row["entry"] for row in rows}
        assert {group["provenance"]["network"] for group in document["groups"]} == {document["network"]}


def test_every_link_leads_to_a_file_of_the_folder(store, tmp_path, walk, make):
    write_site(store, tmp_path)
    write_site([make("isic", network="big", seeds=(0, 1), **LATER)], tmp_path)
    reached = walk(tmp_path / "index.html")
    files = {path.resolve() for path in tmp_path.rglob("*") if path.is_file() and not path.name.startswith(".")}
    assert reached == files


def test_again_is_nothing_new(store, tmp_path, tree):
    first = write_site(store, tmp_path)
    before, times = tree(tmp_path), stamps(tmp_path)
    again = write_site(store, tmp_path)
    assert not first.nothing_new
    assert again.nothing_new
    assert again.unchanged == first.written
    assert "Nothing new" in again.lines()[-1]
    assert tree(tmp_path) == before
    assert stamps(tmp_path) == times


def test_another_order_of_the_same_runs_is_nothing_new(make, tmp_path, tree):
    """Results that moved to another server, say."""
    results = make(seeds=(0, 1), levels=(0.5, 0.25))
    write_site([results], tmp_path)
    before = tree(tmp_path)
    assert write_site([replace(results, cells=results.cells[::-1], scores=results.scores[::-1])], tmp_path).nothing_new
    assert tree(tmp_path) == before


def test_nothing_is_drawn_again_for_nothing(store, tmp_path, monkeypatch):
    write_site(store, tmp_path)
    monkeypatch.setattr(publish_module, "render", lambda *_: pytest.fail("drawn again"))
    assert write_site(store, tmp_path).nothing_new


def test_new_results_add_one_version_and_keep_the_old(store, tmp_path, tree, make, parse):
    write_site(store, tmp_path)
    page = tmp_path / "isic" / "big"
    before, (old,) = tree(tmp_path), version_ids(page)
    found = write_site([make("isic", network="big", seeds=(0, 1), **LATER), store[1]], tmp_path)
    assert (found.written, found.unchanged, found.kept) == (("isic/big",), ("isic-sim/big",), ("isic/small",))
    assert len(version_ids(page)) == 2
    (new,) = set(version_ids(page)) - {old}
    assert new.startswith("2026-02-01-")
    changed = {path for path, digest in tree(tmp_path).items() if before.get(path) != digest}
    files = ("index.html", "cells.csv", "results.json")
    new_files = {f"isic/big/versions/{new}/{name}" for name in (*files, "scores.csv.gz")}
    own = {f"isic/big/{name}" for name in (*files, "versions/index.html")}
    assert changed == new_files | own | {"index.html", "results.json"}
    assert shown(page).name == new
    for listing, way in ((page, "versions/"), (page / "versions", "")):
        document = parse(listing / "index.html")
        assert f"{way}{old}/index.html" in document.links
        assert f"2026-02-01: {new} , the newest page" in document.text
        assert f"2026-01-01: {old} (" in document.text
        assert "seed added: 1" in document.text
    back = {(page / "versions" / old / link).resolve() for link in parse(page / "versions" / old / "index.html").links}
    assert {tmp_path / name for name in ("index.html", "isic/big/index.html", "isic/big/versions/index.html")} <= back


def test_versions_are_listed_newest_first(tmp_path, make, parse):
    days = ["2026-03-01", "2026-01-01", "2026-02-01", "2026-04-01"]
    for day in days:
        write_site([make("isic", network="big", started=f"{day}T00:00:00+00:00")], tmp_path)
    links = parse(tmp_path / "isic/big/index.html").links
    newest, *listed = [link[9:19] for link in links if re.fullmatch(r"versions/[^/]+/index.html", link)]
    assert newest == listed[0]
    assert listed == ["2026-04-01", "2026-03-01", "2026-02-01", "2026-01-01"]
    (page,) = read(tmp_path / "results.json")["pages"]
    assert [version["newest_result"][:10] for version in page["versions"]] == listed


def test_the_newest_page_is_stored_once_and_reached_without_a_script(store, tmp_path, parse):
    write_site(store, tmp_path)
    page = tmp_path / "isic" / "big"
    version = shown(page)
    for name in ("cells.csv", "results.json"):
        assert (page / name).read_bytes() == (version / name).read_bytes()
    assert "Leaderboard" in parse(version / "index.html").text
    way = parse(page / "index.html")
    assert "Leaderboard" not in way.text
    assert read(version / "results.json")["groups"][0]["answer"][0] in way.text
    assert f"versions/{version.name}/index.html" in way.links
    assert way.elements.count("script") == 1  # the theme's
    assert "refresh" not in (page / "versions" / "index.html").read_text()


def test_a_version_is_not_touched_by_later_ones(tmp_path, make, tree):
    write_site([make("isic", network="big")], tmp_path)
    version = shown(tmp_path / "isic" / "big")
    before = tree(version)
    write_site([make("isic", network="big", seeds=(0, 1), **LATER)], tmp_path)
    assert tree(version) == before


def test_what_vanished_stays_and_is_still_listed(store, tmp_path, tree, parse):
    write_site(store, tmp_path)
    before = tree(tmp_path)
    found = write_site([store[1]], tmp_path)
    assert found.kept == ("isic/big", "isic/small")
    assert found.nothing_new
    assert tree(tmp_path) == before
    write_site([], tmp_path)
    assert tree(tmp_path) == before
    small = shown(tmp_path / "isic" / "small").relative_to(tmp_path)
    assert f"{small}/index.html" in parse(tmp_path / "index.html").links


def test_two_stores_gather_in_one_folder(store, tmp_path, tree):
    """In whichever order, and as if they were one."""
    for name, order in {"one": [store], "first": [store[:1], store[1:]], "last": [store[1:], store[:1]]}.items():
        for part in order:
            write_site(part, tmp_path / name)
    assert tree(tmp_path / "one") == tree(tmp_path / "first") == tree(tmp_path / "last")


def test_empty_results_make_no_page(tmp_path, bench, parse):
    found = write_site([bench.results()], tmp_path / "new" / "folder")
    assert found.written == ()
    assert "No results yet." in parse(tmp_path / "new" / "folder" / "index.html").text


def test_new_looks_are_put_on_in_place(store, tmp_path, monkeypatch, make):
    old = [make("isic", network="big"), store[1]]
    write_site(old, tmp_path)
    write_site([make("isic", network="big", seeds=(0, 1), **LATER)], tmp_path)
    page = tmp_path / "isic" / "big"
    files = {path: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()}
    for module in (page_module, publish_module):
        monkeypatch.setattr(module, "looks", lambda: "0" * 12)
    found = write_site([make("isic", network="big", seeds=(0, 1), **LATER)], tmp_path)
    assert (found.refreshed, found.written) == (("isic/big",), ())
    changed = {path for path, content in files.items() if path.read_bytes() != content}
    newest = page / "versions" / read(page / "results.json")["id"]
    assert changed == {newest / "index.html"}
    assert {path for path in tmp_path.rglob("*.*") if path.is_file()} == set(files)
    assert write_site([make("isic", network="big", seeds=(0, 1), **LATER)], tmp_path).nothing_new


def test_going_back_to_older_results_shows_them_and_warns(tmp_path, make, parse):
    """Another store, or runs that were deleted: no version is lost, none is made twice."""
    old, new = make("isic", network="big"), make("isic", network="big", seeds=(0, 1), **LATER)
    write_site([old], tmp_path)
    first = read(tmp_path / "isic/big/results.json")
    write_site([new], tmp_path)
    found = write_site([old], tmp_path)
    assert found.written == ("isic/big",)
    assert "Is this the right store?" in found.warnings[0]
    assert "warning: " in found.lines()[-2]
    assert read(tmp_path / "isic/big/results.json") == first
    assert len(version_ids(tmp_path / "isic/big")) == 2
    assert write_site([], tmp_path).nothing_new  # what is shown is not the latest by date, and stays
    later = "Results that were published before and dated later are not in it."
    assert later in parse(tmp_path / "isic/big/index.html").text
    assert write_site([new], tmp_path).warnings == ()
    assert later not in parse(tmp_path / "isic/big/index.html").text


def test_a_removed_version_is_no_longer_listed(tmp_path, make, walk, parse):
    write_site([make("isic", network="big")], tmp_path)
    page = tmp_path / "isic" / "big"
    (old,) = version_ids(page)
    write_site([make("isic", network="big", seeds=(0, 1), **LATER)], tmp_path)
    shutil.rmtree(page / "versions" / old)
    write_site([], tmp_path)
    assert old not in (page / "index.html").read_text()
    assert len(read(tmp_path / "results.json")["pages"][0]["versions"]) == 1
    walk(tmp_path / "index.html")
    shutil.rmtree(tmp_path / "isic")
    write_site([], tmp_path)
    assert "No results yet." in parse(tmp_path / "index.html").text


def test_where_the_shown_version_is_removed_the_one_before_is_shown(tmp_path, make, walk):
    write_site([make("isic", network="big")], tmp_path)
    page = tmp_path / "isic" / "big"
    (old,) = version_ids(page)
    write_site([make("isic", network="big", seeds=(0, 1), **LATER)], tmp_path)
    (new,) = set(version_ids(page)) - {old}
    shutil.rmtree(page / "versions" / new)
    write_site([], tmp_path)
    assert read(page / "results.json")["id"] == old
    assert new not in (page / "index.html").read_text()
    walk(tmp_path / "index.html")
    shutil.rmtree(page / "versions" / old)
    write_site([], tmp_path)
    assert f"versions/{old}" not in (page / "index.html").read_text()
    assert "Its versions were removed." in (page / "index.html").read_text()
    walk(tmp_path / "index.html")


def test_the_report_of_an_older_harness_gives_way_to_its_version_and_stays_where_it_has_none(tmp_path, make, walk):
    """It stood whole where now only the way to the newest version is."""
    write_site([make("isic", network="big")], tmp_path)
    page = tmp_path / "isic" / "big"
    version, way = shown(page), (page / "index.html").read_bytes()
    full = (version / "index.html").read_bytes()
    (page / "index.html").write_bytes(full)
    (page / "versions" / "index.html").unlink()
    write_site([], tmp_path)
    assert (page / "index.html").read_bytes() == way
    walk(tmp_path / "index.html")
    (page / "index.html").write_bytes(full)
    shutil.rmtree(version)
    write_site([], tmp_path)
    assert (page / "index.html").read_bytes() == full


@pytest.mark.parametrize("name", ["index.html", "cells.csv", "results.json"])
def test_what_someone_removed_comes_back(store, tmp_path, tree, name):
    write_site(store, tmp_path)
    before = tree(tmp_path)
    (version,) = version_ids(tmp_path / "isic/small")
    for path in (f"isic/big/{name}", f"isic/small/versions/{version}/{name}"):
        (tmp_path / path).unlink()
        assert not write_site(store, tmp_path).nothing_new
        assert tree(tmp_path) == before


def test_scores_that_someone_removed_come_back(store, tmp_path, tree):
    write_site(store, tmp_path)
    before = tree(tmp_path)
    (version,) = version_ids(tmp_path / "isic/small")
    (tmp_path / f"isic/small/versions/{version}/scores.csv.gz").unlink()
    assert not write_site(store, tmp_path).nothing_new
    assert tree(tmp_path) == before


def test_failures_alone_still_make_a_page(tmp_path, bench, walk):
    bench.missing("dense", 0, 1.0, "failed", "out of patience")
    write_site([bench.results()], tmp_path)
    assert read(tmp_path / "results.json")["pages"][0]["groups"][0]["dense_auc"] is None
    walk(tmp_path / "index.html")


def test_files_can_be_served(store, tmp_path):
    old = os.umask(0o022)
    try:
        write_site(store, tmp_path / "out")
    finally:
        os.umask(old)
    for path in (tmp_path / "out").rglob("*"):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path


def test_results_that_cannot_be_compared_leave_the_folder_alone(store, tmp_path, tree):
    write_site(store, tmp_path)
    before = tree(tmp_path)
    broken = replace(store[1], scores=store[1].scores.assign(id=[str(i) for i in range(len(store[1].scores))]))
    with pytest.raises(ValueError, match="different test images"):
        write_site([broken], tmp_path)
    assert tree(tmp_path) == before


def test_a_page_of_another_data_set_is_not_replaced(old, tmp_path, make, tree):
    write_site([make("other", network="big")], tmp_path)
    (tmp_path / "other").rename(tmp_path / "isic")
    before = tree(tmp_path)
    with pytest.raises(UsageError, match="'other'"):
        write_site(old, tmp_path)
    assert tree(tmp_path) == before


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
    assert sum(path.name == "index.html" for path in reached) == 1 + 4 * len(HOSTILE)
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


def test_no_path_and_no_user_of_this_machine_is_published(tmp_path, monkeypatch, bench, scores, record):
    home = "/home/ada lovelace"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setattr(getpass, "getuser", lambda: "lovelace")
    entry = f"mine[file={tmp_path}/x.pt]"
    bench.done("dense", 0, 1.0, scores())
    bench.done(entry, 0, 0.5, scores(missed=3), layers={f"{tmp_path}.weight": [5, 4, 10]})
    bench.missing(f"{entry[:-1]},rate=2]", 0, 0.5, "failed", f"OSError: [Errno 2] No such file: '{home}/x y.pt'\nmore")
    command = f"harness run --store {tmp_path}/store --config {home}/own.toml --tracking-uri http://me:S3CRET@h/x"
    results = bench.results(command=command, weights=f"{home}/w.pt", setting="s", odd={"a": ["/scratch/lovelace"]})
    study = record(entry, f"{entry[:-1]},rate=1]", command=command)
    write_site([replace(results, studies=(study,))], tmp_path / "site")
    for path in (tmp_path / "site").rglob("*.*"):
        if path.is_file():
            for ours in (str(tmp_path), "/home", "lovelace", "S3CRET"):
                assert ours not in (gzip.decompress if path.suffix == ".gz" else bytes)(path.read_bytes()).decode(), (
                    path
                )
    document = read(next((tmp_path / "site").glob("spots/*/results.json")))
    assert document["groups"][0]["provenance"]["command"] == (
        "harness run --store store --config own.toml --tracking-uri http://h/x"
    )
    assert {cell["entry"] for cell in document["cells"]} == {"dense", "mine[file=x.pt]", "mine[file=x.pt,rate=2]"}


def _same_elements(found, harmless):
    assert set(found.elements) - {"wbr"} == set(harmless.elements) - {"wbr"}  # where a name has signs, a line may end
    assert {(tag, name) for tag, name, _ in found.attributes} == {(tag, name) for tag, name, _ in harmless.attributes}
