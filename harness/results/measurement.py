"""What a network's file costs on a machine: one record of one file, one machine and one moment, and back."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Annotated, Any, Literal, TypeVar

import pandas as pd
from pydantic import ConfigDict, Field, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from harness.errors import DataError
from harness.results import names
from harness.results.names import Field as Columns
from harness.results.published import ReadDocument

Count = Annotated[int, Field(ge=0, le=2**62)]
Amount = Annotated[float, Field(ge=0, lt=1e12, allow_inf_nan=False)]
Line = Annotated[str, Field(max_length=300, pattern=r"\A[^\x00-\x1f\x7f]*\z")]
Named = Annotated[str, Field(min_length=1, max_length=60, pattern=r"\A[^\x00-\x1f\x7f/]+\z")]
Hash = Annotated[str, Field(pattern=r"\A[0-9a-f]{64}\z")]
T = TypeVar("T")
_LATENCIES = {1: names.LATENCY, 32: names.LATENCY_32}
_STRICT = ConfigDict(extra="forbid")


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class MeasuredCell:
    """Which cell of which results a file is the network of."""

    dataset: Line
    group: Line
    entry: Line
    density: Annotated[float, Field(gt=0, le=1)]
    seed: Count
    fold: Count | None = None


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class GraphCounts:
    """What the file's graph comes to for one image; `harness.portable.onnx_facts.GraphFacts` says what each is."""

    parameters: Count
    nonzero: Count
    macs: Count
    effective_macs: Count
    peak_activations: Count
    activations_to_parameters: Amount | None


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class MeasuredFile:
    """A file as it is: ``format`` is onnx or safetensors, ``compressed`` its bytes by zstd at level 9.

    ``counts`` is None where its graph cannot be counted, and ``uncounted`` says why. ``cell`` is None of a file that is
    of no published cell.
    """

    name: Line
    format: Literal["onnx", "safetensors"]
    sha256: Hash
    bytes: Count
    compressed: Count
    counts: GraphCounts | None = None
    uncounted: Line = ""
    cell: MeasuredCell | None = None


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class MeasuringMachine:
    """Where it was measured: ``name`` is its owner's word for it, or its processor's model."""

    name: Named
    cpu: Line
    system: Line
    runtime: Line
    runtime_version: Line
    threads: Annotated[int, Field(ge=1, le=10_000)]


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Latency:
    """Seconds of a call, over ``n`` calls."""

    median: Amount
    p10: Amount
    p90: Amount
    n: Annotated[int, Field(ge=1, le=2**62)]

    def __post_init__(self) -> None:
        if not 0 < self.p10 <= self.median <= self.p90:
            raise ValueError("p10, median and p90 are above 0 and in this order")


@dataclass(frozen=True, kw_only=True, config=_STRICT)
class Measurement:
    """What a file cost on a machine. ``latency`` is by the images at once; ``measured`` the moment, in ISO 8601.

    ``memory`` is what the process needed at most for one image beyond what it had before it loaded the file,
    ``memory_32`` for 32 images at once, None where the file takes no such batch; bytes. ``load_average`` is of the
    minute before. ``joules`` are the whole processor's for one image, None where no counter may be read.
    """

    file: MeasuredFile
    machine: MeasuringMachine
    measured: Annotated[str, Field(pattern=r"\A\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00\z")]
    load_seconds: Amount
    memory: Count | None
    memory_32: Count | None = None
    latency: Annotated[Mapping[Literal[1, 32], Latency], Field(min_length=1)]
    load_average: Amount
    joules: Amount | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; `from_json` reads them back."""
        told = asdict(self)
        return told | {"latency": {str(batch): one for batch, one in told["latency"].items()}}

    @classmethod
    def from_json(cls, value: Any, where: str) -> "Measurement":
        """Return what `to_json` wrote. Raises `DataError` with every fault where ``where`` holds something else."""
        return checked(cls, value, where)

    def figures(self) -> dict[str, float]:
        """Return milliseconds by the images at once and bytes, by the names of metrics."""
        told = {_LATENCIES[batch]: 1000 * found.median for batch, found in self.latency.items()}
        return told | ({} if self.memory is None else {names.MEMORY: float(self.memory)})

    @property
    def place(self) -> tuple[str, str, int, float] | None:
        """Return which row of the results' cells it belongs to, None where to none."""
        cell = self.file.cell
        return None if cell is None else (cell.group, cell.entry, cell.seed, cell.density)


def checked(kind: type[T], value: Any, where: str) -> T:
    """Return a record of this ``kind`` from JSON values. Raises `DataError` with every fault, ten at most."""
    try:
        if isinstance(value, Mapping) and isinstance(value.get("latency"), Mapping):
            value = {**value, "latency": {int(batch): one for batch, one in value["latency"].items()}}
        return TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in error.errors()[:10]]
        raise DataError(f"{where} is no measurement", faults=faults, fix="measure it again") from error
    except (TypeError, ValueError, RecursionError) as error:
        raise DataError(f"{where} is no measurement: {error}", fix="measure it again") from error


def labels(measurements: Iterable[Measurement]) -> dict[MeasuringMachine, str]:
    """Return what each machine is shown as: its name, with its processor where two machines have one name.

    Another version of the runtime makes no other machine.
    """
    processors: dict[str, dict[str, list[MeasuringMachine]]] = defaultdict(lambda: defaultdict(list))
    for one in measurements:
        processors[one.machine.name][one.machine.cpu].append(one.machine)
    return {
        machine: name if len(by_cpu) == 1 else f"{name} ({cpu.replace('/', ' ')})"
        for name, by_cpu in processors.items()
        for cpu, machines in by_cpu.items()
        for machine in machines
    }


def newest(measurements: Iterable[Measurement]) -> tuple[Measurement, ...]:
    """Return the newest of each cell on each machine."""
    found = {}
    for one in sorted(measurements, key=lambda one: one.measured):
        found[one.place, one.machine.name, one.machine.cpu] = one
    return tuple(found.values())


def measurements_of(documents: Iterable[ReadDocument]) -> tuple[tuple[Measurement, ...], list[str]]:
    """Return the newest measurements that documents hold, and what is wrong with documents that hold none."""
    found, damage = [], []
    for document in documents:
        try:
            found.append(Measurement.from_json(json.loads(document.text), names.MEASUREMENT_FILE))
        except (ValueError, DataError) as error:
            problem = document.damage or (error.message if isinstance(error, DataError) else str(error))
            damage.append(f"measurement of run {document.run_id}: {problem}")
    return newest(found), damage


def with_measured(cells: pd.DataFrame, measurements: Iterable[Measurement]) -> pd.DataFrame:
    """Return the cells with what each machine measured, a column each, NaN where it did not."""
    measurements = [*measurements]
    if cells.empty or not measurements:
        return cells
    shown = labels(measurements)
    key = [Columns.GROUP, Columns.ENTRY, Columns.SEED, Columns.DENSITY]
    places = {place: row for row, place in enumerate(cells[key].itertuples(index=False, name=None))}
    columns: dict[str, list[float]] = {}
    for one in measurements:
        row = places.get(one.place) if one.place else None
        if row is None:
            continue
        for name, value in one.figures().items():
            column = columns.setdefault(names.measured(shown[one.machine], name), [float("nan")] * len(cells))
            column[row] = value
    return cells.assign(**columns)
