"""What a reader must know before any number: void, badly trained, stand-in, simulated, foretold, partial, leaking."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.probe import AgainstProbe
from harness.reports.analysis.start import w0_saw_classes
from harness.reports.formatting import decimal, signed
from harness.results.reading import WEAK_DENSE_AUC


@dataclass(frozen=True)
class Banner:
    """One warning. ``loud`` ones take the numbers' meaning away."""

    title: str
    text: str
    loud: bool = False


def banners(board: Board) -> list[Banner]:
    """Return the warnings of one group, the gravest first."""
    facts = board.provenance
    found = [_void(facts)] if facts.get("void") else []
    if board.probe is not None and board.probe.badly_trained:
        found.append(_badly_trained(board.probe))
    if facts.get("fallback_for"):
        found.append(_stand_in(facts))
    elif facts.get("simulated"):
        found.append(
            Banner(
                "Simulated images",
                f"The images of “{facts.get('dataset')}” were drawn by a program. The numbers show that the "
                "harness works and how methods behave on a known task; they say nothing about real images.",
            )
        )
    if w0_saw_classes(facts):
        found.append(_seen(facts))
    if facts.get("partial"):
        found.append(_partial(facts["partial"]))
    if facts.get("broken"):
        found.append(_broken(facts["broken"]))
    if facts.get("duplicates_allowed"):
        found.append(
            Banner(
                "Images in two splits",
                "Images with the same pixels were allowed to be in training and test: the network may have seen what it"
                " is tested on.",
            )
        )
    if facts.get("folds"):
        found.append(_fold(facts))
    if facts.get("caveats"):
        found.append(Banner("Mind the images", " ".join(facts["caveats"])))
    return found


def _void(facts: Mapping[str, Any]) -> Banner:
    return Banner(
        "Void: the dense network has not learnt the task",
        f"Its validation AUC on “{facts.get('dataset')}” is below {WEAK_DENSE_AUC}, hardly better than guessing. "
        "What follows compares noise with noise and says nothing about pruning. Train for longer, or look at "
        "the data.",
        loud=True,
    )


def _badly_trained(found: AgainstProbe) -> Banner:
    return Banner(
        "Badly trained dense network",
        f"Its test AUC, {decimal(found.dense)}, is not above that of a logistic regression on the frozen features that "
        f"it starts from (probe, {decimal(found.probe)}; difference {signed(found.difference)}, 95% interval "
        f"{signed(found.low)} to {signed(found.high)}). What pruning costs such a network tells little. Train it for "
        "longer, by another schedule or from other weights.",
        loud=found.high < 0,
    )


def _stand_in(facts: Mapping[str, Any]) -> Banner:
    wanted = facts["fallback_for"]
    return Banner(
        f"Not “{wanted}”: simulated images in its place",
        f"The images of “{wanted}” were not on this machine, so everything below was run "
        f"on the simulated “{facts.get('dataset')}”. Do not quote it as a result on “{wanted}”.",
        loud=True,
    )


def _broken(images: Sequence[str]) -> Banner:
    return Banner(
        "Partial data",
        f"{len(images)} images could not be read and were left out; the end of the page lists them. The numbers are "
        "not comparable with those on the whole set.",
    )


def _fold(facts: Mapping[str, Any]) -> Banner:
    return Banner(
        f"Fold {facts['fold']} of {facts['folds']}",
        "This group was tested on one fold of all images and stands for itself. Its figures and those of the other "
        "folds are not put together yet." + (f" Mind that {facts['recipe']}." if facts.get("recipe") else ""),
    )


def _seen(facts: Mapping[str, Any]) -> Banner:
    return Banner(
        "W0 has seen these classes",
        "Its convolutions were pretrained on further images of this set's own simulator "
        f"(“{facts['pretraining']['dataset']}”), labels included. Every entry starts with what the task is about: the "
        "numbers do not show how well it is learnt, and flatter what stays near W0. Pretrain on others with "
        "pretraining.dataset = auto.",
    )


def _partial(splits: Mapping[str, Any]) -> Banner:
    counts = "; ".join(
        f"{split}: {counts.get('found')} of {counts.get('expected')} images" for split, counts in splits.items()
    )
    return Banner(
        "Partial data",
        f"Some images were missing and were left out ({counts}). The numbers are not comparable with those on "
        "the whole set.",
    )
