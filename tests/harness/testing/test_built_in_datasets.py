"""The built-in data sets keep every rule: what they say and list in CI, in the long test their images, too."""

import pytest

from harness import plugins
from harness.data.asked import takes_path
from harness.testing import dataset_checks

BUILT_IN = [
    name
    for name, plugin in plugins.available(plugins.DATASETS).items()
    if plugin.is_ours and not takes_path(plugin.load())
]
CHECKS = dataset_checks()
SAID = [check for check in CHECKS if check.rule.function.__module__ == "harness.testing.dataset_rules"]


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("check", SAID, ids=str)
def test_what_it_says_and_lists(name, check):
    check(name)


@pytest.mark.usefixtures("small_isic")
@pytest.mark.parametrize("check", [check for check in CHECKS if str(check) != "a_fresh_process_is_the_same"], ids=str)
def test_isic_on_a_few_images(isic_folder, check):
    check("isic", isic_folder)


@pytest.mark.long
@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize("check", CHECKS, ids=str)
def test_all_of_it(name, check):
    check(name)
