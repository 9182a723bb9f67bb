"""What a command may download while it plans: images with their notes, and ImageNet weights."""

from pathlib import Path

from harness.data.dataset import Dataset
from harness.downloads.fetching import fetch
from harness.downloads.imagenet import imagenet_file
from harness.planning.planner import Downloads
from harness.progress import Reporter


def downloads(reporter: Reporter, *, dry_run: bool) -> Downloads:
    """Return the downloads of a run, shown by ``reporter``; a dry run has none, but finds weights that are here."""

    def images(dataset: Dataset, folder: Path) -> None:
        for note in fetch(dataset, folder, reporter):
            reporter.note(note)

    def weights(source: str, download: bool) -> Path | None:
        return imagenet_file(source, fetch=download, reporter=None if dry_run else reporter)

    return Downloads(images=None if dry_run else images, weights=weights)
