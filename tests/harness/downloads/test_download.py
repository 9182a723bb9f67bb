import datetime
import errno
import gc
import hashlib
import io
import ipaddress
import os
import resource
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from dataclasses import replace

import pytest
import urllib3
from rich.console import Console

from harness import progress
from harness.downloads import download as module
from harness.downloads.connection import HTTPS_ONLY
from harness.downloads.download import Known, download
from harness.errors import DataError, HarnessError, MachineError, NetworkError
from harness.progress import Reporter

BODY = bytes(range(256)) * 8000  # 2,048,000 bytes
SHA256 = hashlib.sha256(BODY).hexdigest()
PUBLISHED = Known(SHA256, "published")


@pytest.fixture
def target(tmp_path):
    return tmp_path / "data" / "file.zip"


@pytest.fixture
def get(target, reporter, policy):
    """Return a function that downloads to ``target``."""

    def call(*mirrors, known=PUBLISHED, policy=policy, reporter=reporter):
        return download(mirrors, target, known, reporter, policy=policy)

    return call


def nothing_kept(target):
    return not target.parent.exists() or not list(target.parent.iterdir())


def refused(get, target, kind, *mirrors, **changes):
    """Return the error's text; nothing of the file is on the disk."""
    with pytest.raises(HarnessError) as caught:
        get(*mirrors, **changes)
    assert type(caught.value) is kind
    assert nothing_kept(target)
    assert caught.value.fix
    return str(caught.value)


# --- what goes well


@pytest.mark.parametrize("known", [PUBLISHED, Known(SHA256[:8], "the hash in its name"), None])
def test_the_file_is_put_in_place_whole_and_alone(server, get, target, known):
    url = server.give("/file", BODY)
    assert get(url, known=known) == url
    assert target.read_bytes() == BODY
    assert list(target.parent.iterdir()) == [target]


def test_a_body_of_unknown_length_is_taken(server, get, target):
    get(server.give("/file", BODY, Content_Length=None))
    assert target.read_bytes() == BODY


def test_the_bytes_are_asked_for_as_they_are(server, get):
    """A body compressed on the way could not be held against its length."""
    asked = []
    url = server.give("/file", BODY)
    whole = server.answers["/file"]
    server.route("/file", lambda handler: (asked.append(handler.headers["Accept-Encoding"]), whole(handler)))
    get(url)
    assert asked == ["identity"]


def test_redirects_are_followed(server, get, target):
    server.give("/b", BODY)
    server.give("/a", b"", 302, Location="/b")
    get(server.give("/file", b"", 301, Location=server.url("/a")))
    assert target.read_bytes() == BODY
    assert server.asked == ["/file", "/a", "/b"]


def test_progress_is_a_line_every_few_seconds_in_a_log(server, get, said, monkeypatch):
    monkeypatch.setattr(progress, "EVERY_S", 0.0)
    get(server.give("/file", BODY))
    lines = said.getvalue().splitlines()
    assert lines[0] == "Downloading file.zip from 127.0.0.1"
    assert "Downloading file.zip: 1 of 3 MB" in lines
    assert lines[-1] == "Downloading file.zip: 2 of 3 MB"


def test_progress_is_a_bar_on_a_terminal(server, get):
    said = io.StringIO()
    get(server.give("/file", BODY), reporter=Reporter(Console(file=said, force_terminal=True, width=100)))
    assert "0/3" in said.getvalue() or "2/3" in said.getvalue()
    assert "MB" in said.getvalue()


def test_a_bar_ends_however_its_task_ends():
    reporter = Reporter(Console(file=io.StringIO(), force_terminal=True))

    def interrupted():
        with reporter.task("Downloading", None, "MB"):
            assert reporter.advance_bar(1, 2)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert not reporter.advance_bar(1, 2)


# --- mirrors and attempts


def test_the_second_mirror_is_asked_when_the_first_has_no_such_file(server, get, target):
    second = server.give("/second", BODY)
    assert get(server.url("/first"), second) == second
    assert target.read_bytes() == BODY
    assert server.asked == ["/first", "/second"]  # what is not there is not asked for again


