"""The documentation names everything that a user can set, read or meet, and its links lead somewhere."""

import re
import tomllib
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any, get_type_hints

import numpy as np
import pytest
import typer

from harness import errors
from harness.cli.main import app
from harness.evaluation.figures import evaluate
from harness.evaluation.thresholds import choose
from harness.planning.configuration import Configuration
from harness.planning.key_meanings import sections
from harness.planning.pruners import pruner_class
from harness.results import names

ROOT = Path(__file__).parent.parent
CONFIGURATION = (ROOT / "docs" / "configuration.md").read_text()
PAGES = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]


def configuration_keys(section: type[Any], path: str, seen: frozenset[type[Any]]) -> Iterator[str]:
    """Yield every key; a kind of table that is described already counts as one key."""
    types = get_type_hints(section)
    for field in fields(section):
        kind = types[field.name]
        if is_dataclass(kind) and isinstance(kind, type) and kind not in seen:
            seen |= {kind}
            yield from configuration_keys(kind, f"{path}{field.name}.", seen)
        else:
            yield f"{path}{field.name}"


@pytest.mark.parametrize("key", list(configuration_keys(Configuration, "", frozenset())))
def test_every_key_has_its_row(key: str) -> None:
    assert f"| `{key}` |" in CONFIGURATION


def meanings_of_keys() -> dict[str, str]:
    told = {
        ".".join((*table.place, key.name)): key.meaning for table in sections() if not table.again for key in table.keys
    }
    return told | {table.name: table.meaning for table in sections() if table.again}


@pytest.mark.parametrize(("key", "meaning"), meanings_of_keys().items(), ids=str)
def test_a_key_means_in_its_row_what_it_means_in_the_code(key: str, meaning: str) -> None:
    row = next(line for line in CONFIGURATION.splitlines() if line.startswith(f"| `{key}` |"))
    told = re.sub(r"\[([^\]]+)\]\([^)]*\)", r"\1", row.removesuffix(" |").rpartition(" | ")[2])
    assert told == meaning


def test_nested_keys_are_walked() -> None:
    keys = set(configuration_keys(Configuration, "", frozenset()))
    assert {"methods", "data.size", "training.clip", "pretraining.seed", "pretraining.training"} <= keys


def verbs(group: Any, before: str = "") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from verbs(command, f"{before}{name} ")
        else:
            yield before + name, command


@pytest.mark.parametrize(
    ("verb", "option"),
    [
        (verb, option)
        for verb, command in verbs(typer.main.get_command(app))
        for parameter in command.params
        for option in (*parameter.opts, *parameter.secondary_opts)
        if option.startswith("-")
    ],
)
def test_every_flag_and_verb_is_described(verb: str, option: str) -> None:
    assert re.search(rf"`{option}[` ]", CONFIGURATION)
    assert f"`harness {verb}" in CONFIGURATION


@pytest.mark.parametrize("verb", [verb for verb, _ in verbs(typer.main.get_command(app))])
def test_every_verb_is_in_the_table_of_verbs(verb: str) -> None:
    table = CONFIGURATION.split("\n## Verbs and flags\n")[1].split("\n\n")[0]
    assert f"`harness {verb}`" in table


def exit_codes(kind: type[errors.HarnessError]) -> set[int]:
    return {kind.exit_code}.union(*map(exit_codes, kind.__subclasses__()))


@pytest.mark.parametrize("code", sorted({0, 3, 130, 143} | exit_codes(errors.HarnessError)))
def test_every_exit_code_has_its_row(code: int) -> None:
    assert f"| {code} |" in CONFIGURATION


def test_every_variable_of_the_harness_has_its_row() -> None:
    sources = "".join(path.read_text() for path in (ROOT / "harness").rglob("*.py"))
    for variable in sorted(set(re.findall(r"\"(HARNESS_[A-Z]+)\"", sources))):
        assert f"| `{variable}` |" in CONFIGURATION


