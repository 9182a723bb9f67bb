"""Measure ONNX files on the machine that this runs on: bytes, seconds to load, memory, and time at batch 1 and 32.

    python3 measure_onnx.py --device 'Pi 4'      the networks of the manifest.json beside it; writes measured.json
    python3 measure_onnx.py FILE.onnx ...        any files; the JSON goes to standard output

Needs Python 3.8, numpy and onnxruntime, and nothing else. Each network has a process and one thread of its own. A
number that the machine's noise would decide is refused and not given. Exit codes: 0 measured, 2 a wrong command line,
4 a file that cannot be run, 5 no onnxruntime or no permission, 7 too noisy.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
FORMAT, SCHEMA = "prune-harness/measured", 1
MANIFEST, MEASURED = "manifest.json", "measured.json"
BATCHES = (1, 32)
SECONDS, LIMIT = 3.0, 0.3
"""How long each batch size is repeated, and the (p90 - p10) / median from which a machine is too noisy."""
ATTEMPTS, FEWEST, WARM_UP = 3, 15, 3
LARGEST_INPUT = 2**28
"""Elements; an input of more is no image."""
COUNTERS = Path("/sys/class/powercap")
PATIENCE_S = 1800
LONGEST_NAME, NO_NAME = 60, re.compile(r"[\x00-\x1f\x7f/]")
"""Of a machine; a slash would part the names of its metrics."""
USAGE, DATA, MACHINE, NOISY = 2, 4, 5, 7


class Refused(Exception):  # noqa: N818
    """What cannot be measured: why, and the exit code."""

    def __init__(self, why: str, code: int) -> None:
        super().__init__(why)
        self.why, self.code = why, code


def latency(
    run: Callable[[], object], seconds: float, limit: float, clock: Callable[[], float] = time.perf_counter
) -> dict[str, float]:
    """Return median, p10 and p90 of the seconds of a call, and how often it was called. Raises `Refused` for noise."""
    begun, calls = clock(), 0
    while calls < WARM_UP or clock() - begun < seconds / 3:
        run()
        calls += 1
    least = float("inf")
    for attempt in range(1, ATTEMPTS + 1):
        found = spread(repeated(run, seconds, clock))
        noise = (found["p90"] - found["p10"]) / found["median"] if found["median"] > 0 else float("inf")
        if noise <= limit:
            return {**found, "attempts": attempt}
        least = min(least, noise)
    raise Refused(
        f"too noisy: (p90 - p10) / median was {least:.2f} at best in {ATTEMPTS} attempts, {limit:g} is allowed; "
        "stop what else runs here, or allow more",
        NOISY,
    )


def repeated(run: Callable[[], object], seconds: float, clock: Callable[[], float]) -> list[float]:
    """Return the seconds of each call, for so long and so many times."""
    times: list[float] = []
    begun = clock()
    while len(times) < FEWEST or clock() - begun < seconds:
        start = clock()
        run()
        times.append(clock() - start)
    return times


def spread(times: Sequence[float]) -> dict[str, float]:
    """Return median, p10, p90 and the number of times, between neighbours in proportion."""
    ordered = sorted(times)

    def at(share: float) -> float:
        place = share * (len(ordered) - 1)
        low = int(place)
        high = min(low + 1, len(ordered) - 1)
        return ordered[low] + (place - low) * (ordered[high] - ordered[low])

    return {"median": at(0.5), "p10": at(0.1), "p90": at(0.9), "n": len(ordered)}


def energy(run: Callable[[], object], seconds: float, counters: Path = COUNTERS) -> dict[str, Any]:
    """Return the joules of a call by the processor's own counters, or that there are none which may be read."""
    before = joules(counters)
    if not before:
        return {"joules": None, "note": "no counter"}
    calls = len(repeated(run, seconds, time.perf_counter))
    after = joules(counters)
    used = 0.0
    for name, (start, most) in before.items():
        spent = after.get(name, (start, most))[0] - start
        used += spent + most if spent < 0 else spent  # it began anew at its end
    return {"joules": used / calls, "note": "the whole processor's: " + ", ".join(sorted(before))}


