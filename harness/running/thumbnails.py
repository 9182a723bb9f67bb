"""Small pictures of the tested positives, for pages that name those that are lost: pixels and nothing else."""

import base64
import io
import json

import torch
from PIL import Image
from torch import Tensor

from harness.data.image_split import ImageSplit
from harness.data.loading import Splits
from harness.planning.plan import Plan
from harness.results import names
from harness.results.looks import part_of
from harness.results.published import Publication
from harness.running.used_data import used_data
from harness.storage.canonical import digest

SIDE = 96
"""Pixels; a smaller image stays as it is."""
MOST = 1000
"""Of so many positives pictures are made, the first by id."""
_QUALITY = 70


def thumbnail_publication(plan: Plan, splits: Splits) -> Publication:
    """Return the run that keeps the pictures of one test part: of the same images there is one, whoever sends it."""
    part = part_of(splits.test.ids, splits.test.labels.tolist())
    pictures = {name: base64.b64encode(one).decode() for name, one in thumbnails(splits.test).items()}
    return Publication(
        key=digest([names.THUMBNAILS, part, splits.test.fingerprint]),
        name=f"pictures of {plan.data.cutting.words or 'the test images'}",
        tags={names.KIND: names.THUMBNAILS, names.TEST_PART: part},
        params={"size": str(plan.data.size)},
        levels={},
        data=used_data(plan.data.dataset(), [(names.TEST, splits.test)]),
        documents={names.THUMBNAILS_FILE: json.dumps({"test_part": part, "images": pictures}).encode()},
    )


def thumbnails(split: ImageSplit) -> dict[str, bytes]:
    """Return a JPEG of each positive by its id, at most `MOST`, none wider than `SIDE` pixels."""
    rows = torch.nonzero(split.labels == 1).flatten()
    rows = torch.tensor(sorted(rows.tolist(), key=lambda row: split.ids[row])[:MOST], dtype=torch.int64)
    return {split.ids[row]: _jpeg(split.images[row : row + 1][0]) for row in rows.tolist()}


def _jpeg(image: Tensor) -> bytes:
    """Return an image, uint8 (3, S, S), as JPEG: made of its pixels, it holds nothing else of the file it is from."""
    picture = Image.fromarray(image.permute(1, 2, 0).contiguous().numpy())
    picture.thumbnail((SIDE, SIDE), Image.Resampling.LANCZOS)
    written = io.BytesIO()
    picture.save(written, "JPEG", quality=_QUALITY, optimize=True)
    return written.getvalue()
