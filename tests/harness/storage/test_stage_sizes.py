import os

from harness.storage.stage_sizes import UNREADABLE, folder_bytes, stage_sizes


def counted(folder):
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def test_a_folder_has_the_bytes_of_all_its_files(tmp_path):
    for place, size in (("a", 3), ("b/c", 5), ("b/d/e", 7)):
        (tmp_path / place).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / place).write_bytes(bytes(size))
    (tmp_path / "empty").mkdir()
    assert folder_bytes(tmp_path) == counted(tmp_path) == 15
    assert folder_bytes(tmp_path / "absent") == 0


def test_each_stage_is_found_with_its_kind_size_and_last_use(store):
    keys = {store.run(kind, number, lambda _: [0] * 100).key: kind for kind in ("a", "b") for number in range(3)}
    for number, key in enumerate(keys):
        os.utime(store.path(key), (number, 1000 + number))
    found = {os.path.basename(one.folder): one for one in stage_sizes(store.root)}
    assert (
        {key: one.kind for key, one in found.items()} == keys == {folder.name: kind for folder, kind in store.folders()}
    )
    assert [found[key].bytes for key in keys] == [counted(store.path(key)) for key in keys]
    assert [found[key].used for key in keys] == [1000 + number for number in range(6)]


def test_a_stage_whose_manifest_is_no_manifest_is_unreadable(store):
    keys = [store.run("kind", number, lambda _: 1).key for number in range(4)]
    for key, content in zip(keys, (b"", b"[1]", b"{", b"{}"), strict=True):
        (store.path(key) / "manifest.json").write_bytes(content)
    assert [one.kind for one in stage_sizes(store.root)] == [UNREADABLE] * 4


def test_a_folder_that_is_no_store_has_no_stages(tmp_path):
    assert not list(stage_sizes(tmp_path))
