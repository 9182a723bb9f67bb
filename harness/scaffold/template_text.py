"""The files of a new method's own distribution: a method that works as it is, its tests, and what to do next."""

from string import Template

_PROJECT = """\
[build-system]
requires = ["setuptools>=77"]
build-backend = "setuptools.build_meta"

[project]
name = "$name"
version = "0.1.0"
description = "A pruning method for prune-harness."
requires-python = ">=3.11"
dependencies = ["prune-harness"]

[project.optional-dependencies]
test = ["pytest>=9"]

# The name of the method on the command line, and the class that it stands for.
[project.entry-points."harness.pruners"]
$name = "$module:$class_name"

[tool.setuptools]
py-modules = ["$module"]
"""

_METHOD = '''\
"""$name: magnitude, each layer on a scale of its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar

from harness.pruning import Scores, prunable_weights, Network, Retrain, SaliencyPruner, Workbench
from optuna.distributions import BaseDistribution, FloatDistribution
from pydantic import Field
from torch import Tensor


@dataclass(frozen=True, kw_only=True)
class $class_name(SaliencyPruner):
    """Keep the weights with the largest |w| / (mean |w| of their layer) ^ balance, and train them on.

    ``balance`` 0 ranks all magnitudes together; 1 brings every layer to the same mean magnitude first.
    """

    # Paper, section, equation of your method.
    source = "an example of `harness new method`; magnitude: Han et al. 2015, Sec. 3"

    # What `harness tune` searches, by field name. The field's default must lie within.
    search_space: ClassVar[Mapping[str, BaseDistribution]] = {"balance": FloatDistribution(0.0, 1.0)}

    # A hyperparameter is a field with its type, bounds and default: --methods 'name[balance=0.2]' sets it.
    balance: Annotated[float, Field(ge=0, le=1)] = 0.5

    # The template's own fields may get other defaults: scope ("global"), start ("trained"), retrain ("none").
    retrain: Retrain = "finetune"

    def saliency(self, bench: Workbench, network: Network) -> Scores:
        """Return one score per prunable weight, higher = keep. Put your own score here."""
        # A score may also need images and labels, bench.batches(512); random draws, bench.generator("scores"); or
        # the loss that the network will be trained with, bench.loss(round=1).
        scores: Scores = bench.compute(scaled_magnitude, network, self.balance)
        return scores


def scaled_magnitude(network: Network, balance: float) -> dict[str, Tensor]:
    """Return |w| / (mean |w| of the layer) ^ balance by weight name.

    `bench.compute` keeps the result: the function stands at the top level, draws nothing and changes nothing.
    """
    scores = {}
    for name, weight in prunable_weights(network).items():
        magnitude = weight.detach().abs()
        scores[name] = magnitude / magnitude.mean().clamp(min=1e-12) ** balance
    return scores
'''

_TEST = '''\
"""Tests of $name: the rules, and its score by definition."""

from collections.abc import Callable

import pytest
import torch
from harness.pruning import Architecture, build
from harness.networks import initialise
from harness.testing import parametrize_with_checks

$import_method


@parametrize_with_checks([$class_name()])
def test_conformance(pruner: object, check: Callable[[object], None]) -> None:
    """Each check of `harness check`, a test each."""
    check(pruner)


def test_the_score_is_its_definition() -> None:
    """The score of every prunable weight, by plain loops: write down your own."""
    network = build(Architecture("small-cnn", {"widths": [4, 6, 4, 4]}))
    initialise(network, torch.Generator().manual_seed(0))
    scores = scaled_magnitude(network, balance=0.5)
    weights = {name: weight.flatten().tolist() for name, weight in network.named_parameters()}
    assert list(scores) == [f"features.conv{layer}.weight" for layer in (1, 2, 3, 4)]
    for name, score in scores.items():
        mean = sum(abs(weight) for weight in weights[name]) / len(weights[name])
        expected = [abs(weight) / mean**0.5 for weight in weights[name]]
        assert score.flatten().tolist() == pytest.approx(expected, rel=1e-5)
'''

_README = """\
# $name

A pruning method for prune-harness, in a distribution of its own. As written by `harness new method` it works: it ranks
weights by magnitude, each layer on a scale of its own.

1. Install it into the environment that holds the harness, once, and again when an entry point changes:

   ```sh
   pip install -e '.[test]'
   harness list methods --check
   ```

2. Put your score into `saliency` in `$module.py`, its citation into `source`, and its hyperparameters into fields.
   Change `test_$module.py` with it: the definition, in plain loops, beside what the method computes.

3. See whether it keeps the rules that a fair comparison needs:

   ```sh
   harness check $name
   pytest
   ```

4. Run it beside the lottery ticket, for one seed first:

   ```sh
   harness run --methods $name,lt
   ```

A method that is no ranking of weights, that prunes in rounds or removes whole channels, has another base class: see
"Comparing your own method" (`docs/plugins.md`) in the documentation of prune-harness.
"""

_LINE = 120


def module_name(name: str) -> str:
    """Return the Python module of a method: ``my-method`` is in ``my_method``."""
    return name.replace("-", "_")


def class_name(name: str) -> str:
    """Return the class of a method: ``my-method`` is ``MyMethod``."""
    return "".join(part.capitalize() for part in name.split("-"))


def files(name: str) -> dict[str, str]:
    """Return the text of each file by its name, for a method called ``name``."""
    module = module_name(name)
    templates = {
        "README.md": _README,
        f"{module}.py": _METHOD,
        "pyproject.toml": _PROJECT,
        f"test_{module}.py": _TEST,
    }
    words = {
        "name": name,
        "module": module,
        "class_name": class_name(name),
        "import_method": _import(module, class_name(name), "scaled_magnitude"),
    }
    return {file: Template(text).substitute(words) for file, text in templates.items()}


def _import(module: str, *names: str) -> str:
    """Return an import as a formatter writes it: in one line, or where that is too long one name a line."""
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= _LINE:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in names), ")"])
