"""How many workers a run on CUDA has: measured once for a store, device and kind of training, and remembered there."""

import contextlib
import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from harness import cuda
from harness.data.loading import planned_parts
from harness.environment import usable_cores
from harness.forecast.device_sharing import MOST, Sharing, measured
from harness.planning.plan import Plan
from harness.progress import Reporter
from harness.storage.disk import append_line

NAME = "workers.jsonl"


def with_workers(plan: Plan, reporter: Reporter, *, measure: bool = True) -> Plan:
    """Return a plan on CUDA with as many workers for each GPU as pay; say how many, and why.

    Without ``measure`` it takes what the store remembers, else one a GPU. To be called before this process has threads.
    """
    devices = cuda.devices().names
    most = min(MOST, usable_cores() // len(devices))
    if most < 2 or len(plan.entries) * len(plan.seeds) <= len(devices):
        return plan
    setting = _setting(plan)
    sharing = _remembered(plan.store, setting, most)
    if sharing is None and not measure:
        reporter.note("How many workers a GPU takes is measured when the run begins")
        return plan
    if sharing is None:
        reporter.note(f"Measuring how many workers pay on {devices[0]}, for seconds, once for this store")
        sharing = measured(plan, sum(planned_parts(plan.data, plan.seeds[0])["train"]), most)
        remember(plan, sharing, most)
    count = sharing.best(most)
    reporter.note(_words(sharing, count, devices))
    return replace(plan, jobs=count * len(devices))


def _words(sharing: Sharing, count: int, devices: tuple[str, ...]) -> str:
    where = devices[0] if len(devices) == 1 else f"each of {len(devices)} {devices[0]}"
    workers = f"{count} worker{'s' if count > 1 else ''} on {where}"
    if 1 not in sharing.rates:
        return f"{workers}: what several do could not be measured; --jobs says how many"
    others = {number: rate for number, rate in sharing.rates.items() if number != count}
    beside = f"{', '.join(f'{number} {rate:.0f}' for number, rate in others.items())}" if others else ""
    return f"{workers}: {sharing.rates[count]:.0f} training steps a second" + (f" (with {beside})" if beside else "")


def _setting(plan: Plan) -> dict[str, Any]:
    """Return what the figures depend on."""
    training = plan.training
    return {
        "environment": plan.environment,
        "network": plan.network,
        "size": plan.data.size,
        "batch": training.batch_size,
        "precision": training.precision,
        "optimiser": training.optimiser,
        "augmentation": training.augmentation,
    }


def remember(plan: Plan, sharing: Sharing, most: int) -> None:
    """Keep in the plan's store what was measured of ``most`` processes at most, unless nothing was."""
    if 1 in sharing.rates:
        with contextlib.suppress(OSError):  # the run's own next step will meet a disk that is full
            append_line(plan.store / NAME, json.dumps({"setting": _setting(plan), "most": most, **sharing._asdict()}))


def _remembered(store: Path, setting: Mapping[str, Any], most: int) -> Sharing | None:
    """Return what was measured of as many processes as there can be now, if it was."""
    found = None
    with contextlib.suppress(OSError):
        for text in (store / NAME).read_text("utf-8", errors="replace").splitlines():
            with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError):  # half a line, or another's
                line = json.loads(text)
                if line["setting"] == setting and line["most"] >= most:
                    rates = {int(count): float(rate) for count, rate in line["rates"].items()}
                    found = Sharing(rates, line["each"], line["room"])
    return found
