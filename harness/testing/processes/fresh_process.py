"""A run in a new Python process: the job comes on stdin, the bits go into a file, since a method may print."""

import json
import sys
from pathlib import Path

import torch

from harness.testing.case.case import Case
from harness.testing.case.networks import check_networks
from harness.testing.case.watched_bench import WatchedStore
from harness.testing.case.watched_import import watched_import
from harness.testing.case.watchers import disturb_global_draws


def main() -> None:
    """Run the job's method on one network and a store of its own."""
    job = json.load(sys.stdin)
    folder = Path(job["folder"])
    torch.set_num_threads(1)
    with check_networks():
        subject, imported = watched_import(job["subject"])
        disturb_global_draws(3)
        case = Case(subject, imported, folder, folder)
        found = case.run(job["network"], store=WatchedStore(folder / "store"))
    (folder / "bits.json").write_text(json.dumps(found))


if __name__ == "__main__":
    main()
