"""Checks on cost and fairness: all training and all costly work is seen, counted and stored."""

from harness.losses.registered import schedule_named
from harness.testing.case.case import LEVELS, Case
from harness.testing.case.failures import CheckFailed, CheckSkipped
from harness.testing.case.observed_run import observed
from harness.testing.checks.registry import rule

FEW_IMAGES = 8
"""Images that a method may send through a network outside of stages, to see shapes and connections."""


@rule(
    "core",
    catches="training behind the harness's back: another schedule, steps of a torch optimiser (no other is seen).",
    fix="train with bench.train alone",
    group="observed",
)
def trains_with_the_bench_alone(case: Case) -> None:
    """Count optimiser steps that no training stage took."""
    seen = observed(case)
    if own := [inside or "no stage" for inside in seen.work.steps if inside != "train"]:
        raise CheckFailed(f"{len(own)} optimiser steps in {own[0]}, expected all in bench.train", seen.where)


@rule(
    "core",
    catches="costs that no table shows, and work that a resumed run does again: gradients, images through a module.",
    fix="put gradients and passes over images into a function at module level and call it by bench.compute",
    group="observed",
)
def costly_work_is_in_stages(case: Case) -> None:
    """Count gradients and images outside of stages."""
    seen = observed(case)
    if seen.work.gradients:
        raise CheckFailed(f"{seen.work.gradients} backward passes outside of bench.compute, expected none", seen.where)
    if seen.work.images > FEW_IMAGES:
        images = f"{seen.work.images} images went through a network"
        raise CheckFailed(f"{images} outside of bench.compute, expected {FEW_IMAGES} at most", seen.where)


@rule(
    "core",
    catches="retraining under the first round's loss: the schedules that the paper is about would have no effect.",
    fix="pass round=1 or later to bench.train for a network that is pruned",
    group="observed",
)
def pruned_networks_train_in_later_rounds(case: Case) -> None:
    """Look at the round of every training of a network that is masked, or smaller than the first one."""
    seen = observed(case)
    trainings = seen.bench.trainings
    full = trainings[0].parameters if trainings else 0
    pruned = [training for training in trainings if training.pruned or training.parameters < 0.9 * full]
    if not pruned:
        raise CheckSkipped("the method trains no pruned network")
    if any(training.round < 1 for training in pruned):
        raise CheckFailed("a pruned network is trained with round=0, expected a later round", seen.where)


@rule(
    "core",
    catches="losses that do not reach training: two lines of the report that show one and the same.",
    fix="train with bench.train, whose loss the plan gives; start no method from stored weights",
)
def loss_reaches_the_networks(case: Case) -> None:
    """Compare the dense and the pruned networks under two losses."""
    plain = case.run(losses=schedule_named("plain"))
    green = case.run(losses=schedule_named("green"))
    if same := [f"{density:g}" for density, one, other in zip(LEVELS, plain, green, strict=True) if one == other]:
        raise CheckFailed(
            f"at density {', '.join(same)} the same bits under the losses plain and green; expected others",
            f"network {case.network}",
        )
