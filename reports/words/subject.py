"""What a board is about, in the few words under its page's title."""

from harness.reports.analysis.leaderboard import Board
from harness.reports.formatting import numbered
from harness.reports.words.headline import networks


def subject(board: Board) -> list[str]:
    """Return network, number of networks, tested positives and the day of the newest result."""
    facts = board.provenance
    size = f", {facts['size']} px" if facts.get("size") else ""
    day = str(facts.get("finished") or "")[:10]
    found = [
        f"{facts.get('network', 'a network that is not known')}{size}",
        networks(board),
        f"{numbered(board.positives, 'tested positive')} ({facts.get('positive', 'positive')})",
    ]
    return [*found, f"newest result {day}"] if day else found