def test_every_mirrors_reason_is_told(server, get, target):
    text = refused(get, target, NetworkError, server.url("/first"), server.give("/second", b"", 403))
    assert f"{server.url('/first')}: the server answered 404" in text
    assert f"{server.url('/second')}: the server answered 403" in text
    assert f"by hand to {target}" in text


@pytest.mark.parametrize("status", [500, 503, 429])
def test_a_busy_server_is_asked_a_few_times(server, get, target, status):
    text = refused(get, target, NetworkError, server.give("/file", b"", status))
    assert server.asked == ["/file"] * 3
    assert f"the server answered {status}" in text


def short(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(BODY)))
    handler.end_headers()
    handler.wfile.write(BODY[:100_000])


def chunk_cut(handler):
    handler.protocol_version = "HTTP/1.1"
    handler.send_response(200)
    handler.send_header("Transfer-Encoding", "chunked")
    handler.end_headers()
    handler.wfile.write(b"%x\r\n" % 50_000 + BODY[:50_000] + b"\r\n")
    handler.wfile.write(b"%x\r\n" % 50_000 + BODY[:20_000])
    handler.close_connection = True


def reset(handler):
    handler.connection.close()


def stalled(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(BODY)))
    handler.end_headers()
    handler.wfile.write(BODY[:100_000])
    time.sleep(5)


@pytest.mark.parametrize("broken", [short, chunk_cut, reset])
def test_a_broken_transfer_is_tried_again_and_never_kept(server, get, target, broken):
    refused(get, target, NetworkError, server.route("/file", broken), known=None)
    assert server.asked == ["/file"] * 3


@pytest.mark.parametrize("broken", [short, chunk_cut, reset])
def test_a_transfer_that_broke_once_is_mended(server, get, target, said, broken):
    url = server.give("/file", BODY)
    whole = server.answers["/file"]
    server.route("/file", lambda handler: (broken if len(server.asked) == 1 else whole)(handler))
    get(url)
    assert target.read_bytes() == BODY
    assert "trying again" in said.getvalue()


def test_a_transfer_that_stalls_is_tried_again(server, get, target, policy):
    hasty = replace(policy, read_s=0.8, attempts=2)
    refused(get, target, NetworkError, server.route("/file", stalled), known=None, policy=hasty)
    assert server.asked == ["/file"] * 2


def test_a_length_that_the_http_library_does_not_check_is_checked(server, get, target, monkeypatch):
    # urllib3 1 takes a short body for a whole one.
    original = urllib3.HTTPResponse.__init__

    def lenient(self, *arguments, **options):
        original(self, *arguments, **options | {"enforce_content_length": False})

    monkeypatch.setattr(urllib3.HTTPResponse, "__init__", lenient)
    text = refused(get, target, NetworkError, server.route("/file", short), known=None)
    assert f"only 100,000 of {len(BODY):,} bytes came" in text


def test_a_silent_server_is_given_up_at_once(server, get, target, policy):
    url = server.route("/file", lambda _: time.sleep(5))
    text = refused(get, target, NetworkError, url, policy=replace(policy, read_s=0.4))
    assert "did not answer in time" in text
    assert server.asked == ["/file"]


# --- servers that are broken or hostile


@pytest.mark.filterwarnings("ignore::ResourceWarning")  # urllib3 leaves the socket of an answer that it cannot read
@pytest.mark.parametrize("length", ["abc", "-5", "1e3", "5, 6", "", " ", "0x10", "\u0664", "9" * 400])
def test_a_length_that_is_none_is_a_sentence_or_read_over(server, get, target, length):
    """Which of these urllib3 reads over is its own affair: the file is whole, or nothing is kept."""
    url = server.give("/file", BODY, Content_Length=length.encode().decode("latin-1"))
    told = ""
    try:
        get(url)
    except (DataError, NetworkError) as error:
        told = str(error)
    gc.collect()
    assert (url in told and nothing_kept(target)) or target.read_bytes() == BODY


@pytest.mark.parametrize(
    "location", ["http://[::1", "http://[", "http://host:port/", "http://host:99999/", "http://", "//[", "http://a b/"]
)
def test_a_redirect_to_what_is_no_address_is_a_sentence(server, get, target, location):
    url = server.give("/file", b"", 302, Location=location)
    assert url in refused(get, target, NetworkError, url)


