import dataclasses

import pytest

from harness.errors import UsageError
from harness.submissions.attestation import Attestation, attest, place_of
from harness.submissions.bundle import Bundle
from harness.submissions.sources import bundles_in, read_bundles

BOB = Attestation(by="Bob", date="2026-02-03", environment="torch 2 / cpu", harness="0.1.0", cells=3, of=1200)


@pytest.fixture
def bundle(drawn, tmp_path):
    return drawn().design(["lt"], densities=(0.5,)).bundle(tmp_path / "b.zip")


def only(found):
    ((source,),) = found.sources.values()
    return source


def test_a_bundle_is_self_reported(bundle):
    found = read_bundles([bundle])
    assert found.left_out == []
    source = only(found)
    assert (source.author, source.code, source.date) == ("Ann Example", "https://example.org/ann", "2023-11-14")
    assert source.state == "self-reported"
    assert len(source.runs) == 2


def test_reruns_are_told_with_their_measure(bundle):
    with Bundle(bundle) as opened:
        attest(bundle, opened.sha256, BOB)
        attest(bundle, opened.sha256, dataclasses.replace(BOB, by="Eve", cells=1))
    first, second = only(read_bundles([bundle])).state.split("; ")
    assert first == "verified: Bob computed 3 of 1,200 cells anew on 2026-02-03, every bit equal"
    assert second.startswith("verified: Eve computed 1 of")


def test_a_record_of_another_bundle_makes_nothing_verified(bundle):
    attest(bundle, "a" * 64, BOB)
    found = read_bundles([bundle])
    assert only(found).state == "self-reported"
    assert f"{place_of(bundle)} does not vouch for its bundle" in found.left_out[0]


def test_what_does_not_verify_and_what_is_no_bundle_is_left_out_and_the_rest_is_read(bundle, tools, tmp_path):
    members = tools.members(bundle)
    name = next(one for one in members if one.endswith("cell.json"))
    tools.write(tmp_path / "a.zip", {**members, name: members[name] + b" "})
    (tmp_path / "c.zip").write_bytes(b"mine")
    found = read_bundles(bundles_in([tmp_path]))
    assert [line.partition(" ")[0] for line in found.left_out] == [str(tmp_path / "a.zip"), str(tmp_path / "c.zip")]
    assert "does not verify: " in found.left_out[0]
    assert only(found).author == "Ann Example"


def test_the_same_file_under_two_names_is_read_once(bundle, tmp_path):
    (tmp_path / "copy.zip").write_bytes(bundle.read_bytes())
    assert len(bundles_in([tmp_path, bundle])) == 2
    assert only(read_bundles(bundles_in([tmp_path])))


def test_a_folder_without_bundles_is_refused(tmp_path):
    with pytest.raises(UsageError, match="has no file that ends in"):
        bundles_in([tmp_path])
