"""Cells, each image with its label and its plate in its name: ``plate07-abnormal-0012.png``."""

from pathlib import Path

from harness.data import DatasetNotFound, FileDataset, Sample


class ExampleCells(FileDataset):
    """Every PNG in ``<data folder>/example-cells/``."""

    name = "example-cells"
    version = "1"
    classes = ("normal", "abnormal")
    licence = "CC0-1.0"
    citation = "an example of docs/datasets.md"

    def samples(self, folder: Path) -> list[Sample]:
        """Return all images, sorted by id; the plate keeps images that are alike on one side of a split."""
        paths = sorted(folder.glob("*-*-*.png"))
        if not paths:
            raise DatasetNotFound(f"no image in {folder}", fix=self.remedy(folder))
        parts = {path: path.stem.split("-", 2) for path in paths}
        return [Sample(id=p.stem, label=int(kind == "abnormal"), path=p, group=g) for p, (g, kind, _) in parts.items()]