@pytest.mark.parametrize("status", [203, 206, 299, 302, 304, 999])
def test_an_answer_that_is_not_the_file_is_not_taken_for_it(server, get, target, status):
    """A part of the file (206), or a redirect to nowhere, has a body too."""
    url = server.give("/file", BODY[:1000], status)
    assert f"answered {status}" in refused(get, target, NetworkError, url, known=None)


def raw(text):
    def answer(handler):
        handler.wfile.write(text)
        handler.close_connection = True

    return answer


@pytest.mark.filterwarnings("ignore::ResourceWarning")
@pytest.mark.parametrize(
    "text",
    [
        b"hello\r\n\r\n",
        b"HTTP/1.1 abc OK\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nX: " + 100_000 * b"a" + b"\r\n\r\nabc",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n-5\r\nabc\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nabc",
        b"HTTP/1.1 302 Found\r\nLocation: http://\xff\xfe/\r\n\r\n",
        b"HTTP/1.1 302 Found\r\nLocation: http://" + 70 * b"a" + b".b/\r\n\r\n",
    ],
)
def test_a_server_that_does_not_speak_the_protocol_is_a_sentence(server, get, target, text):
    url = server.route("/file", raw(text))
    assert url in refused(get, target, NetworkError, url, known=None)
    gc.collect()


def test_a_redirect_in_a_circle_is_a_sentence(server, get, target):
    url = server.give("/file", b"", 302, Location="/file")
    assert "redirect" in refused(get, target, NetworkError, url)


def endless(handler):
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(BODY)


def test_a_body_without_an_end_or_a_length_ends_at_the_most_that_a_file_has(server, get, target, policy):
    url = server.route("/file", endless)
    text = refused(get, target, DataError, url, known=None, policy=replace(policy, most_bytes=5_000_000))
    assert "larger than 5,000,000 bytes" in text


def test_a_length_beyond_the_most_is_refused_before_the_body(server, get, target, policy):
    url = server.give("/file", b"", Content_Length=str(10**15))
    assert "larger than" in refused(get, target, DataError, url)


def slow_body(handler):
    handler.send_response(200)
    handler.send_header("Content-Length", str(len(BODY)))
    handler.end_headers()
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.05)


def slow_headers(handler):
    handler.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
    while True:
        handler.wfile.write(b"x")
        time.sleep(0.05)


@pytest.mark.parametrize("slow", [slow_body, slow_headers])
def test_a_server_that_sends_a_byte_now_and_then_is_left(server, get, target, policy, slow):
    before = time.monotonic()
    url = server.route("/file", slow)
    text = refused(get, target, NetworkError, url, policy=replace(policy, total_s=0.5))
    assert "too slow" in text
    assert time.monotonic() - before < 5
    assert server.asked == ["/file"]


# --- content that is not the file


def test_a_wrong_hash_is_refused_with_both_hashes_and_the_address(server, get, target):
    url = server.give("/file", b"other bytes")
    text = refused(get, target, DataError, url)
    assert url in text
    assert f"{hashlib.sha256(b'other bytes').hexdigest()}, not {SHA256} (published)" in text
    assert server.asked == ["/file"]


def test_a_wrong_hash_at_one_mirror_leaves_the_other(server, get, target):
    assert get(server.give("/first", b"other bytes"), server.give("/second", BODY)).endswith("second")
    assert target.read_bytes() == BODY


@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"PK not really", "text/html; charset=utf-8"),
        (b"\n <!DOCTYPE HTML><title>Log in</title>", "application/zip"),
        (b"<html><body>", "application/octet-stream"),
    ],
)
def test_a_login_page_is_not_the_file(server, get, target, body, kind):
    assert "login page" in refused(get, target, DataError, server.give("/file", body, Content_Type=kind), known=None)


def test_an_empty_file_is_not_the_file(server, get, target):
    assert "empty" in refused(get, target, DataError, server.give("/file", b""), known=None)


# --- https alone