def joules(counters: Path) -> dict[str, tuple[float, float]]:
    """Return what each processor's counter shows, and at what it begins anew."""
    found = {}
    for folder in sorted(counters.glob("intel-rapl:?")):
        try:
            name = (folder / "name").read_text().strip()
            shown = [int((folder / one).read_text()) / 1e6 for one in ("energy_uj", "max_energy_range_uj")]
        except (OSError, ValueError):
            continue
        found[name] = (shown[0], shown[1])
    return found


def memory(what: str) -> int:
    """Return bytes of this process by the kernel: VmHWM at most, VmRSS now; elsewhere the most by getrusage."""
    try:
        lines = Path("/proc/self/status").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(what + ":"))
    except (OSError, StopIteration):
        import resource

        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most if sys.platform == "darwin" else most * 1024


def forget_peak() -> None:
    """Let the peak begin anew, so that importing libraries is not in it; older kernels do not."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return


def bound_memory() -> None:
    """Let a file that asks for more than is free fail instead of taking the machine with it."""
    try:
        import resource

        lines = Path("/proc/meminfo").read_text().splitlines()
        free = next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable"))
        resource.setrlimit(resource.RLIMIT_AS, (memory("VmSize") + free, resource.getrlimit(resource.RLIMIT_AS)[1]))
    except (OSError, StopIteration, ValueError, ImportError):
        return


def feeds(inputs: Sequence[Any], batch: int, images: Any) -> dict[str, Any] | None:
    """Return what a network reads at a batch size, None where its file fixes another. Raises `Refused`.

    ``images`` (N, ...) are repeated for an only input that takes them, as far as needed; else it is noise of seed 0.
    """
    import numpy as np

    made = {}
    for one in inputs:
        shape = list(one.shape)
        if shape and not isinstance(shape[0], int):
            shape[0] = batch
        elif shape and shape[0] != batch:
            return None
        if not all(isinstance(size, int) and size > 0 for size in shape):
            raise Refused(f"input {one.name} has no fixed size beyond the batch: {one.shape}", DATA)
        if _product(shape) > LARGEST_INPUT:
            raise Refused(f"input {one.name} is too large: {shape}", DATA)
        fits = images is not None and len(inputs) == 1 and list(images.shape[1:]) == shape[1:]
        made[one.name] = np.resize(images, shape).astype(_kind(one)) if fits else _noise(one, shape)
    return made


def _product(shape: Sequence[int]) -> int:
    product = 1
    for size in shape:
        product *= size
    return product


_KINDS = {"tensor(float)": "float32", "tensor(float16)": "float16", "tensor(double)": "float64", "tensor(bool)": "bool"}
_KINDS.update({f"tensor({kind})": kind for kind in ("uint8", "int8", "int16", "uint16", "int32", "int64")})


def _kind(one: Any) -> str:
    if one.type not in _KINDS:
        raise Refused(f"input {one.name} is a {one.type}, which is not measured", DATA)
    return _KINDS[one.type]


def _noise(one: Any, shape: Sequence[int]) -> Any:
    import numpy as np

    kind, draws = np.dtype(_kind(one)), np.random.RandomState(0)
    if kind.kind == "f":
        return draws.standard_normal(shape).astype(kind)
    return draws.randint(0, 256 if kind == np.uint8 else 2, shape).astype(kind)


def alone(path: Path, images: Path | None, seconds: float, limit: float) -> dict[str, Any]:
    """Return what one network costs, in this process, which does nothing else. Raises `Refused`."""
    load_average = os.getloadavg()[0]
    try:
        import numpy as np
        import onnxruntime
    except ImportError as error:
        raise Refused(f"{error}; to fix it: pip install onnxruntime numpy", MACHINE) from None
    bound_memory()
    found: dict[str, Any] = {"sha256": _hash(path), "bytes": path.stat().st_size}
    given = None if images is None else np.load(str(images), allow_pickle=False)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    forget_peak()
    before, start = memory("VmRSS"), time.perf_counter()
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no base of their own
        raise Refused(f"onnxruntime cannot load it: {_line(error)}", DATA) from None
    found.update(load_seconds=time.perf_counter() - start, memory={"before": before, "loaded": memory("VmHWM")})
    found.update(latency={}, load_average=load_average, energy=None)
    for batch in BATCHES:
        taken = _batch(session, batch, given, seconds, limit)
        if taken is not None:
            found["latency"][str(batch)], spent = taken
            found["memory"][f"batch {batch}"] = memory("VmHWM")
            found["energy"] = found["energy"] or spent
    if not found["latency"]:
        raise Refused("its batch size is fixed, and neither 1 nor 32", DATA)
    return found


def _batch(session: Any, batch: int, images: Any, seconds: float, limit: float) -> Any:
    """Return (latency, energy of a call at batch 1) at a batch size, None where the file does not take it."""
    given = feeds(session.get_inputs(), batch, images)
    if given is None:
        return None

    def run() -> object:
        return session.run(None, given)

    try:
        found = latency(run, seconds, limit)
    except Refused:
        raise
    except Exception as error:  # of onnxruntime, whose errors have no base of their own, and of memory
        raise Refused(f"onnxruntime cannot run it at batch {batch}: {_line(error)}", DATA) from None
    return found, energy(run, seconds) if batch == 1 else None


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:300]


def in_a_process(path: Path, images: Path | None, seconds: float, limit: float) -> dict[str, Any]:
    """Return what one network costs, measured in a process of its own, or its ``problem`` and exit ``code``."""
    command = [sys.executable, str(Path(__file__).resolve()), "--alone", "--seconds", repr(seconds)]
    command += ["--noise-limit", repr(limit), *(["--images", str(images)] if images else []), "--", str(path)]
    try:
        ran = subprocess.run(
            command,
            env={**os.environ, **THREADS},
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PATIENCE_S,
            check=False,
        )
        found = json.loads(ran.stdout.decode() or "null")
    except subprocess.TimeoutExpired:
        return {"problem": f"it took more than {PATIENCE_S} s", "code": DATA}
    except ValueError:
        found = None
    if isinstance(found, dict):
        return found
    return {"problem": f"its process ended with {ran.returncode} and no word", "code": DATA}


def machine(name: str) -> dict[str, Any]:
    """Return what this machine is: the name that its owner gave it, or its processor's."""
    told = {
        "name": name or shown(processor()),
        "cpu": processor(),
        "system": f"{platform.system()} {platform.machine()}",
    }
    code = "import onnxruntime, numpy; print(onnxruntime.__version__, numpy.__version__)"
    ran = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=False)
    if ran.returncode:
        raise Refused("onnxruntime or numpy is missing; to fix it: pip install onnxruntime numpy", MACHINE)
    runtime, numpy = ran.stdout.decode().split()
    told.update(runtime="onnxruntime", runtime_version=runtime, numpy=numpy, python=platform.python_version())
    return {**told, "threads": 1, "cores": os.cpu_count() or 1}


