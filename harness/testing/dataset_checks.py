"""The rules of data sets for tests of one's own, and for `harness check`."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from harness.data.locating import data_folder
from harness.testing.dataset_case import case_of
from harness.testing.dataset_rule import DATASET_RULES, DatasetRule

# Each registers its rules; in this order they are checked.
from harness.testing import (  # isort: skip  # noqa: F401
    dataset_rules,
    dataset_image_rules,
    dataset_process_rules,
)


@dataclass(frozen=True)
class DatasetCheck:
    """One rule, to be asked of a registered data set in a test."""

    rule: DatasetRule

    def __str__(self) -> str:
        return str(self.rule)

    def __call__(self, written: str, data_dir: Path | None = None) -> None:
        """Ask it of the data set ``written`` as on the command line, below ``data_dir``, or where a run would look.

        Raises `CheckFailed`, or `CheckSkipped`, which pytest counts as a skip.
        """
        self.rule(case_of(written, str(data_folder(data_dir))))


def dataset_checks() -> tuple[Callable[..., None], ...]:
    """Return every rule; call one with a registered data set's name, and a data folder that is not the usual one."""
    return tuple(map(DatasetCheck, DATASET_RULES.values()))
