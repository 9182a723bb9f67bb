"""What a run holds, written down; and what is told where that is lost."""

import hashlib
import json

import pytest

from harness.results.manifest import LoggedLevel, Manifest, hashes, log_files, manifest_of, read_checked
from harness.results.published import Publication, PublishedLevel


class Kept(dict):
    """Files in memory."""

    read = dict.get
    write = dict.update

    def folders(self, name):
        return sorted({"/".join(path.split("/")[:2]) for path in self if path.startswith(f"{name}/")})


def level(density, content=b"x"):
    cell = json.dumps({"density": density}).encode()
    return PublishedLevel(metrics={}, files={"cell.json": cell, "scores.csv": content}, digest=f"d{density}")


def publication(*densities, **documents):
    levels = {density: level(density) for density in densities}
    return Publication(key="k", name="n", tags={"t": "v"}, params={}, levels=levels, documents=documents)


def logged(*densities):
    files = Kept()
    log_files(files, publication(*densities, plan=b"p"), publication(*densities).levels, Manifest())
    return files


def test_a_manifest_knows_the_sha256_of_every_file_and_the_exact_density():
    files = logged(1.0, 1 / 3)
    manifest, damage = manifest_of(files)
    assert damage == []
    assert list(manifest.levels) == [1.0, 1 / 3]
    assert manifest.tags == {"t": "v"}
    known = {f"{one.folder}/{name}": value for one in manifest.levels.values() for name, value in one.sha256.items()}
    written = {name: hashlib.sha256(content).hexdigest() for name, content in files.items() if name != "manifest.json"}
    assert known | manifest.documents == written


def test_levels_of_one_step_have_folders_of_their_own():
    files = logged(0.25, 0.2500001)
    steps = [one["step"] for one in json.loads(files["manifest.json"])["levels"]]
    assert steps == [750_000, 750_000]
    assert {"levels/0.25/cell.json", "levels/0.2500001/cell.json"} <= set(files)


def test_the_manifest_is_written_last():
    assert list(logged(0.5))[-1] == "manifest.json"


def test_any_cut_and_any_flipped_bit_of_a_manifest_is_noticed():
    written = logged(1.0)["manifest.json"]
    damaged = [written[:length] for length in range(len(written))]
    damaged += [
        written[:place] + bytes([written[place] ^ 1 << bit]) + written[place + 1 :]
        for place in range(len(written))
        for bit in range(8)
    ]
    whole = Manifest.from_bytes(written)
    for one in damaged:
        try:
            assert Manifest.from_bytes(one) == whole  # a blank that became another one
        except ValueError:
            continue


@pytest.mark.parametrize("content", [None, b"", b"[]", b"{}", b'{"levels": []}', b"\xff"])
def test_without_a_manifest_the_levels_are_those_of_the_folders(content):
    files = logged(1.0, 1e-05)
    del files["manifest.json"]
    if content is not None:
        files["manifest.json"] = content
    manifest, (damage,) = manifest_of(files)
    assert damage.startswith("manifest.json is")
    assert manifest.levels == {d: LoggedLevel(density=d, folder=f"levels/{d!r}") for d in (1.0, 1e-05)}


@pytest.mark.parametrize(("folder", "density"), [("levels/750000", 0.25), ("levels/0.3", 0.3), ("levels/1e-05", 1e-05)])
def test_a_folder_whose_cell_is_broken_is_known_by_its_name(folder, density):
    files = Kept({f"{folder}/cell.json": b"{", "levels/odd/cell.json": b""})
    assert list(manifest_of(files)[0].levels) == [density]


def test_a_level_holds_what_has_the_same_content_and_all_files_as_they_were():
    files = logged(0.5)
    one = manifest_of(files)[0].levels[0.5]
    assert one.holds(level(0.5), files)
    assert not one.holds(PublishedLevel(metrics={}, files={}, digest="other"), files)
    files["levels/0.5/scores.csv"] = b"y"
    assert not one.holds(level(0.5), files)
    assert not LoggedLevel(density=0.5, folder="levels/0.5", digest="d0.5").holds(level(0.5), logged(0.5))


def test_a_level_keeps_its_folder_and_levels_and_documents_of_before_stay():
    files = logged(1.0, 0.5)
    before = Manifest(levels={0.5: LoggedLevel(density=0.5, folder="levels/500000")}, documents={"study.json": "h"})
    log_files(files, publication(0.5), publication(0.5).levels, before)
    manifest, _ = manifest_of(files)
    assert manifest.levels[0.5].folder == "levels/500000"
    assert manifest.documents == {"study.json": "h"}
    log_files(files, publication(0.25), publication(0.25).levels, manifest)
    assert set(manifest_of(files)[0].levels) == {0.5, 0.25}


def test_files_that_are_not_as_they_were_are_named_and_the_others_returned():
    files = Kept(a=b"1", b=b"2", c=b"", unknown=b"6")
    wanted = {**hashes({"a": b"1", "b": b"3", "c": b"4", "d": b"5"}), "unknown": ""}
    found, damage = read_checked(files, wanted)
    assert found == {"a": b"1", "unknown": b"6"}
    assert damage == ["b is not as it was logged", "c is empty", "d is missing"]
