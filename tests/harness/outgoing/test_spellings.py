import json
from html import escape
from urllib.parse import quote, quote_plus

import pytest

from harness.outgoing.spellings import basic, spellings


@pytest.mark.parametrize("secret", ["p@ss/w:rd", "ünï cöde", "a+b%41", "qu\"ote's\\", "<&>", "100%"])
def test_a_secret_is_known_as_libraries_repeat_it(secret):
    encoded = {quote(secret), quote(secret, safe=""), quote_plus(secret)}
    assert {secret, *encoded, json.dumps(secret)[1:-1], repr(secret)[1:-1], escape(secret)} <= spellings(secret)
    assert secret in spellings(quote(secret, safe=""))


def test_an_empty_secret_has_no_spelling():
    assert spellings("") == set()


def test_half_a_character_is_no_error():
    assert "%ED%B2%80" in spellings("\udc80")


def test_a_header_has_user_and_password_as_they_were_meant():
    assert basic("me", "s3cret") == "bWU6czNjcmV0"
    assert basic("me", "p%40ss") == basic("me", "p@ss")
