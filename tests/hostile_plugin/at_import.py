"""Third parties' methods that are `magnitude`, but for one deed while they are imported; each a module of its own."""

DEEDS = {
    "prints": "print('loud'); print('louder', file=sys.stderr); os.write(1, b'loudest')",
    "threads": "import torch; torch.set_num_threads(2)",
    "exits": "print('farewell'); sys.stdout.flush(); os._exit(0)",
    "leaves": "raise SystemExit(0)",
    "raises": "raise ImportError('no such library')",
    "unspeakable": "raise type('Unspeakable', (Exception,), {'__str__': lambda self: 1 / 0})()",
    "interrupts": "raise KeyboardInterrupt",
    "killed": "os.kill(os.getpid(), 9)",
    "crashes": "import ctypes; ctypes.string_at(0)",
    "child": "os._exit(3) if os.fork() else time.sleep(600)",
    "closes": "os.closerange(3, 256)",
    "half": (
        "import stat\n"
        "for number in range(3, 512):\n"
        "    try:\n"
        "        stat.S_ISSOCK(os.fstat(number).st_mode) and os.write(number, (1 << 20).to_bytes(8, 'big') + b'half')\n"
        "    except OSError:\n"
        "        pass\n"
        "os._exit(0)"
    ),
    "babbles": (
        "import stat\n"
        "for number in range(3, 512):\n"
        "    try:\n"
        "        stat.S_ISSOCK(os.fstat(number).st_mode) and os.write(number, (4).to_bytes(8, 'big') + b'blah')\n"
        "    except OSError:\n"
        "        pass\n"
    ),
    "patches": "import harness.evaluation.figures as home; home.evaluate.__code__ = (lambda *_: {}).__code__",
    "patches-planning": "import harness.planning.entries as home; home.Entry.text = 'mine'",
    "moves": "os.chdir('/')",
    "variable": "os.environ['OMP_NUM_THREADS'] = '2'",
    "ignores": "import signal; [signal.signal(number, signal.SIG_IGN) for number in (1, 2, 15)]",
    "thread": "import threading; threading.Thread(target=time.sleep, args=(600,), daemon=True).start()",
    "hangs": "time.sleep(600)",
}

SAYS = {
    "loss-exits": "loss = property(lambda self: os._exit(4))",
    "loss-raises": "loss = property(lambda self: 1 / 0)",
    "loss-odd": "loss = property(lambda self: 7)",
    "loss-prints": "loss = property(lambda self: print('loud') or 'plain')",
    "variants-odd": "variants = 5",
    "spaces-odd": "search_space = {'own': type('Mine', (), {})()}",
    "skip-exits": "skip = lambda self, network: os._exit(5)",
    "tunes": "from optuna.distributions import IntDistribution\n    search_space = {'own': IntDistribution(1, 9)}",
    "borrows": "borrows_from = property(lambda self: ('at-import-tunes[own=2]',))",
    "validates": "__post_init__ = lambda self: os._exit(6)",
}
"""What its class says instead, by deed."""

MODULE = """
import os, sys, time
from dataclasses import dataclass
with open(__file__ + ".imports", "a") as seen:
    seen.write(f"{os.getpid()} {os.getsid(0)}\\n")
DEED
from harness.methods.magnitude import Magnitude

@dataclass(frozen=True, kw_only=True)
class Method(Magnitude):
    own: int = 1
    SAYS
"""


def install(folder, *names, prefix="at-import", group="harness.pruners"):
    """Install a distribution for each deed, whose method is called ``PREFIX-NAME``, importable from ``folder``."""
    for name in names:
        module = module_of(name)
        text = MODULE.replace("DEED", DEEDS.get(name, "")).replace("SAYS", SAYS.get(name, ""))
        (folder / f"{module}.py").write_text(text)
        metadata = folder / f"{module}-1.0.dist-info"
        metadata.mkdir()
        (metadata / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
        (metadata / "entry_points.txt").write_text(f"[{group}]\n{prefix}-{name} = {module}:Method\n")


def module_of(name):
    return f"at_import_{name.replace('-', '_')}"


def importers(folder, name="*"):
    """Return (process, leader of its session) of every import of a deed's method, or of any."""
    lines = [line for seen in folder.glob(f"{module_of(name)}.py.imports") for line in seen.read_text().splitlines()]
    return [tuple(map(int, line.split())) for line in lines]