@pytest.mark.parametrize("scheme", ["http", "ftp", "file", "sftp", "doi"])
def test_nothing_but_https_is_asked_by_default(server, get, target, scheme):
    url = server.give("/file", BODY).replace("http:", f"{scheme}:")
    assert "refused: not https" in refused(get, target, NetworkError, url, policy=HTTPS_ONLY)
    assert server.asked == []


@pytest.mark.parametrize("location", ["file:///etc/passwd", "ftp://127.0.0.1/file", "https://127.0.0.1:9/file"])
def test_a_redirect_to_another_scheme_is_refused(server, get, target, location):
    url = server.give("/file", b"", 302, Location=location)
    assert f"{location} is refused: not http" in refused(get, target, NetworkError, url)
    assert server.asked == ["/file"]


@pytest.fixture
def secure(server, tmp_path, monkeypatch):
    """The same server over https, with a certificate that this test alone trusts."""
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(make_certificate(tmp_path)))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "certificate.pem", tmp_path / "key.pem")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    server.scheme = "https"
    return server


def make_certificate(folder):
    x509 = pytest.importorskip("cryptography.x509")
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "test")])
    now = datetime.datetime.now(datetime.UTC)
    usage = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign"), False
    )
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(
            x509.KeyUsage(
                digital_signature=True, key_cert_sign=True, encipher_only=False, decipher_only=False, **usage
            ),
            critical=True,
        )
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return folder / "certificate.pem"


def test_https_works_and_a_redirect_to_http_is_refused(secure, get, target):
    secure.give("/plain", b"", 302, Location="http://127.0.0.1:9/file")
    text = refused(get, target, NetworkError, secure.url("/plain"), policy=HTTPS_ONLY)
    assert "http://127.0.0.1:9/file is refused: not https" in text
    get(secure.give("/file", BODY), policy=HTTPS_ONLY)
    assert target.read_bytes() == BODY


def test_a_certificate_that_nobody_vouches_for_is_refused(secure, get, target, monkeypatch):
    monkeypatch.delenv("REQUESTS_CA_BUNDLE")
    text = refused(get, target, NetworkError, secure.give("/file", BODY), policy=HTTPS_ONLY)
    assert "no secure connection" in text
    assert secure.asked == []


# --- no network


@pytest.fixture
def closed_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        yield taken.getsockname()[1]


def test_a_host_that_refuses_is_asked_once(server, get, target, said, closed_port):
    url = f"http://127.0.0.1:{closed_port}/file"
    assert "127.0.0.1 cannot be reached: Connection refused" in refused(get, target, NetworkError, url)
    assert "trying again" not in said.getvalue()


def test_an_unknown_host_is_looked_up_once(server, get, target, monkeypatch):
    asked = []

    def unknown(host, *_, **__):
        asked.append(host)
        raise socket.gaierror(socket.EAI_AGAIN, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    text = refused(get, target, NetworkError, "http://one.invalid/file", "http://two.invalid/file")
    assert asked == ["one.invalid", "two.invalid"]
    assert "two.invalid cannot be reached: Temporary failure in name resolution" in text


def test_name_servers_that_never_answer_cost_seconds(server, get, target, policy, monkeypatch):
    end = threading.Event()

    def hangs(*_, **__):
        end.wait(10)
        raise socket.gaierror(socket.EAI_AGAIN, "late")

    monkeypatch.setattr(socket, "getaddrinfo", hangs)
    started = time.monotonic()
    text = refused(get, target, NetworkError, "http://one.invalid/file", policy=replace(policy, reach_s=0.2))
    end.set()
    assert time.monotonic() - started < 5  # not the 10 of the name server
    assert "no answer within 0.2 s" in text


def test_a_network_that_goes_away_between_attempts_is_not_retried(server, get, target, monkeypatch):
    url = server.route("/file", lambda handler: (server.socket.close(), handler.connection.close()))
    assert "cannot be reached" in refused(get, target, NetworkError, url)
    assert server.asked == ["/file"]


def test_a_proxy_that_is_down_is_named(server, get, target, monkeypatch, closed_port):
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port}")
    text = refused(get, target, NetworkError, "http://images.invalid/file")
    assert "proxy 127.0.0.1 cannot be reached" in text


