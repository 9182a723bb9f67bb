"""The file that tuning writes and `harness run --params` reads: a schedule, and an entry in the place of each."""

import contextlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pydantic
from pydantic import ConfigDict, Field, StrictFloat, StrictInt, TypeAdapter, ValidationError

from harness.entry_text import toml_text
from harness.errors import UsageError, nearest
from harness.losses.schedule import LossSchedule
from harness.planning.entries import Entry
from harness.planning.plan import Plan
from harness.planning.selection import resolve
from harness.planning.toml_files import read_toml
from harness.results.names import REFERENCES
from harness.storage.disk import disk_errors, locked, write_whole
from harness.training.schedule import Schedule

HEADER = "# Parameters chosen by `harness tune`, for `harness run --params`."
_STRICT = ConfigDict(extra="forbid")


@pydantic.dataclasses.dataclass(frozen=True, kw_only=True, config=_STRICT)
class TunedSchedule:
    """What was tuned on the dense network, for every method."""

    learning_rate: Annotated[StrictFloat, Field(gt=0, allow_inf_nan=False)] | None = None
    weight_decay: Annotated[StrictFloat, Field(ge=0, allow_inf_nan=False)] | None = None


@pydantic.dataclasses.dataclass(frozen=True, kw_only=True, config=_STRICT)
class Parameters:
    """Tuned entries by the text of their default, a schedule, how they were tuned, and what on."""

    trials: StrictInt
    objective: str
    setting: str
    densities: tuple[StrictFloat, ...]
    seeds: tuple[StrictInt, ...]
    tuned_on: dict[str, str | StrictInt]
    training: TunedSchedule = TunedSchedule()
    entries: dict[str, str] = Field(default_factory=dict)


def tuned_on(plan: Plan) -> dict[str, str | int]:
    """Return what parameters were tuned on, in a few words: another run may differ, and says so."""
    return {
        "dataset": plan.data.name,
        "network": plan.network,
        "size": plan.data.size,
        "weights": plan.weights,
        "epochs": plan.training.epochs,
        "max_steps": plan.training.max_steps,
        "batch_size": plan.training.batch_size,
    }


def refuse_foreign_file(path: Path) -> None:
    """Raise `UsageError` where a file of somebody else is in the place of a parameter file."""
    with disk_errors(path):
        if path.exists() and not path.read_text("utf-8", errors="replace").startswith(HEADER):
            raise UsageError(
                f"{path} was not written by `harness tune`", fix="move it away, or name another file with --output"
            )


def write_parameters(path: Path, parameters: Parameters, command: str, lock: Path) -> None:
    """Write the file whole, under a ``lock``; what it already holds of other entries, tuned alike, stays.

    Raises `UsageError` as `refuse_foreign_file`, `MachineError` where the disk fails.
    """
    refuse_foreign_file(path)
    with disk_errors(path), locked(lock, waiting=lambda: None):
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(UsageError):  # absent, or not readable: nothing to keep
            before = read_parameters(path)
            if replace(before, entries={}) == replace(parameters, entries={}):
                parameters = replace(parameters, entries={**before.entries, **parameters.entries})
        write_whole(path, text_of(parameters, command).encode())


def text_of(parameters: Parameters, command: str) -> str:
    """Return the file's text: TOML, with the command that made it."""
    schedule = {name: value for name, value in vars(parameters.training).items() if not name.startswith("_")}
    tables: dict[str, Mapping[str, Any]] = {
        "tuned_on": parameters.tuned_on,
        "training": {name: value for name, value in schedule.items() if value is not None},
        "entries": parameters.entries,
    }
    lines = [HEADER, f"# {_printable(command)}", ""]
    lines += [f"trials = {parameters.trials}", f"objective = {_quoted(parameters.objective)}"]
    lines += [f"setting = {_quoted(parameters.setting)}", f"densities = {list(parameters.densities)}"]
    lines += [f"seeds = {list(parameters.seeds)}"]
    for table, values in tables.items():
        lines += ["", f"[{table}]", *(f"{_key(name)} = {_value(value)}" for name, value in values.items())]
    return "\n".join(lines) + "\n"


def _key(name: str) -> str:
    return name if re.fullmatch("[a-z_]+", name) else _quoted(name)


