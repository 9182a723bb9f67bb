"""Faults that the process, the screen, files, the network or the bench suffer."""

import logging
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from sound_pruner import Simple


@dataclass(frozen=True, kw_only=True)
class LeavesAtOnce(Simple):
    def before(self, bench):
        os._exit(0)


@dataclass(frozen=True, kw_only=True)
class LeavesPolitely(Simple):
    def before(self, bench):
        sys.exit(0)


@dataclass(frozen=True, kw_only=True)
class InterruptsItself(Simple):
    def before(self, bench):
        raise KeyboardInterrupt


@dataclass(frozen=True, kw_only=True)
class Crashes(Simple):
    def before(self, bench):
        os.kill(os.getpid(), signal.SIGSEGV)


@dataclass(frozen=True, kw_only=True)
class NeverEnds(Simple):
    def before(self, bench):
        for number in (signal.SIGTERM, signal.SIGALRM):
            signal.signal(number, signal.SIG_IGN)
        while True:
            time.sleep(1)


@dataclass(frozen=True, kw_only=True)
class SeedsTorch(Simple):
    def before(self, bench):
        torch.manual_seed(0)


@dataclass(frozen=True, kw_only=True)
class DrawsFromNumpy(Simple):
    def before(self, bench):
        np.random.rand()


@dataclass(frozen=True, kw_only=True)
class TurnsGradientsOff(Simple):
    def one(self, bench, dense, density):
        torch.set_grad_enabled(False)
        return super().one(bench, dense, density)


@dataclass(frozen=True, kw_only=True)
class UsesMoreThreads(Simple):
    def before(self, bench):
        torch.set_num_threads(torch.get_num_threads() + 1)


@dataclass(frozen=True, kw_only=True)
class GoesElsewhere(Simple):
    def before(self, bench):
        os.chdir("/")


@dataclass(frozen=True, kw_only=True)
class SetsAVariable(Simple):
    def before(self, bench):
        os.environ["PRUNED"] = "yes"


@dataclass(frozen=True, kw_only=True)
class SilencesWarnings(Simple):
    def before(self, bench):
        warnings.simplefilter("ignore")


@dataclass(frozen=True, kw_only=True)
class Prints(Simple):
    def before(self, bench):
        print("pruning ...")


@dataclass(frozen=True, kw_only=True)
class PrintsBelowPython(Simple):
    def before(self, bench):
        os.write(2, b"pruning below ...\n")


@dataclass(frozen=True, kw_only=True)
class Warns(Simple):
    def before(self, bench):
        warnings.warn("pruning is dangerous", stacklevel=1)


@dataclass(frozen=True, kw_only=True)
class UsesWhatIsOld(Simple):
    def before(self, bench):
        warnings.warn("this part of the method is old", DeprecationWarning, stacklevel=1)


@dataclass(frozen=True, kw_only=True)
class Logs(Simple):
    def before(self, bench):
        logging.getLogger(__name__).warning("pruning is logged")


@dataclass(frozen=True, kw_only=True)
class LeavesAThread(Simple):
    def before(self, bench):
        threading.Thread(target=time.sleep, args=(60,), name="idler", daemon=True).start()


@dataclass(frozen=True, kw_only=True)
class LeavesAChild(Simple):
    def before(self, bench):
        subprocess.Popen(["sleep", "60"])


@dataclass(frozen=True, kw_only=True)
class ReadsTheTestImages(Simple):
    def before(self, bench):
        with suppress(OSError):
            Path("/srv/isic/ISBI2016_ISIC_Part3_Test_GroundTruth.csv").read_text()


@dataclass(frozen=True, kw_only=True)
class SavesWeights(Simple):
    def before(self, bench):
        torch.save({}, Path(tempfile.gettempdir(), f"weights-{os.getpid()}.pth"))
        Path(tempfile.gettempdir(), f"weights-{os.getpid()}.pth").unlink()


@dataclass(frozen=True, kw_only=True)
class LoadsWeights(Simple):
    def before(self, bench):
        with suppress(OSError):
            torch.load(Path(tempfile.gettempdir(), "of-another-run.pth"))


@dataclass(frozen=True, kw_only=True)
class AsksAHost(Simple):
    def before(self, bench):
        with suppress(OSError):
            socket.getaddrinfo("localhost", 80)


@dataclass(frozen=True, kw_only=True)
class PeeksAtValidation(Simple):
    def before(self, bench):
        assert len(bench._validation.images)


@dataclass(frozen=True, kw_only=True)
class MarksTheBench(Simple):
    def before(self, bench):
        bench.notes = "seen"


MEANT = [
    (LeavesAtOnce(), "comes_to_its_end", "ended with exit code 0"),
    (LeavesPolitely(), "comes_to_its_end", "SystemExit"),
    (InterruptsItself(), "comes_to_its_end", "raised KeyboardInterrupt;"),
    (InterruptsItself(), "opens_no_files", "raised KeyboardInterrupt;"),
    (Crashes(), "comes_to_its_end", "was killed by signal 11"),
    (NeverEnds(), "comes_to_its_end", "did not finish within"),
    (SeedsTorch(), "global_state_is_untouched", "torch's random state"),
    (DrawsFromNumpy(), "global_state_is_untouched", "numpy's random state"),
    (TurnsGradientsOff(), "global_state_is_untouched", "torch's gradient mode"),
    (UsesMoreThreads(), "global_state_is_untouched", "torch's number of threads"),
    (GoesElsewhere(), "global_state_is_untouched", "the working directory"),
    (SetsAVariable(), "global_state_is_untouched", "the environment variables"),
    (SilencesWarnings(), "global_state_is_untouched", "the warning filters"),
    (Prints(), "says_nothing", "pruning ..."),
    (PrintsBelowPython(), "says_nothing", "pruning below"),
    (Warns(), "says_nothing", "pruning is dangerous"),
    (UsesWhatIsOld(), "says_nothing", "the method is old"),
    (Logs(), "says_nothing", "pruning is logged"),
    (LeavesAThread(), "leaves_no_threads_or_processes", "idler"),
    (LeavesAChild(), "leaves_no_threads_or_processes", "a child process is left"),
    (ReadsTheTestImages(), "opens_no_files", "Test_GroundTruth.csv"),
    (SavesWeights(), "opens_no_files", "weights-"),
    (LoadsWeights(), "opens_no_files", "of-another-run.pth"),
    (AsksAHost(), "opens_no_connection", "getaddrinfo"),
    (PeeksAtValidation(), "uses_the_public_bench_alone", "_validation"),
    (MarksTheBench(), "uses_the_public_bench_alone", "bench.notes"),
]