@pytest.mark.parametrize("proxy", ["http://proxy:80a80", "http://[bad", "http://me:secret@proxy:999999"])
def test_a_proxy_that_is_no_address_is_a_network_fault(get, target, monkeypatch, proxy):
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", proxy)
    text = refused(get, target, NetworkError, "http://images.invalid/file")
    assert "is not an address" in text
    assert "secret" not in text


@pytest.mark.parametrize("value", ["1", "true", "TRUE", "yes"])
def test_offline_asks_nothing(server, get, target, monkeypatch, value):
    monkeypatch.setenv("HARNESS_OFFLINE", value)
    text = refused(get, target, NetworkError, server.give("/file", BODY))
    assert f"HARNESS_OFFLINE={value} forbids the network" in text
    assert server.asked == []


@pytest.mark.parametrize("value", ["", "0", "false"])
def test_offline_can_be_switched_off(server, get, target, monkeypatch, value):
    monkeypatch.setenv("HARNESS_OFFLINE", value)
    get(server.give("/file", BODY))
    assert target.exists()


# --- the disk


def test_a_disk_that_is_too_small_is_refused_before_the_body(server, get, target, monkeypatch):
    free = shutil._ntuple_diskusage(10**9, 10**9 - 1000, 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    text = refused(get, target, MachineError, server.give("/file", BODY), server.give("/second", BODY))
    assert f"file.zip needs {len(BODY):,} bytes in {target.parent}, where 1,000 are free" in text
    assert server.asked == ["/file"]  # another mirror's copy is as large


def test_a_disk_that_fills_up_leaves_nothing(server, get, target):
    """A real limit: the kernel refuses the write in mid-file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    url = server.give("/file", BODY)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))
    try:
        text = refused(get, target, MachineError, url)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert "File too large" in text
    get(url)
    assert target.read_bytes() == BODY


def test_a_full_disk_is_named(server, get, target, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    text = refused(get, target, MachineError, server.give("/file", BODY))
    assert f"cannot use {target.parent}: No space left on device" in text


def test_a_missing_permission_is_named(server, get, target, monkeypatch):
    def forbidden(path, *_):  # chmod does not stop root
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))

    monkeypatch.setattr(module, "open", forbidden, raising=False)
    text = refused(get, target, MachineError, server.give("/file", BODY))
    assert f"{target.parent}/.file.zip.part: Permission denied" in text
    assert server.asked == []


def test_a_file_in_the_folders_place_is_named(server, get, target):
    target.parent.write_text("in the way")
    with pytest.raises(MachineError, match=str(target.parent)):
        get(server.give("/file", BODY))
    assert target.parent.read_text() == "in the way"


# --- stopped


def test_ctrl_c_leaves_nothing(server, get, target, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(progress.Task, "update", interrupt)
    with pytest.raises(KeyboardInterrupt):
        get(server.give("/file", BODY))
    assert nothing_kept(target)


CHILD = """
import sys
from pathlib import Path
from rich.console import Console
from harness.downloads.connection import Policy
from harness.downloads.download import download
from harness.progress import Reporter
download([sys.argv[1]], Path(sys.argv[2]), None, Reporter(Console(quiet=True)), policy=Policy(schemes=("http",)))
"""


def test_a_killed_download_is_swept_and_done_again(server, get, target):
    url = server.give("/file", BODY)
    whole = server.answers["/file"]
    half_sent, end = threading.Event(), threading.Event()

    def half(handler):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(BODY)))
        handler.end_headers()
        handler.wfile.write(BODY[:1_000_000])
        half_sent.set()
        end.wait(10)

    server.route("/file", half)
    part = target.with_name(".file.zip.part")
    with subprocess.Popen([sys.executable, "-P", "-c", CHILD, url, str(target)]) as child:
        assert half_sent.wait(20)
        while not (part.exists() and part.stat().st_size):
            time.sleep(0.01)
        child.kill()
    end.set()
    assert not target.exists()
    assert part.exists()
    server.route("/file", whole)
    get(url)
    assert list(target.parent.iterdir()) == [target]
    assert target.read_bytes() == BODY
