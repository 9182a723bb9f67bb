"""What decides bits in a process besides a stage's inputs: settings of libraries, random states, and the code."""

import hashlib
import os
import random
import sys
from collections.abc import Callable, Mapping
from types import CodeType, FunctionType, ModuleType
from typing import Any

import numpy as np
import torch
from torch import nn
from torch.nn.modules import module as global_hooks

_KERNELS = (
    *("ATEN_", "BLIS_", "CUBLAS", "CUDA_", "CUDNN", "DNNL_", "GOTO_", "KMP_", "MKL_", "NVIDIA_", "OMP_", "ONEDNN_"),
    *("OPENBLAS_", "PYTORCH_", "TORCH_", "VECLIB_"),
)
_HOOKS = ("_global_forward_pre_hooks", "_global_forward_hooks", "_global_backward_hooks")
_LIBRARIES = (torch, nn.functional, nn.init, np)
_CLASSES = (torch.Tensor, nn.Module, nn.Conv2d, nn.BatchNorm2d, nn.Linear, nn.ReLU, nn.Dropout)
_OPTIMISERS = (torch.optim.SGD, torch.optim.AdamW)
_SHORT = 60


_BACKENDS = torch.backends
_CUDNN, _MATMUL = _BACKENDS.cudnn, _BACKENDS.cuda.matmul
_PRECISE = (_BACKENDS, *(getattr(_BACKENDS.mkldnn, name, None) for name in ("conv", "matmul")), _CUDNN, _MATMUL)
_TORCH_SETTINGS: dict[str, Callable[[], Any]] = {
    "torch's default type": torch.get_default_dtype,
    "torch's default device": torch.get_default_device,
    "torch's number of threads": torch.get_num_threads,
    "torch's gradient mode": lambda: (torch.is_grad_enabled(), torch.is_inference_mode_enabled()),
    "torch's anomaly detection": torch.is_anomaly_enabled,
    "torch's deterministic mode": lambda: (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        _CUDNN.deterministic,
        _CUDNN.benchmark,
    ),
    "torch's mkldnn": lambda: (_BACKENDS.mkldnn.enabled, torch._C._get_mkldnn_deterministic()),
    "torch's nnpack": torch._C._get_nnpack_enabled,
    "torch's cudnn": lambda: _CUDNN.enabled,
    "torch's matrix precision": lambda: (
        torch.get_float32_matmul_precision(),
        _MATMUL.allow_tf32,
        _CUDNN.allow_tf32,
        _MATMUL.allow_fp16_reduced_precision_reduction,
        _MATMUL.allow_bf16_reduced_precision_reduction,
    ),
    "torch's float32 precision": lambda: [getattr(one, "fp32_precision", "") for one in _PRECISE],
    "torch's automatic casts": lambda: [
        (torch.is_autocast_enabled(device), torch.get_autocast_dtype(device)) for device in ("cpu", "cuda")
    ],
    "torch's smallest numbers": lambda: float(torch.tensor(1e-40, dtype=torch.float32, device="cpu").mul(1.0)),
    "torch's global hooks": lambda: (
        *(len(getattr(global_hooks, name)) for name in _HOOKS),
        torch._C._len_torch_function_stack(),
        torch._C._len_torch_dispatch_stack(),
    ),
}


def start_random_states() -> None:
    """Put the global random states where every job's process has them; Python seeds its own anew in each fork."""
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def deciding_state() -> dict[str, str]:
    """Return every setting by name, as text that tells whether it changed."""
    return {**_random_states(), **_torch_settings(), **_system_settings()}


def _random_states() -> dict[str, str]:
    numpys = np.random.get_state(legacy=True)
    return {
        "Python's random state": _hash(repr(random.getstate()).encode()),
        "numpy's random state": _hash(repr([np.asarray(part).tolist() for part in numpys]).encode()),
        "torch's random state": _hash(torch.get_rng_state().numpy().tobytes()),
    }


def _torch_settings() -> dict[str, str]:
    """Return those of torch, which refuses to tell one that was set in both its old and its new way: a change, too."""
    found = {}
    for name, reads in _TORCH_SETTINGS.items():
        try:
            found[name] = str(reads())
        except RuntimeError as error:
            found[name] = str(error)
    return found


def _system_settings() -> dict[str, str]:
    try:
        folder = os.getcwd()
    except OSError:
        folder = "gone"
    umask = os.umask(0o077)
    os.umask(umask)
    chosen = sorted((name, value) for name, value in os.environ.items() if name.startswith(_KERNELS))
    return {
        "the working directory": folder,
        "the variables that choose kernels": repr(chosen),
        "the mode of new files": oct(umask),
    }


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:12]


def state_changes(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    """Return what changed, with both values where they can be read."""
    return [
        f"{name} ({_short(before[name])} -> {_short(after[name])})" for name in before if before[name] != after[name]
    ]


def _short(text: str) -> str:
    return text if len(text) <= _SHORT else f"{text[: _SHORT - 3]}..."


class Code:
    """What the harness's modules and those of torch and numpy hold now: functions, classes, constants."""

    def __init__(self) -> None:
        self._held: list[tuple[str, Mapping[Any, Any], Any, Any]] = []
        self._functions: list[tuple[str, FunctionType, CodeType, Any]] = []
        for name, module in list(sys.modules.items()):
            if name.startswith("harness.") and module is not None:
                self._add_module(name, module)
        for library in _LIBRARIES:
            self._add_plain(library.__name__, vars(library))
        self._names = [(kind, frozenset(vars(kind))) for kind in (*_CLASSES, *_OPTIMISERS)]
        for kind in (*_CLASSES, *_OPTIMISERS):
            self._hold(f"{kind.__module__}.{kind.__name__}", vars(kind))

    def changes(self) -> list[str]:
        """Return the names that hold something else now, or nothing any more."""
        missing = object()
        replaced = [name for name, home, key, value in self._held if home.get(key, missing) is not value]
        rewritten = [
            name
            for name, function, code, defaults in self._functions
            if function.__code__ is not code or function.__defaults__ is not defaults
        ]
        added = [
            f"{kind.__module__}.{kind.__name__}.{name}"  # in the place of a base's
            for kind, names in self._names
            for name in vars(kind).keys() - names
            if name[:2] != "__"
        ]
        return [*replaced, *rewritten, *added]

    def _add_module(self, home: str, module: ModuleType) -> None:
        for name, value in self._add_plain(home, vars(module)):
            if isinstance(value, FunctionType) and value.__module__ == home:
                self._functions.append((f"{home}.{name}", value, value.__code__, value.__defaults__))
            elif isinstance(value, type) and value.__module__ == home:
                self._hold(f"{home}.{name}", vars(value))
            elif isinstance(value, dict):
                self._hold(f"{home}.{name}", value)

    def _add_plain(self, home: str, names: Mapping[str, Any]) -> list[tuple[str, Any]]:
        plain = {name: v for name, v in names.items() if name[:2] != "__" and not isinstance(v, ModuleType)}
        self._held += [(f"{home}.{name}", names, name, value) for name, value in plain.items()]
        return list(plain.items())

    def _hold(self, home: str, names: Mapping[Any, Any]) -> None:
        for name, value in names.items():
            self._held.append((f"{home}.{name}", names, name, value))
            if isinstance(value, FunctionType):
                self._functions.append((f"{home}.{name}", value, value.__code__, value.__defaults__))
