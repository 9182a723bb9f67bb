"""What is published of one (entry, seed): parameters, metrics, per-image scores, masks and provenance."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

import numpy as np

from harness.data.draw import Cutting
from harness.data.image_split import ImageSplit
from harness.data.loading import Splits
from harness.environment import versions
from harness.evaluation.terms import USUAL
from harness.initial.pretraining_source import saw_classes
from harness.initial.weights_choice import SIMULATED, own_weights
from harness.losses.schedule import LossSchedule
from harness.outgoing.published import published_values
from harness.planning.entries import Entry
from harness.planning.plan import Plan, comparison, setting_of
from harness.planning.presets import chosen_on
from harness.results import names
from harness.results.cell_record import CellRecord
from harness.results.looks import part_of
from harness.results.published import Publication, PublishedLevel
from harness.running.used_data import used_data
from harness.storage.canonical import digest
from harness.training.version import TRAINING_VERSION


def publication(
    plan: Plan, entry: Entry, seed: int, records: Sequence[CellRecord], splits: Splits, command: str
) -> Publication:
    """Return what MLflow keeps of one entry's finished levels for one seed."""
    provenance = provenance_of(plan, splits, command)
    tags = {
        names.KIND: names.RESULT,
        names.ENTRY: entry.text,
        names.METHOD: entry.method,
        names.LOSS: entry.loss.name,
        names.PRECISION: str(entry.bits),
        names.PLAIN: entry.plain,
        names.LOSS_CHANGES: str(_changes(entry.loss, splits.train)).lower(),
        names.CONTROL: str(entry.control).lower(),
        **published_values(entry.facts().to_tags()),
        names.SEED: str(seed),
        names.GROUP: provenance["group"],
        names.SIMULATED: str(provenance["simulated"]).lower(),
        names.PARTIAL: str(bool(provenance["partial"] or provenance["broken"])).lower(),
        **_cut_tags(plan.data.cutting),
    }
    params = {
        "entry": entry.text,
        "loss": entry.loss.name,
        "bits": str(entry.bits),
        "plain": entry.plain,
        "seed": str(seed),
        "network": plan.network,
        "size": str(plan.data.size),
        "weights": plan.weights,
        "preset": plan.preset,
        **{f"method.{name}": str(value) for name, value in entry.parameters},
    }
    return Publication(
        key=run_key(plan, entry, seed, splits),
        name=f"{entry.text} seed {seed}",
        tags=tags,
        params=params,
        levels={record.density: published_level(record, splits) for record in records},
        documents={names.PROVENANCE: _json(provenance), names.PLAN: _json(published_values(_plan(plan)))},
        data=used_data(plan.data.dataset(), splits.items()),
    )


def _cut_tags(cutting: Cutting) -> dict[str, str]:
    """Return which fold and ratio a run is of, where it is of any."""
    told = {names.FOLD: cutting.fold, names.FOLDS: cutting.folds, names.IMBALANCE: cutting.imbalance}
    return {name: f"{value:g}" for name, value in told.items() if value is not None}


def _changes(loss: LossSchedule, train: ImageSplit) -> bool:
    """Return whether later rounds have another loss than the first; one that cannot say has trained nothing."""
    try:
        first, later = (loss.resolve(round, train.positives, train.negatives) for round in (0, 1))
    except Exception:
        return False
    return first != later


def run_key(plan: Plan, entry: Entry, seed: int, splits: Splits) -> str:
    """Return how a run is found again: another method's code, other images or another setting are another run."""
    return digest([_group(plan, splits), entry, seed, entry.code(), TRAINING_VERSION])


def _group(plan: Plan, splits: Splits) -> str:
    return compared(plan, {"pool": splits.pool, "test": splits.test.fingerprint})


def _family(plan: Plan, splits: Splits) -> str:
    """Return what groups share that differ by their fold alone: together they are one measurement."""
    cutting = plan.data.cutting._replace(fold=None)
    whole = replace(plan, data=replace(plan.data, cutting=cutting))
    return compared(whole, {"whole": splits.whole})


def _kin(plan: Plan, splits: Splits) -> str:
    """Return what families share that differ by the kind of machine alone: one measurement, of which bits differ."""
    training = replace(plan.training, device="auto")
    return _family(replace(plan, training=training, environment=""), splits)


def compared(plan: Plan, fingerprints: Mapping[str, str]) -> str:
    """Return a hash of what two results must share, the terms of their verdict among it.

    The usual terms are left out: what was published before terms could be set is found, and brought up to date.
    """
    terms = {} if plan.verdict == USUAL else {"verdict": plan.verdict}
    return digest(comparison(plan, fingerprints) | terms)[:12]


