"""Whatever is changed in a bundle is found: by hashes, and where these were mended, by counting anew."""

import json
import random
import re

import pytest

from harness.errors import DataError
from harness.results import names
from harness.submissions.bundle import Bundle
from harness.submissions.verification import verify_bundle

ENTRIES = ["lt[rate=0.5]"]


def told(path):
    """What a reader is told of a bundle: differences, or why it is not read at all."""
    try:
        with Bundle(path) as bundle:
            return [str(one) for one in verify_bundle(bundle).differences]
    except DataError as error:
        return [str(error)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory, drawn, tools):
    """The members of an honest bundle: two folds, dense and an entry at three levels, one of them failed."""
    path = tmp_path_factory.mktemp("whole") / "b.zip"
    drawn(seed=3, folds=2).design(ENTRIES, densities=(0.5, 0.25, 0.1), failed=[(*ENTRIES, 0.1)]).bundle(path)
    assert told(path) == []
    return tools.members(path)


def leaves(value, path=()):
    if isinstance(value, dict):
        for name, one in value.items():
            yield from leaves(one, (*path, name))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from leaves(one, (*path, index))
    else:
        yield path


def changed(value, draws):
    """Another value of the same kind."""
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value + draws.choice([1, -1, 0.5]) if isinstance(value, float) else value + draws.choice([1, -1, 7])
    if isinstance(value, str) and value:
        place = draws.randrange(len(value))
        return value[:place] + chr((ord(value[place]) + 1) % 128 or 65) + value[place + 1 :]
    return draws.choice(["x", 1])


def put(value, path, new):
    *outer, last = path
    for one in outer:
        value = value[one]
    value[last] = new(value[last])


def in_json(members, draws, name, path=None):
    """Change one leaf of a JSON member, or that at ``path``."""
    value = json.loads(members[name])
    path = path or draws.choice(list(leaves(value)))
    put(value, path, lambda old: changed(old, draws))
    return {**members, name: json.dumps(value).encode()}, f"{name}: {'.'.join(map(str, path))}"


def in_scores(members, draws, column):
    """Change the id, label or score of one row of a level that is done."""
    done = [name for name, text in members.items() if name.endswith(".csv") and text.count(b"\n") > 1]
    name = draws.choice(done)
    lines = members[name].decode().splitlines()
    row = draws.randrange(1, len(lines))
    cells = lines[row].split(",")
    other = {1: f"{cells[1]}x", 2: str(1 - int(cells[2])), 3: repr(float(cells[3]) + draws.choice([1, -1, 0.01]))}
    cells[column] = other[column]
    lines[row] = ",".join(cells)
    return {**members, name: "\r\n".join([*lines, ""]).encode()}, f"{name}: row {row}, column {column}"


def any_leaf(members, draws):
    return in_json(members, draws, draws.choice([name for name in members if name.endswith(".json")]))


def any_score(members, draws):
    return in_scores(members, draws, draws.choice([1, 2, 3]))


def gone(members, draws):
    name = draws.choice(sorted(members))
    return {one: text for one, text in members.items() if one != name}, f"{name} removed"


def added(members, draws):
    run = draws.choice(sorted({name.split("/")[1] for name in members if "/" in name}))
    inner = draws.choice(["study.json", "levels/0.125/cell.json", "levels/0.5/mask.npz", "best.toml"])
    return {**members, f"runs/{run}/{inner}": b"{}"}, f"{inner} added"


def swapped(members, draws):
    names_ = sorted(members)
    one = draws.choice(names_)
    other = draws.choice([name for name in names_ if members[name] != members[one]])
    return {**members, one: members[other], other: members[one]}, f"{one} and {other} swapped"


def listed(members, draws, tools):
    """Change a size or a hash in bundle.json, and its own hash with it."""
    facts = json.loads(members["bundle.json"])
    name, field = draws.choice(sorted(facts["members"])), draws.choice(["bytes", "sha256"])
    told_ = facts["members"][name]
    told_[field] = told_[field] + 1 if field == "bytes" else told_[field][::-1]
    return {**members, "bundle.json": tools.signed_facts(facts)}, f"{field} of {name}"


UNSIGNED = [any_leaf, any_score, any_leaf, any_score, gone, added, swapped, listed]


def done_cell(members, draws):
    cells = [name for name in members if name.endswith(names.CELL_FILE)]
    return draws.choice([name for name in cells if json.loads(members[name])["status"] == "done"])


def a_figure(members, draws):
    name = done_cell(members, draws)
    counted = [
        one for one in json.loads(members[name])["metrics"] if re.match(r"test/|validation/|threshold/|flag/", one)
    ]
    return in_json(members, draws, name, ("metrics", draws.choice(counted)))


def a_figure_gone(members, draws):
    name = done_cell(members, draws)
    cell = json.loads(members[name])
    lost = draws.choice([one for one in cell["metrics"] if one.startswith(("test/", "validation/"))])
    del cell["metrics"][lost]
    return {**members, name: json.dumps(cell).encode()}, f"{name}: {lost} removed"


def a_status(members, draws):
    name = done_cell(members, draws)
    cell = json.loads(members[name]) | {"status": "failed", "reason": "out of luck"}
    return {**members, name: json.dumps(cell).encode()}, f"{name}: done called failed"


def a_density(members, draws):
    return in_json(members, draws, done_cell(members, draws), ("density",))


SAID_TWICE = ["group", "dataset", "network", "weights", "preset", "environment", "fold", "folds", "test_part"]


def a_fact(members, draws):
    name = draws.choice([one for one in members if one.endswith(names.PROVENANCE)])
    value = json.loads(members[name])
    paths = [(one,) for one in SAID_TWICE]
    paths += [("counts", "test", "p"), ("counts", "validation", "n"), ("schedule", "epochs"), ("verdict", "fpr")]
    path = draws.choice(paths)
    assert value[path[0]] is not None
    return in_json(members, draws, name, path)


