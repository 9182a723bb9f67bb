"""What `harness measure` shows of a network, in lines."""

from collections.abc import Iterator

from harness.results.measurement import GraphCounts, Measurement
from harness.storage.usage import shown

MANY_ZEROS = 0.95
"""From so many MACs by zeros on it is said that they save nothing; rounding makes a few."""


def lines_of(found: Measurement) -> Iterator[str]:
    """Yield the lines of one network."""
    file, machine = found.file, found.machine
    yield f"{file.name}: {file.format}, {shown(file.bytes)}, {shown(file.compressed)} compressed"
    yield from _counts(file.counts) if file.counts else [f"  not counted: {file.uncounted}"]
    yield f"  on {machine.name}, one thread, {machine.runtime} {machine.runtime_version}:"
    for batch, one in sorted(found.latency.items()):
        took = f"{1000 * one.median:.3g} ms (p10 {1000 * one.p10:.3g}, p90 {1000 * one.p90:.3g}; {one.n:,} calls)"
        yield f"    {'1 image' if batch == 1 else f'{batch} images'}: {took}"
    memory = "not known" if found.memory is None else shown(found.memory)
    yield f"    memory: {memory} at most; {1000 * found.load_seconds:.3g} ms to load; load {found.load_average:.2g}"
    energy = "no counter" if found.joules is None else f"{1000 * found.joules:.3g} mJ an image, the whole processor's"
    yield f"    energy: {energy}"


def _counts(found: GraphCounts) -> Iterator[str]:
    yield f"  {found.parameters:,} weights, {found.nonzero:,} of them not zero"
    yield f"  {found.macs:,} MACs an image, {found.effective_macs:,} of them left: by weights that are not zero"
    share = found.activations_to_parameters
    beside = "" if share is None else f", {share:.3g} of what the weights take"
    yield f"  {shown(found.peak_activations)} of activations at most{beside}"
    if found.effective_macs < MANY_ZEROS * found.macs:
        yield "  its zeros make the file smaller and no run faster: the runtime multiplies by them"
