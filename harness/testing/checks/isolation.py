"""Checks on what a method does besides: to the process, the bench, the screen, files and the network."""

from harness.running.process_state import state_changes
from harness.testing.case.case import LEVELS, Case, blaming, place
from harness.testing.case.failures import CheckFailed
from harness.testing.case.observed_run import observed, output_of
from harness.testing.case.watchers import global_state
from harness.testing.checks.registry import rule


@rule(
    "core",
    catches="an import that connects, prints, draws or changes settings: `harness list` must stay harmless.",
    fix="do nothing at a module's top level but define",
)
def import_has_no_side_effects(case: Case) -> None:
    """Look at what the import of the method's module did."""
    where = f"module {type(case.pruner).__module__}"
    if case.imported.changed:
        raise CheckFailed(f"the import changed {'; '.join(case.imported.changed)}; expected nothing", where)
    if case.imported.connected:
        raise CheckFailed(f"the import tried {case.imported.connected[0]}; expected no connection", where)
    if text := output_of(case):
        raise CheckFailed(f"the import printed {text[:200]!r}; expected nothing", where)


@rule(
    "core",
    catches="sys.exit, os._exit, crashes, endless loops and waits: the report of all methods would never come.",
    fix="raise an exception that says what is wrong; bound every loop; wait for nothing outside the process",
)
def comes_to_its_end(case: Case) -> None:
    """Run to the end; the parent sees if the process is gone, and kills it after its time."""
    case.prune(case.bench(store=case.own_store()))


@rule(
    "core",
    catches="global state that the next method meets: random states, default types, threads, folder, variables.",
    fix="use a with-block that restores what you must change, and let it end before each yield",
)
def global_state_is_untouched(case: Case) -> None:
    """Compare the process before, at each yield and after, and after a generator that is closed early."""
    bench = case.bench()
    bench.dense()  # the harness's own lazy imports
    before = global_state()
    with blaming(place(bench, LEVELS)):
        for density, _ in zip(LEVELS, case.pruner.prune(bench, LEVELS), strict=False):
            if found := state_changes(before, global_state()):
                raise CheckFailed(f"the method changed {'; '.join(found)}; expected nothing", place(bench, [density]))
    case.prune(bench)
    if found := state_changes(before, global_state()):
        raise CheckFailed(f"the method changed {'; '.join(found)}; expected nothing", place(bench, LEVELS))


@rule(
    "core",
    catches="print, progress bars, log lines and warnings: they break `--json` and hide what the harness says.",
    fix="say nothing; raise an exception for what a user must know",
    group="observed",
)
def says_nothing(case: Case) -> None:
    """Look at stdout and stderr, of Python and below, with every warning shown."""
    seen = observed(case)
    if seen.output:
        raise CheckFailed(f"it printed {seen.output[:200]!r}; expected nothing", seen.where)


@rule(
    "core",
    catches="threads and child processes that outlive the method and slow down or outlast everything else.",
    fix="end what you start before prune is over; better, start nothing",
    group="observed",
)
def leaves_no_threads_or_processes(case: Case) -> None:
    """Count threads and children afterwards."""
    seen = observed(case)
    if seen.threads:
        raise CheckFailed(f"threads {', '.join(seen.threads)} still run, expected none", seen.where)
    if seen.children:
        raise CheckFailed("a child process is left, expected none", seen.where)


@rule(
    "core",
    catches="reading or writing files: the test images, another run's results, notes to oneself.",
    fix="use what the bench gives; keep results with bench.compute",
    group="observed",
)
def opens_no_files(case: Case) -> None:
    """Listen to every file that is opened outside the store, code and the system's own apart."""
    seen = observed(case)
    if seen.opened:
        raise CheckFailed(f"it opened {seen.opened[0]}; expected no file", seen.where)


@rule(
    "core",
    catches="downloads, servers and telemetry: results that depend on them cannot be repeated, and data may leave.",
    fix="use what the bench gives; nothing else may decide a result",
    group="observed",
)
def opens_no_connection(case: Case) -> None:
    """Listen to every connection and look-up of a host."""
    seen = observed(case)
    if seen.connected:
        raise CheckFailed(f"it tried {seen.connected[0]}; expected no connection", seen.where)


@rule(
    "core",
    catches="reaching behind the bench: validation images, other seeds, the store's files.",
    fix="use the bench's public calls alone: network, train, dense, batches, generator, compute",
    group="observed",
)
def uses_the_public_bench_alone(case: Case) -> None:
    """Watch every attribute of the bench that begins with an underscore."""
    seen = observed(case)
    if seen.bench.reached:
        raise CheckFailed(f"it took bench.{seen.bench.reached[0]}, which is not public", seen.where)
    if seen.attributes:
        raise CheckFailed(f"it set bench.{seen.attributes[0]}; expected the bench as it was", seen.where)
