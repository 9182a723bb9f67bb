"""What other libraries say of an address, and what is left of it."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

import pytest

from harness.errors import MachineError
from harness.outgoing.secrets import HIDDEN, remember, remember_process, shown_address, without_secrets
from harness.outgoing.spellings import basic
from harness.results.mlflow_tracker import Tracker
from harness.tuning.lease import Lease
from harness.tuning.studies import StudyDatabase

SECRET = "S3cr/t@x"
ENCODED = quote(SECRET, safe="")

ADDRESSES = [
    "http://user:S3CRET@127.0.0.1:9/",
    "http://S3CRET@127.0.0.1:9/",
    "http://:S3CRET@127.0.0.1:9",
    "http://127.0.0.1:9/?token=S3CRET",
    "http://127.0.0.1:9/?a=b&api_key=S3CRET#part",
    "http://127.0.0.1:9/#S3CRET",
    "https://user:S3CRET@[::1]:9/path",
    "postgresql://user:S3CRET@host/db?sslmode=require",
    "postgresql+psycopg2://host/db?user=me&password=S3CRET",
    "mysql+pymysql://user:S3CRET@host:3306/db",
    "user:S3CRET@host/db",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_no_repetition_of_an_address_gives_its_secret_away(address):
    remember(address)
    said = [
        f"API request to {address.rstrip('/')}/api/2.0/mlflow failed",
        f"could not connect to {address}",
        f"bad url {address!r}",
        json.dumps({"url": address}),
        "fe_sendauth: no password supplied S3CRET",
        "S3CRET",
        "s3cret",  # a host's part is written small
        f"Authorization: Basic {basic('user', 'S3CRET')}",
        "args=('S3CRET',)",
    ]
    for text in said:
        assert "s3cret" not in without_secrets(text).lower(), text
        assert basic("user", "S3CRET") not in without_secrets(text)
    assert "s3cret" not in shown_address(address).lower()


@pytest.mark.parametrize("written", [SECRET, ENCODED, ENCODED.lower(), quote(SECRET)])
def test_every_spelling_of_a_password_is_taken_out(written):
    remember(f"http://me:{written}@host/x")
    for text in (SECRET, ENCODED, ENCODED.lower(), quote(SECRET), f"http://me:{ENCODED}@host/x", repr(SECRET)):
        assert "cr" not in without_secrets(f"at {text}: refused").replace("refused", ""), text


@pytest.mark.parametrize(
    "text",
    [
        "http://other:S3CRET@127.0.0.1:9/api",
        "see postgresql://u:S3CRET@h/db",
        "http://h/x?x=1&access_token=S3CRET",
        "http://h/x?X-Amz-Signature=S3CRET&y=2",
        "headers={'Authorization': 'Bearer S3CRET'}",
    ],
)
def test_what_an_address_or_a_header_gives_away_by_its_form_is_taken_out_without_being_known(text):
    assert "S3CRET" not in without_secrets(text)


def test_a_short_password_is_taken_out_where_it_can_be_told_and_words_stay():
    remember("postgresql://u:p@h/db")
    remember("postgresql://user:dense@h/db")
    remember("http://data:1234@h/?sslmode=require")
    text = "u:p@h, password=p, password 'dense', pwd: 1234; the dense user of data needs p = 0.1234"
    shown = "h, password=***, password '***', pwd: ***; the dense user of data needs p = 0.1234"
    assert without_secrets(text) == shown
    assert without_secrets('{"user": 1, "data": "dense", "p": 1234}') == '{"user": 1, "data": "dense", "p": 1234}'


def test_a_users_name_is_taken_out_where_a_text_says_that_it_is_one():
    remember("mysql://adalovelace:x@h/db")
    text = "(1045) Access denied for user 'adalovelace'@'h'; role adalovelace; username=adalovelace; adalovelace@h"
    assert without_secrets(text) == f"(1045) Access denied for user '{HIDDEN}'@'h'; role ***; username=***; h"


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (["run", "--tracking-uri", "http://me:S3CRET@h"], {}),
        (["run", "--tracking-uri=http://me:S3CRET@h"], {}),
        (["tune", "--storage", "me:S3CRET@h/x"], {}),
        (["tune", "--storage=me:S3CRET@h/x"], {}),
        (["run", "--trackinguri", "http://me:S3CRET@h"], {}),
        (["run", "--set", "a.b=http://me:S3CRET@h"], {}),
        ([], {"HARNESS_STORAGE": "postgresql://me:S3CRET@h/x"}),
        ([], {"MLFLOW_TRACKING_URI": "http://h/?token=S3CRET"}),
        ([], {"MLFLOW_TRACKING_PASSWORD": "S3CRET"}),
        ([], {"MLFLOW_TRACKING_TOKEN": "S3CRET"}),
        ([], {"https_proxy": "http://me:S3CRET@proxy:80"}),
    ],
)
def test_a_command_and_its_environment_are_searched_for_secrets(arguments, variables):
    assert "S3CRET" in without_secrets("said S3CRET")
    remember_process(arguments, variables)
    assert without_secrets("said S3CRET") == "said ***"


def test_a_users_variables_are_known_together():
    remember_process([], {"MLFLOW_TRACKING_USERNAME": "ada", "MLFLOW_TRACKING_PASSWORD": "S3CRET"})
    assert without_secrets(f"Basic {basic('ada', 'S3CRET')}; user ada") == "Basic ***; user ***"


@pytest.mark.parametrize("uri", ["http://h/p", "sqlite:////data/me@home/a.db", "studies.db", "nothing"])
def test_an_address_without_secrets_changes_no_text(uri):
    remember(uri)
    text = f"no results of 'x' in MLflow at {uri}: file studies.db of h, p, me"
    assert without_secrets(text) == text


@pytest.mark.parametrize(
    ("uri", "shown"),
    [
        ("postgresql://me:s3cret@host/studies", "postgresql://host/studies"),
        ("postgresql://me:s3/cret@host/studies", "postgresql://host/studies"),
        ("postgresql://:s3cret@host/studies", "postgresql://host/studies"),
        ("postgresql://me:a@s3cret@host/studies", "postgresql://host/studies"),
        ("postgresql://host/studies?user=me&password=s3cret", "postgresql://host/studies"),
        ("https://me:s3 cret@host/studies", "https://host/studies"),
        ("https://me:s3?cret@host/studies", "https://***"),
        ("https://me:s3cret@host/?mail=a@b", "https://***"),
        ("https://host/#s3cret", "https://host/"),
        ("sqlite:////data/me@home/a.db", "sqlite:////data/me@home/a.db"),
        ("sqlite:///a.db?key=s3cret", "sqlite:///a.db"),
        ("sqlitecloud://me:s3cret@host/a", "sqlitecloud://host/a"),
        ("studies.db", "studies.db"),
        ("postgresql//me:s3cret@host", "(not an address)"),
        ("host/x?token=s3cret", "(not an address)"),
    ],
)
def test_an_address_is_shown_without_who_logs_in(uri, shown):
    assert shown_address(uri) == shown


def test_a_long_hostile_text_takes_no_time():
    remember("http://me:S3CRET@h/?token=T0KEN99")
    for part in ("?token", "a-", "://", "user ", "authorization:", "@", "/x"):
        assert len(without_secrets(part * 100_000)) >= 100_000


class _Repeating(BaseHTTPRequestHandler):
    """Refuses, and repeats in its answer all that it was told."""

    def do_GET(self):
        self.send_response(403)
        self.end_headers()
        self.wfile.write(f"{self.path} {dict(self.headers)}".encode())

    do_POST = do_GET  # noqa: N815

    def log_message(self, *_):
        pass


@pytest.fixture
def repeating():
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Repeating)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize("login", ["me:S3CRET@{}/", "me:S3%43RET@{}", "{}/?token=S3CRET", "S3CRET@{}/"])
def test_a_server_that_repeats_what_it_was_told_gives_nothing_away(tmp_path, repeating, login):
    with pytest.raises(MachineError, match="cannot be read") as told:
        Tracker(f"http://{login.format(repeating)}", tmp_path, "x").read()
    assert "User-Agent" in str(told.value)
    assert "S3CRET" not in str(told.value)
    assert basic("me", "S3CRET") not in str(told.value)


@pytest.mark.parametrize("address", ["postgresql://me:S3CRET@127.0.0.1:9/x", "mysql+pymysql://127.0.0.1:9/x?p=S3CRET"])
def test_a_study_database_that_does_not_answer_gives_nothing_away(tmp_path, address):
    with Lease(tmp_path) as lease, pytest.raises(MachineError, match="does not answer") as told:
        StudyDatabase(address, tmp_path, lease)
    assert "S3CRET" not in str(told.value)
