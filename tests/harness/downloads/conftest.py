"""A server on 127.0.0.1 whose every answer is a test's own function: no test asks the real network."""

import io
import stat
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rich.console import Console

from harness.downloads.connection import Policy
from harness.progress import Reporter


class Server(ThreadingHTTPServer):
    """Answers by path; ``asked`` holds the paths asked for, in order."""

    daemon_threads = True
    block_on_close = False
    scheme = "http"

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answers = {}
        self.asked = []
        threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def url(self, path):
        return f"{self.scheme}://127.0.0.1:{self.server_port}{path}"

    def give(self, path, body, status=200, **headers):
        """Answer ``path`` with a body; a header of None is left out. Returns the address."""

        def answer(handler):
            handler.send_response(status)
            sent = {"Content-Length": str(len(body)), "Content-Type": "application/octet-stream"}
            for name, value in (sent | {name.replace("_", "-"): value for name, value in headers.items()}).items():
                if value is not None:
                    handler.send_header(name, value)
            handler.end_headers()
            handler.wfile.write(body)

        return self.route(path, answer)

    def route(self, path, answer):
        self.answers[path] = answer
        return self.url(path)

    def handle_error(self, request, client_address):
        """Say nothing: clients that hang up are what the tests are about."""


class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.server.asked.append(self.path)
        answer = self.server.answers.get(self.path, lambda handler: handler.send_error(404))
        answer(self)

    def log_message(self, *_):
        pass


@pytest.fixture
def server(monkeypatch):
    monkeypatch.delenv("HARNESS_OFFLINE", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    running = Server()
    yield running
    running.shutdown()
    running.server_close()


@pytest.fixture
def policy():
    return Policy(schemes=("http",), reach_s=10, connect_s=10, read_s=10, attempts=3, pause_s=0)


@pytest.fixture
def said():
    return io.StringIO()


@pytest.fixture
def reporter(said):
    return Reporter(Console(file=said, width=200))


@pytest.fixture
def plain():
    """What `make` puts into a zip unless told otherwise."""
    return {"top/a.jpg": b"first", "top/b.jpg": b"second" * 1000, "top/inner/c.jpg": b"third"}


@pytest.fixture
def archive(tmp_path):
    return tmp_path / "archive.zip"


@pytest.fixture
def make(archive, plain):
    """Return a function that writes a zip: of each (name, (name, mode) or ZipInfo; bytes), plain files beside them."""

    def member(name, mode=stat.S_IFREG | 0o644):
        info = zipfile.ZipInfo()
        info.filename = info.orig_filename = name  # as it is: the constructor would tidy it
        info.external_attr = mode << 16
        info.compress_type = zipfile.ZIP_DEFLATED
        return info

    def call(*extra, plain=plain):
        with zipfile.ZipFile(archive, "w") as zipped:
            for name, content in [*plain.items(), *extra]:
                if not isinstance(name, zipfile.ZipInfo):
                    name = member(*name) if isinstance(name, tuple) else member(name)
                zipped.writestr(name, content)
        return archive

    return call
