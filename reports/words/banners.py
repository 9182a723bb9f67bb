"""What a reader must know before any number: void, badly trained, stand-in, simulated, partial or leaking results."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.probe import AgainstProbe
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
    if facts.get("partial"):
        found.append(_partial(facts["partial"]))
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


def _partial(splits: Mapping[str, Any]) -> Banner:
    counts = "; ".join(
        f"{split}: {counts.get('found')} of {counts.get('expected')} images" for split, counts in splits.items()
    )
    return Banner(
        "Partial data",
        f"Some images were missing and were left out ({counts}). The numbers are not comparable with those on "
        "the whole set.",
    )
