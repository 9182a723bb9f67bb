"""What a planned study could tell, for a person, at 80 columns."""

from collections.abc import Mapping
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table

from harness.cli.study_options import flag

NEVER = "none"
ANECDOTE = "Fewer than three networks: one run is an anecdote. Nothing would be told apart, and nothing called safe."
LEAST = (
    "On the right the least that gives a power of 80 %: more positives (with as many negatives each) or more seeds, the"
    ' rest as it is; "none": no number of them does.'
)


def study_text(found: Mapping[str, Any]) -> RenderableType:
    """Return what rich prints of the values that --json shows."""
    told = [_told_apart(found), _dense(found["dense"], found["terms"])] if found["told_apart"] else [ANECDOTE]
    return Group(_study(found["study"]), "", *told, "", _questions(found), "", LEAST, "", _assumed(found["assumed"]))


def _study(study: Mapping[str, Any]) -> str:
    seeds = _counted(study["seeds"], "seed")
    cut = f"in {study['folds']} folds, {seeds} each" if study["folds"] else f"in one test part, {seeds}"
    entries, levels = _counted(study["entries"], "entry", "entries"), _counted(study["levels"], "level")
    pairs, networks = _counted(study["comparisons"], "comparison"), _counted(study["networks"], "network")
    return (
        f"{study['positives']:,} positives and {study['negatives']:,} negatives {cut}.\n"
        f"{entries} at {levels}: {pairs}, {networks} an entry and level."
    )


def _told_apart(found: Mapping[str, Any]) -> str:
    return (
        f"Told apart: gaps of {found['told_apart']:.3f} AUC or more. The 95 % interval of one difference reaches"
        f" {found['half_width']:.3f} to either side."
    )


def _dense(dense: Mapping[str, Any], terms: Mapping[str, float]) -> str:
    least = dense["strong_from"]
    points = 100 * terms["delta"]
    likely = least and f"likely from {100 * least['sensitivity']:.0f} % found (AUC {least['auc']:.2f}) on."
    return (
        f"At {100 * terms['fpr']:g} % false alarms the dense network finds {100 * dense['sensitivity']:.0f} % of the"
        f" positives, {100 * dense['lift']:.0f} points more than guessing. To be let lose {points:g} it must"
        f" be shown {2 * points:g} above guessing: {likely or 'no network would be, in a study of this size.'}"
    )


def _questions(found: Mapping[str, Any]) -> Table:
    table = Table(padding=(0, 3, 0, 0), box=None)
    table.add_column("")
    seeds = "seeds\na fold" if found["study"]["folds"] else "seeds"
    for title in ("power", "positives", seeds):
        table.add_column(title, justify="right")
    words = {
        "gap": f"a gap of {found['gap']:g} AUC is found",
        "safe": "what loses nothing is called safe",
        "strong": "the dense network is shown strong enough",
    }
    for name, text in words.items():
        asked = found["questions"][name]
        power = "-" if asked["power"] is None else f"{100 * asked['power']:.0f} %"
        table.add_row(text, power, *(_number(asked[least]) for least in ("least_positives", "least_seeds")))
    return table


def _number(value: int | None) -> str:
    return NEVER if value is None else f"{value:,}"


def _assumed(assumed: Mapping[str, float]) -> str:
    auc, tau, one, other = (f"{flag(name)} {value:g}" for name, value in assumed.items() if name != "both")
    return (
        f"Taken for true: {auc} of the dense network; {tau}, its spread over seeds; scores correlate: {one} of two"
        f" methods of a seed, {other} of two seeds, {assumed['both']:.2f} of two methods of two seeds."
    )


def _counted(number: int, one: str, more: str = "") -> str:
    return f"{number:,} {one if number == 1 else more or f'{one}s'}"
