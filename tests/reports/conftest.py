import functools
import hashlib
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np
import pandas as pd
import pytest

from harness.evaluation.figures import evaluate
from harness.evaluation.thresholds import choose
from harness.reports.analysis.outcomes import Outcome
from harness.reports.page import figures
from harness.results.reading import Results
from harness.results.study_record import StudyRecord

POSITIVES, NEGATIVES = 30, 40
LABELS = np.r_[np.ones(POSITIVES, dtype=int), np.zeros(NEGATIVES, dtype=int)]
PROVENANCE = {
    "dataset": "spots",
    "simulated": False,
    "partial": None,
    "fallback_for": None,
    "network": "tiny",
    "size": 32,
    "weights": "kaiming",
    "schedule": {"optimiser": "adam", "lr": 0.001},
    "preset": "quick",
    "fingerprint": "abc123",
    "environment": "torch 2, cpu",
    "versions": {"torch": "2.10"},
    "command": "harness run --data spots",
    "started": "2026-01-01T00:00:00+00:00",
    "seeds": [0, 1, 2],
    "counts": {"train": {"p": 90, "n": 200}, "test": {"p": POSITIVES, "n": NEGATIVES}},
    "positive": "malignant",
    "classes": ["benign", "malignant"],
}


class Bench:
    """Collects cells by hand and returns them as `Results`.

    Cells of a ``fold`` are in a group of their own, ``group`` being the family of its folds.
    """

    def __init__(self) -> None:
        self.rows: list[dict[str, object]] = []
        self.images: list[pd.DataFrame] = []

    def done(
        self,
        entry,
        seed,
        density,
        scores,
        *,
        labels=LABELS,
        validated=None,
        collapsed=0.0,
        reason="",
        layers=None,
        **facts,
    ):
        """Add a cell whose validation scores are the test's, but where others are given as ``validated``.

        ``facts`` are as in `missing`, or figures by their name, such as ``size/flops``.
        """
        place = {name: facts.pop(name) for name in list(facts) if name in PLACE}
        validated = scores if validated is None else validated
        row = self._row(entry, seed, density, "done", reason, **place)
        cuts = {name: threshold.value for name, threshold in choose(labels, validated).items()}
        row |= {f"test/{name}": value for name, value in evaluate(labels, scores, cuts).items()}
        row |= {f"threshold/{name}": value for name, value in cuts.items()}
        row |= {"size/density": density, "size/parameters": 1000 * density, "size/alive": 900 * density}
        row |= {"size/flops": 5000 * density, "layers": layers}
        self.rows.append(row | {"cost/seconds": 60.0, "flag/collapsed": collapsed} | facts)
        for split, given in (("test", scores), ("validation", validated)):
            self.images.append(_scored(row, split, labels, given))

    def missing(self, entry, seed, density, status, reason, **place):
        """Add a cell that is not done. ``place`` may hold loss, plain, changes, group, fold, control."""
        self.rows.append(self._row(entry, seed, density, status, reason, **place))

    def results(self, experiment="spots", **provenance) -> Results:
        groups = {str(row["group"]): PROVENANCE | self._fold(row) | provenance for row in self.rows}
        images = pd.concat(self.images, ignore_index=True) if self.images else pd.DataFrame()
        return Results(experiment, pd.DataFrame(self.rows), images, groups)

    def _fold(self, row) -> dict[str, object]:
        """Return what a fold's group says of itself."""
        group, _, fold = str(row["group"]).rpartition(" fold ")
        folds = {row["fold"] for row in self.rows if row["fold"] is not None}
        return {"group": row["group"], **({"family": group, "fold": int(fold), "folds": max(folds)} if group else {})}

    @staticmethod
    def _row(
        entry,
        seed,
        density,
        status,
        reason,
        *,
        loss="plain",
        plain=None,
        changes=False,
        group="g",
        fold=None,
        control=None,
    ):
        method = entry.split("[")[0]
        group = group if fold is None else f"{group} fold {fold}"
        return {
            "run_id": f"{group}-{entry}-{seed}",
            "group": group,
            "entry": entry,
            "method": method,
            "control": method in CONTROLS if control is None else control,
            "loss": loss,
            "plain": plain or entry,
            "loss_changes": changes,
            "seed": seed,
            "fold": fold,
            "density": density,
            "status": status,
            "reason": reason,
        }


