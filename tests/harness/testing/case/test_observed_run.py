"""One run under every watch: what is a method's own doing, and what is not."""

from dataclasses import dataclass

import pytest

from harness.pruning import SaliencyPruner, prunable_weights
from harness.testing import check_named

pytestmark = pytest.mark.slow


@dataclass(frozen=True, kw_only=True)
class Tells(SaliencyPruner):
    """Makes a library tell its developers something while it prunes."""

    source = "test"

    def saliency(self, bench, network):
        warn = "import warnings; warnings.warn('old', DeprecationWarning, stacklevel=1)"
        exec(warn, {"__name__": "some_library"})
        return {name: weight.detach().abs() for name, weight in prunable_weights(network).items()}


def test_what_a_library_tells_its_developers_is_not_the_methods_fault():
    check_named("says_nothing")(Tells())
