"""A plan in words and as JSON: what `--dry-run` shows."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from harness.data.loading import planned_parts
from harness.data.locating import DataPlan
from harness.evaluation.terms import Terms
from harness.initial.weights_choice import SIMULATED
from harness.outgoing.secrets import shown_address
from harness.planning.cell_limit import CellLimit
from harness.planning.plan import Plan
from harness.results.mlflow_tracker import default_uri


def split_counts(plan: Plan) -> dict[str, tuple[int, int]]:
    """Return (positives, negatives) of each part of the first seed, from labels alone; nothing is decoded."""
    return planned_parts(plan.data, plan.seeds[0])


def plan_lines(plans: Sequence[Plan], tracking_uri: str | None, executor: str) -> list[str]:
    """Return the plans of a run, one a fold and ratio, for a person, within 80 columns where names allow."""
    plan = plans[0]
    training = plan.training
    jobs = len(plans) * len(plan.entries) * len(plan.seeds)
    counts = split_counts(plan)
    steps = f"at most {training.max_steps} steps" if training.max_steps else f"{training.epochs} epochs"
    levels = ", ".join(f"{100 * density:g} %" for density in plan.densities)
    return [
        f"Data        {plan.data.name}, {plan.data.size} px, {_origin(plan.data)}",
        *(f"            {split}: {p} positives, {n} negatives" for split, (p, n) in counts.items()),
        *(f"            {words}" for one in plans if (words := one.data.cutting.words)),
        f"Network     {plan.network}, W0 {plan.weights}"
        + (f", pretrained on {plan.pretraining.dataset}" if plan.weights == SIMULATED else "")
        + (", your own: no dense training" if plan.trained else ""),
        f"Training    {steps} a stage, batch {training.batch_size}, learning rate {training.learning_rate:g},"
        f" {training.precision}",
        f"Remaining   {levels}",
        f"Seeds       {', '.join(map(str, plan.seeds))}",
        f"Entries     {len(plan.entries)}:",
        *(f"            {entry.text} (loss {entry.loss.name})" for entry in plan.entries),
        f"Cells       {sum(one.cell_count for one in plans)}, in {jobs} jobs on {plan.jobs} workers",
        f"Workers     {executor}",
        f"Limit       {_limit(plan.cell_limit)}",
        f"Verdict     {_terms(plan.verdict)}",
        f"Machine     {plan.environment}",
        f"Store       {plan.place}",
        f"MLflow      {shown_address(tracking_uri or default_uri(plan.store))}, experiment {plan.data.name}",
        "Nothing was run.",
    ]


def _terms(terms: Terms) -> str:
    return (
        f"at {100 * terms.fpr:g} % false alarms, margin {100 * terms.delta:g} %;"
        f" deployed at {100 * terms.sensitivity:g} %, cost {terms.cost_ratio:g} to 1"
    )


def _limit(limit: CellLimit) -> str:
    memory = "the machine's memory" if limit.memory is None else f"{limit.memory / 10**9:g} GB of memory"
    return f"{str(limit).partition(',')[0]} for a cell, {memory} for its process"


def plan_values(plans: Sequence[Plan]) -> dict[str, Any]:
    """Return the plans of a run as JSON values, with the counts of the first seed of each."""
    plan = plans[0]
    cuttings = [{**one.data.cutting._asdict(), "counts": _counts(one)} for one in plans]
    values = {**asdict(plan), "cells": sum(one.cell_count for one in plans), "counts": _counts(plan)}
    return {**values, "data": {**values["data"], "cutting": plan.data.cutting._asdict()}, "cuttings": cuttings}


def _counts(plan: Plan) -> dict[str, dict[str, int]]:
    return {split: {"p": p, "n": n} for split, (p, n) in split_counts(plan).items()}


def _origin(data: DataPlan) -> str:
    """Return where the images come from."""
    return data.folder or ("drawn by the simulator" if data.dataset().simulated else "from an installed package")