PLACE = ("loss", "plain", "changes", "group", "fold", "control")
CONTROLS = ("random", "random-layerwise", "scratch")


def _scored(row, split, labels, scores) -> pd.DataFrame:
    """The scores of one cell on a split; each fold has images of its own."""
    key = {name: row[name] for name in ("run_id", "entry", "seed", "density")}
    part = "" if row["fold"] is None else f"fold{row['fold']}-"
    ids = [f"{part}{'v' if split == 'validation' else ''}image{index:03d}" for index in range(len(labels))]
    return pd.DataFrame(key | {"split": split, "id": ids, "label": labels, "score": scores})


def ranking(missed: int = 1, alarms: int = 4, seed: int = 0) -> np.ndarray:
    """Scores that put ``missed`` positives below 0 and ``alarms`` negatives above."""
    generator = np.random.default_rng(seed)
    positives = generator.uniform(1, 2, POSITIVES)
    negatives = generator.uniform(-2, -1, NEGATIVES)
    positives[:missed] -= 2.5
    negatives[:alarms] += 2.5
    return np.r_[positives, negatives]


@pytest.fixture
def bench() -> Bench:
    return Bench()


@pytest.fixture
def scores() -> Callable[..., np.ndarray]:
    return ranking


@pytest.fixture
def usual(bench: Bench) -> Bench:
    """Three seeds of dense, a good method, little more than guessing, and one that fails in one seed."""
    for seed in (0, 1, 2):
        dense = ranking(seed=seed)
        bench.done("dense", seed, 1.0, dense)
        bench.done("lt", seed, 1.0, dense)
        bench.done("lt", seed, 0.5, ranking(missed=1 + seed, seed=seed))
        bench.done("random", seed, 0.5, ranking(missed=20, alarms=20, seed=seed))
        if seed != 1:
            bench.done("snip", seed, 0.5, ranking(missed=3, seed=seed))
    bench.missing("snip", 1, 0.5, "diverged", "loss became NaN")
    return bench


@pytest.fixture
def budgeted(bench: Bench) -> Bench:
    """Two seeds of entries of 300 and of 600 steps, the better ones the longer, and one that was skipped.

    At half the weights lt keeps steps 120 and 132, and took 560 and 600 steps, so that its mean is none of them.
    """
    for seed in (0, 1):
        dense = {"cost/steps": 300.0, "cost/processor_seconds": 45.0, "kept/step": 300.0, "kept/epoch": 16.0}
        bench.done("dense", seed, 1.0, ranking(seed=seed), **dense)
        lt = {"cost/steps": 560.0 + 40 * seed, "cost/processor_seconds": 80.0 + 20 * seed}
        lt |= {"kept/step": 120.0 + 12 * seed, "kept/epoch": 6.0 + 2 * seed}
        bench.done("lt", seed, 0.5, ranking(1, seed=seed), **lt)
        bench.done("magnitude", seed, 0.5, ranking(9, seed=seed), **dense | {"cost/steps": 600.0})
        bench.done("random", seed, 0.5, ranking(20, alarms=20, seed=seed), **dense)
        bench.missing("mobilenet", seed, 0.5, "skipped", "too narrow")
    return bench


@pytest.fixture
def sized(bench, scores):
    """Two seeds whose dense networks differ in FLOPs, one whose dense network failed, and an emptied network."""
    for seed, dense in ((0, 4000.0), (1, 8000.0)):
        bench.done("dense", seed, 1.0, scores(seed=seed), **{"size/flops": dense})
        bench.done("lt", seed, 0.5, scores(seed=seed), **{"size/flops": 1000.0})
        bench.done("lt", seed, 0.25, scores(seed=seed), **{"size/flops": 0.0})
    bench.missing("dense", 2, 1.0, "failed", "out of patience")
    bench.done("lt", 2, 0.5, scores(seed=2), **{"size/flops": 1000.0})
    return bench


