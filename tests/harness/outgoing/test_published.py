import getpass

import pytest

from harness.outgoing.published import home_of, published, published_argument, published_values
from harness.outgoing.secrets import remember


@pytest.fixture(autouse=True)
def _at_home(monkeypatch):
    monkeypatch.setenv("HOME", "/home/ada lovelace")
    monkeypatch.setattr(getpass, "getuser", lambda: "ada")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("No such file: '/home/bob smith/x y/a.pt'", "No such file: 'a.pt'"),
        ('File "/usr/lib/python3/x.py", line 3', 'File "x.py", line 3'),
        ("at /tmp/abc/def.txt: bad", "at def.txt: bad"),
        ("at //tmp/abc, PosixPath(/tmp/y)", "at abc, PosixPath(y)"),
        ("mine[file=/data/x.pt,rate=2]", "mine[file=x.pt,rate=2]"),
        ("../../home/bob/x, ~bob/y", "x, y"),
        ("/home/ada lovelace, /home/ada lovelace/x.pt", "~, x.pt"),
        ("/scratch/ada, /0/bob/x", "~, x"),
        ("sqlite:////home/bob/studies.db, file:///home/bob/x", "sqlite:///studies.db, file://x"),
        ("s3://secret/a/study refuses access, see 's3://secret/b/'", "s3://study refuses access, see 's3://b'"),
        ("S3://secret/ada, s3:/secret/study", "S3://~, s3:study"),
        ("/dåta/modèle.pt", "modèle.pt"),
        ("\u202e/home/bob/x.pt\t/tmp/y", "\u202ex.pt\ty"),
    ],
)
def test_of_a_path_its_name_is_left(text, shown):
    assert published(text) == shown == published(shown)


@pytest.mark.parametrize(
    "text",
    [
        "6.5/75 and 3 /4, test/auc, k/n, GB/s, and / or, 'a'/'b', CC BY 4.0",
        "http://host/a/b, https://doi.org/10.1/abc, doi:10.1/x",
        "default-src 'none'; script-src 'sha256-/abc+/d='",
        "configs/own.toml, ./x, data/isic",
        "<b>a</b>, (k)/n, 5%/year",
    ],
)
def test_what_is_no_path_of_a_machine_stays(text):
    assert published(text) == text


@pytest.mark.parametrize(
    ("argument", "shown"),
    [
        ("--store=/tmp/a b/c", "--store=c"),
        ("/tmp/a b/c/", "c"),
        ("mine[file=/home/a b/c.pt,rate=2]", "mine[file=c.pt,rate=2]"),
        ("/home/ada lovelace", "~"),
        ("sqlite:////home/bob/s.db", "sqlite:///s.db"),
        ("http://me:S3CRET@h/x", "http://h/x"),
        ("folder:/data/my cells/x", "folder:x"),
        ("--dataset=csv:/data/my cells/labels.csv", "--dataset=csv:labels.csv"),
        ("folder:/data/a b[positive=c]", "folder:a b[positive=c]"),
        ("s3://secret-bucket/study", "s3://study"),
        ("--store=s3://secret/for bob/my study/", "--store=s3://my study"),
        ("s3://study", "s3://study"),
        ("lt,snip", "lt,snip"),
        ("store", "store"),
    ],
)
def test_an_argument_is_published_with_names_for_paths(argument, shown):
    assert published_argument(argument) == shown


def test_no_secret_is_published():
    remember("http://me:S3CRET@h/x")
    assert published("S3CRET at http://me:S3CRET@h/x") == "*** at http://h/x"


def test_plain_values_are_published_whole_or_under_some_names():
    value = {"reason": "/tmp/x", "/tmp/k": ["/tmp/y", 1, None], "inner": {"reason": ["/tmp/z"]}}
    assert published_values(value) == {"reason": "x", "/tmp/k": ["y", 1, None], "inner": {"reason": ["z"]}}
    some = published_values(value, only=["reason"])
    assert some == {"reason": "x", "/tmp/k": ["/tmp/y", 1, None], "inner": {"reason": ["z"]}}


@pytest.mark.parametrize(
    "part", ["/x", "~a", "'/", "'/a", "/1", "sqlite+a", "../", "=/a b", "\n", "s3://a/", "=s3://a"]
)
def test_a_long_hostile_text_takes_no_time(part):
    text = part * 50_000
    assert len(published(text)) <= len(text)
    assert len(published_argument(text)) <= len(text)


def test_without_a_home_or_a_user_paths_still_become_names(monkeypatch):
    monkeypatch.setattr("os.path.expanduser", lambda path: path)  # what it gives where nobody has a home
    home_of.cache_clear()
    monkeypatch.setattr(getpass, "getuser", lambda: {}["nobody"])
    assert published("at /tmp/abc") == "at abc"