def shown(model: str) -> str:
    """Return a processor's model as a name: without a slash, and short."""
    return " ".join(NO_NAME.sub(" ", model).split())[:LONGEST_NAME].strip() or "unnamed"


def wrong_name(name: str) -> str:
    """Return what is wrong with the name that a machine was given, empty where nothing is."""
    if NO_NAME.search(name):
        return f"{name!a} is no name of a device: it may have no / and no control character"
    return f"a name of a device has at most {LONGEST_NAME} characters" if len(name) > LONGEST_NAME else ""


def processor(info: Path = Path("/proc/cpuinfo"), board: Path = Path("/proc/device-tree/model")) -> str:
    """Return the processor's model, or the board's where the kernel tells no model."""
    try:
        for line in info.read_text().splitlines():
            key, _, value = line.partition(":")
            if key.strip() in ("model name", "Model") and value.strip():
                return value.strip()
        return board.read_text().strip("\0 \n")
    except OSError:
        return platform.processor() or platform.machine()


def packaged(folder: Path) -> tuple[list[tuple[Path, Path | None]], str]:
    """Return the networks of a package with their images, each as it was written, and the manifest's hash."""
    try:
        written = (folder / MANIFEST).read_bytes()
        networks = json.loads(written)["networks"]
        files = [(folder / one["file"], folder / one["images"] if one.get("images") else None) for one in networks]
        for one in networks:
            for name, known in ((one["file"], one["sha256"]), (one.get("images"), one.get("images_sha256"))):
                if name and _hash(folder / name) != known:
                    raise Refused(f"{folder / name} is not as it was written: copy the package again", DATA)
    except OSError as error:
        raise Refused(f"{error.filename}: {error.strerror}; name files, or copy the package again", DATA) from None
    except (ValueError, KeyError, TypeError) as error:
        raise Refused(f"{folder / MANIFEST} is no manifest ({error}): copy the package again", DATA) from None
    return files, hashlib.sha256(written).hexdigest()