def _recipe(plan: Plan) -> str | None:
    """Return what a fold must say of a recipe that was chosen with images that it may test."""
    if plan.data.cutting.folds is None or plan.data.name not in chosen_on(plan.preset):
        return None
    return (
        f"the recipe of preset {plan.preset} was chosen on validation images of the official training split, which the"
        " folds test too"
    )


def _plan(plan: Plan) -> dict[str, Any]:
    """Return the plan without the paths of this machine, which a published result need not tell."""
    values = {name: value for name, value in asdict(plan).items() if name not in ("store", "shared", "weights_file")}
    for name in ("folder", "stage"):
        values["data"].pop(name)
    values["data"]["asked"]["path"] = None
    values["data"]["cutting"] = plan.data.cutting._asdict()
    values["data"].pop("fallback_reason")
    return values


def published_level(record: CellRecord, splits: Splits) -> PublishedLevel:
    """Return what MLflow keeps of one level."""
    cell = published_values(record.to_json(), only=["reason"])
    files = {names.CELL_FILE: _json(cell), names.SCORES_FILE: _scores(record, splits)}
    if record.mask:
        files[names.MASK_FILE] = _compressed(record.mask)
    return PublishedLevel(metrics=record.metrics, files=files, digest=lasting_digest(cell))


def lasting_digest(cell: Mapping[str, Any]) -> str:
    """Return the hash of what cell.json holds, but for what may differ between two runs of the same."""
    told = {**cell["metrics"], **({names.BYTES: 0.0} if names.BYTES in cell["metrics"] else {})}
    lasting = {name: value for name, value in told.items() if not name.startswith(names.COST)}
    return digest({**cell, "metrics": lasting})


def provenance_of(plan: Plan, splits: Splits, command: str) -> dict[str, Any]:
    """Return what a reader must know of a run; ``group`` names the results that it may be compared with."""
    dataset = plan.data.dataset()
    return {
        "group": _group(plan, splits),
        "family": _family(plan, splits),
        "kin": _kin(plan, splits),
        "setting": setting_of(plan, splits.pool),
        **_images_told(plan, splits),
        "network": plan.network,
        "size": plan.data.size,
        "weights": plan.weights,
        **({"trained": True} if plan.trained else {}),
        "own_weights": own_weights(plan.weights),
        "schedule": asdict(plan.training),
        "pretraining": asdict(plan.pretraining) if plan.weights == SIMULATED else None,
        "w0_saw_classes": plan.weights == SIMULATED and saw_classes(plan.pretraining.dataset, dataset),
        "split_seed": plan.data.cutting.split_seed,
        "split": "fixed" if plan.data.cutting.fixed else "seed",
        "preset": plan.preset,
        "verdict": asdict(plan.verdict),
        "test_part": part_of(splits.test.ids, splits.test.labels.tolist()),
        "fingerprint": digest([splits.pool, splits.test.fingerprint])[:16],
        "environment": plan.environment,
        "versions": versions(),
        "command": command,
    }


def _images_told(plan: Plan, splits: Splits) -> dict[str, Any]:
    """Return what a reader must know of the images."""
    dataset = plan.data.dataset()
    partial = {split: {"found": found, "expected": expected} for split, found, expected in plan.data.missing}
    return {
        "dataset": plan.data.name,
        "dataset_version": dataset.version,
        "licence": dataset.licence,
        "citation": dataset.citation,
        "simulated": dataset.simulated,
        "fallback_for": plan.data.fallback_for,
        "partial": partial or None,
        "broken": [f"{identity}: {reason}" for identity, reason in splits.broken] or None,
        "duplicates_allowed": plan.data.allow_duplicates,
        "near_duplicates": splits.near_duplicates,
        "fold": plan.data.cutting.fold,
        "folds": plan.data.cutting.folds,
        "imbalance": plan.data.cutting.imbalance,
        "large_groups": {group: list(ids) for group, ids in splits.large_groups.items()},
        "recipe": _recipe(plan),
        "caveats": list(dataset.caveats),
        "classes": list(dataset.classes),
        "positive": dataset.classes[1],
        "counts": {name: {"p": split.positives, "n": split.negatives} for name, split in splits.items()},
    }


def _scores(record: CellRecord, splits: Splits) -> bytes:
    text = io.StringIO(newline="")
    rows = csv.writer(text)
    rows.writerow(["split", "id", "label", "score"])
    for name, split, scores in (
        (names.VALIDATION, splits.validation, record.validation_scores),
        (names.TEST, splits.test, record.test_scores),
    ):
        if scores:
            listed = zip(split.ids, split.labels.tolist(), scores, strict=True)
            rows.writerows((name, identity, label, repr(score)) for identity, label, score in listed)
    return text.getvalue().encode()


def _compressed(arrays: Mapping[str, Any]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _json(value: Any) -> bytes:
    return json.dumps(value, indent=1, sort_keys=True).encode()
