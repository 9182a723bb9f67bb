"""The names that results go by, from the cell that computes them to the page that shows them: written once, here.

Nothing heavy is imported, so that both sides can. docs/metrics.md explains each metric and each tag.
"""

from harness.entry_text import INT8

DENSE = "dense"
"""The reference of every comparison: the unpruned network under the plain loss."""

PROBE = "probe"
"""What the dense network must beat: a logistic regression on the frozen features that its training starts from."""

REFERENCES = (DENSE, PROBE)
"""The entries of every run that nobody asks for: unpruned, and ranked against no method but for `DENSE`."""

CONTROLS = ("random", "random-layerwise", "scratch")
"""The controls among the methods of a harness that did not publish `CONTROL` yet."""

PLAIN_LOSS = "plain"

DONE, FAILED, DIVERGED, SKIPPED = "done", "failed", "diverged", "skipped"
"""How a cell ends."""

VALIDATION, TEST = "validation", "test"

# Metrics. What `harness.evaluation.figures.evaluate` counts comes after the split: test/auc, validation/fn/sens95.
DENSITY, PARAMETERS, ALIVE, FLOPS, EMPTIED, BYTES, BITS = (
    "size/density",
    "size/parameters",
    "size/alive",
    "size/flops",
    "size/emptied",
    "size/bytes",
    "size/bits",
)
SECONDS, PROCESSOR_SECONDS, STEPS = "cost/seconds", "cost/processor_seconds", "cost/steps"
KEPT_STEP, KEPT_EPOCH = "kept/step", "kept/epoch"
COST = "cost/"
UNSTEADY = (COST, BYTES)
"""Metrics that begin so may differ between two runs of the same: by time, and by the version of zstd."""
SPREAD = "validation/sd"
MEASURED = "measured/"
LATENCY, LATENCY_32, MEMORY = "latency", "latency32", "memory"
"""What a machine measured: `MEASURED`, the machine's name, and one of these: of 1 and of 32 images, and bytes."""
COLLAPSED, DISCONNECTED = "flag/collapsed", "flag/disconnected"
THRESHOLD = "threshold/"
SENS95, DEPLOYED = "threshold/sens95", "threshold/deployed"
CONFIDENCE, DEPLOYED_CONFIDENCE = "threshold/sens95/confidence", "threshold/deployed/confidence"

# Of what is counted on a split, what the reports show.
AUC, AP, ACCURACY, POSITIVES, NEGATIVES = "auc", "ap", "accuracy/argmax", "p", "n"
MISSED, ALARMS, MISSED_ARGMAX, ALARMS_ARGMAX = "fn/sens95", "fp/sens95", "fn/argmax", "fp/argmax"
AP_BASE, SENSITIVITY, NET_BENEFIT = "ap/base", "sensitivity", "net_benefit"
MISSED_DEPLOYED, ALARMS_DEPLOYED = "fn/deployed", "fp/deployed"
CALIBRATION_SLOPE, CALIBRATION_INTERCEPT = "calibration/slope", "calibration/intercept"

# Tags of an MLflow run.
KEY, KIND = "harness.key", "harness.kind"
ENTRY, METHOD, LOSS, SEED = "harness.entry", "harness.method", "harness.loss", "harness.seed"
PRECISION = "harness.bits"
PLAIN, LOSS_CHANGES, CONTROL = "harness.plain", "harness.loss_changes", "harness.control"
FAMILY, DESCRIPTION, SOURCE = "harness.family", "harness.description", "harness.source"
METHOD_VERSION, AUTHOR, CODE = "harness.method_version", "harness.author", "harness.code"
GROUP, SIMULATED, PARTIAL = "harness.group", "harness.simulated", "harness.partial"
FOLD, FOLDS, IMBALANCE = "harness.fold", "harness.folds", "harness.imbalance"
LEVELS, TEST_PART = "harness.levels", "harness.test_part"
STATE, REASON = "harness.state", "harness.reason"
MACHINE = "harness.machine"
SHA256 = "harness.sha256"
"""Of an exported file, a tag of the model that MLflow keeps of it."""

RESULT, STUDY, TRIAL, THUMBNAILS, MEASUREMENT = "result", "study", "trial", "thumbnails", "measurement"
"""Kinds of runs, values of `KIND`."""

# Files of a run: documents, then those of each level.
MANIFEST, PROVENANCE, PLAN = "manifest.json", "provenance.json", "plan.json"
CELL_FILE, SCORES_FILE, MASK_FILE = "cell.json", "scores.csv", "mask.npz"
STUDY_FILE, BEST_FILE, THUMBNAILS_FILE = "study.json", "best.toml", "thumbnails.json"
MEASUREMENT_FILE = "measurement.json"


def is_twin(entry: str) -> bool:
    """Return whether an entry's networks are another's, quantised."""
    return entry.endswith(INT8)


def place(entry: str) -> int:
    """Return where an entry stands among others: the references first, in their order."""
    return REFERENCES.index(entry) if entry in REFERENCES else len(REFERENCES)


class Field:
    """Columns of `harness.results.reading.Results`: of ``cells``, beside the metrics, and of ``scores``."""

    RUN, GROUP, ENTRY, METHOD, LOSS, PLAIN = "run_id", "group", "entry", "method", "loss", "plain"
    LOSS_CHANGES, SEED, DENSITY, STATUS, REASON = "loss_changes", "seed", "density", "status", "reason"
    LAYERS, FOLD, IMBALANCE, CONTROL, FAMILY = "layers", "fold", "imbalance", "control", "family"
    SPLIT, IMAGE, LABEL, SCORE = "split", "id", "label", "score"


def measured(machine: str, what: str) -> str:
    """Return the name of what a machine measured: ``measured/Pi 4/latency``."""
    return f"{MEASURED}{machine}/{what}"


def on(split: str, metric: str) -> str:
    """Return the name of a metric that was counted on a split: ``test/auc``."""
    return f"{split}/{metric}"
