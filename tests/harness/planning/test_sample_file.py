"""What `harness config` prints: all keys with what they mean, setting what it should and nothing else."""

import re
import tomllib
from dataclasses import asdict, fields

import pytest

from harness.errors import UsageError
from harness.planning.configuration import Configuration
from harness.planning.configuration_file import load_configuration
from harness.planning.presets import presets
from harness.planning.sample_file import sample_file
from harness.training.schedule import Schedule

WITHOUT_A_VALUE = {"loss", "positive"}


def every_key_set(text):
    """Return a sample with the # taken from each key but those that have no value."""
    return re.sub(rf"^#(?!({'|'.join(WITHOUT_A_VALUE)}) )(?=[a-z_]+ = )", "", text, flags=re.MULTILINE)


def loaded(tmp_path, text, preset="quick"):
    file = tmp_path / "my.toml"
    file.write_text(text)
    return load_configuration(preset, file, [], {})


def test_by_itself_it_sets_nothing(tmp_path):
    assert loaded(tmp_path, sample_file(None)) == load_configuration("quick", None, [], {})
    assert all(table in ({}, {"training": {}}) for table in tomllib.loads(sample_file(None)).values())


def test_with_every_key_set_it_is_the_defaults(tmp_path):
    text = every_key_set(sample_file(None))
    assert {**asdict(loaded(tmp_path, text)), "parameters": {}} == asdict(Configuration())
    values = tomllib.loads(text)
    assert {*values} | WITHOUT_A_VALUE == {field.name for field in fields(Configuration)} | {"positive"}
    assert {*values["pretraining"]["training"]} == {*values["training"]} == {field.name for field in fields(Schedule)}


@pytest.mark.parametrize("preset", presets())
def test_a_preset_is_what_it_is_laid_over_itself_and_over_the_usual_one(tmp_path, preset):
    wanted = load_configuration(preset, None, [], {})
    assert loaded(tmp_path, sample_file(preset), preset) == wanted
    assert loaded(tmp_path, sample_file(preset)) == wanted


def test_every_key_has_its_meaning_above_it_and_what_it_takes():
    text = sample_file(None)
    assert "\n# Side of the square images in pixels.\n# Takes a whole number from 63 to 1,024.\n#size = 64\n" in text
    assert "\n# Takes sgd or adamw.\n#optimiser = " in text
    assert "\n# Takes a number from 0, below 1.\n#momentum = 0.9\n" in text
    assert "\n# Takes a list, each a number above 0, at most 1.\n#densities = [1.0, 0.5," in text
    assert "\n# No value by default; such as:\n#loss = " in text
    told = re.findall(r"^(.*)\n#?[a-z_]+ = ", text.partition("[pretraining.training]")[0], re.MULTILINE)
    assert all(line.startswith("# ") for line in told)


def test_no_line_is_too_long_but_a_value():
    assert all(len(line) <= 80 for line in sample_file("standard").splitlines() if line.startswith("# "))


def test_an_unknown_preset_is_refused_with_the_nearest():
    with pytest.raises(UsageError, match="did you mean 'smoke'"):
        sample_file("smok")
