"""A real MLflow server as a process of its own, and a proxy before it that answers as the test says."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

MLFLOW = Path(sys.executable).parent / "mlflow"
START_S = 120


class MlflowServer:
    """`mlflow server` over an SQLite file and a folder in ``place``; started again it has the same address."""

    def __init__(self, place):
        self.place = place
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.uri = f"http://127.0.0.1:{self.port}"
        self.process = None

    def start(self):
        self.begin()
        return self.ready()

    def begin(self):
        """Start it, and do not wait until it answers."""
        words = ["--backend-store-uri", f"sqlite:///{self.place}/server.db", "--workers", "1"]
        words += ["--artifacts-destination", str(self.place / "files"), "--port", str(self.port)]
        with (self.place / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-P", "-m", "mlflow", "server", *words],
                cwd=self.place,
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false", "MLFLOW_DISABLE_TELEMETRY": "true"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def ready(self):
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            try:
                with urllib.request.urlopen(f"{self.uri}/health", timeout=5):
                    return self
            except OSError:
                assert self.process.poll() is None, (self.place / "server.log").read_text()
                time.sleep(0.05)
        raise TimeoutError((self.place / "server.log").read_text())

    def kill(self):
        if self.process is not None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
            self.process = None

    def pause(self):
        """Stop it without an end: it takes connections, and answers none."""
        os.killpg(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.killpg(self.process.pid, signal.SIGCONT)


PASS = "pass"
FAULTS = (
    "an error",  # answers 500; of this and the next four the server never hears
    "forgotten",  # answers 200
    "a login page",  # answers 200 with a page, as a proxy does whose session has ended
    "refused",  # answers 403
    "dropped",  # no answer
    "not heard",  # the server does it, and its answer is lost
    "cut",  # the server gets half of a file
)
ANSWERS = {
    "an error": (500, b'{"error_code": "INTERNAL_ERROR", "message": "the proxy is ill"}'),
    "forgotten": (200, b"{}"),
    "a login page": (200, b"<!doctype html><html><body>Please log in</body></html>"),
    "refused": (403, b"Forbidden"),
}


class Proxy:
    """Stands before a server; ``rule(method, path, number)`` says what becomes of each request.

    ``asked`` are the requests (method, path) since it was last cleared; ``number`` counts them from 0.
    """

    def __init__(self, target):
        self.target, self.asked = target, []
        self.rule = lambda *_: PASS
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.server.daemon_threads = True
        self.server.handle_error = lambda *_: None  # a client that did not wait
        self.uri = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()

    def fail(self, fault, when=lambda *_: True):
        """Let a fault happen to each request for which ``when(method, path, number)`` holds."""
        self.asked.clear()
        self.rule = lambda *request: fault if when(*request) else PASS

    def heal(self):
        self.fail(PASS)

    def close(self):
        self.server.shutdown()
        self.server.server_close()


def _handler(proxy):
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        disable_nagle_algorithm = True

        def answer(self):
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            proxy.asked.append((self.command, self.path.partition("?")[0]))
            fault = proxy.rule(*proxy.asked[-1], len(proxy.asked) - 1)
            if fault == "cut" and self.command == "PUT":
                body = body[: len(body) // 2]
            if fault in ANSWERS:
                answer = ANSWERS[fault]
            elif fault != "dropped":
                answer = forwarded(proxy.target, self.command, self.path, body, dict(self.headers))
            if fault in ("dropped", "not heard"):
                self.close_connection = True
            else:
                self.give(*answer)

        do_GET = do_POST = do_PUT = do_DELETE = do_PATCH = answer  # noqa: N815

        def give(self, status, content):
            self.send_response(status)
            self.send_header("Content-Type", "text/html" if content.startswith(b"<") else "application/json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_):
            pass

    return Handler


def forwarded(target, method, path, body, headers):
    """Return status and content of what a server answers to a request; 502 where it does not."""
    kept = {name: value for name, value in headers.items() if name in ("Content-Type", "Range")}
    request = urllib.request.Request(target + path, data=body or None, method=method, headers=kept)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()
    except OSError as error:
        return 502, str(error).encode()
