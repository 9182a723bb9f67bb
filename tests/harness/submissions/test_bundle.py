"""Whatever a stranger puts into a bundle, its reader says in words what is wrong, or shows it as text."""

import json
import random

import pytest

from harness.errors import DataError
from harness.reports.export.csv_export import to_csv
from harness.reports.export.results_json import document
from harness.reports.terminal import summary
from harness.submissions.bundle import Bundle
from harness.submissions.reading import read
from harness.submissions.verification import verify_bundle

HOSTILE = [
    *("1e999", "-1e999", "NaN", "1" + "0" * 400, "9" * 5000, str(2**62), "-1", "0", "0.5", "1e308", "true", "null"),
    *(
        '""',
        '"x"',
        "[]",
        "{}",
        '"<script>alert(1)</script>"',
        '"\\u202e\\u0000\\ud800"',
        '"=cmd()"',
        "[" * 60 + "]" * 60,
    ),
    *(json.dumps("x" * 100_001), '{"a": {"b": 1}}', '[1, "a", null]', '"../../etc/passwd"', '"1e999"', '"nan"'),
]
WIDE = ",".join(map(str, range(1_000_000)))
MARK = "\x00here\x00"


def leaves(value, path=()):
    """Every place in a value: inner tables and lists, too."""
    yield path
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, one in inner:
        yield from leaves(one, (*path, name))


def spoiled(content, draws):
    """Return JSON with one value, anywhere in it, in the place of which something hostile is written."""
    value = json.loads(content)
    path = draws.choice(list(leaves(value))[1:])
    *outer, last = path
    target = value
    for one in outer:
        target = target[one]
    target[last] = MARK
    hostile = draws.choice(HOSTILE)
    return json.dumps(value).replace(json.dumps(MARK), hostile).encode(), f"{path}: {hostile[:30]}"


def used(path):
    """Read a bundle as publishing does; return whether anything of it was shown."""
    try:
        with Bundle(path) as bundle:
            if verify_bundle(bundle).differences:
                return False
            results = read(bundle)
    except DataError:
        return False
    written = document(results)
    json.dumps(written, allow_nan=False)
    to_csv(results)
    summary(results)
    return True


def hostile(drawn, tools, path, count, seed):
    draws = random.Random(seed)
    drawn(seed=3, folds=2).design(["lt"], densities=(0.5,)).bundle(path)
    whole = tools.members(path)
    shown = 0
    for _ in range(count):
        name = draws.choice([one for one in sorted(whole) if one.endswith(".json") and one != "bundle.json"])
        content, what = spoiled(whole[name], draws)
        try:
            members = tools.signed({**whole, name: content})
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            continue  # not even a forger could list its parts
        tools.write(path, members)
        try:
            shown += used(path)
        except Exception as error:
            raise AssertionError(f"{name} {what}") from error
    return shown


def test_no_value_in_a_runs_files_is_more_than_a_sentence_or_a_text(drawn, tools, tmp_path):
    assert hostile(drawn, tools, tmp_path / "b.zip", 25, seed=1) > 0


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_no_value_of_a_thousand_is(drawn, tools, tmp_path):
    assert hostile(drawn, tools, tmp_path / "b.zip", 1000, seed=2) > 20


@pytest.mark.parametrize(
    "scores",
    [
        "",
        WIDE,
        f"split,id,label,score,{WIDE}",
        "split,id,label,score\r\n" + "test,a,1\r\n",
        "split,id,label,score\r\n" + "test,a,1,0.5,9\r\n",
        "split,id,label,score\r\n" + "train,a,1,0.5\r\n",
        "split,id,label,score\r\n" + "test,a,2,0.5\r\n",
        f"split,id,label,score\r\ntest,a,{10**400},0.5\r\n",
        "split,id,label,score\r\n" + "test,a,1,nan\r\n",
        "split,id,label,score\r\n" + "test,a,1,1e999\r\n",
        "split,id,label,score\r\n" + "test,a,1,=1+1\r\n",
        f"split,id,label,score\r\ntest,{'x' * 200_000},1,0.5\r\n",
        'split,id,label,score\r\ntest,"a,1,0.5\r\n',
        "split,id,label,score\r\ntest,a,1,0.5\0\r\n",
        "\ufeffsplit,id,label,score\r\n",
    ],
    ids=range(15),
)
def test_no_table_of_scores_is_more_than_a_sentence(drawn, tools, tmp_path, scores):
    path = drawn().design(["lt"], densities=(0.5,)).bundle(tmp_path / "b.zip")
    whole = tools.members(path)
    name = next(one for one in sorted(whole) if one.endswith("levels/0.5/scores.csv"))
    tools.write(path, tools.signed({**whole, name: scores.encode()}))
    with Bundle(path) as bundle:
        told = [str(one) for one in verify_bundle(bundle).differences]
    assert told
    assert max(map(len, told)) < 500


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"null", b"\xff", b"[" * 10**5, b'{"format": "other"}'])
def test_a_bundle_json_that_is_none_is_a_sentence(drawn, tools, tmp_path, content):
    path = drawn().design(["lt"], densities=(0.5,)).bundle(tmp_path / "b.zip")
    tools.write(path, {**tools.members(path), "bundle.json": content})
    with pytest.raises(DataError, match=r"bundle\.json"):
        Bundle(path)


def test_a_manifest_that_leads_elsewhere_is_not_followed(drawn, tools, tmp_path):
    path = drawn().design(["lt"], densities=(0.5,)).bundle(tmp_path / "b.zip")
    whole = tools.members(path)
    name = next(one for one in sorted(whole) if b'"levels/0.5"' in whole[one])
    for folder in ("../../x", "/etc", "levels/0.5/../../..", ""):
        text = whole[name].replace(b"levels/0.5", folder.encode())
        tools.write(path, tools.signed({**whole, name: text}))
        with Bundle(path) as bundle:
            assert any("folder" in str(fault) for fault in bundle.faults)