def _printable(text: str) -> str:
    """Return a text for a comment: no control character, and nothing that is not UTF-8."""
    kept = text.encode("utf-8", "backslashreplace").decode()
    return " ".join("".join(c if c.isprintable() else " " for c in kept).split())


def _value(value: Any) -> str:
    return _quoted(value) if isinstance(value, str) else toml_text(value)  # repr has True for true


def _quoted(text: str) -> str:
    """Return a TOML basic string."""
    escaped = "".join(c if c >= " " and c not in '"\\\x7f' else f"\\u{ord(c):04x}" for c in text)
    return f'"{escaped}"'


def read_parameters(path: Path) -> Parameters:
    """Return what a file holds. Raises `UsageError` with all its faults at once."""
    values = read_toml(path, "parameter file")
    try:
        return TypeAdapter(Parameters).validate_python(values)
    except ValidationError as error:
        faults = [f"{'.'.join(map(str, fault['loc']))}: {fault['msg'].lower()}" for fault in error.errors()]
        raise UsageError(
            f"parameter file {path} has faults",
            faults=faults,
            fix="write it with `harness tune`; docs/tuning.md shows one",
        ) from None


def apply(
    plan: Plan, parameters: Parameters, losses: Mapping[str, LossSchedule], source: str
) -> tuple[Plan, list[str]]:
    """Return the plan under the tuned schedule, each tuned entry beside its default, and notes on what is not tuned.

    Raises `UsageError` for entries that cannot be, for seeds that tuning saw, and where no entry of the plan was tuned.
    """
    entries: dict[str, Entry] = {}
    notes, faults = _other_setting(plan, parameters, source), []
    for entry in plan.entries:
        entries[entry.text] = entry
        text = parameters.entries.get(entry.in_float().text)
        if text is None:
            if entry.text not in REFERENCES:
                notes.append(f"{entry.text} was not tuned in {source}: it runs its default")
            continue
        try:
            [tuned] = resolve([text], {}, None, losses)[0]
            tuned = tuned.twin() if entry.is_quantised else tuned
            entries.setdefault(tuned.text, tuned)
        except UsageError as error:
            faults += [f"{entry.text}: {fault}" for fault in error.faults]
        except ValueError:
            faults.append(f"{entry.text}: {text!r} is not one entry")
    if overlap := sorted({*plan.seeds} & {*parameters.seeds}):
        faults.append(f"seeds {', '.join(map(str, overlap))} were used in tuning: results would be flattered")
    if parameters.entries and not any(one.in_float().text in parameters.entries for one in plan.entries):
        faults.append(_no_match(plan.entries, parameters))
    if faults:
        raise UsageError(f"the parameters of {source} cannot be used", faults=faults)
    return replace(plan, entries=tuple(entries.values()), training=_schedule(plan.training, parameters)), notes


def _schedule(schedule: Schedule, parameters: Parameters) -> Schedule:
    tuned = parameters.training
    return replace(
        schedule,
        learning_rate=schedule.learning_rate if tuned.learning_rate is None else tuned.learning_rate,
        weight_decay=schedule.weight_decay if tuned.weight_decay is None else tuned.weight_decay,
    )


def _other_setting(plan: Plan, parameters: Parameters, source: str) -> list[str]:
    here = tuned_on(plan)
    there, levels = set(parameters.densities), set(plan.densities)
    densities = [] if there == levels else [f"levels {_listed(there)}, here {_listed(levels)}"]
    other = densities + [
        f"{name} {value}, here {here.get(name)}"
        for name, value in parameters.tuned_on.items()
        if here.get(name) != value
    ]
    return [f"{source} was tuned elsewhere: {'; '.join(other)}"] if other else []


def _listed(densities: set[float]) -> str:
    return ", ".join(f"{100 * density:g} %" for density in sorted(densities, reverse=True))


def _no_match(entries: Sequence[Entry], parameters: Parameters) -> str:
    asked = [entry.text for entry in entries if entry.text not in REFERENCES]
    close = nearest(asked[0], parameters.entries) if asked else ""
    return f"it has none of {', '.join(asked) or 'no entry'}{close}; it has {', '.join(parameters.entries) or 'none'}"