def measured(arguments: argparse.Namespace) -> dict[str, Any]:
    """Return the document of all networks that are asked for, those that were refused with their ``problem``."""
    if arguments.files:
        images = Path(arguments.images) if arguments.images else None
        files: list[tuple[Path, Path | None]] = [(Path(one), images) for one in arguments.files]
        package = None
    else:
        files, package = packaged(Path(__file__).resolve().parent)
    told = machine(arguments.device)
    networks = []
    for number, (path, images) in enumerate(files, 1):
        print(f"{number} of {len(files)}: {path.name}", file=sys.stderr, flush=True)
        networks.append({"file": path.name, **in_a_process(path, images, arguments.seconds, arguments.noise_limit)})
    now = time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime())
    document = {"format": FORMAT, "schema": SCHEMA, "package": package, "machine": told, "measured": now}
    return {**document, "noise_limit": arguments.noise_limit, "networks": networks}


def parsed(words: Sequence[str]) -> argparse.Namespace:
    """Return what was asked for; a wrong command line ends with exit code 2."""
    parser = argparse.ArgumentParser(description="Measure ONNX files on this machine, one thread.")
    parser.add_argument("files", nargs="*", metavar="FILE", help="default: the networks of the manifest beside this")
    parser.add_argument("--device", default="", metavar="NAME", help="what results are shown under; default: the CPU")
    parser.add_argument("--seconds", type=float, default=SECONDS, metavar="S", help="of repetitions at a batch size")
    parser.add_argument("--noise-limit", type=float, default=LIMIT, metavar="X", help="most (p90 - p10) / median")
    parser.add_argument("--images", metavar="FILE.npy", help="what the networks read; default: noise")
    parser.add_argument("--output", metavar="FILE", help="default: measured.json for a package, else standard output")
    parser.add_argument("--alone", action="store_true", help=argparse.SUPPRESS)
    found = parser.parse_args(words)
    if not 0 < found.seconds <= 600 or not 0 < found.noise_limit <= 10:
        parser.error("--seconds is above 0 and at most 600, --noise-limit above 0 and at most 10")
    if wrong := wrong_name(found.device):
        parser.error(f"--device: {wrong}")
    return found


def main(words: Sequence[str]) -> int:
    """Measure and write; return the exit code."""
    arguments = parsed(words)
    try:
        if arguments.alone:
            images = Path(arguments.images) if arguments.images else None
            print(json.dumps(alone(Path(arguments.files[0]), images, arguments.seconds, arguments.noise_limit)))
            return 0
        document = measured(arguments)
        written = json.dumps(document, indent=1) + "\n"
        output = arguments.output or (None if arguments.files else str(Path(__file__).resolve().parent / MEASURED))
        if output:
            Path(output).write_text(written)
            print(f"written: {output}", file=sys.stderr)
        else:
            print(written, end="")
        return tell_problems(document["networks"])
    except (Refused, OSError, ValueError, MemoryError) as error:
        why, code = (error.why, error.code) if isinstance(error, Refused) else (_line(error), DATA)
        if arguments.alone:
            print(json.dumps({"problem": why, "code": code}))
        else:
            print(f"error: {why}", file=sys.stderr)
        return code


def tell_problems(networks: Sequence[Mapping[str, Any]]) -> int:
    """Say what was refused; return the first exit code of these, 0 where all is measured."""
    refused = [one for one in networks if "problem" in one]
    for one in refused:
        print(f"{one['file']}: {one['problem']}", file=sys.stderr)
    return int(refused[0]["code"]) if refused else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
