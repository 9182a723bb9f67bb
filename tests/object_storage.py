"""A real server that speaks S3, as a process of its own on 127.0.0.1."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

START_S = 120


class ObjectStorage:
    """moto's server, which keeps all in memory; ``variables`` are the environment of who speaks to it."""

    def __init__(self):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{self.port}"
        self.variables = {
            "AWS_ENDPOINT_URL": self.address,
            "AWS_ACCESS_KEY_ID": "somebody",
            "AWS_SECRET_ACCESS_KEY": "only-here-and-worth-nothing",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def ready(self):
        until = time.monotonic() + START_S
        while time.monotonic() < until:
            try:
                self.make("bucket")
            except OSError:
                assert self.process.poll() is None, "the server ended"
                time.sleep(0.05)
            else:
                return self
        raise TimeoutError

    def make(self, bucket):
        with urllib.request.urlopen(urllib.request.Request(f"{self.address}/{bucket}", method="PUT"), timeout=5):
            pass

    def get(self, name):
        """Return an object of the bucket, None where there is none."""
        try:
            with urllib.request.urlopen(f"{self.address}/bucket/{name}", timeout=5) as answer:
                return answer.read()
        except urllib.error.HTTPError:
            return None

    def put(self, name, data):
        request = urllib.request.Request(f"{self.address}/bucket/{name}", data=data, method="PUT")
        with urllib.request.urlopen(request, timeout=5):
            pass

    def pause(self):
        """Stop it without an end: it takes connections, and answers none."""
        os.kill(self.process.pid, signal.SIGSTOP)

    def resume(self):
        os.kill(self.process.pid, signal.SIGCONT)

    def end(self):
        self.process.kill()
        self.process.wait()
