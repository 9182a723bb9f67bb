"""What a network's file says of itself: which cell it is, what it wants of an image, and where its score is cut."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from harness.errors import DataError
from harness.images.bit_depth import BitDepth
from harness.images.decoding import DECODING, Conversion, bit_depth
from harness.training.augmentation import MEAN, STD

Finite = Annotated[float, Field(allow_inf_nan=False)]
Channels = tuple[Finite, Finite, Finite]

_EIGHT = "save it with 8 bits a value, as bright as the images that the network was trained on"
_LATER = ("depth", "max_pixels")


def _of_images(depth: BitDepth) -> BitDepth:
    """Return a depth that a set of images can have. Raises ValueError."""
    if min(depth.deep, depth.shallow, depth.usual) < 0 or not 0 <= depth.usual <= depth.highest < 1 << 16:
        raise ValueError("it is none of any images")
    return depth


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Preprocessing:
    """What becomes of an image file before the network reads it: a square of ``size`` pixels, uint8 RGB.

    ``mean`` and ``std`` are the channels' in shares of 255; a shipped network applies them itself. ``resize`` names the
    rule by which the square is made. ``depth`` is the one scale of 16-bit values that the network's set was read on, of
    a set without any as it is, and ``max_pixels`` the most that an image may have; files of before do not tell them.
    """

    size: Annotated[int, Field(gt=0, le=4096)]
    mean: Channels = MEAN
    std: Channels = STD
    colour: Literal["RGB"] = "RGB"
    resize: str = DECODING
    depth: Annotated[BitDepth, AfterValidator(_of_images)] = BitDepth()
    max_pixels: Annotated[int, Field(ge=1, le=10**10)] = Conversion().max_pixels

    @property
    def conversion(self) -> Conversion:
        """What was chosen of the rule."""
        return Conversion(self.max_pixels)

    def require_scale(self, paths: Sequence[Path]) -> None:
        """Raise `DataError` where files hold 16-bit values and the network's scale of these is not known or too short.

        Nobody may take it from these files: brightness would then depend on which are beside which.
        """
        found = bit_depth(paths, self.conversion)
        one = f"{paths[0]} holds" if len(paths) == 1 else f"{found.deep} of the images hold"
        if found.deep and not self.depth.deep:
            raise DataError(f"{one} 16 bits a value, and on which scale the network had such is not known", fix=_EIGHT)
        if found.highest > self.depth.white and found.deep:
            raise DataError(
                f"{one} values to {found.highest:,}, and white is {self.depth.white:,} to the network", fix=_EIGHT
            )


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Nameplate:
    """Which cell of which leaderboard a network is. Its file carries this; the model card tells the rest.

    ``thresholds`` were fixed on validation, by name (argmax, sens95, youden, deployed): an image is called positive
    when its score lies above. ``classes`` are (negative, positive) in the data set's words. ``bits`` is 32, or 8 of a
    quantised network. ``run`` is the MLflow run, ``group`` the results that it may be compared with.
    """

    dataset: str
    entry: str
    density: Annotated[float, Field(gt=0, le=1)]
    seed: int
    fold: int | None = None
    imbalance: Finite | None = None
    network: str
    classes: tuple[str, str]
    preprocessing: Preprocessing
    thresholds: Mapping[str, Finite] = Field(default_factory=dict)
    bits: Literal[8, 32] = 32
    simulated: bool = False
    group: str = ""
    run: str = ""
    harness: str = ""
    format: Literal[1] = 1

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; `from_json` reads them back."""
        told, wanted = asdict(self), self.preprocessing
        usual = {item.name: item.default for item in fields(wanted) if item.name in _LATER}
        for name in (name for name, value in usual.items() if getattr(wanted, name) == value):
            del told["preprocessing"][name]  # so that a file of usual images is as it ever was
        return told

    @classmethod
    def from_json(cls, value: Any, where: str) -> "Nameplate":
        """Return what `to_json` wrote. Raises `DataError` with every fault where ``where`` holds something else."""
        try:
            return TypeAdapter(cls).validate_python(value)
        except ValidationError as error:
            raise DataError(
                f"{where} does not say what network it is, as a file of `harness export` does",
                faults=[f"{'.'.join(map(str, one['loc'])) or 'nameplate'}: {one['msg']}" for one in error.errors()],
                fix="export it again",
            ) from error

    def to_text(self) -> str:
        """Return the JSON that a file carries; `from_text` reads it back."""
        return json.dumps(self.to_json(), sort_keys=True)

    @classmethod
    def from_text(cls, text: str | None, where: str) -> "Nameplate":
        """Return what `to_text` wrote. Raises `DataError` with every fault where it is something else, or None."""
        return cls.from_json(json_of(text, where), where)

    @property
    def cell(self) -> str:
        """The cell in words: ``lt[rate=0.75] at 6.25 %, seed 0, fold 2``."""
        fold = f", fold {self.fold}" if self.fold is not None else ""
        return f"{self.entry} at {100 * self.density:g} %, seed {self.seed}{fold}"


def json_of(text: str | None, where: str) -> Any:
    """Return the JSON value that a stranger's file says of itself, None where it says nothing. Raises `DataError`."""
    try:
        return json.loads(text or "null")
    except (ValueError, RecursionError) as error:
        what = "it is nested too deep" if isinstance(error, RecursionError) else error
        raise DataError(f"{where}: what it says of itself is no JSON: {what}", fix="export it again") from error
