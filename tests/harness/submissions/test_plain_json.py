import json

import pytest

from harness.submissions.plain_json import plain_json


@pytest.mark.parametrize(
    "value", [{}, [], 1, 2**62, -0.5, "text \u4e2d", None, True, {"a": [{"b": [1, 2]}]}, ["x" * 1000], {"": ""}]
)
def test_what_a_run_writes_is_read_as_it_is(value):
    assert plain_json(json.dumps(value).encode()) == json.loads(json.dumps(value))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested too deep"),
        ("[" * 30 + "]" * 30, "nested more than 24 deep"),
        ('{"a":' * 30 + "1" + "}" * 30, "nested more than 24 deep"),
        ('{"a": 1, "a": 2}', "has 'a' twice"),
        (f'["{"x" * 100_001}"]', "a text of 100,001 letters"),
        (f'{{"{"x" * 100_001}": 1}}', "a text of 100,001 letters"),
        (str(2**63), "more than 63 bits"),
        (f"[-1{'0' * 400}]", "more than 63 bits"),
        ("1" * 5000, "digits"),
        ("{", "Expecting"),
        ("", "Expecting"),
    ],
)
def test_what_none_writes_is_refused_in_a_sentence(text, words):
    with pytest.raises(ValueError, match=words):
        plain_json(text.encode())


def test_what_is_no_text_is_refused():
    with pytest.raises(ValueError, match="utf-8"):
        plain_json(b'"\xff"')
