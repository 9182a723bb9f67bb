import dataclasses
import json

import pytest

from harness.errors import DataError
from harness.submissions.attestation import Attestation, attest, attestations, place_of

ANN = Attestation(by="Ann", date="2026-02-03", environment="torch 2 / cpu", harness="0.1.0", cells=3, of=60)
HASH = "a" * 64


@pytest.fixture
def bundle(tmp_path):
    return tmp_path / "b.zip"


def test_what_is_recorded_is_read_again_beside_the_bundle(bundle):
    assert attestations(bundle, HASH) == ()
    assert attest(bundle, HASH, ANN) == bundle.with_name("b.zip.verified.json")
    bob = dataclasses.replace(ANN, by="Bob")
    attest(bundle, HASH, bob)
    assert attestations(bundle, HASH) == (ANN, bob)


def test_a_later_rerun_takes_the_place_of_the_same_persons(bundle):
    attest(bundle, HASH, ANN)
    later = dataclasses.replace(ANN, cells=9)
    attest(bundle, HASH, later)
    assert attestations(bundle, HASH) == (later,)


def test_a_record_of_another_bundle_is_refused_and_written_over(bundle):
    attest(bundle, "b" * 64, ANN)
    with pytest.raises(DataError, match="it is of a bundle with sha256 bbbbbbbbbbbb"):
        attestations(bundle, HASH)
    attest(bundle, HASH, dataclasses.replace(ANN, by="Bob"))
    assert [one.by for one in attestations(bundle, HASH)] == ["Bob"]


@pytest.mark.parametrize(
    ("field", "value"),
    [("by", ""), ("by", "x" * 300), ("date", "soon"), ("cells", 0), ("cells", 1.5), ("cells", 10**9), ("more", 1)],
)
def test_a_record_that_none_writes_is_refused(bundle, field, value):
    attest(bundle, HASH, ANN)
    content = json.loads(place_of(bundle).read_text())
    content["reruns"][0][field] = value
    place_of(bundle).write_text(json.dumps(content))
    with pytest.raises(DataError, match=f"does not vouch for its bundle: reruns.0.{field}"):
        attestations(bundle, HASH)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "[" * 10**5, '{"format": 1}', " " * 2**21])
def test_any_other_file_is_refused_in_a_sentence(bundle, text):
    place_of(bundle).write_text(text)
    with pytest.raises(DataError, match="does not vouch for its bundle"):
        attestations(bundle, HASH)
