"""Configurations and command lines that a slip, or an enemy, makes of sound ones: an exit code and a sentence, always.

Nothing is trained: each command is a dry run or reads a folder. Case n is the same on every machine: its seed is n.
"""

import importlib.resources
import random
import signal
import sys
import time

import pytest
import typer

from harness.cli.main import app, main

SLOWEST_S = 30.0
"""One command in this process, on a busy machine; alone the slowest takes half a second."""

HOSTILE = [
    *("true", "1e400", "nan", "-inf", "-1", "0", "2", "1" + 400 * "0", 5001 * "9", "0x" + 5000 * "f", "1.0", '"1.0"'),
    *("[]", "{}", "[[1]]", "{ a = 1 }", '""', '"\\u0000"', '"\\u202E\\u001b[2J"', '"../../x"', "1979-05-27", "[true]"),
    *("'" + 5000 * "a" + "'", 500 * "[" + 500 * "]", 3000 * "[" + 3000 * "]", '["all", "all"]', '[{ name = "snip" }]'),
    *("[{ name = 5 }]", '[{ name = "snip", images = true }]', '["lt[rate=2]"]', '["lt["]', '["lt[rate=0.5,rate=1]"]'),
    *('"lt"', '"*"', '["scratch[of=scratch]"]', '[{ name = "snip", loss = ["x"] }]', "[{ rate = 1 }]", "'''a\nb'''"),
]
WORDS = [
    *(
        "",
        " ",
        "a",
        "-",
        "--",
        "=",
        "0",
        "1",
        "-1",
        "nan",
        "1e400",
        "0.5",
        "1,2",
        "0.5,x",
        ",",
        "[",
        "lt[",
        "all",
        "*",
        "?",
    ),
    *(
        "isic",
        "isic-sim",
        "isik",
        "small-cnn",
        "quick",
        "quik",
        "http://[::1/",
        "postgresql://u:p@h/x",
        "sqlite://",
        "a/b",
    ),
    *(
        "../x",
        "/dev/null",
        "/proc/1/x",
        5000 * "a",
        5000 * "9",
        "\u202e\x1b[2J",
        "\udcff",
        "a\nb",
        "=1",
        "a=1",
        "seeds=0",
    ),
    *(
        "training.epochs=true",
        "data=3",
        "parameters.a=1",
        f"a{'.a' * 3000}=1",
        f"jobs={3000 * '['}",
        "lt,snip[images=0]",
    ),
]
VERBS = [
    *(
        ["run", "--dry-run"],
        ["run", "--dry-run", "--tune", "2"],
        ["tune", "--dry-run"],
        ["report"],
        ["publish"],
        ["store"],
    ),
    *(["list"], ["check", "--list"], ["data", "show"], ["new", "method"], ["plan-study"], []),
]
TINY = ["--dataset", "isic-sim", "--network", "small-cnn", "--weights", "kaiming", "--methods", "magnitude"]


