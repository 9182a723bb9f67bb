"""The scores that a network's own file gives on a data set's images: the very file that ships."""

import shlex
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from harness.data.asked import asked_for
from harness.data.dataset import Sample
from harness.data.draw import Cutting
from harness.data.locating import DataPlan, resolve_data
from harness.data.pictures import pictures
from harness.errors import DataError, UsageError
from harness.evaluation.thresholds import DEPLOYED
from harness.gating.scored import Scored, named
from harness.images.decoding import DECODING
from harness.images.unreadable import Unreadable
from harness.portable.nameplate import Nameplate, Preprocessing
from harness.results.names import TEST
from harness.shipping.card_limits import of_images
from harness.storage.disk import sha256_of

SUFFIXES = (".onnx", ".safetensors")
"""Files that say of themselves what they are and what they want of an image."""

AT_ONCE = 32
Scorer = Callable[[Tensor], Any]
_SCORES = "give its scores of the test images as a CSV file beside it: --scores FILE, or --baseline-scores FILE"


@dataclass(frozen=True)
class ImagesAsked:
    """Which images a file is scored on: those of ``ids``, else the publisher's test images of the data set.

    ``dataset`` as a user writes it, None: what the file says that it was made for. ``fold`` is as in `Scored`, the
    other network's, and ``group`` its results', an empty text where it is none of ours.
    """

    dataset: str | None
    data_dir: Path | None
    ids: Collection[str] | None = None
    fold: int | None = None
    group: str = ""
    partial: bool = False


def read_network_scores(path: Path, asked: ImagesAsked, cut: float | None = None) -> Scored:
    """Return the scores of a file that `harness export` wrote, by onnxruntime or torch.

    Raises `DataError` for another's file, and for images that it cannot be scored on.
    """
    nameplate, scorer = _loaded(path)
    _require_apart(path, nameplate, asked)
    chosen = _samples(path, nameplate, asked)
    labels, scores = _scored(chosen, nameplate.preprocessing, scorer)
    told = {"file": str(path), "sha256": sha256_of(path), "bytes": path.stat().st_size, "cell": nameplate.cell}
    own = nameplate.thresholds.get(DEPLOYED)
    missing = {split: {"found": found, "expected": wanted} for split, found, wanted in chosen.plan.missing}
    told_of_images = {"simulated": nameplate.simulated, "partial": missing if asked.ids is None else None}
    limits = tuple(of_images({**told_of_images, "caveats": chosen.plan.dataset().caveats}))
    return Scored(path.name, labels, scores, own if cut is None else cut, nameplate.fold or 0, told, limits)


def foreign(path: Path) -> DataError:
    """Return the error for a network of which nobody says what it wants of an image."""
    return DataError(f"{path} does not say what it wants of an image, so that it cannot be scored here", fix=_SCORES)


def _loaded(path: Path) -> tuple[Nameplate, Scorer]:
    """Return what a file says of itself, and what gives its scores of uint8 images (n, 3, S, S)."""
    if not path.is_file():
        raise DataError(f"there is no file {path}", fix="name one that is there")
    if path.suffix == ".onnx":
        return _onnx(path)
    if path.suffix == ".safetensors":
        from harness.portable.network_file import read_network

        network = read_network(path)
        return network.nameplate, network
    raise foreign(path)


def _onnx(path: Path) -> tuple[Nameplate, Scorer]:
    from harness.portable.onnx_file import nameplate_of
    from harness.portable.onnx_session import OnnxSession

    content = path.read_bytes()
    nameplate = nameplate_of(content, f"{path}")
    if nameplate is None:
        raise foreign(path)
    session = OnnxSession(content)

    def scorer(images: Tensor) -> Any:
        try:
            return session.scores(images)
        except Exception as error:  # a stranger's graph may want anything; onnxruntime's errors have no common base
            raise DataError(f"{path} does not take the images that it asks for: {error}", fix=_SCORES) from error

    return nameplate, scorer


def _require_apart(path: Path, nameplate: Nameplate, asked: ImagesAsked) -> None:
    """Raise `HarnessError` where a file may have been trained on the images, or wants them resized by another rule."""
    if nameplate.preprocessing.resize != DECODING:
        raise DataError(f"{path} wants images by {nameplate.preprocessing.resize!r}, not {DECODING!r}", fix=_SCORES)
    if asked.fold is None and nameplate.fold is not None:
        raise UsageError(
            f"{path} is of fold {nameplate.fold}, and which images that fold tests its file does not say",
            fix=_of_its_group(nameplate),
        )
    if asked.fold is not None and (nameplate.fold or 0) != asked.fold:
        own, others = (f"fold {one}" if one else "the publisher's split" for one in (nameplate.fold, asked.fold))
        raise DataError(
            f"{path} is of {own}, and the images are those that {others} tests: it was trained on most of them",
            fix="hold two networks of one fold against each other",
        )
    if nameplate.fold is not None and asked.group != nameplate.group:
        raise _torn(path, nameplate)


