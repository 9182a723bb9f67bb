"""What must be seen on a CUDA device: the presets to their end, the same bits twice, and the speed of training.

    python tests/cuda/measure.py DATA_FOLDER [--presets quick,paper] [--seeds 3] [--limit 420] [--device cuda]

Prints one JSON object a line: each cell with its test AUC, steps and seconds; then for each preset whether a second
run in another store gave the same scores, steps a second, and the share of what a matrix product reaches on the same
device. ``--limit`` is the seconds for all presets together, alike for each; what is done until then is told. It takes
no MLflow and writes into a temporary folder alone. ``--device cpu`` tries the script where there is no such device.
"""

import argparse
import hashlib
import json
import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

os.environ |= {"CUBLAS_WORKSPACE_CONFIG": ":4096:8", "OMP_NUM_THREADS": "1"}

import torch
from rich.console import Console
from torch.utils.flop_counter import FlopCounterMode

from harness.cli.downloads import downloads
from harness.losses.class_dependent import ClassDependentLoss
from harness.networks.architecture import Architecture
from harness.networks.factories import build, initialise
from harness.planning.configuration_file import load_configuration
from harness.planning.plan import Plan, levels_of
from harness.planning.planner import Flags, build_plan
from harness.progress import Reporter
from harness.randomness import generator
from harness.results import names
from harness.running.cells import cells, score_test
from harness.running.worker import fix_kernels
from harness.storage.store import Store
from harness.training.inference import resolve_device
from harness.training.stepper import Stepper, TrainingTask


def main() -> None:
    """Run what is asked for, and tell."""
    given = arguments()
    fix_kernels()
    presets = given.presets.split(",")
    for preset in presets:
        ends = time.monotonic() + given.limit / len(presets)
        with tempfile.TemporaryDirectory() as folder:
            plans = [plan_of(preset, given, Path(folder) / name) for name in ("first", "second")]
            first = list(results(plans[0], time.monotonic() + 0.6 * given.limit / len(presets)))
            for one in first:
                tell(preset=preset, **one)
            second = {(one["entry"], one["seed"], one["density"]): one["scores"] for one in results(plans[1], ends)}
            twice = [one for one in first if (one["entry"], one["seed"], one["density"]) in second]
            same = sum(one["scores"] == second[one["entry"], one["seed"], one["density"]] for one in twice)
            tell(preset=preset, cells=len(first), asked=plans[0].cell_count, run_twice=len(twice), same_bits=same)
            tell(preset=preset, **speed(plans[0]))


def arguments() -> argparse.Namespace:
    """Return the command line's options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--presets", default="quick,paper")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--limit", type=float, default=420.0)
    parser.add_argument("--device", default="cuda", choices=["cuda", "cpu"])
    parser.add_argument("--set", action="append", default=[], help="as in `harness run`")
    return parser.parse_args()


def tell(**values: Any) -> None:
    """Print one line."""
    print(json.dumps(values), flush=True)


def plan_of(preset: str, given: argparse.Namespace, store: Path) -> Plan:
    """Return the plan of a preset on real images, in a store of its own."""
    settings = [f"training.device={given.device}", f"pretraining.training.device={given.device}", *given.set]
    options = load_configuration(preset, None, settings, {"seeds": given.seeds})
    flags = Flags(preset, given.data, store, allow_missing=True, real_only=True)
    plan, _ = build_plan(options, flags, downloads(Reporter(Console(stderr=True)), dry_run=False))
    return plan


def results(plan: Plan, ends: float) -> Iterator[dict[str, Any]]:
    """Yield each cell until the time is over: seed by seed, so that what is done is whole seeds."""
    for seed in plan.seeds:
        for entry in plan.entries:
            start = time.monotonic()
            for cell in cells(plan, entry, seed, levels_of(entry, plan.densities)):
                record = score_test(plan, cell)
                scores = hashlib.sha256(repr((record.validation_scores, record.test_scores)).encode()).hexdigest()[:16]
                found = {"entry": entry.text, "seed": seed, "density": record.density, "status": record.status}
                figures = {name: record.metrics.get(name) for name in ("test/auc", names.STEPS, names.KEPT_STEP)}
                yield {**found, **figures, "scores": scores, "seconds": round(time.monotonic() - start, 2)}
                if time.monotonic() > ends:
                    return


def speed(plan: Plan) -> dict[str, Any]:
    """Return the store's training steps a second, and a step's share of the device's matrix product."""
    stages = [Store(plan.store).find(folder.name) for folder, kind in Store(plan.store).folders() if kind == "train"]
    trained = [stage for stage in stages if stage]
    seconds = sum(stage.seconds for stage in trained)
    steps = sum(stage.value["steps"] for stage in trained)
    alone, flops = bare_step(plan)
    product = matrix_product(plan)
    return {
        "trainings": len(trained),
        "steps": steps,
        "steps_a_second": round(steps / seconds, 1) if seconds else None,
        "bare_step_ms": round(1000 * alone, 3),
        "share_of_matrix_product": round(flops / alone / product, 4),
        "matrix_product_tflops": round(product / 1e12, 2),
        "device": torch.cuda.get_device_name() if plan.training.device == "cuda" else "cpu",
    }


def bare_step(plan: Plan) -> tuple[float, float]:
    """Return (seconds, floating-point operations) of one training step of the dense network."""
    device = resolve_device(plan.training.device)
    module = build(Architecture(plan.network))
    initialise(module, generator(0, "measure"))
    images = torch.rand(plan.training.batch_size, 3, plan.data.size, plan.data.size).to(device)
    labels = (torch.arange(len(images)) % 4 == 0).to(torch.uint8).to(device)
    task = TrainingTask(module=module, images=images, targets=labels, loss=ClassDependentLoss(), evaluate=lambda _: 0.0)
    stepper = Stepper(task, plan.training, device)
    stepper.module.train()
    with FlopCounterMode(display=False) as counter:
        stepper.step(images, labels, 0.01)
    return seconds_of(lambda: stepper.step(images, labels, 0.01), device), float(counter.get_total_flops())


def matrix_product(plan: Plan) -> float:
    """Return the floating-point operations a second of a large matrix product in the plan's precision."""
    device = resolve_device(plan.training.device)
    size = 8192 if device.type == "cuda" else 1024
    kind = torch.bfloat16 if plan.training.precision == "bfloat16" else torch.float32
    left, right = (torch.rand(size, size, device=device, dtype=kind) for _ in range(2))
    return 2 * size**3 / seconds_of(lambda: left @ right, device)


def seconds_of(work: Any, device: torch.device, times: int = 30) -> float:
    """Return the seconds of one call, the mean of many after some for warming up."""
    for _ in range(5):
        work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    for _ in range(times):
        work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return (time.perf_counter() - start) / times


if __name__ == "__main__":
    main()