@pytest.fixture
def command(tmp_path, monkeypatch, capsys):
    """Return a function that gives a command and returns its exit code and stderr; what else it does is a failure."""
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    for name in ("HARNESS_STORE", "HARNESS_STORAGE", "HARNESS_DATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HARNESS_OFFLINE", "1")
    monkeypatch.setenv("HARNESS_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.chdir(tmp_path)

    def call(arguments):
        monkeypatch.setattr(sys, "argv", ["harness", *arguments])
        begun = time.monotonic()
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        said = capsys.readouterr().err
        assert code in (0, 2, 4, 5), (code, said[-2000:])
        assert "Traceback" not in said
        assert time.monotonic() - begun < SLOWEST_S
        if code:
            assert "error" in said.lower()
        return code, said

    return call


def sound(draws):
    """Return the text of a configuration that is in order: a preset's, or one with every kind of key."""
    every = """methods = ["lt", { name = "snip", images = 64 }]
seeds = [0, 1]
densities = [1, 0.5]
network = "small-cnn"
loss = "mine"
jobs = 2
[losses.mine]
gamma = "effective-number(0.99)"
lambda_ = 2
[tuning]
trials = 3
seeds = [9]
[tuning.space.lt]
rate = { low = 0.1, high = 0.9, log = true }
[pretraining]
seed = 3
[training]
epochs = 2
learning_rate = 0.1
"""
    presets = [one for one in importlib.resources.files("harness.configs").iterdir() if one.name.endswith(".toml")]
    texts = [one.read_text("utf-8") for one in sorted(presets, key=lambda file: file.name)]
    return draws.choice([every, *(text for text in texts if "extends" not in text)])


def mutated(text, draws):
    """Return a text with one to four slips: signs, lines, or a value in the place of another."""
    for _ in range(draws.randint(1, 4)):
        lines = text.splitlines() or [""]
        place, line = draws.randrange(len(text) + 1), draws.randrange(len(lines))
        kind = draws.randrange(7)
        if kind == 0:
            text = text[:place] + text[place + 1 :]
        elif kind == 1:
            text = text[:place] + draws.choice("aqx0.=[]{}\"'#\n\x00é\u202e,") + text[place:]
        elif kind == 2:
            text = "\n".join([*lines[:line], lines[draws.randrange(len(lines))], *lines[line:]])
        elif kind == 3:
            text = text[:place] if draws.random() < 0.2 else "\n".join(lines[:line] + lines[line + 1 :])
        else:
            key, sign, _ = lines[line].partition("=")
            lines[line] = f"{key}{sign}{draws.choice(HOSTILE)}" if sign else lines[line]
            text = "\n".join(lines)
    return text


def try_configurations(command, tmp_path, numbers):
    codes = set()
    for number in numbers:
        draws = random.Random(number)
        text = mutated(sound(draws), draws)
        (tmp_path / "run.toml").write_text(text, "utf-8")
        try:
            codes.add(command(["run", "--dry-run", "--config", "run.toml", *TINY[2:]])[0])
        except BaseException as error:
            error.add_note(f"case {number}: {text[:3000]!r}")
            raise
    assert codes >= {0, 2}


def options_of(verb):
    found = typer.main.get_command(app)
    for name in verb:
        found = getattr(found, "commands", {}).get(name, found)
    every = [option for parameter in found.params for option in parameter.opts if option.startswith("--")]
    return [option for option in every if not option.endswith("-completion")]  # which write into the user's own shell


def typed(draws):
    """Return a command line: a verb, and one to four options, each as it should be or not."""
    verb = draws.choice(VERBS)
    words = [*verb, *(TINY if verb[:1] in (["run"], ["tune"]) and draws.random() < 0.7 else [])]
    for _ in range(draws.randint(1, 4)):
        known = options_of(verb)
        option = draws.choice(known) if known and draws.random() < 0.8 else draws.choice(WORDS)
        value = draws.choice(WORDS)
        words += draws.choice([[option], [option, value], [f"{option}={value}"], [value]])
    return [word.replace("\0", "") for word in words]


def try_command_lines(command, numbers):
    for number in numbers:
        words = typed(random.Random(number))
        if "fetch" in words:
            continue
        try:
            command(words)
        except BaseException as error:
            error.add_note(f"case {number}: {[word[:200] for word in words]!r}")
            raise


@pytest.mark.slow
def test_mutated_configurations_end_in_a_sentence(command, tmp_path):
    try_configurations(command, tmp_path, range(200))


@pytest.mark.slow
def test_command_lines_end_in_a_sentence(command):
    try_command_lines(command, range(100))


@pytest.mark.long
def test_five_thousand_mutated_configurations_end_in_a_sentence(command, tmp_path):
    try_configurations(command, tmp_path, range(5000))


@pytest.mark.long
def test_a_thousand_command_lines_end_in_a_sentence(command):
    try_command_lines(command, range(1000))


@pytest.mark.slow
@pytest.mark.parametrize("verb", ["run", "tune", "report", "publish"])
def test_a_typing_error_in_an_option_names_it(command, verb):
    for option in options_of([verb]):
        for place in range(3, len(option)):
            wrong = option[:place] + "q" + option[place + 1 :]
            code, said = command([verb, wrong])
            assert (code, option in said) == (2, True), (wrong, said)
