import subprocess
import sys

import pytest

CODE = """
import sys
from harness.cli import main as module
sys.argv = ["harness", "run", "--tracking-uri", "http://me:S3CRET@127.0.0.1:9"]
def failing(**_):
    raise {error}
module.app = failing
module.main()
"""


@pytest.mark.parametrize(
    ("error", "code", "traced"),
    [
        (r"ValueError('\x1b[2J S3CRET')", 1, True),
        (r"module.HarnessError('\x1b[2J S3CRET')", 1, False),
        ("module.Stopped(15)", 143, False),
        ("SystemExit(3)", 3, False),
    ],
)
def test_an_end_has_its_code_and_its_text_neither_commands_the_terminal_nor_tells_secrets(error, code, traced):
    ran = subprocess.run([sys.executable, "-P", "-c", CODE.format(error=error)], check=False, capture_output=True)
    assert ran.returncode == code
    assert (b"Traceback" in ran.stderr) == traced
    assert b"\x1b" not in ran.stderr
    assert b"S3CRET" not in ran.stderr
    assert (rb"\x1b[2J ***" in ran.stderr) == ("S3CRET" in error)
