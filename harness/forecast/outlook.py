"""From plans to a forecast: what the store remembers, and what is counted and measured for the rest."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from harness.data.image_cache import images_key
from harness.data.loading import planned_parts
from harness.forecast.counting import pretraining
from harness.forecast.forecast import Forecast
from harness.forecast.ledger import Ledger
from harness.forecast.process import Found, Inquiry
from harness.forecast.rates import Rates
from harness.forecast.work import Cost, EntryWork, Piece
from harness.initial.weights_choice import SIMULATED
from harness.planning.plan import Plan, comparison
from harness.storage.canonical import digest

DECODE = Cost("decode")


@dataclass(frozen=True)
class Outlook:
    """What a forecast of ``plans`` is made of, asked for while other things go on."""

    plans: Sequence[Plan]
    groups: Sequence[int]
    """Of each plan the number of its training's size among the different ones: these are counted once each."""
    ledger: Ledger
    inquiry: Inquiry
    loading: float
    """Seconds that this process took to load what a worker loads, too."""

    @classmethod
    def of(cls, plans: Sequence[Plan]) -> "Outlook":
        """Begin to ask; before this process has a thread. Images are counted, none is read."""
        loading = time.process_time()
        counts = [planned_parts(plan.data, plan.seeds[0]) for plan in plans]
        sizes = [plan.training.total_steps(sum(one["train"])) for plan, one in zip(plans, counts, strict=True)]
        different = list(dict.fromkeys(sizes))
        ledger = Ledger(plans[0].store)
        asked = [counts[sizes.index(size)] for size in different]
        inquiry = Inquiry(plans[0], asked, ledger.rates(setting(plans[0])))
        return cls(plans, [different.index(size) for size in sizes], ledger, inquiry, loading)

    def forecast(self, seconds: float, *, basics: bool = False) -> Forecast:
        """Return what is known after at most so many seconds."""
        found = self.inquiry.hear(seconds, basics=basics)
        rates = Rates({**found.seconds, **self.ledger.rates(setting(self.plans[0]))})
        work = [self._work(plan, found, group) for plan, group in zip(self.plans, self.groups, strict=True)]
        places = [(prefix(plan), setting(plan)) for plan in self.plans]
        ahead = self.loading * len(self.plans) + self._decoding(rates)
        return Forecast(self.plans, work, places, rates, self.ledger, ahead)

    def first(self, seconds: float) -> tuple[dict[str, EntryWork], Rates]:
        """Return the work of the first plan's entries and what a unit takes, after at most so many seconds; end asking.

        Pretraining is left out.
        """
        found = self.inquiry.hear(seconds)
        self.inquiry.end()
        work = {text: one for (group, text), one in found.work.items() if group == 0}
        return work, Rates({**found.seconds, **self.ledger.rates(setting(self.plans[0]))})

    def _work(self, plan: Plan, found: Found, group: int) -> dict[str, EntryWork]:
        """Return the work of each entry, with the pretraining of the network that all begin with."""
        known = {text: work for (of, text), work in found.work.items() if of == group}
        if plan.weights != SIMULATED:
            return known
        first = pretraining(plan, plan.network)
        return {text: _begun_with(first, work) for text, work in known.items()}

    def _decoding(self, rates: Rates) -> float:
        """Return the seconds that it takes to read the images that the store has not: each set once."""
        sets = {digest(["images", _images(plan)]): plan for plan in self.plans}
        unread = [one for key, one in sets.items() if not (one.store / "stages" / key[:2] / key).is_dir()]
        images = sum(len(plan.data.samples()) for plan in unread)
        return images * (rates.of(DECODE) or 0.0)


def _images(plan: Plan) -> Mapping[str, object]:
    return images_key(plan.data.dataset(), plan.data.samples(), plan.data.size, plan.data.conversion)


def _begun_with(piece: Piece, work: EntryWork) -> EntryWork:
    if not work.levels:
        return work
    first, *rest = work.levels
    return replace(work, levels=((piece, *first), *rest))


def prefix(plan: Plan) -> str:
    """Return what tells the pieces of a plan from those of another."""
    counts = planned_parts(plan.data, plan.seeds[0])
    return digest([comparison(plan, {}), counts])[:16]


def setting(plan: Plan) -> str:
    """Return what the seconds of a kind of work depend on: machine, network, size, and how much is scored."""
    training = plan.training
    how = [training.batch_size, training.precision, training.augmentation, training.optimiser, training.keep]
    data = [plan.data.name, plan.data.size, plan.data.folds, plan.data.cutting.imbalance]
    return digest([plan.environment, plan.network, *how, *data])[:16]
