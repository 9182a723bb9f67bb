"""Results on their way to MLflow: sent as they come, as long as that costs the run next to nothing, else at its end."""

import time
from collections.abc import Callable

from harness.errors import MachineError
from harness.results.published import Publication
from harness.spans import Part, span

SHARE, FREE_S = 0.05, 10.0
"""Of the time since the beginning, what publishing may take of it while others train; that much it may always take."""


class Outbox:
    """Publications in the order in which they came, of one key the newest.

    While jobs run nothing is tried again that failed, and nothing goes out while publishing has had its share of the
    time: no training waits for a server that is dead or slow. `finish` sends what is left. ``told`` is told why
    MLflow did not take something.
    """

    def __init__(
        self,
        publish: Callable[[Publication], object],
        told: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._publish, self._told, self._clock = publish, told, clock
        self._waiting: dict[str, Publication] = {}
        self._began, self._spent, self._failed, self._said = clock(), 0.0, False, ""

    def send(self, publication: Publication) -> None:
        """Publish it now or later, after those that came before it."""
        self._waiting[publication.key] = publication
        while self._waiting and not self._failed and self._may_take_time():
            self._send_next()

    def finish(self) -> list[str]:
        """Publish what is left, until MLflow fails; return the names of those that it did not take."""
        self._failed = False
        while self._waiting and not self._failed:
            self._send_next()
        return [publication.name for publication in self._waiting.values()]

    def _may_take_time(self) -> bool:
        return self._spent <= max(FREE_S, SHARE * (self._clock() - self._began))

    def _send_next(self) -> None:
        began, key = self._clock(), next(iter(self._waiting))
        try:
            with span(Part.MLFLOW):
                self._publish(self._waiting[key])
            del self._waiting[key]
        except MachineError as error:
            self._failed = True
            self._tell(str(error))
        self._spent += self._clock() - began

    def _tell(self, problem: str) -> None:
        if problem != self._said:
            self._told(problem)
        self._said = problem