def crossing(bench: Bench, loss="green", changes=False, seeds=(0, 1), levels=(0.5, 0.25)) -> Bench:
    """Results of `lt` under the plain loss and under another: other scores for each loss, level and seed."""
    other = f"class-dependent-lt[scenario={loss}]"
    for seed in seeds:
        bench.done("dense", seed, 1.0, ranking(5, alarms=5, seed=seed))
        for entry, own, missed in (("lt", "plain", 5), (other, loss, 3)):
            for level in (1.0, *levels):
                scores = ranking(missed + round(2 / level) - 2, alarms=missed, seed=seed + 10 * (own == loss))
                bench.done(entry, seed, level, scores, loss=own, plain="lt", changes=changes and own == loss)
    return bench


@pytest.fixture
def crossed(bench: Bench) -> Bench:
    return crossing(bench)


@pytest.fixture
def changed() -> Bench:
    """The scores of `crossed` under black, whose weights change after the first round."""
    return crossing(Bench(), "black", changes=True)


def made(experiment="spots", seeds=(0,), entries=("lt", "snip"), levels=(0.5,), group="g", shift=0, **facts) -> Results:
    """Results of one group: a dense network a seed, and each entry at each level."""
    bench = Bench()
    for seed in seeds:
        bench.done("dense", seed, 1.0, ranking(seed=seed + shift), group=group)
        for index, entry in enumerate(entries):
            for density in levels:
                bench.done(entry, seed, density, ranking(missed=1 + index, seed=seed + shift), group=group)
    return bench.results(experiment, dataset=experiment, **facts)


def joined(*parts: Results) -> Results:
    """The results of several groups of one data set."""
    return replace(
        parts[0],
        cells=pd.concat([part.cells for part in parts], ignore_index=True),
        scores=pd.concat([part.scores for part in parts], ignore_index=True),
        groups={name: facts for part in parts for name, facts in part.groups.items()},
    )


@pytest.fixture
def make() -> Callable[..., Results]:
    return made


@pytest.fixture
def join() -> Callable[..., Results]:
    return joined


TRIALS = [  # state, value, feasible
    ("complete", 0.70, True),
    ("pruned", 0.61, None),
    ("failed", None, None),
    ("complete", 0.69, True),
    ("complete", 0.75, False),
    ("complete", 0.71, True),
    ("complete", 0.66, True),
]


def recorded(entry="lt", tuned="lt[rate=0.612]", **facts) -> dict[str, object]:
    """A record as `harness tune` writes it: trial 5 won, trial 4 broke a bound, trial 1 was pruned, trial 2 failed."""
    default, best = {"rate": 0.75, "scope": "layer"}, {"rate": 0.612, "scope": "layer"}
    facts_of_a_level = {"status": "done", "collapsed": False, "auc": 0.7, "fnr": 0.05, "fpr": 0.3, "reason": ""}
    levels = [{"density": level, **facts_of_a_level} for level in (1.0, 0.5)]
    trials = [
        {
            "number": number,
            "state": state,
            "value": value,
            "feasible": feasible,
            "parameters": default if number == 0 else best,
            "levels": levels if state == "complete" else [],
            "steps": 1200,
            "seconds": 60.0,
            "computed_seconds": 30.0,
            "reason": "",
            "counted": True,
        }
        for number, (state, value, feasible) in enumerate(TRIALS)
    ]
    return {
        "study": f"tuning spots {entry}",
        "setting": "s",
        "entry": entry,
        "tuned": tuned,
        "method": "lt",
        "objective": "auc",
        "fpr_bound": None,
        "seeds": [1000000],
        "densities": [1.0, 0.5],
        "space": {
            "rate": {"low": 0.2, "high": 0.8, "log": False, "step": None},
            "scope": {"choices": ["layer", "global"]},
        },
        "default": default,
        "default_number": 0,
        "best": {"number": 5, "parameters": best, "value": 0.71, "validation_auc": 0.71, "feasible": True},
        "edges": [],
        "importance": {"scope": 0.2, "rate": 0.8},
        "budget": {
            "asked": 9,
            "finished": 7,
            "pruned": 1,
            "lost": 2,
            "distinct": 6,
            "steps": 12300,
            "seconds": 812.5,
            "computed_seconds": 400.1,
        },
        "trials": trials,
        "versions": {"optuna": "5.0.0"},
        "command": "harness tune --methods lt",
    } | facts


