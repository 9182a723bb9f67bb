"""What is lost, in words: who misses a positive, and what a level comes to."""

from collections.abc import Mapping
from typing import Any

from harness.reports.analysis.lost_by_image import LostImage, LostLevel
from harness.reports.analysis.lost_positives import FEWEST_NETWORKS, FEWEST_OF_A_FOLD
from harness.reports.formatting import numbered

TOO_FEW = (
    f"Too few networks to say which positives are lost: at least {FEWEST_NETWORKS} of each entry are needed, and with "
    f"folds {FEWEST_OF_A_FOLD} seeds, the dense network's among them."
)
NAMED = 3


def whose(image: LostImage, level: LostLevel) -> str:
    """Return which entries miss an image, or which find it where these are fewer; many are not named."""
    missing = [entry for entry in level.entries if entry in image.entries]
    finding = [entry for entry in level.entries if entry not in image.entries]
    if not finding:
        return "all miss it" if len(missing) > 1 else ""
    word, named = ("missed by", missing) if len(missing) <= len(finding) else ("found by", finding)
    more = len(named) - NAMED
    return f"{word} {', '.join(named[:NAMED])}{f' and {more} more' if more > 0 else ''}"


def what_is_lost(level: LostLevel) -> str:
    """Return how many positives are lost at a level, in a sentence."""
    entries = numbered(len(level.entries), "entry", "entries")
    every = sum(len(one.entries) == len(level.entries) for one in level.images)
    found = sum(one.dense_finds for one in level.images)
    text = f"{len(level.images)} of {numbered(level.positives, 'positive')} are missed by an entry or more"
    all_of = f", {every} by all {entries}" if len(level.entries) > 1 else ""
    return f"{text}{all_of}; most dense networks find {found} of these."


def credit(facts: Mapping[str, Any]) -> str:
    """Return whose pictures the images of a group are, and under which licence."""
    told = [str(facts[name]) for name in ("citation", "licence") if facts.get(name)]
    return "; licence: ".join(told) if len(told) == 2 else "".join(told)
