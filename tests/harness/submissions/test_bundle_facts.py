import pytest

from harness.submissions.bundle_facts import BundledRun, BundleFacts, Member, facts_of, fit_author, fit_code, own_hash
from harness.submissions.plain_json import plain_json

RUN = BundledRun(id="a" * 32, kind="result", key="b" * 64, started=1, finished=2)
FACTS = BundleFacts(
    harness="0.1.0",
    author="Ann \u00c9",
    code="https://example.org/x",
    date="2026-01-02",
    dataset="spots",
    masks=False,
    runs=(RUN,),
    members={"x": Member(bytes=3, sha256="c" * 64)},
)


def test_what_is_written_is_read_again():
    assert facts_of(plain_json(FACTS.to_bytes())) == (FACTS, [])


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("author", "", "author"),
        ("author", "x" * 201, "author"),
        ("author", "Ann\u202e", "author"),
        ("author", 3, "author"),
        ("code", "javascript:alert(1)", "code"),
        ("code", 'https://x"onclick=', "code"),
        ("code", "https://" + "x" * 500, "code"),
        ("date", "yesterday", "date"),
        ("date", None, "date"),
        ("dataset", "", "dataset"),
        ("masks", 1, "masks"),
        ("runs", [{"id": "../x", "kind": "result", "key": "b" * 64, "started": 1, "finished": 2}], "runs.0.id"),
        ("runs", [{"id": "a" * 32, "kind": "trial", "key": "b" * 64, "started": 1, "finished": 2}], "runs.0.kind"),
        ("runs", [{"id": "a" * 32, "kind": "result", "key": "b" * 64, "started": -1, "finished": 2}], "runs.0.started"),
        ("runs", [{"id": "a" * 32, "kind": "result", "key": "b" * 64, "started": 1, "finished": 10**15}], "finished"),
        ("members", {"x": {"bytes": -1, "sha256": "c" * 64}}, "members.x.bytes"),
        ("members", {"x": {"bytes": 1, "sha256": "short"}}, "members.x.sha256"),
        ("more", 1, "more"),
    ],
)
def test_a_field_that_cannot_be_is_named(field, value, named):
    content = plain_json(FACTS.to_bytes()) | {field: value}
    content["sha256"] = own_hash({name: one for name, one in content.items() if name != "sha256"})
    facts, faults = facts_of(content)
    assert facts is None
    assert any(named in fault for fault in faults)


def test_two_runs_of_one_id_another_schema_and_a_hash_that_does_not_fit():
    content = plain_json(FACTS.to_bytes())
    assert facts_of(content | {"author": "Bob"})[1] == ["it does not have the sha256 that it gives itself"]
    twice = facts_of(content | {"runs": content["runs"] * 2})[1]
    assert f"runs has {'a' * 32} twice" in twice
    assert "schema is 2, this harness reads 1" in facts_of(content | {"schema": 2})[1]
    assert facts_of([1])[0] is None


@pytest.mark.parametrize("text", ["https://github.com/a/b", "http://localhost:80/x?y=1", ""])
def test_addresses(text):
    assert fit_code(text) == text


def test_an_author_may_have_any_letters_that_show():
    assert fit_author("\u6797 & S\u00f8n <a>") == "\u6797 & S\u00f8n <a>"