def _torn(path: Path, nameplate: Nameplate) -> DataError:
    """Return the error for a file whose test images the harness chose: another group's may be among its training."""
    return DataError(
        f"the harness itself cut {nameplate.dataset}, and which of its images {path} was not trained on its file does"
        " not say",
        fix=_of_its_group(nameplate),
    )


def _of_its_group(nameplate: Nameplate) -> str:
    fold = "" if nameplate.fold is None else f",fold={nameplate.fold}"
    group = f",group={nameplate.group}" if nameplate.group else ""
    cell = f"cell:dense@1,seed={nameplate.seed}{fold}{group}"
    return f"hold it against a cell of its own results, as {cell}, or give its scores of images that it has not seen"


def _samples(path: Path, nameplate: Nameplate, asked: ImagesAsked) -> "_Chosen":
    plan = DataPlan(
        asked=asked_for(asked.dataset or nameplate.dataset),
        folder=None,
        size=nameplate.preprocessing.size,
        cutting=Cutting(0.25, 0.25, False, 0),
    )
    if plan.name != nameplate.dataset:
        raise DataError(f"{path} was made for {nameplate.dataset}, not for {plan.name}", fix=_SCORES)
    partial = asked.partial or asked.ids is not None
    plan = resolve_data(plan, asked.data_dir, allow_missing=partial, real_only=True)
    _require_same_classes(path, nameplate, plan)
    chosen = [one for one in plan.samples() if (one.split == TEST if asked.ids is None else one.id in asked.ids)]
    if not chosen:
        what = "has no test images of its publisher's" if asked.ids is None else "has none of the images"
        raise DataError(f"{plan.name} {what}, so that {path} cannot be scored", fix=_SCORES)
    if nameplate.fold is None:
        _require_tested(path, nameplate, asked, chosen)
    return _Chosen(plan, chosen)


def _require_same_classes(path: Path, nameplate: Nameplate, plan: DataPlan) -> None:
    """Raise `DataError` where the positive class is another than the network learnt: all labels would be turned."""
    here = plan.dataset().classes
    if here == nameplate.classes:
        return
    where = f"{plan.asked.kind}:{plan.asked.path}" if plan.asked.path else plan.asked.kind
    raise DataError(
        f"{path} tells {nameplate.classes[1]!r} (positive) from {nameplate.classes[0]!r}, and {plan.name} has"
        f" {here[1]!r} (positive) and {here[0]!r}",
        fix=f"say which class must not be missed: --dataset {shlex.quote(f'{where}[positive={nameplate.classes[1]}]')}",
    )


def _require_tested(path: Path, nameplate: Nameplate, asked: ImagesAsked, chosen: list[Sample]) -> None:
    """Raise `DataError` where images are not known to be those that a network without folds was tested on."""
    if all(one.split is None for one in chosen):
        if not asked.group or asked.group != nameplate.group:
            raise _torn(path, nameplate)
        return
    if seen := sorted(one.id for one in chosen if one.split != TEST):
        raise DataError(
            f"{path} was made with the publisher's split of {nameplate.dataset}, and {len(seen)} of the"
            f" {len(chosen)} images are not of its test part: {named(seen)}",
            fix="give scores of test images alone; rows of other parts may stay where a column split says so",
        )


class _Chosen(NamedTuple):
    """The images to be scored, and the plan that they are of."""

    plan: DataPlan
    samples: list[Sample]


def _scored(chosen: _Chosen, wanted: Preprocessing, scorer: Scorer) -> tuple[Mapping[str, int], Mapping[str, float]]:
    """Return labels and scores by id. Raises `DataError` with every image that cannot be read or has no score."""
    wanted.require_scale([one.path for one in chosen.samples if one.path is not None])
    images = pictures(chosen.plan.dataset(), chosen.samples, wanted.size, wanted.conversion, depth=wanted.depth)
    broken: list[str] = []
    labels: dict[str, int] = {}
    waiting: list[np.ndarray[Any, np.dtype[np.uint8]]] = []
    found: list[float] = []
    for sample, image in images:
        if isinstance(image, Unreadable):
            broken.append(f"{sample.path or sample.id}: {image.reason}")
            continue
        labels[sample.id] = sample.label
        waiting.append(image)
        if len(waiting) == AT_ONCE:
            found += _scores(scorer, waiting)
            waiting = []
    found += _scores(scorer, waiting) if waiting else []
    if broken:
        raise DataError(f"{len(broken)} images cannot be read", faults=broken[:20], fix="replace these files")
    if wrong := [image for image, score in zip(labels, found, strict=True) if not np.isfinite(score)]:
        raise DataError(
            f"the network gives no finite score of {named(wrong)}", fix="mend it; nothing can be said of it"
        )
    return labels, dict(zip(labels, found, strict=True))


def _scores(scorer: Scorer, images: list[np.ndarray[Any, np.dtype[np.uint8]]]) -> list[float]:
    with torch.inference_mode():
        found = np.asarray(scorer(torch.from_numpy(np.stack(images))))
    if found.shape != (len(images),):
        raise DataError(f"the network gives {found.shape} of {len(images)} images, not one score each", fix=_SCORES)
    return [float(one) for one in found]
