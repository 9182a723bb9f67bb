"""The parts of a page in their order: a line in `PARTS` and a template of its name in ``sections/`` are one more."""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from harness.reports.analysis.checklist import Answer
from harness.reports.analysis.layers import layers_of
from harness.reports.analysis.leaderboard import Board
from harness.reports.analysis.lost_by_image import decisive_level
from harness.reports.charts.still import picture
from harness.reports.page.calibration_section import calibrated
from harness.reports.page.figures import (
    answer_figures,
    calibration_figures,
    layer_figures,
    network_figures,
    trade_off_figures,
)
from harness.reports.page.leaderboard_part import leaderboard_values
from harness.reports.page.tuning_section import tuning
from harness.reports.words.banners import banners
from harness.reports.words.checklist import SOURCE, checked
from harness.reports.words.headline import answer, tells_apart
from harness.reports.words.lost import TOO_FEW, credit
from harness.reports.words.methods import method_card
from harness.reports.words.provenance import caveats, provenance
from harness.reports.words.troubles import troubles
from harness.reports.words.trust import trust
from harness.reports.words.verdict_table import SIGNS
from harness.reports.words.verdicts import asked

Values = Mapping[str, Any]

ROWS_SHOWN = 20
"""The positives that a level names in its table, the most missed ones; the others are folded."""
PICTURES_SHOWN = 40
"""So many pictures a page carries at most, about 150 kB."""
ENTRIES_NAMED = 4
"""The entries of a method are folded where there are more."""
LAYER_CELLS = 2000
"""A table of layers with more is left to results.json: it would weigh more than the rest of the page."""


@dataclass(frozen=True)
class Part:
    """One part: its ``name`` is that of its template and anchor, ``title`` what the contents call it.

    ``values`` gives what the template shows of a board beside the board itself; None: the part is left out.
    """

    name: str
    title: str
    values: Callable[[Board], Values | None]


def _answer(board: Board) -> Values:
    return {
        "labels": banners(board),
        "answer": answer(board),
        "tells_apart": tells_apart(board),
        "asked": asked(board.terms),
        "figures": answer_figures(board),
    }


def _trust(board: Board) -> Values:
    signs = {"bad": ("\N{BALLOT X}", "bad"), "mind": ("!", "mind"), "ok": ("\N{CHECK MARK}", "fine")}
    return {"lines": trust(board), "signs": signs}


def _submissions(board: Board) -> Values | None:
    return {} if board.submissions or board.other_machines else None


def _safety_map(board: Board) -> Values | None:
    if not board.verdicts:
        return None
    steps = sorted({step.density for found in board.verdicts for step in found.steps}, reverse=True)
    return {"steps": steps, "signs": SIGNS}


def _loss_pairs(board: Board) -> Values | None:
    return {} if board.pairs else None


def _trade_offs(board: Board) -> Values | None:
    drawn = trade_off_figures(board)
    return {"figures": drawn, "networks": network_figures(board)} if drawn else None


def _calibration(board: Board) -> Values | None:
    rows = calibrated(board)
    return {"figures": calibration_figures(board), "rows": rows} if rows else None


def _lost(board: Board) -> Values | None:
    if all(cell.density == 1 for cell in board.cells):
        return None
    levels = [level.density for level in board.lost]
    shown = decisive_level(board.verdicts)
    first = shown if shown in levels else max(levels, default=None)
    pictures = _pictures(board, first)
    return {
        "too_few": TOO_FEW,
        "open": first,
        "rows": ROWS_SHOWN,
        "pictures": pictures,
        "credit": credit(board.provenance) if pictures else "",
    }


def _pictures(board: Board, first: float | None) -> dict[float, dict[str, Markup]]:
    """Return by level the pictures of its rows, the open level's first, as many as a page may carry."""
    found: dict[float, dict[str, Markup]] = {}
    left = PICTURES_SHOWN
    for level in sorted(board.lost, key=lambda level: level.density != first):
        own = [one.identity for one in level.images[:ROWS_SHOWN] if one.identity in board.thumbnails][:left]
        left -= len(own)
        # Read back as base64 of a JPEG, so that nothing in it is markup.
        own_pictures = {image: Markup("data:image/jpeg;base64,{}").format(board.thumbnails[image]) for image in own}
        found |= {level.density: own_pictures} if own else {}
    return found


def _tuning(board: Board) -> Values | None:
    """Return the group's studies with their charts drawn, None without any."""
    shown = tuning(board)
    if shown is None:
        return None
    return {**shown, "histories": [(one, one.chart and picture(one.chart)) for one in shown["histories"]]}


def _failures(board: Board) -> Values:
    return {"troubles": troubles(board.cells)}


def _layers(board: Board) -> Values | None:
    table = layers_of(board.cells)
    return {"layers": table, "figures": layer_figures(board), "most": LAYER_CELLS} if table.entries else None


def _methods(board: Board) -> Values | None:
    cards = [method_card(one) for one in board.methods]
    return {"cards": cards, "named": ENTRIES_NAMED} if cards else None


def _provenance(board: Board) -> Values:
    return {"provenance": provenance(board)}


def _checklist(board: Board) -> Values:
    lines = checked(board)
    counts = Counter(line.answer for line in lines)
    counted = ", ".join(f"{counts[answer.value]} {answer.value}" for answer in Answer)
    return {"lines": lines, "source": SOURCE, "counted": counted}


def _limits(board: Board) -> Values:
    return {"caveats": caveats(board)}


PARTS = (
    Part("answer", "Answer", _answer),
    Part("trust", "Can you trust it?", _trust),
    Part("submissions", "Submissions", _submissions),
    Part("leaderboard", "Leaderboard", leaderboard_values),
    Part("safety_map", "Safety map", _safety_map),
    Part("trade_offs", "Trade-offs", _trade_offs),
    Part("lost", "What is lost", _lost),
    Part("calibration", "Calibration and ROC", _calibration),
    Part("loss_pairs", "Loss and pruning", _loss_pairs),
    Part("tuning", "Tuning", _tuning),
    Part("layers", "Layers", _layers),
    Part("failures", "Failures", _failures),
    Part("methods", "Methods", _methods),
    Part("provenance", "Where the numbers come from", _provenance),
    Part("checklist", "Checklist", _checklist),
    Part("limits", "What the numbers do not say", _limits),
)


@dataclass(frozen=True)
class Filled:
    """A part of one board with what its template shows."""

    part: Part
    values: Values

    @property
    def name(self) -> str:
        """Return its name."""
        return self.part.name

    @property
    def title(self) -> str:
        """Return what the contents call it."""
        return self.part.title

    @property
    def template(self) -> str:
        """Return its template."""
        return f"sections/{self.part.name}.html.j2"


def parts_of(board: Board) -> list[Filled]:
    """Return the parts that a board has something for."""
    return [Filled(part, values) for part in PARTS if (values := part.values(board)) is not None]