def a_plan(members, draws):
    name = draws.choice([one for one in members if one.endswith(names.PLAN)])
    paths = [
        ("network",),
        ("environment",),
        ("training", "epochs"),
        ("entries", 0, "text"),
        ("entries", 0, "loss", "name"),
    ]
    return in_json(members, draws, name, draws.choice(paths))


def a_tag(members, draws):
    name = draws.choice([one for one in members if one.endswith(names.MANIFEST)])
    tag = draws.choice([names.KIND, names.ENTRY, names.METHOD, names.LOSS, names.GROUP, names.FOLD])
    return in_json(members, draws, name, ("tags", tag))


def two_levels(members, draws):
    """Swap the scores of two levels."""
    done = [name for name, text in members.items() if name.endswith(".csv") and text.count(b"\n") > 1]
    one, other = draws.sample(done, 2)
    return {**members, one: members[other], other: members[one]}, f"{one} and {other} swapped"


SIGNED = [
    a_figure,
    any_score,
    a_figure,
    any_score,
    a_figure_gone,
    a_status,
    a_density,
    a_fact,
    a_plan,
    a_tag,
    two_levels,
]


def found(members, tools, draws, path, number):
    """Change one thing, every second time by a forger who mends all hashes behind it; return what is told."""
    forged = number % 2 == 1
    change = draws.choice(SIGNED if forged else UNSIGNED)
    spoiled, what = change(members, draws, *([tools] if change is listed else []))
    if forged:
        spoiled = tools.signed(spoiled)
    tools.write(path, spoiled)
    return told(path), f"{'forged, ' * forged}{change.__name__}: {what}"


def campaign(whole, tools, path, count, seed):
    draws = random.Random(seed)
    missed = []
    for number in range(count):
        differences, what = found(whole, tools, draws, path, number)
        if not differences:
            missed.append(what)
    return missed


def test_forty_changes_are_all_found(whole, tools, tmp_path):
    assert campaign(whole, tools, tmp_path / "b.zip", 40, seed=1) == []


@pytest.mark.long
@pytest.mark.timeout(900)
def test_five_hundred_changes_are_all_found(whole, tools, tmp_path):
    assert campaign(whole, tools, tmp_path / "b.zip", 500, seed=2) == []


def test_a_figure_is_named_with_its_run_level_and_both_values(whole, tools, tmp_path):
    name = next(one for one in sorted(whole) if one.endswith("levels/0.5/cell.json"))
    cell = json.loads(whole[name])
    honest = cell["metrics"]["test/auc"]
    cell["metrics"]["test/auc"] = 0.999
    tools.write(tmp_path / "b.zip", tools.signed({**whole, name: json.dumps(cell).encode()}))
    (line,) = told(tmp_path / "b.zip")
    assert f"(run {name.split('/')[1]}): density 0.5: test/auc is recorded as 0.999" in line
    assert f"its scores give {honest!r}" in line


def test_a_member_is_named_where_it_is_not_as_it_was_written(whole, tools, tmp_path):
    name = next(one for one in sorted(whole) if one.endswith(names.PROVENANCE))
    tools.write(tmp_path / "b.zip", {**whole, name: whole[name] + b" "})
    lines = told(tmp_path / "b.zip")
    assert f"{name}: it does not have the sha256 that bundle.json gives for it" in lines
    assert any(line.startswith(f"{name}: it has ") for line in lines)


METHODS = [
    "lt",
    "magnitude",
    "random",
    "snip[images=16]",
    "m\u00e9thode \u4e2d",
    "\u202elt",
    "a,b\"c'",
    "=1+1",
    "<b>x</b>",
]


def shape(draws):
    return {
        "seed": draws.randrange(10**6),
        "folds": draws.choice([None, None, 2, 3]),
        "entries": draws.sample(METHODS, draws.randint(1, 3)),
        "seeds": tuple(range(draws.randint(1, 2))),
        "densities": tuple(draws.sample([0.5, 0.25, 0.1, 0.031, 0.0150000001], draws.randint(1, 3))),
        "prefix": draws.choice(["", "b\u00ef-", "a/b ", 'x,"y\n']),
        "masks": draws.random() < 0.3,
        "failed": draws.random() < 0.4,
    }


def passes(drawn, draws, path):
    one = shape(draws)
    failed = [(one["entries"][0], one["densities"][0])] if one["failed"] else []
    results = drawn(seed=one["seed"], folds=one["folds"], prefix=one["prefix"])
    results.design(one["entries"], one["seeds"], one["densities"], failed)
    results.bundle(path, author=draws.choice(["Ann", "\u00c5nn & \u4e2d", "A <script>"]), masks=one["masks"])
    return told(path), one


def test_four_honest_bundles_pass(drawn, tmp_path):
    draws = random.Random(5)
    for _ in range(4):
        differences, one = passes(drawn, draws, tmp_path / "b.zip")
        assert differences == [], one


@pytest.mark.long
@pytest.mark.timeout(900)
def test_a_hundred_honest_bundles_pass(drawn, tmp_path):
    draws = random.Random(6)
    for _ in range(100):
        differences, one = passes(drawn, draws, tmp_path / "b.zip")
        assert differences == [], one


def test_scores_that_are_made_up_and_agree_with_themselves_are_not_found(drawn, tmp_path):
    """What only a rerun tells, and docs/leaderboard.md says so."""
    better = drawn(seed=9).run(names.DENSE, densities=(1.0,)).run("lt", skill=9)
    assert told(better.bundle(tmp_path / "b.zip")) == []