@pytest.fixture
def written() -> Callable[..., dict[str, object]]:
    return recorded


@pytest.fixture
def record() -> Callable[..., StudyRecord]:
    """The same as the reports read it."""
    return lambda *names, **facts: StudyRecord.from_json(recorded(*names, **facts))


@pytest.fixture
def tuned() -> Bench:
    """Three seeds of dense, an entry with its defaults and tuned, and one that was not tuned."""
    bench = Bench()
    for seed in (0, 1, 2):
        dense = ranking(seed=seed)
        bench.done("dense", seed, 1.0, dense)
        for entry, missed in (("lt", 4), ("lt[rate=0.612]", 1)):
            shift = seed + 10 * (missed == 1)
            bench.done(entry, seed, 1.0, dense, **{"validation/auc": 0.9})
            bench.done(entry, seed, 0.5, ranking(missed, seed=shift), **{"validation/auc": 0.6 - 0.01 * missed})
        bench.done("random", seed, 0.5, np.random.default_rng(seed + 7).normal(size=LABELS.size))
    return bench


@pytest.fixture
def undrawn(monkeypatch) -> None:
    """Leave the charts out, which are slow and not the point."""
    monkeypatch.setattr(figures, "figures", lambda *_, **__: [])


def generated(*about) -> np.random.Generator:
    """The generator of what it is about."""
    return np.random.default_rng([*"/".join(map(str, about)).encode()])


class Trial:
    """Results made by hand: a network is told by how many positives it misses at equal false alarms, and its noise.

    Images of the class 1 come first. Which positives are missed is much the same for all networks of a test part.
    """

    def __init__(self, folds: int = 0, positives: int = 120, negatives: int = 150) -> None:
        self.folds = folds
        self.labels = np.r_[np.ones(positives, dtype=int), np.zeros(negatives, dtype=int)]
        self.rows: list[dict[str, object]] = []
        self.images: list[pd.DataFrame] = []

    def entry(self, name, density, missed, *, spread=0, seeds=(0, 1, 2), folds=None, **facts):
        """Add an entry's networks at a level: ``missed`` positives each, or of each seed, up to ``spread`` off."""
        for fold in folds if folds is not None else range(1, self.folds + 1) if self.folds else (0,):
            for place, seed in enumerate(seeds):
                own = missed[place] if isinstance(missed, tuple) else missed
                own += int(generated(name, density, seed, fold).integers(-spread, spread + 1))
                self.network(name, density, seed, self.scored(own, name, density, seed, fold), fold=fold, **facts)
        return self

    def scored(self, missed, *about):
        """Scores of one network on its test part; what it is ``about``, the fold last, seeds its noise."""
        generator = generated(*about)
        positives = int(self.labels.sum())
        order = np.arange(positives) + 7 * about[-1] % positives + generator.normal(0, 4, positives)
        scores = np.r_[generator.uniform(1, 2, positives), generator.uniform(0, 1, self.labels.size - positives)]
        lost = np.argsort(order)[:missed]
        scores[lost] = generator.uniform(0, 0.4, missed)
        return scores

    def network(self, entry, density, seed, scores, *, fold=0, validation=None, status="done", reason="", **facts):
        """Add one network, or one that is not done; its validation scores are its test scores unless given."""
        run = f"{entry}/{fold}/{seed}"
        row = {
            "run_id": run,
            "group": f"fold{fold}" if fold else "g",
            "entry": entry,
            "method": entry.split("[")[0],
            "loss": "plain",
            "plain": entry,
            "fold": fold or None,
            "control": False,
            "seed": seed,
            "density": density,
            "status": status,
            "reason": reason,
        }
        self.rows.append(row | facts)
        if status == "done":
            seen = {"test": scores, "validation": scores if validation is None else validation}
            self.images += [self._scored(run, entry, density, seed, fold, split, own) for split, own in seen.items()]
        return self

    def _scored(self, run, entry, density, seed, fold, split, scores):
        ids = [f"{split}{fold}-{index:03d}" for index in range(self.labels.size)]
        of = {"run_id": run, "entry": entry, "density": density, "seed": seed, "split": split}
        return pd.DataFrame({**of, "id": ids, "label": self.labels, "score": scores})

    def lose(self, entry, density=None, seed=None, fold=None):
        """Take cells away, with their scores."""
        asked = {"entry": entry, "density": density, "seed": seed, "fold": fold}
        kept = [row for row in self.rows if any(row[key] != own for key, own in asked.items() if own is not None)]
        lost = {(row["run_id"], row["density"]) for row in self.rows if row not in kept}
        self.rows = kept
        self.images = [one for one in self.images if (one["run_id"].iloc[0], one["density"].iloc[0]) not in lost]
        return self

    def results(self, **facts) -> Results:
        """Results of one group, or of a group for each fold, all of one family."""
        counts = {"p": int(self.labels.sum()), "n": int((1 - self.labels).sum())}
        groups = {}
        for row in self.rows:
            fold = {"fold": row["fold"], "folds": self.folds, "family": "family"} if row["fold"] else {}
            own = {"group": row["group"], "counts": {"test": counts}, "looks": 2, **fold}
            groups[str(row["group"])] = PROVENANCE | own | facts
        images = pd.concat(self.images, ignore_index=True) if self.images else pd.DataFrame()
        return Results("spots", pd.DataFrame(self.rows), images, groups)


