"""The parts of a page in their order: a line in `PARTS` and a template of its name in ``sections/`` are one more."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from harness.reports.analysis import columns
from harness.reports.analysis.layers import layers_of
from harness.reports.analysis.leaderboard import Board
from harness.reports.charts.curves import charts
from harness.reports.charts.still import picture
from harness.reports.formatting import listed
from harness.reports.page.assets import inert_json
from harness.reports.page.figures import answer_figures
from harness.reports.page.leaderboard_part import leaderboard_values
from harness.reports.page.tuning_section import tuning
from harness.reports.words.banners import banners
from harness.reports.words.headline import answer, tells_apart
from harness.reports.words.methods import method_card
from harness.reports.words.provenance import caveats, provenance
from harness.reports.words.troubles import troubles
from harness.reports.words.trust import trust
from harness.reports.words.verdict_table import SIGNS
from harness.reports.words.verdicts import asked

Values = Mapping[str, Any]

ENTRIES_NAMED = 4
"""The entries of a method are folded where there are more."""


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


def _curves(board: Board) -> Values | None:
    specification = charts(board)
    if specification is None:
        return None
    return {
        "chart": inert_json(specification),
        "picture": picture(specification),
        "switched": "params" in specification,
        "drawn": listed([column.panel.word for column in columns.COLUMNS if column.panel]),
    }


def _tuning(board: Board) -> Values | None:
    """Return the group's studies with their charts drawn, None without any."""
    shown = tuning(board)
    if shown is None:
        return None
    return {**shown, "histories": [(one, one.chart and picture(one.chart)) for one in shown["histories"]]}


def _failures(board: Board) -> Values:
    return {"troubles": troubles(board.cells)}


def _layers(board: Board) -> Values | None:
    layers = layers_of(board.cells)
    return {"layers": layers} if layers.entries else None


def _methods(board: Board) -> Values | None:
    cards = [method_card(one) for one in board.methods]
    return {"cards": cards, "named": ENTRIES_NAMED} if cards else None


def _provenance(board: Board) -> Values:
    return {"provenance": provenance(board)}


def _limits(board: Board) -> Values:
    return {"caveats": caveats(board)}


PARTS = (
    Part("answer", "Answer", _answer),
    Part("trust", "Can you trust it?", _trust),
    Part("submissions", "Submissions", _submissions),
    Part("leaderboard", "Leaderboard", leaderboard_values),
    Part("safety_map", "Safety map", _safety_map),
    Part("loss_pairs", "Loss and pruning", _loss_pairs),
    Part("curves", "Curves", _curves),
    Part("tuning", "Tuning", _tuning),
    Part("failures", "Failures", _failures),
    Part("layers", "Layers", _layers),
    Part("methods", "Methods", _methods),
    Part("provenance", "Where the numbers come from", _provenance),
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
