import subprocess
import sys
from pathlib import Path

CODE = """
import logging, sys, warnings
sys.argv = ["harness", "run", "--tracking-uri", "http://me:S3CRET@127.0.0.1:9/?token=T0KEN99"]
from harness.outgoing.streams import guard_streams
guard_streams()
guard_streams()
import typer
from rich.console import Console
said = "S3CRET and T0KEN99"
print(said)
print(said, file=sys.stderr)
sys.stderr.writelines([said])
typer.echo(said)
typer.echo(said, err=True)
Console().print(said)
Console(stderr=True).print(said, style="red")
logging.warning(said)
warnings.warn(said)
print(sys.stdout.isatty(), sys.stdout.encoding, sys.stdout.fileno())
raise RuntimeError(said)
"""


def test_prints_warnings_logs_and_tracebacks_go_out_without_secrets():
    ran = subprocess.run([sys.executable, "-P", "-c", CODE], check=False, capture_output=True, text=True)
    assert ran.stdout.count("*** and ***") == 3
    assert ran.stderr.count("*** and ***") >= 7, ran.stderr
    assert "S3CRET" not in ran.stdout + ran.stderr.replace("--tracking-uri", "")
    assert "T0KEN99" not in ran.stdout + ran.stderr
    assert ran.stdout.endswith("False utf-8 1\n")


def test_a_command_may_have_no_streams():
    harness = Path(sys.executable).parent / "harness"
    ran = subprocess.run(["sh", "-c", f'exec "{harness}" list --check >&- 2>&-'], check=False)
    assert ran.returncode == 0
