"""Can the numbers be trusted? What is well, what is to be minded, and what takes their meaning away."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from harness.evaluation.safety import Answer
from harness.reports.analysis.design import entries_of
from harness.reports.analysis.leaderboard import Board
from harness.reports.formatting import listed, numbered, points
from harness.reports.words.banners import About, Banner, banners, beside_probe, tested
from harness.reports.words.headline import beyond_guessing, controls, networks
from harness.results.names import DENSE, REFERENCES

Sign = Literal["bad", "mind", "ok"]
FROM_A_FILE = "file:"
"""How the start weights are named that a user brought."""


@dataclass(frozen=True)
class TrustLine:
    """One answer: its ``sign``, a ``title`` of a few words, and a ``text`` of a sentence or two."""

    sign: Sign
    title: str
    text: str


def trust(board: Board) -> list[TrustLine]:
    """Return what is to be known of one group before its numbers, the gravest first; nothing where nothing ran.

    The warnings of `banners` are among them, in their own words.
    """
    if not board.cells:
        return []
    warned = banners(board)
    found: list[TrustLine] = []
    for about, otherwise in _QUESTIONS:
        told = [_warning(one) for one in warned if one.about == about]
        line = None if told else otherwise(board)
        found += told or ([line] if line else [])
    return sorted(found, key=lambda line: get_args(Sign).index(line.sign))


def _warning(banner: Banner) -> TrustLine:
    grave = banner.loud or banner.about == About.NETWORKS
    return TrustLine("bad" if grave else "mind", banner.title, banner.text)


def _networks(board: Board) -> TrustLine:
    counted = numbered(len(board.design.networks), "network")
    start = ", all from one dense network" if board.provenance.get("trained") else ""
    text = f"{networks(board)} at each level{start}: what another training would give is in the intervals."
    return TrustLine("ok", f"{counted} of each entry", text)


def _folds(board: Board) -> TrustLine:
    if board.design.folded:
        text = "Each image is tested by networks that never saw it. Intervals hold for other training images, too."
        return TrustLine("ok", "All labelled images are tested", text)
    text = "All networks learn from much the same images: what others would give is not known."
    advice = "" if board.provenance.get("trained") else " Folds (--folds 5) show it."
    return TrustLine("mind", "One split", f"{text}{advice}")


def _positives(board: Board) -> TrustLine | None:
    return TrustLine("ok", "Many positives", f"{tested(board.positives)}.") if board.positives else None


def _guessing(board: Board) -> TrustLine:
    lost = board.design.absent([cell for cell in board.cells if cell.entry == DENSE])
    if board.lift is None or lost:
        why = f"{'; '.join(lost) or 'it has no scores'}: there is nothing to compare pruned networks with."
        return TrustLine("bad", "The dense network is not whole", why)
    needed, text = 2 * board.terms.delta, beyond_guessing(board.lift, board.terms)
    if board.design.anecdote:
        more = f"It finds {points(board.lift.value)} more than guessing: what another training finds is not known."
        return TrustLine("mind", "The dense network is not shown to be strong", more)
    if board.lift.lower() >= needed:
        return TrustLine("ok", "The dense network is strong enough", text)
    if board.lift.upper() < needed:
        return TrustLine("bad", "The dense network is too weak", text)
    return TrustLine("mind", "The dense network is not shown to be strong", text)


def _probe(board: Board) -> TrustLine | None:
    if board.provenance.get("trained"):
        return None  # its training is nobody's here, and a probe of its features would be the network itself
    if board.probe is None:
        text = (
            "Whether training was worth it is not known: no network stands beside a logistic regression on the "
            "features that it starts from (the probe)."
        )
        return TrustLine("mind", "No probe", text)
    text = beside_probe(board.probe)
    if board.probe.low > 0:
        return TrustLine("ok", "The dense network has learnt", text)
    return TrustLine("mind", "The dense network is not shown to have learnt", text)


def _controls(board: Board) -> TrustLine:
    own = [one for one in board.verdicts if one.control]
    if not own:
        text = "No method that chooses weights by chance stands beside the others: add random to --methods."
        return TrustLine("mind", "No control", text)
    if passing := controls(board.verdicts):
        title, _, text = passing[0].partition(": ")
        return TrustLine("bad", title, f"{text[:1].upper()}{text[1:]}")
    named = listed([f"“{one.entry}”" for one in own])
    losing = [one.entry for one in own if any(step.answer == Answer.LOSES for step in one.steps)]
    if losing:
        shown = f"Shown to lose positives: {listed([f'“{entry}”' for entry in losing])}."
        return TrustLine("ok", "No control passes", f"Of {named} none is safe below dense. {shown}")
    text = f"Of {named} none is safe below dense, and none is shown to lose positives."
    return TrustLine("mind", "No control is shown to fail", text)


def _cells(board: Board) -> TrustLine:
    """Count the cells that gave no network, and those whose network is of no use."""
    asked, lost = 0, Counter[str]()
    for density in {cell.density for cell in board.cells}:
        for own in entries_of(cell for cell in board.cells if cell.density == density).values():
            asked += len(board.design.networks)
            lost += Counter(cell.status for cell in own if not cell.done)
            lost += Counter({"not run": len(board.design.networks) - len(own)})
            lost += Counter({"collapsed": sum(cell.done and cell.collapsed for cell in own)})
    if not lost:
        return TrustLine("ok", "Nothing is missing", f"All {numbered(asked, 'cell')} gave a network.")
    causes = listed([f"{number} {cause}" for cause, number in sorted(lost.items())])
    text = f"Of {numbered(asked, 'cell')} {causes}. They are shown as such, never averaged away."
    return TrustLine("mind", "Cells are missing or of no use", text)


def _origin(_: Board) -> TrustLine:
    return TrustLine("ok", "Real images", "None was drawn by a program.")


def _whole(_: Board) -> TrustLine:
    return TrustLine("ok", "Whole data", "Every image was found and could be read.")


def _splits(_: Board) -> TrustLine:
    return TrustLine("ok", "No image in two splits", "No two images of the same pixels are in training and test.")


def _looks(board: Board) -> TrustLine | None:
    looks = int(board.provenance.get("looks") or 0)
    own = len({cell.entry for cell in board.cells if cell.done} - {*REFERENCES})
    if not looks:
        return None
    scored = numbered(looks, "entry was", "entries were")
    text = f"{scored} ever scored on these test images, {own} of them stand here."
    if looks <= own:
        return TrustLine("ok", "No further looks at the test images", text)
    return TrustLine(
        "mind", "Further looks at the test images", f"{text} Who picks the best of many looks picks luck, too."
    )


def _w0(board: Board) -> TrustLine:
    weights = str(board.provenance.get("weights"))
    if weights.startswith(FROM_A_FILE):
        text = f"Training starts from a file of one's own ({weights}): nobody can tell whether it has seen test images."
        return TrustLine("mind", "Nobody knows what W0 has seen", text)
    return TrustLine("ok", "W0 has not seen the classes", f"Training starts from {weights} weights.")


def _nothing(_: Board) -> None:
    return None


_QUESTIONS: tuple[tuple[About | None, Callable[[Board], TrustLine | None]], ...] = (
    (None, _guessing),
    (About.DENSE, _probe),
    (About.NETWORKS, _networks),
    (About.POSITIVES, _positives),
    (None, _folds),
    (None, _controls),
    (None, _cells),
    (About.ORIGIN, _origin),
    (About.WHOLE, _whole),
    (About.SPLITS, _splits),
    (About.W0, _w0),
    (None, _looks),
    (About.RECIPE, _nothing),
    (About.CAVEATS, _nothing),
)
"""What is asked, and what is said where no warning answers it."""
