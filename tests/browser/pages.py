"""Pages to look at: one report with every part, and a site of four pages of which one has two versions."""

import importlib.util
import json
from dataclasses import replace
from pathlib import Path

import pytest

from harness.reports.page import figures
from harness.reports.publishing.publish import write_site
from harness.reports.publishing.report import write

LEVELS = (0.5, 0.25, 0.125)
MISSED = {"magnitude": 3, "lt": 6, "snip": 20, "grasp[batches=4,order=smallest-first]": 50, "random": 30}
"""More positives missed at the smallest level than at dense, out of 60."""


def makers():
    """Return the makers of results that the tests of the reports use."""
    source = Path(__file__).parents[1] / "reports" / "conftest.py"
    spec = importlib.util.spec_from_file_location("makers_of_results", source)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def results(dataset, network, shift=0, missed=MISSED, **facts):
    """Three seeds of a dense network, and of each entry at three levels; one network diverged, a loss ran twice."""
    made = makers()
    trial = made.Trial(positives=60, negatives=80)
    trial.entry("dense", 1.0, 3, layers={"features.0.weight": [216, 216, 216], "classifier.weight": [90, 90, 90]})
    trial.entry("dense+black", 1.0, 4, loss="black", plain="dense")
    for entry, most in missed.items():
        for place, level in enumerate(LEVELS):
            layers = {"features.0.weight": [round(216 * level), round(200 * level), 216]}
            own = {"layers": layers, "control": entry == "random"}
            own |= {"size/bytes": 400_000 * level, "size/flops": 2e6 * level}
            own |= {"measured/Pi 4/latency": 12.0 if entry == "lt" else 3.0} if entry in ("lt", "snip") else {}
            trial.entry(entry, level, 3 + shift + most * place // 2, spread=1, **own)
            if entry == "lt":
                trial.entry("lt+black", level, 4 + most * place // 2, spread=1, loss="black", plain="lt", layers=layers)
    trial.lose("snip", 0.125, 2)
    trial.network("snip", 0.125, 2, None, status="diverged", reason="loss became NaN in epoch 3 of 20")
    found = trial.results(dataset=dataset, network=network, **facts)
    return replace(found, experiment=dataset)


def lay(folder):
    """Write ``report/`` and ``site/``."""
    first = results("isic", "alexnet-bn", missed={"lt": 6, "random": 30})
    later = results("isic", "alexnet-bn", started="2026-02-01T00:00:00+00:00")
    others = [
        results("isic", "efficientnet-lite0", 1),
        results("elpv", "efficientnet-lite0", 2),
        results("a-data-set-whose-name-is-long", "resnet18", 3),
    ]
    with pytest.MonkeyPatch.context() as patch:  # the same pictures for both
        patch.setattr(figures, "picture", _remembering(figures.picture))
        write(later, folder / "report")
        write_site([later], folder / "site")
    with pytest.MonkeyPatch.context() as patch:  # charts are drawn in one page of the site, since they take seconds
        patch.setattr(figures, "figures", lambda *_, **__: [])
        write_site([first, *others], folder / "site")
    write_site([later], folder / "site")


def _remembering(draw):
    known = {}

    def recall(specification, *width):
        key = json.dumps([specification, width])
        return known[key] if key in known else known.setdefault(key, draw(specification, *width))

    return recall