@pytest.fixture
def trial() -> Callable[..., Trial]:
    return Trial


@pytest.fixture
def uncounted(monkeypatch) -> None:
    """Leave out what older results have counted from their scores, which is slow and not the point."""
    monkeypatch.setattr(Outcome, "_recounted", {})


class Document(HTMLParser):
    """What a browser would act on: elements, attributes, links and the text that is shown."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements, self.attributes, self.links, self.ids, self.shown = [], [], [], [], []
        self.hidden = 0
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append(tag)
        self.attributes += [(tag, name, value) for name, value in attrs]
        self.links += [value for name, value in attrs if name in ("href", "src") and not value.startswith("data:")]
        self.ids += [value for name, value in attrs if name == "id"]
        self.hidden += tag in ("script", "style")

    def handle_endtag(self, tag):
        self.hidden -= tag in ("script", "style")

    def handle_data(self, data):
        if not self.hidden:
            self.shown.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.shown).split())


document_of = functools.cache(Document)  # the same page is walked over and over


@pytest.fixture
def parse() -> Callable[[Path], Document]:
    return lambda path: document_of(path.read_text("utf-8"))


def walked(index: Path) -> set[Path]:
    """Return every file that can be reached by links from ``index``; each must be there, below its folder."""
    root, seen, waiting = index.parent.resolve(), set(), [index.resolve()]
    while waiting:
        path = waiting.pop()
        if path in seen:
            continue
        seen.add(path)
        if path.suffix != ".html":
            continue
        document = document_of(path.read_text("utf-8"))
        for link in document.links:
            parts = urlsplit(link)
            assert not parts.scheme, link
            assert not parts.netloc, link
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            assert target.is_file(), f"{path}: {link}"
            assert target.is_relative_to(root), f"{path}: {link}"
            if parts.fragment:
                assert parts.fragment in document_of(target.read_text("utf-8")).ids, f"{path}: {link}"
            waiting.append(target)
    return seen


@pytest.fixture
def walk() -> Callable[[Path], set[Path]]:
    return walked


@pytest.fixture
def tree() -> Callable[[Path], dict[str, str]]:
    """Return a function that hashes every file below a folder, hidden ones too."""

    def hashed(folder: Path) -> dict[str, str]:
        files = (path for path in sorted(folder.rglob("*")) if path.is_file())
        return {path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}

    return hashed
