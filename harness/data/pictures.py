"""The image of each sample of a set: decoded from its file, or what the data set gives itself, held to the contract."""

from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from harness.data.dataset import Dataset, Sample
from harness.data.labelled import at_fault
from harness.errors import HarnessError, text_of
from harness.images.bit_depth import BitDepth
from harness.images.decoding import Conversion, bit_depth, decoded
from harness.images.image_notes import ImageNotes
from harness.images.unreadable import Unreadable


def pictures(
    dataset: Dataset,
    samples: Sequence[Sample],
    size: int,
    conversion: Conversion,
    notes: list[str] | None = None,
    depth: BitDepth | None = None,
) -> Iterator[tuple[Sample, npt.NDArray[np.uint8] | Unreadable]]:
    """Yield each sample with its image, its file's or what the data set gives itself; fill ``notes`` at the end.

    ``depth`` is that of the whole set, needed where ``samples`` are a part of it.
    """
    files = {sample: sample.path for sample in samples if sample.path is not None}
    own = [sample for sample in samples if sample.path is None]
    paths, heard = list(files.values()), ImageNotes()
    depth = depth or bit_depth(paths, conversion)
    from_files = decoded(paths, size, conversion, depth, heard)
    from_set = _own_pictures(dataset, own, size) if own else iter(())
    for sample in samples:
        yield sample, next(from_files if sample in files else from_set)
    next(from_set, None)  # where there is one more, it is told
    if notes is not None:
        notes += [*([depth.note] if depth.note else []), *heard.lines()]


def _own_pictures(
    dataset: Dataset, samples: Sequence[Sample], size: int
) -> Iterator[npt.NDArray[np.uint8] | Unreadable]:
    """Yield what a data set gives as images. Raises `DataError` naming it where its code is at fault."""
    given = 0
    try:
        for image in dataset.images(samples, size):
            if given == len(samples):
                raise at_fault(dataset, f"gives more than {given} images for {given} samples")
            if not isinstance(image, Unreadable) and not _is_image(image, size):
                raise at_fault(dataset, f"gives {_shape(image)} as an image, not uint8 (3, {size}, {size})")
            given += 1
            yield image
    except HarnessError:
        raise
    except Exception as error:
        raise at_fault(dataset, f"cannot give its images: {text_of(error)}") from error
    if given < len(samples):
        raise at_fault(dataset, f"gives {given} images for {len(samples)} samples")


def _is_image(image: object, size: int) -> bool:
    return isinstance(image, np.ndarray) and image.dtype == np.uint8 and image.shape == (3, size, size)


def _shape(image: object) -> str:
    return f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else f"a {type(image).__name__}"
