"""What a network's file says of itself: which cell it is, what it wants of an image, and where its score is cut."""

import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from harness.errors import DataError
from harness.images.decoding import DECODING
from harness.training.augmentation import MEAN, STD

Finite = Annotated[float, Field(allow_inf_nan=False)]
Channels = tuple[Finite, Finite, Finite]


@dataclass(frozen=True, kw_only=True, config=ConfigDict(extra="forbid"))
class Preprocessing:
    """What becomes of an image file before the network reads it: a square of ``size`` pixels, uint8 RGB.

    ``mean`` and ``std`` are the channels' in shares of 255; a shipped network applies them itself. ``resize`` names the
    rule by which the square is made.
    """

    size: Annotated[int, Field(gt=0, le=4096)]
    mean: Channels = MEAN
    std: Channels = STD
    colour: Literal["RGB"] = "RGB"
    resize: str = DECODING


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
        return asdict(self)

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
