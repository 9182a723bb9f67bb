"""What decides a result's bits besides its inputs: the environment class; and what a reader wants to know of it."""

import functools
import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from harness import cuda

# Each of these alone changes bits on one processor: they choose the kernels.
_KERNEL_VARIABLES = ("ATEN_CPU_CAPABILITY", "ONEDNN_MAX_CPU_ISA", "DNNL_MAX_CPU_ISA", "MKL_ENABLE_INSTRUCTIONS")
# On a CUDA device: the optimiser reads its rate from a float32 number there. Before, it was given a float64 one.
_CUDA_STEPS = "float32 rates"
_PACKAGES = ("prune-harness", "torch", "torch-pruning", "numpy", "scikit-learn", "mlflow", "pandas")


def environment_class(device: str) -> str:
    """Return the class of machines that give the same bits: torch, processor, instruction set, device, one thread."""
    import torch

    parts = [f"torch {torch.__version__}", processor(), torch.backends.cpu.get_cpu_capability()]
    parts += kernel_variables()
    if device == "cuda":
        parts += [next(iter(cuda.devices().names), "no CUDA device"), _CUDA_STEPS]
    return " / ".join([*parts, device, "1 thread"])


def kernel_variables() -> list[str]:
    """Return the variables of the environment that choose kernels, as NAME=value."""
    return [f"{name}={os.environ[name]}" for name in _KERNEL_VARIABLES if name in os.environ]


@functools.cache
def processor() -> str:
    """Return the processor's model name."""
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def native_precision(device: str) -> Literal["float32", "bfloat16"]:
    """Return bfloat16 where the device multiplies in it (AVX512-BF16, AMX, or CUDA with support), else float32."""
    import torch

    if device == "cuda":
        return "bfloat16" if cuda.devices().bfloat16 else "float32"
    return "bfloat16" if torch.cpu._is_avx512_bf16_supported() else "float32"


def usable_cores() -> int:
    """Return the cores that this process may use: on a shared node fewer than the machine has."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1


def default_jobs(device: str) -> int:
    """Return how many workers a run has where nobody says it and nothing is measured: one a core, or one a GPU."""
    return max(len(cuda.devices().names), 1) if device == "cuda" else usable_cores()


def versions() -> dict[str, str]:
    """Return the versions of Python and of the packages that a result depends on."""
    return {"python": platform.python_version(), **{package: _version(package) for package in _PACKAGES}}


@functools.cache
def _version(package: str) -> str:
    """Return an installed version: found once, since it is read from files and every result tells it."""
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"
