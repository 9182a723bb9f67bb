"""How many processes pay on one device, on the presets' own training; by the probe that `harness run` asks."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from bench_plans import plan_of

from harness.data.loading import planned_parts
from harness.environment import usable_cores
from harness.forecast.device_sharing import MOST, Probe, Sharing
from harness.forecast.worker_count import remember

if TYPE_CHECKING:
    from bench import Given


def lines(given: "Given") -> Iterator[dict[str, Any]]:
    """Yield what 1, 2, 4 and 8 processes do under each preset, and how many a run would have."""
    most = min(MOST, usable_cores())
    for preset in ("quick", "standard"):
        if time.monotonic() > given.until:
            yield {"preset": preset, "left_out": "the time was over"}
            continue
        plan = plan_of(given, preset, given.stores / "workers", methods=["magnitude"])
        images = sum(planned_parts(plan.data, plan.seeds[0])["train"])
        setting = {
            "preset": preset,
            "network": plan.network,
            "size": plan.data.size,
            "precision": plan.training.precision,
        }
        found = Sharing({})
        with Probe(plan, images) as probe:
            count = 1
            while count <= most and time.monotonic() < given.until:
                began = time.monotonic()
                rate = probe.rate(count)
                if rate is None:
                    yield {**setting, "processes": count, "error": "one could not be started, or ended"}
                    break
                found = Sharing({**found.rates, count: rate}, *probe.memory)
                took = round(time.monotonic() - began, 1)
                yield {**setting, "processes": count, "steps_a_second": round(rate, 1), "seconds_to_find": took}
                count *= 2
        remember(plan, found, most)
        chosen = {"chosen": found.best(most), "each_mb": found.each and round(found.each / 2**20)}
        yield {**setting, **chosen, "room_mb": found.room and round(found.room / 2**20)}
