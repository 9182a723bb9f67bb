"""How long a run will take, before it and while it goes: pieces that are left, times what a unit of each takes."""

from collections.abc import Mapping, Sequence

from harness.forecast.hearer import Hearer
from harness.forecast.job_work import JobWork
from harness.forecast.ledger import Ledger, Line
from harness.forecast.rates import Rates
from harness.forecast.work import CELL, TWIN, Cost, EntryWork, Piece
from harness.planning.plan import Plan, levels_of
from harness.running.executors.executor import JobListener
from harness.running.job_watcher import StageEnd
from harness.running.pool import Job, all_jobs

UNCOUNTED = EntryWork(unknown="it was not counted in time")


class Forecast:
    """Hears of all jobs of a run's ``plans``. ``work`` is that of entries, by text, of each plan.

    ``places``: of each plan what tells its pieces from another's, and the setting that their seconds are of. ``ahead``
    are the seconds before the first job. ``spent`` are the processor's seconds that all jobs computed by now.
    """

    def __init__(
        self,
        plans: Sequence[Plan],
        work: Sequence[Mapping[str, EntryWork]],
        places: Sequence[tuple[str, str]],
        rates: Rates,
        ledger: Ledger,
        ahead: float = 0.0,
    ) -> None:
        self.plans, self.rates, self.ledger, self.ahead = plans, rates, ledger, ahead
        self.spent = 0.0
        self.settings = [setting for _, setting in places]
        self.jobs = [
            {job: _job_work(plan, job, known, prefix) for job in all_jobs(plan)}
            for plan, known, (prefix, _) in zip(plans, work, places, strict=True)
        ]
        self._done: set[str] = set()
        self._hold()
        self.cells_held = sum(job.cell(level) in self._done for job in self._all for level in range(job.cells))

    @property
    def _all(self) -> list[JobWork]:
        return [job for plan in self.jobs for job in plan.values()]

    def _hold(self) -> None:
        """Take down what the store has."""
        for job in self._all:
            known = [job.identity(piece) for piece in job.work.pieces]
            known += [job.cell(level) for level in range(job.cells)]
            self._done |= {one for one in known if one not in self._done and self.ledger.holds(one)}

    @property
    def unknown(self) -> dict[str, str]:
        """What is not in the estimate, and why: entries, and functions that nobody has timed."""
        found = {job.name: job.work.unknown for job in self._all if job.work.unknown and self._left_of(job)}
        for job in self._all:
            for piece, _ in self._pieces_left(job):
                if self.rates.of(piece.cost) is None:
                    found.setdefault(job.name, f"nothing has timed its {_plain(piece.cost)} here")
        return found

    def seconds_left(self) -> float | None:
        """Return the seconds from now until the last job ends, None where no step was ever timed.

        Workers share all that is left of a plan; no job is shorter than its own part. Plans follow one another.
        """
        if not any(cost.kind == "train" for cost in self.rates.known):
            return None
        return sum(self._of_plan(place) for place in range(len(self.plans)))

    def processor_seconds_left(self) -> float:
        """Return the seconds of all workers together."""
        return sum(sum(self._shared(place)) for place in range(len(self.plans)))

    def _of_plan(self, place: int) -> float:
        jobs = [*self.jobs[place].values()]
        workers = max(min(self.plans[place].jobs, len(jobs)), 1)
        longest = max((self._seconds(self._pieces_left(job)) + self._cells(job) for job in jobs), default=0.0)
        return max(sum(self._shared(place)) / workers, longest)

    def _shared(self, place: int) -> list[float]:
        """Return the seconds of each job of a plan, what several ask for with the first of them."""
        counted: set[str] = set()
        found = []
        for job in self.jobs[place].values():
            mine = [(piece, units) for piece, units in self._pieces_left(job) if job.identity(piece) not in counted]
            counted |= {job.identity(piece) for piece, _ in mine}
            found.append(self._seconds(mine) + self._cells(job))
        return found

    def _pieces_left(self, job: JobWork) -> list[tuple[Piece, float]]:
        """Return the pieces that a job needs and nobody has, with the units that are left of each."""
        if job.closed:
            return []
        left = [piece for piece in job.work.pieces if job.identity(piece) not in self._done]
        begun = job.in_hand("train", "") if job.share else None
        return [(piece, piece.units * (1 - job.share) if piece is begun else piece.units) for piece in left]

    def _left_of(self, job: JobWork) -> int:
        return 0 if job.closed else sum(job.cell(level) not in self._done for level in range(job.cells))

    def _cells(self, job: JobWork) -> float:
        return (self.rates.of(job.each) or 0.0) * self._left_of(job)

    def _seconds(self, pieces: Sequence[tuple[Piece, float]]) -> float:
        return sum((self.rates.of(piece.cost) or 0.0) * units for piece, units in pieces)

    def of(self, plan: Plan) -> JobListener:
        """Return who hears of a plan's jobs."""
        return Hearer(self, self.plans.index(plan))

    def met(self, place: int, job: JobWork, piece: Piece, end: StageEnd) -> None:
        """Take in that the store has a piece."""
        identity = job.identity(piece)
        self._done.add(identity)
        self.ledger.note(Line(identity, end.key, self.settings[place], *piece.cost, piece.units, end.processor_seconds))

    def cell_done(self, place: int, job: JobWork, end: StageEnd, *, kept: bool) -> None:
        """Take in that a job's next cell is there, with all that it asked for; ``kept``: it need not be made again."""
        self._done |= {job.identity(piece) for piece in job.needs(job.results)}
        cell = job.cell(job.results)
        self._done.add(cell)
        if kept and end.key:
            units = 0.0 if end.replayed else 1.0
            self.ledger.note(Line(cell, end.key, self.settings[place], *job.each, units, end.processor_seconds))
        job.results += 1


def _job_work(plan: Plan, job: Job, known: Mapping[str, EntryWork], prefix: str) -> JobWork:
    entry = plan.entries[job.entry]
    cells = len(levels_of(entry, plan.densities))
    each = TWIN if entry.is_quantised else CELL
    return JobWork(f"{prefix}/{job.seed}", entry.text, known.get(entry.text, UNCOUNTED), cells, each)


def _plain(cost: Cost) -> str:
    return cost.what.rpartition(".")[2].replace("_", " ").strip() if cost.kind == "compute" else cost.kind