@pytest.mark.parametrize("preset", sorted((ROOT / "configs").glob("*.toml")), ids=lambda path: path.stem)
def test_presets_are_shown_as_they_are(preset: Path) -> None:
    page = "paper.md" if preset.stem.startswith("paper") else "configuration.md"
    shown = f"`{preset.stem}`:\n\n```toml\n{preset.read_text()}```"
    assert shown in (ROOT / "docs" / page).read_text(), f"paste configs/{preset.name} into docs/{page}"


METRIC = re.compile(r"(size|cost|flag|threshold|validation)/[a-z0-9/]+")


def metric_names() -> set[str]:
    labels, scores = np.array([0, 0, 1, 1]), np.array([0.0, 1.0, 0.5, 2.0])
    thresholds = {name: threshold.value for name, threshold in choose(labels, scores).items()}
    written = {value for value in vars(names).values() if isinstance(value, str) and METRIC.fullmatch(value)}
    return written | set(evaluate(labels, scores, thresholds)) | {f"{names.THRESHOLD}{name}" for name in thresholds}


@pytest.mark.parametrize("name", sorted(metric_names()))
def test_every_metric_is_explained(name: str) -> None:
    assert f"`{name}`" in (ROOT / "docs" / "metrics.md").read_text()


def test_a_metric_has_one_row() -> None:
    text = (ROOT / "docs" / "metrics.md").read_text()
    rows = re.findall(r"^\| `((?:size|cost|kept)/\w+)` \|", text, re.MULTILINE)
    assert "size/bytes" in rows
    assert len(rows) == len(set(rows))


def test_every_tag_is_explained() -> None:
    tags = {value for value in vars(names).values() if isinstance(value, str) and value.startswith("harness.")}
    tags -= {names.__name__, names.__package__}
    assert {names.KIND, names.ENTRY, names.LEVELS} <= tags
    for tag in tags:
        assert f"`{tag}`" in (ROOT / "docs" / "metrics.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_relative_links_exist(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)", page.read_text()):
        assert "://" in target or (page.parent / target).exists(), target


METHODS = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["harness.pruners"]
CARD = ["Idea", "Equation", "Cost", "Needs", "Known failure", "Published code"]


def test_every_method_has_a_card_with_all_its_parts() -> None:
    cards = (ROOT / "docs" / "methods.md").read_text().split("\n## ")[1:]
    found = {card.split("`")[1]: card for card in cards if card.startswith("`")}
    assert found.keys() == METHODS.keys()
    for card in found.values():
        assert re.findall(r"^- \*\*(.+?)\.\*\*", card, re.MULTILINE) == CARD
        assert "?" not in card


@pytest.mark.parametrize("method", METHODS)
def test_every_parameter_of_a_method_is_named_with_its_default(method: str) -> None:
    """In its own row, or in that of a method whose parameters the row says it shares."""
    rows = [line for line in CONFIGURATION.splitlines() if line.startswith("| `")]
    own = next(row for row in rows if f"`{method}`" in row.split("|")[1] and row.count("|") == 3)
    shared = [
        row for row in rows for name in re.findall(r"those of `([a-z-]+)`", own) if row.startswith(f"| `{name}` |")
    ]
    shared += [row for row in rows if "those of `magnitude` and `random`" in own and row.startswith("| `random` |")]
    for field in fields(pruner_class(method)):
        written = f"{field.default:g}" if isinstance(field.default, float) else str(field.default)
        written = written.lower() if isinstance(field.default, bool) else written
        named = rf"`{field.name}` \(`?{re.escape(written)}`?[;)]"
        assert re.search(named, own) or any(re.search(rf"`{field.name}`", row) for row in shared), field.name


@pytest.mark.parametrize("method", METHODS)
def test_every_search_space_is_in_its_row(method: str) -> None:
    rows = [line for line in (ROOT / "docs" / "tuning.md").read_text().splitlines() if line.startswith("| ")]
    own = next(row for row in rows if f"`{method}`" in row.split("|")[1])
    for name in pruner_class(method).search_space:
        assert f"`{name}`" in own, name
