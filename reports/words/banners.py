"""What a reader must know before any number: one run, few positives, badly trained, stand-in, simulated, leaking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from typing import Any

from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.probe import AgainstProbe
from harness.reports.analysis.start import w0_saw_classes
from harness.reports.formatting import decimal, numbered, points, signed

FEW_POSITIVES = 100
"""Below so many tested positives a reader is warned."""


class About(Enum):
    """What a warning is about."""

    NETWORKS, POSITIVES, DENSE, ORIGIN, W0, WHOLE, SPLITS, RECIPE, CAVEATS = (auto() for _ in range(9))


@dataclass(frozen=True)
class Banner:
    """One warning. ``loud`` ones take the numbers' meaning away."""

    about: About
    title: str
    text: str
    loud: bool = False


def banners(board: Board) -> list[Banner]:
    """Return the warnings of one group, the gravest first."""
    facts = board.provenance
    found = [_anecdote(board)] if board.design.anecdote and board.cells else []
    if 0 < board.positives < FEW_POSITIVES:
        found.append(_few(board))
    if board.probe is not None and board.probe.badly_trained:
        found.append(_badly_trained(board.probe))
    if facts.get("fallback_for"):
        found.append(_stand_in(facts))
    elif facts.get("simulated"):
        found.append(
            Banner(
                About.ORIGIN,
                "Simulated images",
                f"The images of “{facts.get('dataset')}” were drawn by a program. The numbers show that the "
                "harness works and how methods behave on a known task; they say nothing about real images.",
            )
        )
    if w0_saw_classes(facts):
        found.append(_seen(facts))
    if facts.get("trained"):
        found.append(_trained_elsewhere(facts))
    if facts.get("partial"):
        found.append(_partial(facts["partial"]))
    if facts.get("broken"):
        found.append(_broken(facts["broken"]))
    if facts.get("duplicates_allowed"):
        found.append(
            Banner(
                About.SPLITS,
                "Images in two splits",
                "Images with the same pixels were allowed to be in training and test: the network may have seen what it"
                " is tested on.",
            )
        )
    if facts.get("recipe"):
        found.append(_foretold(facts))
    if facts.get("caveats"):
        found.append(Banner(About.CAVEATS, "Mind the images", " ".join(facts["caveats"])))
    return found


def _anecdote(board: Board) -> Banner:
    number = len(board.design.networks)
    return Banner(
        About.NETWORKS,
        "One run is an anecdote" if number == 1 else "Two runs are anecdotes",
        f"Each entry was trained {'once' if number == 1 else 'twice'} at each level, so that nobody can tell what a "
        "method does from what chance does. There are no verdicts and no ranks. Add seeds (--seeds 3)"
        f"{'' if board.provenance.get('trained') else ' or folds (--folds 5)'}.",
    )


def tested(positives: int) -> str:
    """Return how many positives are tested, one at least, and what each of them is worth."""
    counted = numbered(positives, "positive is", "positives are")
    return f"{counted} tested, each of them {points(1 / positives)} of sensitivity"


def _few(board: Board) -> Banner:
    return Banner(
        About.POSITIVES,
        "Few positives",
        f"{tested(board.positives)}: only large differences can be told apart."
        f"{'' if board.provenance.get('trained') else ' Folds (--folds 5) test all labelled images.'}",
    )


def _badly_trained(found: AgainstProbe) -> Banner:
    return Banner(
        About.DENSE,
        "Badly trained dense network",
        f"{beside_probe(found)} What pruning costs such a network tells little. Train it for longer, by another "
        "schedule or from other weights.",
        loud=found.high < 0,
    )


def beside_probe(found: AgainstProbe) -> str:
    """Return what the dense network comes to beside the probe, in a sentence."""
    return (
        f"Its test AUC, {decimal(found.dense)}, is {'not ' * found.badly_trained}above that of a logistic regression "
        f"on the frozen features that it starts from (probe, {decimal(found.probe)}; difference "
        f"{signed(found.difference)}, 95% interval {signed(found.low)} to {signed(found.high)})."
    )


def _stand_in(facts: Mapping[str, Any]) -> Banner:
    wanted = facts["fallback_for"]
    return Banner(
        About.ORIGIN,
        f"Not “{wanted}”: simulated images in its place",
        f"The images of “{wanted}” were not on this machine, so everything below was run "
        f"on the simulated “{facts.get('dataset')}”. Do not quote it as a result on “{wanted}”.",
        loud=True,
    )


def _broken(images: Sequence[str]) -> Banner:
    return Banner(
        About.WHOLE,
        "Partial data",
        f"{len(images)} images could not be read and were left out; the end of the page lists them. The numbers are "
        "not comparable with those on the whole set.",
    )


def _foretold(facts: Mapping[str, Any]) -> Banner:
    return Banner(About.RECIPE, "Recipe chosen on these images", f"Mind that {facts['recipe']}.")


def _seen(facts: Mapping[str, Any]) -> Banner:
    return Banner(
        About.W0,
        "W0 has seen these classes",
        "Its convolutions were pretrained on further images of this set's own simulator "
        f"(“{facts['pretraining']['dataset']}”), labels included. Every entry starts with what the task is about: the "
        "numbers do not show how well it is learnt, and flatter what stays near W0. Pretrain on others with "
        "pretraining.dataset = auto.",
    )


def _trained_elsewhere(facts: Mapping[str, Any]) -> Banner:
    return Banner(
        About.W0,
        "Trained elsewhere",
        f"The dense network was not trained here but brought ({facts.get('weights')}). Whether it has seen the images "
        "that are tested only who trained it knows; if it has, no figure here is one on new images. It is one network "
        "under every seed: intervals hold for other trainings that start from it and for other images, not for another "
        "dense network.",
    )


def _partial(splits: Mapping[str, Any]) -> Banner:
    counts = "; ".join(
        f"{split}: {counts.get('found')} of {counts.get('expected')} images" for split, counts in splits.items()
    )
    return Banner(
        About.WHOLE,
        "Partial data",
        f"Some images were missing and were left out ({counts}). The numbers are not comparable with those on "
        "the whole set.",
    )
